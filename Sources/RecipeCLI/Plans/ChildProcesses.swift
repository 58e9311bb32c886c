import DataPipeline
import Evaluation
import Experiments
import Files
import Foundation

/// Runs stages as processes of this same executable, so that their memory is given back.
///
/// When this process is told to end, its children are told so too and are waited for.
final class ChildProcesses: StageRunner {
    private struct State {
        var running: [ObjectIdentifier: Process] = [:]
        var isEnding = false
    }

    private static let state = Locked(State())

    private let executable: URL
    private let environment: [String: String]

    /// Runs stages by `executable`, by default the one that runs now, with `variables` beside those
    /// of this process's environment.
    init(executable: URL? = nil, variables: [String: String] = [:]) {
        environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
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
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = log
        process.standardError = log
        try Self.state.withLock { state in
            guard !state.isEnding else { return }
            try process.run()
            state.running[ObjectIdentifier(process)] = process
        }
        if process.isRunning { process.waitUntilExit() }
        Self.state.withLock { $0.running[ObjectIdentifier(process)] = nil }
        // This process is about to end: its stages are not failed but interrupted.
        while Self.state.withLock({ $0.isEnding }) { sleep(1) }
        let isSignal = process.terminationReason == .uncaughtSignal
        return isSignal ? 128 + process.terminationStatus : process.terminationStatus
    }

    /// Whether stages run.
    static var areRunning: Bool { state.withLock { !$0.running.isEmpty } }

    /// Tells all stages that run to end; those that train save their step.
    static func endAll() {
        state.withLock { state in
            state.isEnding = true
            for process in state.running.values where process.isRunning { process.terminate() }
        }
    }

    /// Waits until they have ended.
    static func wait() {
        while areRunning { usleep(20_000) }
    }

    /// Ends them at once: each takes away what it has half written, or else is killed.
    static func killAll() {
        guard areRunning else { return }
        endAll()
        let deadline = Date(timeIntervalSinceNow: 5)
        while areRunning, Date() < deadline { usleep(20_000) }
        state.withLock { state in
            for process in state.running.values { kill(process.processIdentifier, SIGKILL) }
        }
    }
}
