import Files

/// Reads the records of a zip archive out of untrusted bytes.
struct ZipScanner {
    let bytes: UnsafeRawBufferPointer
    let file: String
    let limits: ReadLimits

    private struct Directory {
        let offset: Int
        let count: Int
        let entryCount: Int
    }

    func failure(_ what: String, at place: String = "zip directory") -> FormatError {
        FormatError(
            file: file, what: what, where: place,
            advice: "the file is damaged or was cut short; download or copy it again")
    }

    /// An error for what some readers would take otherwise than others.
    func refusal(_ what: String, at place: String = "zip directory") -> FormatError {
        FormatError(
            file: file, what: what + ", which torch.save never writes and readers take differently",
            where: place, advice: "load it with PyTorch and save its state_dict again",
            kind: .hostile)
    }

    func field<Integer: FixedWidthInteger>(_ type: Integer.Type, at offset: Int) throws -> Int {
        guard let value = bytes.integer(type, at: offset), let small = Int(exactly: value) else {
            throw failure("a record is not within the file")
        }
        return small
    }

    /// The entries of the directory, in its order.
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
            let (entry, next) = try entry(at: position)
            guard next <= end else { throw failure("an entry runs past the directory") }
            entries.append(entry)
            position = next
        }
        guard position == end else { throw failure("bytes are left over after the last entry") }
        return entries
    }

    // MARK: End records

    /// Finds the directory through the end record, which nothing follows.
    private func directory() throws -> Directory {
        let end = bytes.count - 22
        guard end >= 0, bytes.integer(UInt32.self, at: end) == ZipDirectory.endSignature else {
            throw failure(
                "the zip archive does not end in an end record; a comment or other bytes follow it,"
                    + " or it is cut short")
        }
        guard try field(UInt16.self, at: end + 20) == 0 else {
            throw refusal("the zip archive has a comment")
        }
        guard try field(UInt16.self, at: end + 4) == 0, try field(UInt16.self, at: end + 6) == 0
        else {
            throw failure("archives of several disks are not supported")
        }
        let short = Directory(
            offset: try field(UInt32.self, at: end + 16),
            count: try field(UInt32.self, at: end + 12),
            entryCount: try field(UInt16.self, at: end + 10))
        guard try field(UInt16.self, at: end + 8) == short.entryCount else {
            throw failure("the end record contradicts itself")
        }
        guard bytes.integer(UInt32.self, at: end - 20) == ZipDirectory.locatorSignature else {
            return try checked(short, endsAt: end)
        }
        let (directory, start) = try wideDirectory(locator: end - 20)
        guard [directory.entryCount, 0xFFFF].contains(short.entryCount),
            [directory.count, 0xFFFF_FFFF].contains(short.count),
            [directory.offset, 0xFFFF_FFFF].contains(short.offset)
        else {
            throw failure("the zip64 end record contradicts the end record")
        }
        return try checked(directory, endsAt: start)
    }

    /// The directory as the zip64 end record has it, and where that record starts.
    private func wideDirectory(locator: Int) throws -> (Directory, start: Int) {
        let start = locator - 56
        guard try field(UInt64.self, at: locator + 8) == start,
            bytes.integer(UInt32.self, at: start) == ZipDirectory.end64Signature,
            try field(UInt64.self, at: start + 4) == 44
        else {
            throw failure("the zip64 end record is not where the locator says")
        }
        let count = try field(UInt64.self, at: start + 32)
        guard try field(UInt32.self, at: locator + 4) == 0,
            try field(UInt32.self, at: locator + 16) == 1,
            try field(UInt32.self, at: start + 16) == 0,
            try field(UInt32.self, at: start + 20) == 0,
            try field(UInt64.self, at: start + 24) == count
        else {
            throw failure("archives of several disks are not supported")
        }
        let directory = Directory(
            offset: try field(UInt64.self, at: start + 48),
            count: try field(UInt64.self, at: start + 40), entryCount: count)
        return (directory, start)
    }

    private func checked(_ directory: Directory, endsAt end: Int) throws -> Directory {
        let (sum, overflow) = directory.offset.addingReportingOverflow(directory.count)
        guard !overflow, sum == end else {
            throw failure("the directory does not end where the end record starts")
        }
        return directory
    }

    // MARK: Directory

    private func entry(at position: Int) throws -> (ZipEntry, next: Int) {
        guard bytes.integer(UInt32.self, at: position) == ZipDirectory.entrySignature else {
            throw failure("expected an entry at byte \(position)")
        }
        let nameCount = try field(UInt16.self, at: position + 28)
        let extraCount = try field(UInt16.self, at: position + 30)
        guard let nameBytes = bytes.part(from: position + 46, count: nameCount),
            let name = String(validating: nameBytes, as: UTF8.self)
        else {
            throw failure("the name of the entry at byte \(position) is not UTF-8")
        }
        let place = "entry \(name.quotedForMessage)"
        guard let extra = bytes.part(from: position + 46 + nameCount, count: extraCount) else {
            throw failure("a record is not within the file", at: place)
        }
        var wide = Zip64Fields(
            count: try field(UInt32.self, at: position + 24),
            storedCount: try field(UInt32.self, at: position + 20),
            headerOffset: try field(UInt32.self, at: position + 42))
        for (kind, field) in try extraFields(extra, at: place) {
            guard kind == 1 else {
                throw refusal("has the extra field 0x\(String(kind, radix: 16))", at: place)
            }
            guard wide.widen(from: field) else { throw failure("damaged zip64 field", at: place) }
        }
        let entry = ZipEntry(
            name: name, flags: UInt16(try field(UInt16.self, at: position + 8)),
            time: UInt32(try field(UInt32.self, at: position + 12)),
            checksum: UInt32(try field(UInt32.self, at: position + 16)), count: wide.count,
            directoryOffset: position, headerOffset: wide.headerOffset)
        try check(entry, method: try field(UInt16.self, at: position + 10), place: place)
        guard wide.storedCount == wide.count else {
            throw failure("is stored, but its two sizes differ", at: place)
        }
        return (entry, position + 46 + nameCount + extraCount)
    }

    private func check(_ entry: ZipEntry, method: Int, place: String) throws {
        // Bits 0, 6 and 13: encryption, strong encryption, a masked header.
        guard entry.flags & 0x2041 == 0 else {
            throw FormatError(
                file: file, what: "is encrypted, which is not supported", where: place,
                advice: "save the checkpoint without encryption")
        }
        // PyTorch maps the file and takes the bytes as they are, or expands them, as it is asked.
        guard method == 0 else {
            throw refusal("is compressed (method \(method))", at: place)
        }
        // Bits 3 and 11: a data descriptor follows; the name is UTF-8, else it is in a code page.
        guard entry.flags & ~0x0808 == 0,
            entry.flags & 0x0800 != 0 || entry.name.utf8.allSatisfy({ $0 < 0x80 })
        else {
            throw refusal("has the flags 0x\(String(entry.flags, radix: 16))", at: place)
        }
        let start = entry.directoryOffset
        guard try field(UInt16.self, at: start + 32) == 0 else {
            throw refusal("has a comment", at: place)
        }
        guard try field(UInt16.self, at: start + 34) == 0 else {
            throw failure("archives of several disks are not supported", at: place)
        }
        let attributes = try field(UInt32.self, at: start + 38)
        // MS-DOS's bit of a directory; the type in Unix's mode, which is none or a regular file.
        guard attributes & 0x10 == 0, [0, 0o10].contains(attributes >> 28) else {
            throw refusal("is a folder, a link or a device", at: place)
        }
    }

    /// The kind and content of each extra field in `extra`, which they must fill.
    func extraFields(
        _ extra: UnsafeRawBufferPointer, at place: String
    ) throws -> [(kind: Int, field: UnsafeRawBufferPointer)] {
        var fields: [(kind: Int, field: UnsafeRawBufferPointer)] = []
        var position = 0
        while position < extra.count {
            guard let kind = extra.integer(UInt16.self, at: position),
                let count = extra.integer(UInt16.self, at: position + 2),
                let field = extra.part(from: position + 4, count: Int(count)),
                !fields.contains(where: { $0.kind == Int(kind) })
            else {
                throw failure("damaged extra fields", at: place)
            }
            fields.append((Int(kind), field))
            position += 4 + Int(count)
        }
        return fields
    }
}

/// The three values of an entry that a zip64 extra field replaces where they are saturated.
struct Zip64Fields {
    var count: Int
    var storedCount: Int
    var headerOffset: Int

    private static let saturated = 0xFFFF_FFFF

    var isSaturated: Bool { [count, storedCount, headerOffset].contains(Self.saturated) }

    /// Takes the wide values out of `field`; false unless it holds exactly those that are wanting.
    mutating func widen(from field: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        for path in [\Self.count, \Self.storedCount, \Self.headerOffset]
        where self[keyPath: path] == Self.saturated {
            guard let value = field.integer(UInt64.self, at: position),
                let small = Int(exactly: value)
            else {
                return false
            }
            self[keyPath: path] = small
            position += 8
        }
        return position == field.count
    }
}
