import Foundation

/// A program that measures in a process of its own, so that memory of one run is not another's.
struct ChildProcess {
    /// The program.
    let program: URL
    /// Its arguments.
    let arguments: [String]
    /// Variables that it has beside ours, or in their place.
    var variables: [String: String] = [:]
    /// How long `resultInTime` waits for it.
    var patience: Duration = .seconds(3_600)

    /// This program itself with a command and its arguments.
    static func ourselves(_ arguments: [String]) throws -> ChildProcess {
        guard let program = Bundle.main.executableURL else {
            throw BenchmarkError("this program's own file cannot be found")
        }
        // As `recipe` itself runs, and not as PyTorch does: its loops get what the user has set.
        let policy = ProcessInfo.processInfo.environment["OMP_WAIT_POLICY"] ?? "passive"
        return ChildProcess(
            program: program, arguments: arguments, variables: ["OMP_WAIT_POLICY": policy])
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

    /// The JSON it prints, or nil where it took longer than ``patience`` and was ended.
    func resultInTime<Result: Decodable>() throws -> Result? {
        // `timeout` answers 124 when time was up.
        let limited = ChildProcess(
            program: URL(fileURLWithPath: "/usr/bin/env"),
            arguments: ["timeout", "\(patience.components.seconds)", program.path] + arguments,
            variables: variables)
        do {
            return try limited.result()
        } catch let error as BenchmarkError where error.description.hasSuffix("status 124") {
            return nil
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
        process.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
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
