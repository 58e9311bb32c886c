import Foundation
import JSON
import Testing

@testable import TensorFormats

/// Beside the tests, where the whole package was built.
private let tool: URL? = {
    let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    let tool = folder.appendingPathComponent("tensor-digests")
    let isThere = FileManager.default.isExecutableFile(atPath: tool.path)
    return isThere && FileManager.default.fileExists(atPath: "/proc/self/status") ? tool : nil
}()

/// What a megabyte may make a reader take, in a process of its own that says how much it was.
@Suite("Memory for a megabyte", .enabled(if: tool != nil, "needs the whole package and /proc"))
struct MemoryTests {
    /// Bytes that a pickle repeats: values, containers, marks, memos, each the cheapest it comes.
    static let pickles: [[UInt8]] = [
        [0x4E], [0x5D], [0x85, 0x94], [0x85, 0x94, 0x4E, 0x30], [0x28, 0x74, 0x30], [0x4E, 0x94],
        [0x7D, 0x4E, 0x4E, 0x73, 0x30],
    ]
    static let texts = [
        "[],", "[[1]],", "{\"\":0},", "\"aaaaaaaaaaaaaaaa\",",
    ]

    private func check(_ name: String, _ bytes: [UInt8]) throws {
        let folder = try TemporaryFolder()
        let file = try folder.file(name, holding: bytes)
        let process = Process()
        process.executableURL = tool
        let (input, output) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data("\(file.path)\n".utf8))
        try input.fileHandleForWriting.close()
        let line = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let taken = try #require(JSONValue(parsing: line)["bytes"]?.integer)
        #expect(taken < 64 << 20 + bytes.count, "\(taken)")
    }

    @Test(arguments: pickles) func pickle(_ unit: [UInt8]) throws {
        let pickle = [0x80, 2, 0x4E] + repeated(unit, (1 << 20) / unit.count) + [0x4E, 0x2E]
        try check("model.pth", Handmade.legacy(pickle))
    }

    @Test(arguments: texts) func json(_ unit: String) throws {
        let text = "[" + String(repeating: unit, count: (1 << 20) / unit.utf8.count) + "0]"
        try check("config.json", Array(text.utf8))
    }

    @Test func tensors() throws {
        let extent = #"{"dtype":"I8","shape":[0],"data_offsets":[0,0]}"#
        let members = (0..<18_000).map { "\"\($0)\":\(extent)" }.joined(separator: ",")
        try check("model.safetensors", Handmade.safetensors("{\(members)}"))
        let storage = [UInt8](repeating: 1, count: 1 << 20)
        let wide = Handmade.pickle(
            count: 1 << 18, offset: 0, shape: [400, 1 << 18], strides: [0, 1])
        try check("model.bin", try Handmade.zip(wide, entries: [("data/0", storage)]))
    }
}
