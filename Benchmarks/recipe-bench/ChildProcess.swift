import Foundation

/// A program that measures in a process of its own, so that memory of one run is not another's.
struct ChildProcess {
    /// The program.
    let program: URL
    /// Its arguments.
    let arguments: [String]

    /// Runs it to its end and reads the line it prints; its standard error is ours.
    func measurement() throws -> Measurement {
        try Measurement(line: output(), of: program.lastPathComponent)
    }

    /// Runs it to its end and reads the JSON it prints.
    func result<Result: Decodable>() throws -> Result {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(Result.self, from: output())
        } catch let error as DecodingError {
            throw BenchmarkError("\(program.lastPathComponent) printed no measurement: \(error)")
        }
    }

    private func output() throws -> Data {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = program
        process.arguments = arguments
        process.standardOutput = pipe
        do {
            try process.run()
        } catch {
            throw BenchmarkError(
                "\(program.path) cannot be started: \(error.localizedDescription)")
        }
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BenchmarkError(
                "\(program.lastPathComponent) \(arguments.joined(separator: " ")) ended with "
                    + "status \(process.terminationStatus)")
        }
        return output
    }
}
