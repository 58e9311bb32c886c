import CZlib
import Foundation

/// A text file that may be packed by gzip.
enum GzipFile {
    private static let magic: [UInt8] = [0x1F, 0x8B]

    /// What the file holds, unpacked; throws `TokenizerError` where it is damaged, not UTF-8, or
    /// larger than any tokenizer's file, packed or not.
    static func contents(of file: URL) throws -> [UInt8] {
        func problem(_ message: String) -> TokenizerError {
            TokenizerError(path: file.path, message)
        }
        let limit = TokenizerFiles.maximumBytes
        let packed: [UInt8]
        do {
            let handle = try FileHandle(forReadingFrom: file)
            defer { try? handle.close() }
            packed = Array(try handle.read(upToCount: limit + 1) ?? Data())
        } catch {
            throw problem("cannot be read: \(error.localizedDescription)")
        }
        let tooLarge = problem("is above \(limit >> 20) MB, which no tokenizer's file is")
        guard packed.count <= limit else { throw tooLarge }
        guard packed.starts(with: magic) else {
            guard String(validating: packed, as: UTF8.self) != nil else {
                throw problem("is neither gzip nor a UTF-8 text; expected OpenAI's merges")
            }
            return packed
        }
        switch unpack(packed, limit: limit) {
        case .damaged: throw problem("is a damaged or unfinished gzip file; fetch it anew")
        case .tooLarge: throw tooLarge
        case .whole(let bytes):
            guard String(validating: bytes, as: UTF8.self) != nil else {
                throw problem("is not UTF-8; expected OpenAI's merges")
            }
            return bytes
        }
    }

    private enum Outcome {
        case whole([UInt8])
        case damaged
        case tooLarge
    }

    private static func unpack(_ packed: [UInt8], limit: Int) -> Outcome {
        var stream = z_stream()
        guard czlib_gzip_inflate_init(&stream) == Z_OK else { return .damaged }
        defer { inflateEnd(&stream) }
        var output: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        let status: Int32 = packed.withUnsafeBufferPointer { input in
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            // Within 32 bits: `limit` is.
            stream.avail_in = UInt32(input.count)
            var status = Z_OK
            while status == Z_OK, output.count <= limit {
                piece.withUnsafeMutableBufferPointer { room in
                    stream.next_out = room.baseAddress
                    stream.avail_out = UInt32(room.count)
                    status = inflate(&stream, Z_NO_FLUSH)
                }
                output.append(contentsOf: piece.prefix(piece.count - Int(stream.avail_out)))
            }
            return status
        }
        if output.count > limit { return .tooLarge }
        return status == Z_STREAM_END ? .whole(output) : .damaged
    }
}
