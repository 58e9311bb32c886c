import Foundation

/// A program that measures in a process of its own, so that memory of one run is not another's.
struct ChildProcess {
    /// The program.
    let program: URL
    /// Its arguments.
    let arguments: [String]

    /// This program itself with a command and its arguments.
    static func ourselves(_ arguments: [String]) throws -> ChildProcess {
        guard let program = Bundle.main.executableURL else {
            throw BenchmarkError("this program's own file cannot be found")
        }
        return ChildProcess(program: program, arguments: arguments)
    }

    /// Runs it to its end and reads the JSON it prints.
    func result<Result: Decodable>() throws -> Result {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(Result.self, from: run())
        } catch let error as DecodingError {
            throw BenchmarkError("\(program.lastPathComponent) printed no measurement: \(error)")
        }
    }

    /// Runs it to its end and gives what it prints; its standard error is ours.
    @discardableResult
    func run() throws -> Data {
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
