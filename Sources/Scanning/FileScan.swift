/// The scan of one file: what is found in it and in whatever lies within.
final class FileScan {
    /// The file, as it was reached from the path that was scanned.
    let path: String
    let limits: ScanLimits
    /// Size of the file in bytes.
    let size: Int
    private(set) var findings: [Finding] = []
    private(set) var globals: [GlobalRecord] = []
    private var globalPositions: [String: Int] = [:]
    private var findingCount = 0
    /// What the file is; set once its content was looked at.
    var format = "unknown"
    /// Things inside it that were examined.
    var examined = 0
    /// Bytes of expanded members that are in memory now.
    var liveBytes = 0
    /// Bytes that members expanded to so far.
    var expandedBytes = 0
    /// Bytes that were looked at so far, each as often as it was.
    private var readBytes = 0
    var isDamaged = false
    var isUnsupported = false
    var isUnreadable = false
    /// Facts about the weights that the folder compares with its configs.
    var tensorShapes: [String: [Int]] = [:]
    /// Root mean squares of the matrices, by name.
    var tensorMagnitudes: [(name: String, size: Double)] = []
    /// Lets go of pages of the file that were read.
    private let releasePages: () -> Void
    private var unreleased = 0
    /// Whether the values of tensors are read.
    let readsValues: Bool

    init(
        path: String, size: Int, limits: ScanLimits, readsValues: Bool = true,
        releasePages: @escaping () -> Void = {}
    ) {
        self.readsValues = readsValues
        self.releasePages = releasePages
        self.path = path
        self.size = size
        self.limits = limits
    }

    /// Notes that `count` more bytes were read; now and then their memory is given back.
    func release(after count: Int) {
        unreleased += count
        guard unreleased >= 256 << 20 else { return }
        unreleased = 0
        releasePages()
    }

    /// Takes note of something found.
    func report(
        _ rule: ScanRule, _ severity: Severity? = nil, at place: Place, offset: Int? = nil,
        _ message: String
    ) {
        switch rule {
        case .formatDamaged, .containerDamaged, .configDamaged, .safetensorsHeader,
            .containerChecksum, .pickleBroken:
            isDamaged = true
        case .formatUnsupported, .formatUnknown, .containerEncrypted, .containerDepth,
            .pickleLimit, .containerBomb:
            isUnsupported = true
        case .folderUnreadable: isUnreadable = true
        default: break
        }
        findingCount += 1
        guard findingCount <= limits.maximumFindings else { return }
        findings.append(
            Finding(
                rule: rule, severity: severity ?? rule.severity, path: path, member: place.member,
                offset: offset, message: message))
    }

    /// Takes note of an imported name; where it is not safe, of a finding.
    func report(_ global: PickleWalker.Global, isBenign: Bool, base: Int, at place: Place) {
        var (grade, reason) = GlobalGrades.grade(global.module, global.name)
        if isBenign, grade == .dangerous {
            (grade, reason) = (.safe, "fetches a member of an enumeration, and nothing else")
        }
        let key = "\(place.member ?? "")\n\(global.module)\n\(global.name)"
        if let position = globalPositions[key] {
            globals[position].count += global.count
            globals[position].isCalled = globals[position].isCalled || global.isCalled
            return
        }
        guard globals.count < limits.maximumGlobals else { return }
        globalPositions[key] = globals.count
        globals.append(
            GlobalRecord(
                path: path, member: place.member, offset: base + global.offset,
                module: global.module, name: global.name, grade: grade, reason: reason,
                isCalled: global.isCalled, count: global.count))
        guard grade != .safe else { return }
        let called =
            global.isCalled ? ", called with (\(global.arguments ?? "…"))" : ", not called"
        report(
            grade == .dangerous ? .pickleDangerousGlobal : .pickleUnknownGlobal, at: place,
            offset: base + global.offset,
            "\(harmless(global.module)).\(harmless(global.name)) \(reason)\(called)")
    }

    /// The state of the file, once it was examined.
    var record: FileRecord {
        FileRecord(
            path: path, format: format, bytes: size, examined: examined, verdict: verdict,
            isIncomplete: isUnreadable || isUnsupported || isDamaged)
    }

    private var verdict: Verdict {
        let weighty = findings.filter { !$0.rule.isLimit }.map(\.severity).max() ?? .note
        if weighty == .error { return .hostile }
        if isUnreadable { return .unreadable }
        if weighty == .warning { return isDamaged ? .damaged : .suspicious }
        if isDamaged { return .damaged }
        return isUnsupported ? .unsupported : .clean
    }

    /// Findings that were not kept for want of room.
    var omittedFindings: Int { max(0, findingCount - limits.maximumFindings) }

    // MARK: - Room for expanded members

    /// How many bytes a member may expand to now.
    var room: Int {
        let live = limits.expandedBytes + 8 * min(size, 1 << 40) - liveBytes
        let total = limits.totalExpandedBytes + 200 * min(size, 1 << 40) - expandedBytes
        return max(0, min(live, total))
    }

    /// Whether so many more bytes may be looked at; says so where a file asks for more than its due.
    func admits(_ count: Int, at place: Place) -> Bool {
        let due =
            limits.readBytes + 32 * (min(size, 1 << 40) + min(expandedBytes, 1 << 40))
        let wasWithin = readBytes <= due
        readBytes += min(count, 1 << 40)
        if readBytes > due, wasWithin {
            report(
                .containerBomb, at: place,
                "its parts lie within one another, so that more than \(due) bytes would have to be "
                    + "read; the rest was not examined")
        }
        return readBytes <= due
    }

    /// Calls `body` with expanded bytes, which count towards what is in memory meanwhile.
    func holding(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) -> Void) {
        liveBytes += bytes.count
        expandedBytes += bytes.count
        bytes.withUnsafeBytes(body)
        liveBytes -= bytes.count
    }
}

/// Where in a file something is: the names of the members around it, and how deep it lies.
struct Place {
    /// Names of the members, outermost first, between exclamation marks; nil in the file itself.
    var member: String?
    /// The last name, without folders.
    var name: String
    var depth = 0

    init(file name: String) { self.name = name }

    /// The place of a member within this one.
    func entering(_ member: String) -> Place {
        var inner = self
        inner.member = (self.member.map { $0 + "!" } ?? "") + member
        inner.name = member.split(separator: "/").last.map(String.init) ?? member
        inner.depth += 1
        return inner
    }

    /// What follows the last full stop of the name, in small letters.
    var suffix: String {
        guard let stop = name.lastIndex(of: "."), stop != name.startIndex else { return "" }
        return name[name.index(after: stop)...].lowercased()
    }
}
