/// UTF-8 decoding that replaces what is invalid by U+FFFD, one per maximal subpart, as Python's
/// `errors="replace"` and the Unicode standard do.
enum UTF8Scalar {
    static let replacement: UInt32 = 0xFFFD

    /// The scalar at `index` and the number of bytes it takes.
    static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, at index: Int
    ) -> (scalar: UInt32, length: Int) {
        let first = bytes[index]
        guard first >= 0x80 else { return (UInt32(first), 1) }
        let length: Int
        // The second byte's range excludes overlong forms, surrogates and what is past U+10FFFF.
        var allowed: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, allowed) = (3, 0xA0...0xBF)
        case 0xED: (length, allowed) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, allowed) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, allowed) = (4, 0x80...0x8F)
        default: return (replacement, 1)
        }
        var scalar = UInt32(first) & (0x7F >> UInt32(length))
        for position in 1..<length {
            guard index + position < bytes.count, allowed.contains(bytes[index + position]) else {
                return (replacement, position)
            }
            scalar = scalar << 6 | UInt32(bytes[index + position] & 0x3F)
            allowed = 0x80...0xBF
        }
        return (scalar, length)
    }

    /// The scalar that ends right before `end`, and where it starts. `end` must be above 0.
    static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, before end: Int
    ) -> (scalar: UInt32, start: Int) {
        for start in stride(from: end - 1, through: max(0, end - 4), by: -1)
        where bytes[start] & 0xC0 != 0x80 {
            let (scalar, length) = decode(bytes, at: start)
            if start + length == end {
                return (scalar, start)
            }
            break
        }
        return (replacement, end - 1)
    }

    /// Appends the UTF-8 form of a valid scalar.
    @inline(__always)
    static func append(_ scalar: UInt32, to bytes: inout [UInt8]) {
        switch scalar {
        case 0..<0x80:
            bytes.append(UInt8(truncatingIfNeeded: scalar))
        case 0x80..<0x800:
            bytes.append(0xC0 | UInt8(truncatingIfNeeded: scalar >> 6))
            bytes.append(0x80 | UInt8(truncatingIfNeeded: scalar & 0x3F))
        case 0x800..<0x10000:
            bytes.append(0xE0 | UInt8(truncatingIfNeeded: scalar >> 12))
            bytes.append(0x80 | UInt8(truncatingIfNeeded: scalar >> 6 & 0x3F))
            bytes.append(0x80 | UInt8(truncatingIfNeeded: scalar & 0x3F))
        default:
            bytes.append(0xF0 | UInt8(truncatingIfNeeded: scalar >> 18))
            bytes.append(0x80 | UInt8(truncatingIfNeeded: scalar >> 12 & 0x3F))
            bytes.append(0x80 | UInt8(truncatingIfNeeded: scalar >> 6 & 0x3F))
            bytes.append(0x80 | UInt8(truncatingIfNeeded: scalar & 0x3F))
        }
    }
}
