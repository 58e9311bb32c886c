import Files

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension UnsafeRawBufferPointer {
    /// The little-endian integer at `offset`, or nil where it is not within the buffer.
    func little<Integer: FixedWidthInteger>(_ type: Integer.Type, at offset: Int) -> Integer? {
        let size = MemoryLayout<Integer>.size
        guard offset >= 0, count >= size, offset <= count - size else { return nil }
        return Integer(littleEndian: loadUnaligned(fromByteOffset: offset, as: Integer.self))
    }

    /// The unsigned little-endian number of `size` bytes at `offset`, where it fits an `Int`.
    func size(_ size: Int, at offset: Int) -> Int? {
        switch size {
        case 1: little(UInt8.self, at: offset).map(Int.init)
        case 2: little(UInt16.self, at: offset).map(Int.init)
        case 4: little(UInt32.self, at: offset).map(Int.init)
        default: little(UInt64.self, at: offset).flatMap { Int(exactly: $0) }
        }
    }

    /// The `length` bytes from `offset`, or nil where they are not within the buffer.
    func part(_ offset: Int, _ length: Int) -> UnsafeRawBufferPointer? {
        guard offset >= 0, length >= 0, offset <= count, length <= count - offset else {
            return nil
        }
        return UnsafeRawBufferPointer(rebasing: self[offset..<(offset + length)])
    }

    /// What follows `offset`, at most `length` bytes of it.
    func rest(from offset: Int, atMost length: Int = .max) -> UnsafeRawBufferPointer {
        let start = Swift.min(Swift.max(offset, 0), count)
        return UnsafeRawBufferPointer(
            rebasing: self[start..<(start + Swift.max(0, Swift.min(length, count - start)))])
    }

    /// Whether the bytes at `offset` are these.
    func has(_ bytes: [UInt8], at offset: Int = 0) -> Bool {
        guard let found = part(offset, bytes.count) else { return false }
        return found.elementsEqual(bytes)
    }

    /// Whether the bytes at `offset` are this text.
    func has(_ text: StaticString, at offset: Int = 0) -> Bool {
        guard let found = part(offset, text.utf8CodeUnitCount) else { return false }
        return text.withUTF8Buffer { found.elementsEqual($0) }
    }

    /// The first place at or after `offset` where `byte` stands.
    func first(_ byte: UInt8, from offset: Int) -> Int? {
        guard offset >= 0, offset < count, let base = baseAddress else { return nil }
        guard let found = memchr(base + offset, Int32(byte), count - offset) else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// The first place at or after `offset` where the bytes of `needle` stand.
    func first(_ needle: [UInt8], from offset: Int = 0) -> Int? {
        guard let head = needle.first, let base = baseAddress else { return nil }
        var position = offset
        while let found = first(head, from: position), needle.count <= count - found {
            if memcmp(base + found, needle, needle.count) == 0 { return found }
            position = found + 1
        }
        return nil
    }

    /// Whether the text stands anywhere.
    func contains(_ text: String) -> Bool { first(Array(text.utf8)) != nil }

    /// The bytes as text, with what is not UTF-8 replaced.
    var text: String { String(decoding: self, as: UTF8.self) }

    /// Whether all bytes are zero.
    var isZero: Bool { allSatisfy { $0 == 0 } }
}

/// A text as it may be shown: control, bidirectional and invisible characters escaped, the rest of
/// a long one cut.
public func harmless(_ text: String, atMost limit: Int = 200) -> String {
    var shown = ""
    for scalar in text.unicodeScalars.prefix(limit) {
        if scalar.isHidden {
            shown += "\\u{" + String(scalar.value, radix: 16) + "}"
        } else {
            shown.unicodeScalars.append(scalar)
        }
    }
    return text.unicodeScalars.dropFirst(limit).isEmpty ? shown : shown + "…"
}
