import DataPipeline
import Evaluation
import Foundation

/// Runs stages as processes of this same executable, so that their memory is given back.
///
/// When this process is told to end, its children are told so too and are waited for.
final class ChildProcesses: StageRunner {
    private static let running = Locked<[ObjectIdentifier: Process]>([:])

    private let executable: URL

    /// Runs stages by `executable`, by default the one that runs now.
    init(executable: URL? = nil) {
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        self.executable =
            executable ?? own.map { URL(fileURLWithPath: $0) }
            ?? Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
    }

    func run(_ job: StageJob) throws -> Int32 {
        if !FileManager.default.fileExists(atPath: job.log.path) {
            try Data().write(to: job.log)
        }
        let log = try FileHandle(forWritingTo: job.log)
        defer { try? log.close() }
        try log.seekToEnd()
        let process = Process()
        process.executableURL = executable
        process.arguments = job.arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = log
        process.standardError = log
        try Self.running.withLock { running in
            try process.run()
            running[ObjectIdentifier(process)] = process
        }
        defer { Self.running.withLock { $0[ObjectIdentifier(process)] = nil } }
        process.waitUntilExit()
        let isSignal = process.terminationReason == .uncaughtSignal
        return isSignal ? 128 + process.terminationStatus : process.terminationStatus
    }

    /// Ends all stages that run; what they have staged is taken away and their snapshots stay.
    static func endAll() {
        running.withLock { running in
            for process in running.values where process.isRunning { process.terminate() }
            let deadline = Date(timeIntervalSinceNow: 20)
            for process in running.values {
                while process.isRunning, Date() < deadline { usleep(20_000) }
                if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            }
        }
    }
}
