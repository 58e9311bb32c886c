import Files
import Foundation
import Testing

@testable import TensorFormats

@Suite("Hostile zips")
struct HostileZipTests {
    private let good = Handmade.pickle(count: 2, offset: 0, shape: [2], strides: [1])
    private let storage: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]

    private func archive() throws -> [UInt8] {
        try Handmade.zip(good, entries: [("data/0", storage)])
    }

    /// Where the records of a kind start.
    private func positions(_ signature: UInt32, in bytes: [UInt8]) -> [Int] {
        let pattern = littleEndianBytes(signature)
        return bytes.indices.dropLast(3).filter { Array(bytes[$0..<($0 + 4)]) == pattern }
    }

    private func message(_ change: (inout [UInt8], _ locals: [Int], _ records: [Int]) -> Void)
        throws
        -> String
    {
        var bytes = try archive()
        change(
            &bytes, positions(ZipDirectory.localSignature, in: bytes),
            positions(ZipDirectory.entrySignature, in: bytes))
        return TensorFormatsTests.message(opening: bytes)
    }

    @Test func theUntouchedArchiveOpens() throws {
        #expect(try open(try archive())["x"]?.bytes.copy() == storage)
    }

    @Test func refusesDamagedData() throws {
        let message = try message { bytes, _, _ in
            for index in bytes.indices.dropLast(8)
            where Array(bytes[index..<(index + 8)]) == storage {
                bytes[index] ^= 1
                break
            }
        }
        #expect(message.contains("CRC-32") && message.contains("archive/data/0"))
    }

    @Test func refusesEncryptedEntries() throws {
        #expect(
            try message { bytes, locals, records in
                bytes[locals[1] + 6] |= 1
                bytes[records[1] + 8] |= 1
            }.contains("encrypted"))
    }

    @Test func refusesOtherCompression() throws {
        #expect(
            try message { bytes, _, records in bytes[records[1] + 10] = 12 }.contains("method 12"))
    }

    @Test func refusesContradictions() throws {
        for offset in [8, 10, 16, 20, 24, 28, 42, 46] {
            _ = try message { bytes, _, records in bytes[records[1] + offset] ^= 8 }
        }
        for offset in [0, 6, 8, 14, 18, 22, 26, 30] {
            _ = try message { bytes, locals, _ in bytes[locals[1] + offset] ^= 8 }
        }
    }

    @Test func refusesOverlappingEntries() throws {
        let twice = try Handmade.zip(good, entries: [("data/0", storage), ("data/1", storage)])
        var bytes = twice
        let records = positions(ZipDirectory.entrySignature, in: bytes)
        bytes.replaceSubrange(
            (records[2] + 42)..<(records[2] + 46),
            with: bytes[(records[1] + 42)..<(records[1] + 46)])
        #expect(TensorFormatsTests.message(opening: bytes).contains("data run into"))
    }

    @Test func refusesAbsurdCounts() throws {
        let end = try #require(positions(ZipDirectory.end64Signature, in: try archive()).last)
        for (offset, value) in [(32, Int.max), (32, 1 << 20), (40, Int.max), (48, Int.max)] {
            var bytes = try archive()
            bytes.replaceSubrange(
                (end + offset)..<(end + offset + 8), with: littleEndianBytes(value))
            _ = TensorFormatsTests.message(opening: bytes)
        }
        var limits = ReadLimits()
        limits.maximumZipEntries = 1
        #expect(
            TensorFormatsTests.message(opening: try archive(), limits: limits).contains(
                "limit of 1"))
        limits = ReadLimits()
        limits.maximumPickleBytes = 10
        #expect(
            TensorFormatsTests.message(opening: try archive(), limits: limits).contains("10 bytes"))
    }

    @Test func refusesZipsOfOtherThings() throws {
        let folder = try TemporaryFolder()
        let url = folder.file("x.zip")
        var zip = ZipWriter()
        try zip.add("word/document.xml", ByteRegion([1]), for: url)
        try AtomicFile.write(to: url) { try zip.write(to: $0) }
        let error = #expect(throws: FormatError.self) { try TensorArchive.open(url) }
        #expect(error?.what.contains("no data.pkl") == true)
    }
}
