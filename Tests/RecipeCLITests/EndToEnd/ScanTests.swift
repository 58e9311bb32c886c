import Foundation
import TestSupport
import Testing

/// `recipe scan`, and what commands print under `--format json` when they fail.
@Suite struct ScanTests {
    private func withFolder(_ body: (Tool) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("scan-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(Tool(folder: folder))
    }

    private let evil = "cos\nsystem\n(Vtrue\ntR."

    @Test func exitCodes() throws {
        try withFolder { tool in
            let empty = try tool.run("scan .")
            #expect(empty.status == 2 && empty.output.contains("nothing was examined"))
            #expect(try tool.run("scan gone").status == 2)
            try Data("{\"a\": 1}".utf8).write(to: tool.folder.appendingPathComponent("a.json"))
            #expect(try tool.run("scan .").status == 0)
            try Data(evil.utf8).write(to: tool.folder.appendingPathComponent("b.bin"))
            let found = try tool.run("scan .")
            #expect(found.status == 1 && found.output.contains("os.system"))
            #expect(try tool.run("scan").status == 64)
        }
    }

    @Test func formats() throws {
        try withFolder { tool in
            try Data(evil.utf8).write(to: tool.folder.appendingPathComponent("b.bin"))
            let json = try tool.run("scan . --format json").json()
            #expect(json["status"] as? String == "findings")
            let global = (json["globals"] as? [[String: Any]])?.first
            #expect(global?["grade"] as? String == "dangerous" && global?["offset"] as? Int == 0)
            let file = (json["files"] as? [[String: Any]])?.first
            #expect(file?["verdict"] as? String == "hostile")
            let sarif = try tool.run("scan b.bin --format sarif").json()
            #expect(sarif["version"] as? String == "2.1.0")
        }
    }

    /// A program that reads the output learns why a command failed.
    @Test(arguments: [
        ("inspect gone --format json", "io"), ("verify gone gone --format=json", "io"),
        ("inspect --format json", "usage"),
    ])
    func failuresAsJSON(_ line: String, _ kind: String) throws {
        try withFolder { tool in
            let outcome = try tool.run(line)
            #expect(outcome.status != 0 && !outcome.errors.isEmpty)
            let error = try outcome.json()["error"] as? [String: Any]
            #expect(error?["kind"] as? String == kind)
            #expect((error?["message"] as? String)?.isEmpty == false)
        }
    }

    @Test func damageAsJSON() throws {
        try withFolder { tool in
            try Data("{\"model_type\": \"bert\"".utf8).write(
                to: tool.folder.appendingPathComponent("config.json"))
            try Data("torn".utf8).write(
                to: tool.folder.appendingPathComponent("pytorch_model.bin"))
            let error = try tool.run("inspect . --format json").json()["error"] as? [String: Any]
            #expect(error?["kind"] as? String == "damaged")
        }
    }
}
