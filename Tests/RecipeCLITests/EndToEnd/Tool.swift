import Foundation
import TestSupport

/// The built executable, run as a user runs it, in a folder of its own.
struct Tool {
    /// What a run came to.
    struct Outcome {
        let status: Int32
        let output: String
        let errors: String

        /// Standard output as JSON.
        func json() throws -> [String: Any] {
            try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any] ?? [:]
        }
    }

    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    /// The executable beside the test bundle.
    static func executable() throws -> URL {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            .map { URL(fileURLWithPath: $0) } ?? Bundle.main.bundleURL
        var folder = own.deletingLastPathComponent()
        // On macOS the bundle is a folder with the code some levels down.
        for _ in 0..<5 {
            let candidate = folder.appendingPathComponent("recipe")
            if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
            folder.deleteLastPathComponent()
        }
        throw Missing(
            description: "no executable `recipe` beside \(own.path); build it with "
                + "`swift build --product recipe`, or the tests with `swift build --build-tests`")
    }

    /// Where relative paths lead.
    let folder: URL

    /// Starts the tool with arguments that are separated by spaces.
    func start(
        _ command: String, environment: [String: String] = [:], fileLimit: Int? = nil
    ) throws -> Running {
        try Running(
            Self.executable(), command.split(separator: " ").map(String.init), in: folder,
            environment, fileLimit: fileLimit)
    }

    /// Runs the tool with arguments that are separated by spaces.
    @discardableResult
    func run(
        _ command: String, environment: [String: String] = [:], fileLimit: Int? = nil
    ) throws -> Outcome {
        try start(command, environment: environment, fileLimit: fileLimit).finish()
    }

    /// A run that has begun.
    final class Running {
        let process = Process()
        private let output = FileManager.default.temporaryDirectory
            .appendingPathComponent("recipe-out-\(UUID().uuidString)")
        private let errors = FileManager.default.temporaryDirectory
            .appendingPathComponent("recipe-err-\(UUID().uuidString)")

        init(
            _ executable: URL, _ arguments: [String], in folder: URL,
            _ environment: [String: String], fileLimit: Int?
        ) throws {
            if let fileLimit {
                // `ulimit -f` counts blocks of 1,024 bytes; what is beyond answers "file too large".
                process.executableURL = URL(fileURLWithPath: "/bin/bash")
                process.arguments =
                    [
                        "-c", "trap '' XFSZ; ulimit -f \(fileLimit); exec \"$@\"", "bash",
                        executable.path,
                    ]
                    + arguments
            } else {
                process.executableURL = executable
                process.arguments = arguments
            }
            process.currentDirectoryURL = folder
            var variables = ProcessInfo.processInfo.environment
            // Small models gain nothing from threads, and the tests run side by side.
            variables["OMP_NUM_THREADS"] = "1"
            variables.merge(environment) { $1 }
            process.environment = variables
            process.standardInput = FileHandle.nullDevice
            // Files and not pipes: nobody has to read while the process writes.
            for file in [output, errors] {
                _ = FileManager.default.createFile(atPath: file.path, contents: nil)
            }
            process.standardOutput = try FileHandle(forWritingTo: output)
            process.standardError = try FileHandle(forWritingTo: errors)
            try process.run()
        }

        func finish() throws -> Outcome {
            process.waitUntilExit()
            defer {
                for file in [output, errors] { try? FileManager.default.removeItem(at: file) }
            }
            return Outcome(
                status: process.terminationStatus,
                output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
                errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
        }
    }
}

/// A folder with a small model, texts without labels and a labelled task.
struct Workplace {
    let folder: URL
    var tool: Tool { Tool(folder: folder) }

    /// `model`, `other` (the same model again), `aux.txt`, `train.tsv` and `test.tsv`.
    init(_ folder: URL, model: String = "bert-base-tiny") throws {
        self.folder = folder
        for name in ["model", "other"] { try copy(model, as: name) }
        try write((0..<48).map(Self.sentence), to: "aux.txt")
        for (name, count) in [("train.tsv", 32), ("test.tsv", 16)] {
            let rows = (0..<count).map { "\(Self.sentence($0))\t\($0 % 2)" }
            try write(["sentence\tlabel"] + rows, to: name)
        }
    }

    /// A model of the fixtures, without what its outputs should be.
    func copy(_ fixture: String, as name: String) throws {
        try Fixture(fixture).copyModel(to: folder.appendingPathComponent(name))
    }

    /// Makes `aux.txt` of words that the model's vocabulary has.
    func writeKnownWords() throws {
        let words = try text("model/vocab.txt").split(separator: "\n").map(String.init)
            .filter { $0.allSatisfy(\.isLetter) }
        try write(
            (0..<48).map { row in
                (0..<(3 + row % 5)).map { words[(row * 7 + $0 * 3) % words.count] }
                    .joined(separator: " ")
            }, to: "aux.txt")
    }

    func write(_ lines: [String], to name: String) throws {
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: self[name])
    }

    subscript(name: String) -> URL { folder.appendingPathComponent(name) }

    func holds(_ name: String) -> Bool { FileManager.default.fileExists(atPath: self[name].path) }

    func data(_ name: String) throws -> Data { try Data(contentsOf: self[name]) }

    func text(_ name: String) throws -> String { String(decoding: try data(name), as: UTF8.self) }

    /// The names in the folder, hidden ones too.
    func names() throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: folder.path))
    }

    static func sentence(_ index: Int) -> String {
        let words = ["good", "bad", "old", "red", "a", "the", "cat", "dog", "sun", "tea"]
        return (0..<(3 + index % 5)).map { words[(index * 7 + $0 * 3) % words.count] }
            .joined(separator: " ")
    }
}

/// Hands `body` a workplace and removes it after.
func withWorkplace(_ model: String = "bert-base-tiny", _ body: (Workplace) throws -> Void) throws {
    try withTemporaryFolder { try body(Workplace($0, model: model)) }
}

extension Workplace {
    /// Writes `clip.json`, which describes a tiny CLIP, and `words`, its tokenizer.
    func writeTinyCLIP() throws {
        try Fixture("clip-text/plain").copyModel(to: self["words"])
        try write(
            [
                """
                {"model_type": "clip", "projection_dim": 8, "text_config": {"hidden_size": 16,
                 "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
                 "max_position_embeddings": 12}, "vision_config": {"hidden_size": 16,
                 "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
                 "image_size": 16, "patch_size": 8}}
                """
            ], to: "clip.json")
    }
}
