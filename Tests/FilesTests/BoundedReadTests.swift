import Files
import Foundation
import Testing

struct BoundedReadTests {
    @Test func neverWaitsForAPipe() throws {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent(UUID().uuidString).path
        #expect(mkfifo(path, 0o600) == 0)
        defer { unlink(path) }
        #expect {
            try BoundedRead.data(of: URL(filePath: path), atMost: 100)
        } throws: {
            "\($0)".contains("not a regular file")
        }
    }

    @Test func readsWholeFilesUpToTheLimit() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent(UUID().uuidString)
        defer { unlink(url.path) }
        let bytes = Data((0..<100).map { UInt8($0) })
        try bytes.write(to: url)
        #expect(try BoundedRead.data(of: url, atMost: 100) == bytes)
        #expect(throws: FileError.self) { try BoundedRead.data(of: url, atMost: 99) }
        #expect(try BoundedRead.open(url).size == 100)
        for path in ["/dev/zero", "/dev/urandom", FileManager.default.temporaryDirectory.path] {
            let error = #expect(throws: FileError.self) {
                try BoundedRead.data(of: URL(filePath: path), atMost: 100)
            }
            #expect(error?.problem.contains("not a regular file") == true)
        }
    }

    @Test func showsWhatIsInvisible() {
        #expect(
            "a\u{1B}[2J\u{202E}\u{200B}é".quotedForMessage == "'a\\u{1b}[2J\\u{202e}\\u{200b}é'")
        #expect(String(repeating: "x", count: 500).quotedForMessage.count == 123)
    }
}
