import Files
import Foundation

/// A run of bytes: a slice of a mapped file, or bytes in memory.
public struct ByteRegion: Sendable {
    private enum Backing: Sendable {
        case file(MappedFile)
        case memory([UInt8])
    }

    private let backing: Backing
    private let offset: Int
    /// Number of bytes.
    public let count: Int

    /// Holds `bytes`.
    public init(_ bytes: [UInt8]) {
        backing = .memory(bytes)
        offset = 0
        count = bytes.count
    }

    /// All of `file`.
    public init(_ file: MappedFile) {
        backing = .file(file)
        offset = 0
        count = file.count
    }

    private init(backing: Backing, offset: Int, count: Int) {
        self.backing = backing
        self.offset = offset
        self.count = count
    }

    /// The slice of `count` bytes from `offset`, or nil where it is not within this region.
    public func slice(from offset: Int, count: Int) -> ByteRegion? {
        guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else {
            return nil
        }
        return ByteRegion(backing: backing, offset: self.offset + offset, count: count)
    }

    /// Position of the first byte in the file; nil for bytes that lie in memory (an expanded zip
    /// entry, a strided tensor made contiguous).
    public var fileOffset: Int? {
        if case .file = backing { offset } else { nil }
    }

    /// Calls `body` with the bytes, which are valid during the call only.
    public func withUnsafeBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        switch backing {
        case .file(let file):
            try file.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: part(of: $0))) }
        case .memory(let bytes):
            try bytes.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: part(of: $0))) }
        }
    }

    private func part(of whole: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer> {
        whole[offset..<(offset + count)]
    }

    /// A copy of the bytes.
    public func copy() -> [UInt8] {
        withUnsafeBytes { Array($0) }
    }

    /// Whether both regions hold the same bytes.
    public func hasSameBytes(as other: ByteRegion) -> Bool {
        guard count == other.count else { return false }
        return withUnsafeBytes { left in
            other.withUnsafeBytes { right in
                guard let first = left.baseAddress, let second = right.baseAddress else {
                    return left.isEmpty && right.isEmpty
                }
                return memcmp(first, second, left.count) == 0
            }
        }
    }
}

extension AtomicFile {
    /// Appends `bytes`.
    func write(_ bytes: ByteRegion) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }
}

extension UnsafeRawBufferPointer {
    /// The little-endian integer at `offset`, or nil where it is not within the buffer.
    func integer<Integer: FixedWidthInteger>(_ type: Integer.Type, at offset: Int) -> Integer? {
        let size = MemoryLayout<Integer>.size
        guard offset >= 0, count >= size, offset <= count - size else { return nil }
        return Integer(littleEndian: loadUnaligned(fromByteOffset: offset, as: Integer.self))
    }

    /// The `count` bytes from `offset`, or nil where they are not within the buffer.
    func part(from offset: Int, count length: Int) -> UnsafeRawBufferPointer? {
        guard offset >= 0, length >= 0, offset <= count, length <= count - offset else {
            return nil
        }
        return UnsafeRawBufferPointer(rebasing: self[offset..<(offset + length)])
    }
}
