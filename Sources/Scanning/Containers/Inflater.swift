import CZlib

/// Expands deflated data, never beyond a cap.
enum Inflater {
    /// What stands around the deflated data.
    enum Wrapper { case raw, zlib, gzip }

    /// How the data end.
    enum Ending { case complete, damaged, full, unsupported }

    struct Result {
        var bytes: [UInt8]
        var ending: Ending
        /// How many bytes of the input were read.
        var consumed: Int
    }

    /// Expands `input` to at most `limit` bytes; `expected` is what it says it expands to.
    static func expand(
        _ input: UnsafeRawBufferPointer, _ wrapper: Wrapper, expected: Int? = nil, atMost limit: Int
    ) -> Result {
        var stream = z_stream()
        let status =
            switch wrapper {
            case .raw: czlib_raw_inflate_init(&stream)
            case .gzip: czlib_gzip_inflate_init(&stream)
            case .zlib: czlib_zlib_inflate_init(&stream)
            }
        guard status == Z_OK, let source = input.bindMemory(to: UInt8.self).baseAddress else {
            return Result(bytes: [], ending: .damaged, consumed: 0)
        }
        defer { inflateEnd(&stream) }
        var output: [UInt8] = []
        output.reserveCapacity(min(limit, max(expected ?? 0, min(4 * input.count, 1 << 16))))
        var read = 0
        var code = Z_OK
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while code == Z_OK, output.count < limit {
            let readable = min(input.count - read, 1 << 30)
            let room = min(buffer.count, limit - output.count)
            let written = buffer.withUnsafeMutableBufferPointer { target -> Int in
                stream.next_in = UnsafeMutablePointer(mutating: source + read)
                stream.avail_in = UInt32(readable)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(room)
                code = inflate(&stream, Z_NO_FLUSH)
                return room - Int(stream.avail_out)
            }
            let taken = readable - Int(stream.avail_in)
            read += taken
            output.append(contentsOf: buffer[..<written])
            if code == Z_OK, taken == 0, written == 0 { break }
        }
        if code == Z_STREAM_END { return Result(bytes: output, ending: .complete, consumed: read) }
        let isFull = code == Z_OK && output.count >= limit
        return Result(bytes: output, ending: isFull ? .full : .damaged, consumed: read)
    }
}

/// CRC-32 as zips use it.
enum Checksum {
    static func matches(_ bytes: UnsafeRawBufferPointer, _ checksum: Int) -> Bool {
        guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else { return checksum == 0 }
        return Int(crc32_z(0, start, bytes.count)) == checksum
    }
}
