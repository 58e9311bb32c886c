import CZlib
import Files

/// Reads entries of one archive and keeps count of what they expand to.
struct ZipContents {
    let directory: ZipDirectory
    let limits: ReadLimits
    private var inflatedBytes = 0

    init(directory: ZipDirectory, limits: ReadLimits) {
        self.directory = directory
        self.limits = limits
    }

    /// The bytes of `entry`: a slice of the file where it is stored, else expanded in memory.
    mutating func bytes(of entry: ZipEntry) throws -> ByteRegion {
        let file = directory.file
        let stored = ByteRegion(file).slice(from: entry.dataOffset, count: entry.compressedCount)
        guard let stored else { throw failure("data are not within the file", entry) }
        let bytes = entry.isStored ? stored : try inflated(stored, entry)
        if limits.verifiesChecksums {
            let checksum = bytes.checksum(from: 0)
            guard checksum == entry.checksum else {
                throw failure("CRC-32 does not match: the data are damaged", entry)
            }
        }
        return bytes
    }

    private func failure(_ what: String, _ entry: ZipEntry) -> FormatError {
        FormatError(
            file: directory.file.path, what: what, where: "entry \(entry.name.quotedForMessage)",
            advice: "download or copy the file again")
    }

    private mutating func inflated(_ packed: ByteRegion, _ entry: ZipEntry) throws -> ByteRegion {
        let (total, overflow) = inflatedBytes.addingReportingOverflow(entry.count)
        guard !overflow, total <= limits.maximumInflatedBytes else {
            throw failure(
                "compressed entries expand to more than \(limits.maximumInflatedBytes) bytes", entry
            )
        }
        let isLarge = entry.count > 1 << 20
        guard !isLarge || entry.count / max(packed.count, 1) < limits.maximumInflationRatio else {
            throw failure(
                "expands \(packed.count) bytes to \(entry.count), which no checkpoint does", entry)
        }
        inflatedBytes = total
        guard let bytes = packed.inflated(count: entry.count) else {
            throw failure("the compressed data are damaged", entry)
        }
        return ByteRegion(bytes)
    }
}

extension ByteRegion {
    /// CRC-32 of the bytes, carried on from `checksum`.
    func checksum(from checksum: UInt32) -> UInt32 {
        withUnsafeBytes { bytes in
            guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else { return checksum }
            return UInt32(truncatingIfNeeded: crc32_z(UInt(checksum), start, bytes.count))
        }
    }

    /// The bytes expanded from raw deflate, or nil where they do not expand to exactly `count`.
    fileprivate func inflated(count: Int) -> [UInt8]? {
        var isComplete = false
        let output = withUnsafeBytes { input in
            // One byte of room beyond `count`, so that longer data show themselves.
            [UInt8](unsafeUninitializedCapacity: count + 1) { target, written in
                let expanded = inflate(input, into: target)
                isComplete = expanded == count
                written = max(expanded, 0)
            }
        }
        return isComplete ? output : nil
    }

    /// Number of bytes that the stream expands to; -1 where it is damaged or longer than `target`.
    private func inflate(
        _ input: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<UInt8>
    ) -> Int {
        var stream = z_stream()
        guard czlib_raw_inflate_init(&stream) == Z_OK else { return -1 }
        defer { inflateEnd(&stream) }
        guard let source = input.bindMemory(to: UInt8.self).baseAddress else { return -1 }
        var (read, written) = (0, 0)
        var status = Z_OK
        while status == Z_OK {
            // zlib counts in 32 bits, so larger buffers are handed over in parts.
            let (readable, writable) = (
                min(input.count - read, 1 << 30), min(target.count - written, 1 << 30)
            )
            stream.next_in = UnsafeMutablePointer(mutating: source + read)
            stream.avail_in = UInt32(readable)
            stream.next_out = target.baseAddress.map { $0 + written }
            stream.avail_out = UInt32(writable)
            status = CZlib.inflate(&stream, Z_NO_FLUSH)
            read += readable - Int(stream.avail_in)
            written += writable - Int(stream.avail_out)
        }
        return status == Z_STREAM_END && read == input.count ? written : -1
    }
}
