/// What became of one file.
public enum Verdict: String, Codable, CaseIterable, Sendable {
    /// Read to its end; nothing found beyond notes.
    case clean
    /// Something in it deserves a look.
    case suspicious
    /// It runs code, reaches outside, or is made to deceive.
    case hostile
    /// Broken or cut short: what is left was examined.
    case damaged
    /// Of a kind that cannot be looked into, at least in part.
    case unsupported
    /// The operating system did not let it be read.
    case unreadable
}

/// One file that was scanned.
public struct FileRecord: Codable, Equatable, Sendable {
    /// The file, as it was reached from the path that was scanned.
    public let path: String
    /// What it is, told by its content: `torch zip`, `safetensors`, `pickle`.
    public let format: String
    /// Its size in bytes.
    public let bytes: Int
    /// How many things inside it were examined: entries of archives, pickles, tensors.
    public let examined: Int
    /// Its state, the worst that applies.
    public let verdict: Verdict
    /// Whether some of it could not be examined, whatever the verdict.
    public let isIncomplete: Bool
}

/// All that a scan found.
public struct ScanReport: Codable, Equatable, Sendable {
    /// How many files have which verdict, how many findings which severity.
    public struct Summary: Codable, Equatable, Sendable {
        /// Files that were looked at.
        public var files = 0
        /// Bytes in them.
        public var bytes = 0
        /// Files by verdict; those without files are left out.
        public var verdicts: [String: Int] = [:]
        /// Findings by severity.
        public var findings: [String: Int] = [:]
        /// Names that pickles import, by grade.
        public var globals: [String: Int] = [:]
    }

    /// How the scan ended: `clean`, `findings` or `incomplete`.
    public enum Status: String, Codable, Sendable {
        /// All was examined, nothing found: exit code 0.
        case clean
        /// Something was found: exit code 1.
        case findings
        /// Something could not be examined, or there was nothing to examine: exit code 2.
        case incomplete
    }

    /// How the scan ended.
    public let status: Status
    /// Counts.
    public let summary: Summary
    /// The files, in the order of their paths.
    public let files: [FileRecord]
    /// What was found, the weightiest first within a file.
    public let findings: [Finding]
    /// Every name that a pickle imports, safe ones too.
    public let globals: [GlobalRecord]

    init(files: [FileRecord], findings: [Finding], globals: [GlobalRecord]) {
        self.files = files
        self.findings = findings
        self.globals = globals
        var summary = Summary()
        for file in files {
            summary.files += 1
            summary.bytes += file.bytes
            summary.verdicts[file.verdict.rawValue, default: 0] += 1
        }
        for finding in findings { summary.findings[finding.severity.rawValue, default: 0] += 1 }
        for global in globals { summary.globals[global.grade.rawValue, default: 0] += 1 }
        self.summary = summary
        if findings.contains(where: { $0.severity > .note && !$0.rule.isLimit }) {
            status = .findings
        } else if files.isEmpty || files.contains(where: \.isIncomplete) {
            status = .incomplete
        } else {
            status = .clean
        }
    }
}
