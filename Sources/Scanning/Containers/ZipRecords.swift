/// The record at the end of a zip that says where its directory is.
struct ZipEnd {
    static let signature: [UInt8] = [0x50, 0x4B, 5, 6]

    /// Where the record begins.
    let offset: Int
    /// Where it ends, with its comment.
    let end: Int
    let entryCount: Int
    /// Where the directory begins, as far as that holds true.
    let directory: Range<Int>
    /// What must be added to every offset in it: above zero where bytes stand in front.
    let base: Int
    let comment: Range<Int>
    /// Where the 64-bit records stand, if there are any.
    let wide: Range<Int>?

    /// The last one in the bytes that leads to a directory, where zip readers look for it.
    static func last(in bytes: UnsafeRawBufferPointer) -> ZipEnd? {
        all(in: bytes, from: max(0, bytes.count - 66_000)).last
    }

    /// Every one from `start` on that leads to a directory.
    static func all(in bytes: UnsafeRawBufferPointer, from start: Int) -> [ZipEnd] {
        var ends: [ZipEnd] = []
        var position = start
        while ends.count < 64, let found = bytes.first(signature, from: position) {
            if let end = ZipEnd(bytes, at: found) { ends.append(end) }
            position = found + 1
        }
        return ends
    }

    init?(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard bytes.count - offset >= 22, bytes.has(Self.signature, at: offset),
            var count = bytes.size(2, at: offset + 10), var size = bytes.size(4, at: offset + 12),
            var start = bytes.size(4, at: offset + 16),
            let commentCount = bytes.size(2, at: offset + 20)
        else { return nil }
        var before = offset
        var wide: Range<Int>?
        if bytes.has([0x50, 0x4B, 6, 7], at: offset - 20),
            let record = bytes.size(8, at: offset - 12)
        {
            // The record stands right before its locator where the offset is off by a prefix.
            let places = [record, offset - 20 - 56].filter {
                bytes.has([0x50, 0x4B, 6, 6], at: $0)
            }
            if let place = places.first, let wideCount = bytes.size(8, at: place + 32),
                let wideSize = bytes.size(8, at: place + 40),
                let wideStart = bytes.size(8, at: place + 48)
            {
                (count, size, start) = (wideCount, wideSize, wideStart)
                before = place
                wide = place..<offset
            }
        }
        guard size <= before else { return nil }
        let first: [UInt8] = [0x50, 0x4B, 1, 2]
        let actual = before - size
        if count == 0, size == 0 {
            (directory, base) = (actual..<actual, 0)
        } else if bytes.has(first, at: actual), actual >= start {
            (directory, base) = (actual..<before, actual - start)
        } else if bytes.has(first, at: start), size <= bytes.count - start {
            (directory, base) = (start..<(start + size), 0)
        } else {
            return nil
        }
        self.offset = offset
        self.wide = wide
        entryCount = count
        end = min(bytes.count, offset + 22 + commentCount)
        comment = (offset + 22)..<end
    }
}

/// What one record of a zip says of an entry: its directory, or the entry itself.
struct ZipHeader {
    let offset: Int
    let end: Int
    let name: String
    let flags: Int
    let method: Int
    let checksum: Int
    var packedCount: Int
    var count: Int
    /// Where the entry's own header begins, as the directory says.
    var localOffset = 0
    var mode = 0
    var commentCount = 0

    var isEncrypted: Bool { flags & 1 != 0 }
    /// Sizes and checksum follow the data instead of standing in the entry's header.
    var hasDescriptor: Bool { flags & 8 != 0 }
    var isFolder: Bool { name.hasSuffix("/") }
    var isLink: Bool { mode & 0xF000 == 0xA000 }

    /// The directory's record at `offset`.
    static func central(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> ZipHeader? {
        guard bytes.has([0x50, 0x4B, 1, 2], at: offset), bytes.count - offset >= 46,
            let nameCount = bytes.size(2, at: offset + 28),
            let extraCount = bytes.size(2, at: offset + 30),
            let commentCount = bytes.size(2, at: offset + 32),
            let attributes = bytes.size(4, at: offset + 38),
            let local = bytes.size(4, at: offset + 42)
        else { return nil }
        guard
            var header = ZipHeader(
                bytes, at: offset, fields: offset + 8, name: offset + 46, nameCount, extraCount,
                commentCount: commentCount)
        else { return nil }
        header.localOffset = local
        header.mode = attributes >> 16
        header.commentCount = commentCount
        header.readWide(bytes, from: offset + 46 + nameCount, count: extraCount)
        return header
    }

    /// The entry's own header at `offset`.
    static func local(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> ZipHeader? {
        guard bytes.has([0x50, 0x4B, 3, 4], at: offset), bytes.count - offset >= 30,
            let nameCount = bytes.size(2, at: offset + 26),
            let extraCount = bytes.size(2, at: offset + 28)
        else { return nil }
        var header = ZipHeader(
            bytes, at: offset, fields: offset + 6, name: offset + 30, nameCount, extraCount,
            commentCount: 0)
        header?.readWide(bytes, from: offset + 30 + nameCount, count: extraCount)
        return header
    }

    private init?(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, fields: Int, name: Int, _ nameCount: Int,
        _ extraCount: Int, commentCount: Int
    ) {
        guard let flags = bytes.size(2, at: fields), let method = bytes.size(2, at: fields + 2),
            let checksum = bytes.size(4, at: fields + 8),
            let packed = bytes.size(4, at: fields + 12),
            let count = bytes.size(4, at: fields + 16), let text = bytes.part(name, nameCount)
        else { return nil }
        self.offset = offset
        self.flags = flags
        self.method = method
        self.checksum = checksum
        self.name = text.text
        packedCount = packed
        self.count = count
        end = min(bytes.count, name + nameCount + extraCount + commentCount)
    }

    /// The 64-bit extra field, which stands in for numbers that are all ones.
    private mutating func readWide(_ bytes: UnsafeRawBufferPointer, from start: Int, count: Int) {
        var position = start
        while position + 4 <= start + count, let id = bytes.size(2, at: position),
            let size = bytes.size(2, at: position + 2)
        {
            if id == 1 {
                var field = position + 4
                let all = 0xFFFF_FFFF
                if self.count == all, let wide = bytes.size(8, at: field) {
                    self.count = wide
                    field += 8
                }
                if packedCount == all, let wide = bytes.size(8, at: field) {
                    packedCount = wide
                    field += 8
                }
                if localOffset == all, let wide = bytes.size(8, at: field) { localOffset = wide }
                // Beyond any file, and still far from where sums overflow.
                (self.count, packedCount, localOffset) = (
                    min(self.count, 1 << 60), min(packedCount, 1 << 60), min(localOffset, 1 << 60)
                )
            }
            position += 4 + size
        }
    }
}
