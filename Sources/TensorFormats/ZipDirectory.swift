import Files

/// One file in a zip archive; positions count from the start of the archive.
struct ZipEntry: Sendable {
    let name: String
    let flags: UInt16
    let method: UInt16
    let checksum: UInt32
    let compressedCount: Int
    let count: Int
    /// Where the entry's record in the central directory starts.
    let directoryOffset: Int
    /// Where the entry's local header starts.
    let headerOffset: Int
    /// Where the entry's data start.
    var dataOffset = 0

    var isStored: Bool { method == 0 }
    var hasDescriptor: Bool { flags & 0x8 != 0 }
    var dataEnd: Int { dataOffset + compressedCount }
}

/// The central directory of a zip archive, checked against the local headers.
///
/// Readers of zip differ in which of two contradicting records they believe, so contradictions
/// are refused.
struct ZipDirectory: Sendable {
    static let localSignature: UInt32 = 0x0403_4B50
    static let entrySignature: UInt32 = 0x0201_4B50
    static let endSignature: UInt32 = 0x0605_4B50
    static let end64Signature: UInt32 = 0x0606_4B50
    static let locatorSignature: UInt32 = 0x0706_4B50
    static let descriptorSignature: UInt32 = 0x0807_4B50

    let file: MappedFile
    let entries: [ZipEntry]
    private let positions: [String: Int]

    subscript(name: String) -> ZipEntry? { positions[name].map { entries[$0] } }

    init(file: MappedFile, limits: ReadLimits) throws {
        self.file = file
        var entries = try file.withUnsafeBytes { bytes in
            try ZipScanner(bytes: bytes, file: file.path, limits: limits).scan()
        }
        var positions: [String: Int] = [:]
        for (index, entry) in entries.enumerated() {
            guard positions.updateValue(index, forKey: entry.name) == nil else {
                throw FormatError(
                    file: file.path, what: "appears twice",
                    where: "entry \(entry.name.quotedForMessage)")
            }
        }
        entries = try file.withUnsafeBytes { bytes in
            try ZipScanner(bytes: bytes, file: file.path, limits: limits).located(entries)
        }
        self.entries = entries
        self.positions = positions
    }
}

/// Reads the records of a zip archive out of untrusted bytes.
private struct ZipScanner {
    let bytes: UnsafeRawBufferPointer
    let file: String
    let limits: ReadLimits

    private struct Directory {
        let offset: Int
        let count: Int
        let entryCount: Int
    }

    private func failure(_ what: String, at place: String = "zip directory") -> FormatError {
        FormatError(
            file: file, what: what, where: place,
            advice: "the file is damaged or was cut short; download or copy it again")
    }

    private func field<Integer: FixedWidthInteger>(
        _ type: Integer.Type, at offset: Int
    ) throws -> Int {
        guard let value = bytes.integer(type, at: offset), let small = Int(exactly: value) else {
            throw failure("a record is not within the file")
        }
        return small
    }

    func scan() throws -> [ZipEntry] {
        let directory = try directory()
        guard directory.entryCount <= limits.maximumZipEntries else {
            throw failure(
                "\(directory.entryCount) entries, above the limit of \(limits.maximumZipEntries)")
        }
        guard directory.entryCount <= directory.count / 46 else {
            throw failure("\(directory.entryCount) entries do not fit the directory")
        }
        var entries: [ZipEntry] = []
        entries.reserveCapacity(directory.entryCount)
        var position = directory.offset
        let end = directory.offset + directory.count
        for _ in 0..<directory.entryCount {
            let (entry, next) = try entry(at: position, directory: directory)
            guard next <= end else { throw failure("an entry runs past the directory") }
            entries.append(entry)
            position = next
        }
        guard position == end else { throw failure("bytes are left over after the last entry") }
        return entries
    }

    /// Finds the directory through the end record, which a comment may follow.
    private func directory() throws -> Directory {
        var position = bytes.count - 22
        let lowest = max(0, bytes.count - 22 - 0xFFFF)
        while position >= lowest {
            if bytes.integer(UInt32.self, at: position) == ZipDirectory.endSignature,
                try field(UInt16.self, at: position + 20) == bytes.count - position - 22
            {
                return try directory(endRecord: position)
            }
            position -= 1
        }
        throw failure("the zip archive has no end record")
    }

    private func directory(endRecord end: Int) throws -> Directory {
        guard try field(UInt16.self, at: end + 4) == 0, try field(UInt16.self, at: end + 6) == 0
        else {
            throw failure("archives of several disks are not supported")
        }
        let entries = try field(UInt16.self, at: end + 10)
        let count = try field(UInt32.self, at: end + 12)
        let offset = try field(UInt32.self, at: end + 16)
        guard try field(UInt16.self, at: end + 8) == entries else {
            throw failure("the end record contradicts itself")
        }
        let locator = end - 20
        guard bytes.integer(UInt32.self, at: locator) == ZipDirectory.locatorSignature else {
            return try checked(
                Directory(offset: offset, count: count, entryCount: entries), endsAt: end)
        }
        let end64 = try field(UInt64.self, at: locator + 8)
        guard bytes.integer(UInt32.self, at: end64) == ZipDirectory.end64Signature,
            end64 <= locator,
            locator - end64 >= 56, try field(UInt64.self, at: end64 + 4) == locator - end64 - 12
        else {
            throw failure("the zip64 end record is not where the locator says")
        }
        let directory = Directory(
            offset: try field(UInt64.self, at: end64 + 48),
            count: try field(UInt64.self, at: end64 + 40),
            entryCount: try field(UInt64.self, at: end64 + 32))
        guard entries == 0xFFFF || entries == directory.entryCount,
            count == 0xFFFF_FFFF || count == directory.count,
            offset == 0xFFFF_FFFF || offset == directory.offset
        else {
            throw failure("the zip64 end record contradicts the end record")
        }
        return try checked(directory, endsAt: end64)
    }

    private func checked(_ directory: Directory, endsAt end: Int) throws -> Directory {
        let (sum, overflow) = directory.offset.addingReportingOverflow(directory.count)
        guard !overflow, sum == end else {
            throw failure("the directory does not end where the end record starts")
        }
        return directory
    }

    private func entry(at position: Int, directory: Directory) throws -> (ZipEntry, next: Int) {
        guard bytes.integer(UInt32.self, at: position) == ZipDirectory.entrySignature else {
            throw failure("expected an entry at byte \(position)")
        }
        let nameCount = try field(UInt16.self, at: position + 28)
        let extraCount = try field(UInt16.self, at: position + 30)
        let commentCount = try field(UInt16.self, at: position + 32)
        guard let nameBytes = bytes.part(from: position + 46, count: nameCount),
            let name = String(validating: nameBytes, as: UTF8.self)
        else {
            throw failure("the name of the entry at byte \(position) is not UTF-8")
        }
        let place = "entry \(name.quotedForMessage)"
        var wide = Zip64Fields(
            count: try field(UInt32.self, at: position + 24),
            compressedCount: try field(UInt32.self, at: position + 20),
            headerOffset: try field(UInt32.self, at: position + 42))
        guard let extra = bytes.part(from: position + 46 + nameCount, count: extraCount),
            wide.widen(from: extra)
        else {
            throw failure("the zip64 field is damaged", at: place)
        }
        let entry = ZipEntry(
            name: name, flags: UInt16(try field(UInt16.self, at: position + 8)),
            method: UInt16(try field(UInt16.self, at: position + 10)),
            checksum: UInt32(try field(UInt32.self, at: position + 16)),
            compressedCount: wide.compressedCount, count: wide.count, directoryOffset: position,
            headerOffset: wide.headerOffset)
        try checkSupported(entry, place: place)
        return (entry, position + 46 + nameCount + extraCount + commentCount)
    }

    private func checkSupported(_ entry: ZipEntry, place: String) throws {
        // Bits 0, 6 and 13: encryption, strong encryption, a masked header.
        guard entry.flags & 0x2041 == 0 else {
            throw FormatError(
                file: file, what: "is encrypted, which is not supported", where: place,
                advice: "save the checkpoint without encryption")
        }
        guard entry.method == 0 || entry.method == 8 else {
            throw FormatError(
                file: file, what: "uses compression method \(entry.method)", where: place,
                advice: "only stored and deflated entries are supported")
        }
        guard !entry.isStored || entry.count == entry.compressedCount else {
            throw failure("is stored, but its two sizes differ", at: place)
        }
    }

    /// The entries with the positions of their data, once the local headers agree.
    func located(_ entries: [ZipEntry]) throws -> [ZipEntry] {
        let directoryStart = entries.map(\.directoryOffset).min() ?? 0
        var located: [ZipEntry] = []
        located.reserveCapacity(entries.count)
        for var entry in entries {
            entry.dataOffset = try dataOffset(of: entry)
            let place = "entry \(entry.name.quotedForMessage)"
            guard entry.dataOffset <= directoryStart,
                entry.compressedCount <= directoryStart - entry.dataOffset
            else {
                throw failure("data run past the zip directory", at: place)
            }
            located.append(entry)
        }
        let ordered = located.sorted { $0.headerOffset < $1.headerOffset }
        for (previous, entry) in zip(ordered, ordered.dropFirst())
        where entry.headerOffset < previous.dataEnd {
            throw failure(
                "overlaps entry \(previous.name.quotedForMessage)",
                at: "entry \(entry.name.quotedForMessage)")
        }
        return located
    }

    private func dataOffset(of entry: ZipEntry) throws -> Int {
        let place = "entry \(entry.name.quotedForMessage)"
        let start = entry.headerOffset
        guard start >= 0, start <= bytes.count - 30,
            bytes.integer(UInt32.self, at: start) == ZipDirectory.localSignature
        else {
            throw failure("has no local header at byte \(start)", at: place)
        }
        let nameCount = try field(UInt16.self, at: start + 26)
        let extraCount = try field(UInt16.self, at: start + 28)
        guard let name = bytes.part(from: start + 30, count: nameCount),
            name.elementsEqual(entry.name.utf8),
            let extra = bytes.part(from: start + 30 + nameCount, count: extraCount),
            try field(UInt16.self, at: start + 6) == Int(entry.flags),
            try field(UInt16.self, at: start + 8) == Int(entry.method)
        else {
            throw failure("the local header contradicts the zip directory", at: place)
        }
        if !entry.hasDescriptor { try checkLocalSizes(entry, extra: extra, place: place) }
        return start + 30 + nameCount + extraCount
    }

    private func checkLocalSizes(
        _ entry: ZipEntry, extra: UnsafeRawBufferPointer, place: String
    ) throws {
        var wide = Zip64Fields(
            count: try field(UInt32.self, at: entry.headerOffset + 22),
            compressedCount: try field(UInt32.self, at: entry.headerOffset + 18), headerOffset: 0)
        guard wide.widen(from: extra), wide.count == entry.count,
            wide.compressedCount == entry.compressedCount,
            try field(UInt32.self, at: entry.headerOffset + 14) == Int(entry.checksum)
        else {
            throw failure("the local header contradicts the zip directory", at: place)
        }
    }
}

/// The three values of an entry that a zip64 extra field replaces where they are saturated.
private struct Zip64Fields {
    var count: Int
    var compressedCount: Int
    var headerOffset: Int

    /// Takes the wide values out of `extra`; false where a saturated value has none.
    mutating func widen(from extra: UnsafeRawBufferPointer) -> Bool {
        let saturated = 0xFFFF_FFFF
        guard count == saturated || compressedCount == saturated || headerOffset == saturated else {
            return true
        }
        var position = 0
        while let kind = extra.integer(UInt16.self, at: position),
            let size = extra.integer(UInt16.self, at: position + 2)
        {
            if kind == 1, let field = extra.part(from: position + 4, count: Int(size)) {
                return widen(fromField: field, saturated: saturated)
            }
            position += 4 + Int(size)
        }
        return false
    }

    private mutating func widen(fromField field: UnsafeRawBufferPointer, saturated: Int) -> Bool {
        var position = 0
        func next() -> Int? {
            defer { position += 8 }
            return field.integer(UInt64.self, at: position).flatMap { Int(exactly: $0) }
        }
        for path in [\Self.count, \Self.compressedCount, \Self.headerOffset]
        where self[keyPath: path] == saturated {
            guard let value = next() else { return false }
            self[keyPath: path] = value
        }
        return true
    }
}
