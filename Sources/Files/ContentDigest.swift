import Crypto
import Foundation

/// The SHA-256 digest (FIPS 180-4) of bytes that come piece by piece, in hexadecimal digits.
///
/// The bytes are hashed by the processor's own instructions where it has them.
public struct ContentDigest: Sendable {
    private var hash = SHA256()

    /// The digest of nothing yet.
    public init() {}

    /// Adds `data` to what is digested.
    public mutating func update(_ data: some DataProtocol) { hash.update(data: data) }

    /// Adds bytes in memory to what is digested.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        hash.update(bufferPointer: bytes)
    }

    /// The digest of all that was added: 64 hexadecimal digits.
    public func finish() -> String { hash.finalize().map(Self.hexadecimal).joined() }

    /// The digest of all of `data`.
    public static func hex(of data: some DataProtocol) -> String {
        var digest = ContentDigest()
        digest.update(data)
        return digest.finish()
    }

    /// The digest of the content of a file, read in pieces; of one without a size, that of nothing.
    ///
    /// - Throws: `CocoaError` where it cannot be opened or read.
    public static func hex(ofFile url: URL) throws -> String {
        let handle = try FileHandle(forReadingFrom: url)
        defer { try? handle.close() }
        var digest = ContentDigest()
        // A file of the kernel's that says it is empty may wait for ever: nothing of it is read.
        var status = stat()
        guard fstat(handle.fileDescriptor, &status) != 0 || status.st_size > 0 else {
            return digest.finish()
        }
        while let piece = try handle.read(upToCount: 1 << 22), !piece.isEmpty {
            digest.update(piece)
        }
        return digest.finish()
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return byte < 16 ? "0" + digits : digits
    }
}
