import DataPipeline
import Files
import Foundation
import Provenance

/// Runs the stages of a run that are not done, side by side where they do not wait for each other.
///
/// A stage that fails stops those that read its output and no others. Of stages that are made of the
/// same, also under the names of another plan, one is run and the others have its output. `grid.json` and each stage's
/// `stage.json` are written at every change, so that a run that is killed goes on where it was.
public final class GridExecutor {
    /// What happens.
    public enum Event: Sendable {
        /// A stage begins; how many of how many it is, and whether it goes on from a snapshot.
        case started(GridStage, number: Int, of: Int, resumes: Bool)
        /// A stage has the output of another, which is made of the same; how many of how many it is.
        case adopted(GridStage, from: String, number: Int, of: Int)
        /// A stage has ended.
        case ended(GridRecord.Stage)
    }

    /// How stages are run.
    public struct Settings: Sendable {
        /// How many run side by side.
        public var jobs = 1
        /// Processor threads of each; nil leaves the choice to the command.
        public var threads: Int?
        /// Steps between snapshots that an interrupted stage goes on from.
        public var snapshotEvery = 200

        /// One after the other.
        public init() {}
    }

    private let run: GridRun
    private let settings: Settings
    private let runner: any StageRunner
    /// Whether a command line can be parsed.
    private let accepts: ([String]) -> Bool
    private let observe: (Event) -> Void

    private var outlook: [GridRun.Outlook] = []
    private var record: GridRecord
    private var starts: [String: Date] = [:]
    /// Finished stages by their digests.
    private var finished: [String: (name: String, folder: URL)] = [:]
    /// The digests of the stages that run.
    private var working: Set<String> = []
    private let results = Mailbox()

    /// Runs the stages of `run` with `runner`; `accepts` tells command lines that can be parsed.
    public init(
        _ run: GridRun, _ settings: Settings = Settings(), runner: any StageRunner,
        accepts: @escaping ([String]) -> Bool = { _ in true },
        observe: @escaping (Event) -> Void = { _ in }
    ) {
        self.run = run
        self.settings = settings
        self.runner = runner
        self.accepts = accepts
        self.observe = observe
        record = GridRecord(title: run.title, about: run.about, stages: [], report: run.report)
    }

    /// Runs what of `names` (all without) is not done; the record tells what came of it.
    ///
    /// - Throws: What keeps the run's own files from being written; a stage's failure is no error.
    public func execute(only names: Set<String>? = nil) throws -> GridRecord {
        outlook = try run.outlook()
        record.stages = outlook.map { one in
            GridRecord.Stage(
                name: one.stage.name, command: one.stage.command, labels: one.stage.labels,
                folder: one.stage.folder, state: one.state,
                seconds: one.state == .cached ? one.seconds : nil,
                digest: one.ingredients?.digest, dependsOn: one.stage.dependencies)
        }
        try writeRecord()
        var waiting = outlook.indices.filter {
            outlook[$0].state == .waiting && names?.contains(outlook[$0].stage.name) ?? true
        }
        finished = run.finished()
        let total = waiting.count
        var running = 0
        while true {
            while running < settings.jobs, let next = waiting.firstIndex(where: isReady) {
                let index = waiting.remove(at: next)
                let number = total - waiting.count
                if try adopt(index, number: number, of: total) { continue }
                running += 1
                try begin(index, number: number, of: total)
            }
            guard running > 0 else { break }
            let (index, result) = results.take()
            running -= 1
            try end(index, result)
        }
        return record
    }

    /// Whether what a stage reads is there, and none that is made of the same is at work.
    private func isReady(_ index: Int) -> Bool {
        if let digest = outlook[index].ingredients?.digest, working.contains(digest) {
            return false
        }
        return outlook[index].stage.dependencies.allSatisfy { name in
            record.stages.first { $0.name == name }?.state.isFinished ?? false
        }
    }

    // MARK: The same stage

    /// Gives a stage the output of a finished one that is made of the same, where there is one.
    private func adopt(_ index: Int, number: Int, of total: Int) throws -> Bool {
        let stage = outlook[index].stage
        let folder = run.folder(of: stage)
        guard let digest = outlook[index].ingredients?.digest, let twin = finished[digest],
            twin.folder.standardizedFileURL != folder.standardizedFileURL,
            var own = StageRecord.read(in: twin.folder)
        else { return false }
        let manager = FileManager.default
        try? manager.removeItem(at: folder)
        do {
            // Links cost no room; what is written anew later replaces files, and changes none.
            try manager.linkItem(at: twin.folder, to: folder)
        } catch {
            try? manager.removeItem(at: folder)
            try manager.copyItem(at: twin.folder, to: folder)
        }
        own.name = stage.name
        try own.write(in: folder)
        record.stages[index].state = .cached
        record.stages[index].seconds = own.seconds
        try writeRecord()
        observe(.adopted(stage, from: twin.name, number: number, of: total))
        return true
    }

    // MARK: One stage

    private func begin(_ index: Int, number: Int, of total: Int) throws {
        let stage = outlook[index].stage
        let folder = run.folder(of: stage)
        guard let ingredients = outlook[index].ingredients else {
            throw PlanError("data are missing", line: stage.line, stage: stage.name)
        }
        var arguments = try run.arguments(of: stage)
        if let threads = settings.threads, run.commands[stage.command]?.options["threads"] != nil {
            arguments.append("--threads=\(threads)")
        }
        let snapshots = "--snapshot-every=\(settings.snapshotEvery)"
        let canResume =
            run.commands[stage.command]?.resumes == true && settings.snapshotEvery > 0
            && accepts(arguments + [snapshots])
        if canResume { arguments.append(snapshots) }
        let resumes = canResume && isInterrupted(ingredients.digest, in: folder)
        if resumes {
            arguments.append("--resume")
            let model = folder.appendingPathComponent("model")
            for output in [model, Attestation.file(of: model)] {
                try? FileManager.default.removeItem(at: output)
            }
        } else {
            // Of an earlier attempt, or of other settings.
            try? FileManager.default.removeItem(at: folder)
        }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try StageRecord(
            name: stage.name, state: .running, digest: ingredients.digest, madeOf: ingredients,
            arguments: arguments
        ).write(in: folder)
        record.stages[index].state = .running
        try writeRecord()
        observe(.started(stage, number: number, of: total, resumes: resumes))
        starts[stage.name] = Date()
        working.insert(ingredients.digest)
        start(
            StageJob(
                name: stage.name, arguments: arguments,
                log: folder.appendingPathComponent("log.txt")),
            index)
    }

    private func start(_ job: StageJob, _ index: Int) {
        let (runner, results) = (runner, results)
        // A thread of its own: a queue's threads are few.
        Thread.detachNewThread {
            results.put(index, Result { try runner.run(job) })
        }
    }

    /// Whether the same stage was begun before and left a snapshot.
    private func isInterrupted(_ digest: String, in folder: URL) -> Bool {
        guard let record = StageRecord.read(in: folder), record.digest == digest else {
            return false
        }
        return FileManager.default.fileExists(
            atPath: folder.appendingPathComponent("snapshot.safetensors").path)
    }

    private func end(_ index: Int, _ result: Result<Int32, any Error>) throws {
        let stage = outlook[index].stage
        let folder = run.folder(of: stage)
        let seconds = starts[stage.name].map { -$0.timeIntervalSinceNow }
        record.stages[index].seconds = seconds
        let digest = outlook[index].ingredients?.digest
        if let digest { working.remove(digest) }
        switch result {
        case .success(0) where run.hasOutput(stage):
            record.stages[index].state = .done
            if let digest { finished[digest] = (stage.name, folder) }
        case .success(let status):
            let what = status == 0 ? "it left no output" : "it ended with status \(status)"
            fail(index, "\(what)\n" + Self.tail(of: folder.appendingPathComponent("log.txt")))
        case .failure(let error): fail(index, "it could not be started: \(error)")
        }
        if var own = StageRecord.read(in: folder) {
            own.state = record.stages[index].state
            own.seconds = seconds
            try own.write(in: folder)
        }
        try writeRecord()
        observe(.ended(record.stages[index]))
    }

    private func fail(_ index: Int, _ reason: String) {
        record.stages[index].state = .failed
        record.stages[index].failure = reason.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The last lines of a log.
    private static func tail(of log: URL) -> String {
        guard let data = try? Data(contentsOf: log) else { return "" }
        return String(decoding: data.suffix(4000), as: UTF8.self)
            .split(whereSeparator: \.isNewline).suffix(5).joined(separator: "\n")
    }

    private func writeRecord() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try atomicWrite(
            try encoder.encode(record), to: run.folder.appendingPathComponent(GridRecord.fileName))
    }
}

/// Takes the results of stages from their threads to the one that waits for them.
private final class Mailbox: @unchecked Sendable {
    private let condition = NSCondition()
    private var letters: [(Int, Result<Int32, any Error>)] = []

    func put(_ index: Int, _ result: Result<Int32, any Error>) {
        condition.lock()
        letters.append((index, result))
        condition.signal()
        condition.unlock()
    }

    func take() -> (Int, Result<Int32, any Error>) {
        condition.lock()
        defer { condition.unlock() }
        while letters.isEmpty { condition.wait() }
        return letters.removeFirst()
    }
}
