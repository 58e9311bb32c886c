import Files

/// Local headers, data and descriptors: each says what the directory says, and they fill the file
/// from its first byte to the directory.
extension ZipScanner {
    /// The entries with the positions of their data, once the local headers agree.
    func located(_ entries: [ZipEntry]) throws -> [ZipEntry] {
        var located = entries
        let order = entries.indices.sorted { entries[$0].headerOffset < entries[$1].headerOffset }
        let directoryStart = entries.map(\.directoryOffset).min() ?? 0
        var position = 0
        for (place, index) in order.enumerated() {
            let name = "entry \(entries[index].name.quotedForMessage)"
            guard entries[index].headerOffset == position else {
                let what = entries[index].headerOffset < position ? "overlap" : "belong to no entry"
                throw refusal("bytes before byte \(position) or from there on \(what)", at: name)
            }
            located[index].dataOffset = try dataOffset(of: entries[index], place: name)
            let next =
                place + 1 < order.count ? entries[order[place + 1]].headerOffset : directoryStart
            guard located[index].dataEnd >= located[index].dataOffset,
                located[index].dataEnd <= next
            else {
                throw failure("data run into what follows", at: name)
            }
            located[index].descriptorCount = next - located[index].dataEnd
            try checkDescriptor(of: located[index], place: name)
            position = next
        }
        guard position == directoryStart else { throw failure("the archive is empty") }
        return located
    }

    private func dataOffset(of entry: ZipEntry, place: String) throws -> Int {
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
            try field(UInt16.self, at: start + 8) == 0,
            try field(UInt32.self, at: start + 10) == Int(entry.time)
        else {
            throw failure("the local header contradicts the zip directory", at: place)
        }
        try checkLocal(entry, extra, place: place)
        return start + 30 + nameCount + extraCount
    }

    /// Checks sizes, checksum and extra fields of a local header.
    private func checkLocal(
        _ entry: ZipEntry, _ extra: UnsafeRawBufferPointer, place: String
    ) throws {
        var wide = Zip64Fields(
            count: try field(UInt32.self, at: entry.headerOffset + 22),
            storedCount: try field(UInt32.self, at: entry.headerOffset + 18), headerOffset: 0)
        let checksum = try field(UInt32.self, at: entry.headerOffset + 14)
        for (kind, field) in try extraFields(extra, at: place) {
            switch kind {
            case 1 where entry.hasDescriptor && !wide.isSaturated:
                // PyTorch's writer notes here what it knows so far, in any case no other numbers.
                let known = [0, entry.count, entry.headerOffset]
                guard field.count.isMultiple(of: 8), field.count <= 24,
                    stride(from: 0, to: field.count, by: 8).allSatisfy({ position in
                        field.integer(Int64.self, at: position).map { known.contains(Int($0)) }
                            ?? false
                    })
                else {
                    throw failure("the local header contradicts the zip directory", at: place)
                }
            case 1:
                guard wide.widen(from: field) else {
                    throw failure("damaged zip64 field", at: place)
                }
            case 0x4246:
                // PyTorch's padding, which brings the data to a multiple of 64 bytes.
                guard field.allSatisfy({ $0 == UInt8(ascii: "Z") }) else {
                    throw refusal("hides bytes in its padding", at: place)
                }
            default: throw refusal("has the extra field 0x\(String(kind, radix: 16))", at: place)
            }
        }
        let isUnset = entry.hasDescriptor && wide.count == 0 && wide.storedCount == 0
        guard isUnset || wide.count == entry.count && wide.storedCount == entry.count,
            entry.hasDescriptor && checksum == 0 || checksum == Int(entry.checksum)
        else {
            throw failure("the local header contradicts the zip directory", at: place)
        }
    }

    /// Checks that what follows the data is a descriptor that repeats checksum and sizes, or nothing.
    private func checkDescriptor(of entry: ZipEntry, place: String) throws {
        guard entry.hasDescriptor else {
            guard entry.descriptorCount == 0 else {
                throw refusal(
                    "is followed by \(entry.descriptorCount) bytes that belong to no entry",
                    at: place)
            }
            return
        }
        let start = entry.dataEnd
        let sizes: [Int]
        switch entry.descriptorCount {
        case 16: sizes = try [8, 12].map { try field(UInt32.self, at: start + $0) }
        case 24: sizes = try [8, 16].map { try field(UInt64.self, at: start + $0) }
        default:
            throw refusal(
                "is followed by \(entry.descriptorCount) bytes, which are no data descriptor",
                at: place)
        }
        guard bytes.integer(UInt32.self, at: start) == ZipDirectory.descriptorSignature,
            bytes.integer(UInt32.self, at: start + 4) == entry.checksum,
            sizes == [entry.count, entry.count]
        else {
            throw failure("the data descriptor contradicts the zip directory", at: place)
        }
    }
}
