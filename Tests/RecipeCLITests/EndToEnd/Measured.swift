import Foundation
import TestSupport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A run of the tool with the memory and the time that it took, by the kernel's account of the
/// process.
struct Measured {
    /// The exit status, or 128 and the signal that ended it.
    let status: Int32
    /// What it said on standard error.
    let errors: String
    /// The most memory it had, in bytes.
    let peak: Int
    /// Seconds from its start to its end.
    let seconds: Double

    /// What a process that runs command after command said.
    init(status: Int32, errors: String, peak: Int, seconds: Double) {
        (self.status, self.errors) = (status, errors)
        (self.peak, self.seconds) = (peak, seconds)
    }

    /// Runs the tool with arguments that are separated by spaces, and ends it after `limit` seconds.
    init(_ command: String, in folder: URL, limit: Double) throws {
        let errorFile = FileManager.default.temporaryDirectory
            .appendingPathComponent("measured-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: errorFile) }
        let start = ContinuousClock.now
        let child = try Self.spawn(command, in: folder, errors: errorFile.path)
        var state: Int32 = 0
        var usage = rusage()
        while wait4(child, &state, WNOHANG, &usage) == 0 {
            if (ContinuousClock.now - start) / .seconds(1) > limit { kill(child, SIGKILL) }
            usleep(5000)
        }
        seconds = (ContinuousClock.now - start) / .seconds(1)
        let signal = state & 0x7F
        status = signal == 0 ? (state >> 8) & 0xFF : 128 + signal
        #if canImport(Darwin)
            peak = Int(usage.ru_maxrss)
        #else
            peak = Int(usage.ru_maxrss) << 10
        #endif
        errors = String(decoding: (try? Data(contentsOf: errorFile)) ?? Data(), as: UTF8.self)
    }

    private static func spawn(_ command: String, in folder: URL, errors: String) throws -> pid_t {
        // The shell enters the folder and becomes the tool, so that the process is the tool's own.
        let line = "cd '\(folder.path)' && exec '\(try Tool.executable().path)' \(command)"
        let arguments = ["/bin/sh", "-c", line + " > /dev/null 2> '\(errors)' < /dev/null"]
        var pointers = arguments.map { strdup($0) } + [nil]
        var variables =
            (ProcessInfo.processInfo.environment.merging([
                "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive",
            ]) { $1 }).map { strdup("\($0)=\($1)") } + [nil]
        defer { (pointers + variables).forEach { free($0) } }
        var child: pid_t = 0
        let status = posix_spawn(&child, "/bin/sh", nil, nil, &pointers, &variables)
        guard status == 0 else { throw Tool.Missing(description: "no shell: \(status)") }
        return child
    }
}

/// A process that runs the tool's commands one after another and measures each.
///
/// Unchecked, for the suite that has it runs one test at a time.
final class MeasuringProcess: @unchecked Sendable {
    private var child: Process?
    private let commands = Pipe()
    private let answers = Pipe()

    init() throws {
        let program = try Tool.executable().deletingLastPathComponent()
            .appendingPathComponent("recipe-probe")
        let child = Process()
        child.executableURL = program
        child.environment = ProcessInfo.processInfo.environment.merging([
            "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive",
        ]) { $1 }
        (child.standardInput, child.standardOutput) = (commands, answers)
        try child.run()
        self.child = child
        // What a first command loads is no command's.
        _ = measure("doctor", in: FileManager.default.temporaryDirectory, limit: 60)
    }

    deinit { child?.terminate() }

    /// Runs the tool with arguments that are separated by spaces; nil where the process has ended,
    /// or may not measure itself.
    func measure(_ command: String, in folder: URL, limit: Double) -> Measured? {
        guard let child, child.isRunning else { return nil }
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("measured-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let fields = [folder.path, file.path] + command.split(separator: " ").map(String.init)
        let start = ContinuousClock.now
        commands.fileHandleForWriting.write(
            Data((fields.joined(separator: "\t") + "\n").utf8))
        let guardian = DispatchWorkItem { child.terminate() }
        DispatchQueue.global().asyncAfter(deadline: .now() + limit, execute: guardian)
        let answer = String(
            decoding: answers.fileHandleForReading.availableData, as: UTF8.self)
        guardian.cancel()
        let numbers = answer.split(whereSeparator: \.isWhitespace)
        guard numbers.count == 3, let status = Int32(numbers[0]), let peak = Int(numbers[1])
        else {
            self.child = nil
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            return seconds < limit
                ? nil : Measured(status: 124, errors: "", peak: 0, seconds: seconds)
        }
        let errors = String(decoding: (try? Data(contentsOf: file)) ?? Data(), as: UTF8.self)
        return Measured(
            status: status, errors: errors, peak: peak,
            seconds: (ContinuousClock.now - start) / .seconds(1))
    }
}
