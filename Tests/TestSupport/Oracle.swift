import Foundation

/// The Python of `Oracle/`, for tests that ask the libraries themselves.
public enum Oracle {
    /// The interpreter: `$RECIPE_ORACLE`, or the one of `.recipe/oracle`; nil where neither is there,
    /// or where it lacks `module`.
    public static func python(with module: String) -> URL? {
        let given = ProcessInfo.processInfo.environment["RECIPE_ORACLE"]
        let python =
            given.map { URL(fileURLWithPath: $0) }
            ?? PackageFolder.root.appending(path: ".recipe/oracle/bin/python")
        guard FileManager.default.isExecutableFile(atPath: python.path) else { return nil }
        let check =
            "import importlib.util, sys; sys.exit(importlib.util.find_spec('\(module)') is None)"
        return (try? run(python, ["-c", check]))?.status == 0 ? python : nil
    }

    /// Runs a script of `Oracle/`; what it wrote to standard output.
    public static func run(
        _ script: String, by python: URL, _ arguments: [String]
    ) throws -> Data {
        let file = PackageFolder.root.appending(path: "Oracle/\(script)").path
        let (status, output) = try run(python, [file] + arguments)
        guard status == 0 else { throw Failure(script: script, status: status) }
        return output
    }

    struct Failure: Error {
        let script: String
        let status: Int32
    }

    private static func run(_ python: URL, _ arguments: [String]) throws -> (status: Int32, Data) {
        let output = FileManager.default.temporaryDirectory
            .appending(path: "recipe-oracle-\(UUID().uuidString)")
        _ = FileManager.default.createFile(atPath: output.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: output) }
        let process = Process()
        process.executableURL = python
        process.arguments = arguments
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, try Data(contentsOf: output))
    }
}
