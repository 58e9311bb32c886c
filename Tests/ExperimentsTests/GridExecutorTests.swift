import Foundation
import TestFiles
import Testing

@testable import Experiments

/// Writes what a command would, and remembers what it was asked.
private final class FakeRunner: StageRunner, @unchecked Sendable {
    private let lock = NSLock()
    private var lines: [String: [String]] = [:]
    private(set) var order: [String] = []
    private var inside = 0
    private(set) var most = 0
    let failing: Set<String>
    let waits: Bool

    init(failing: Set<String> = [], waits: Bool = false) {
        self.failing = failing
        self.waits = waits
    }

    subscript(name: String) -> [String]? { lock.withLock { lines[name] } }

    func run(_ job: StageJob) throws -> Int32 {
        lock.withLock {
            lines[job.name] = job.arguments
            order.append(job.name)
            inside += 1
            most = max(most, inside)
        }
        defer { lock.withLock { inside -= 1 } }
        if waits { usleep(30_000) }
        try Data("one\ntwo\nno such model\n".utf8).write(to: job.log)
        if failing.contains(job.name) { return 2 }
        for argument in job.arguments {
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            if parts[0] == "--output" {
                try FileManager.default.createDirectory(
                    atPath: parts[1], withIntermediateDirectories: true)
            } else if parts[0] == "--report" {
                try Data("{}".utf8).write(to: URL(filePath: parts[1] + "/report.json"))
            }
        }
        return 0
    }
}

@Suite struct GridExecutorTests {
    private func withRun(
        _ root: PlanNode = PlanSample.root, _ body: (URL, GridRun) throws -> Void
    ) throws {
        try withTemporaryFolder { folder in
            try Data("text".utf8).write(to: folder.appending(path: "book.txt"))
            try Data("train".utf8).write(to: folder.appending(path: "train.tsv"))
            try FileManager.default.createDirectory(
                at: folder.appending(path: "run"), withIntermediateDirectories: true)
            try body(folder, try PlanSample.run(root, in: folder))
        }
    }

    @discardableResult
    private func execute(
        _ run: GridRun, _ runner: FakeRunner, jobs: Int = 1, only: Set<String>? = nil
    ) throws -> GridRecord {
        var settings = GridExecutor.Settings()
        settings.jobs = jobs
        return try GridExecutor(run, settings, runner: runner).execute(only: only)
    }

    @Test func runsEachStageOnce() throws {
        try withRun { folder, run in
            let first = FakeRunner()
            let record = try execute(run, first)
            #expect(first.order == run.stages.map(\.name))
            #expect(record.stages.allSatisfy { $0.state == .done && $0.digest?.count == 64 })
            let again = FakeRunner()
            let second = try execute(run, again)
            #expect(again.order.isEmpty)
            #expect(second.stages.allSatisfy { $0.state == .cached && $0.seconds != nil })
            let data = try Data(contentsOf: folder.appending(path: "run/grid.json"))
            #expect(try JSONDecoder().decode(GridRecord.self, from: data) == second)
        }
    }

    @Test func runsAgainWhatDependsOnAChange() throws {
        try withRun { folder, run in
            try execute(run, FakeRunner())
            try Data("other!".utf8).write(to: folder.appending(path: "train.tsv"))
            let tasks = FakeRunner()
            try execute(run, tasks)
            #expect(Set(tasks.order) == Set(run.stages.map(\.name).filter { $0.hasPrefix("e/") }))

            // The same content at another time is no change.
            try Data("other!".utf8).write(to: folder.appending(path: "train.tsv"))
            let same = FakeRunner()
            try execute(run, same)
            #expect(same.order.isEmpty)

            let stronger = try PlanSample.root.setting(
                "axes.defense.recipe.purify.weight", to: PlanSample.text("3"))
            let weight = FakeRunner()
            try execute(try PlanSample.run(stronger, in: folder), weight)
            #expect(weight.order.count == 6 && weight.order.allSatisfy { $0.contains("recipe") })

            try Data("new".utf8).write(to: folder.appending(path: "book.txt"))
            let all = FakeRunner()
            try execute(run, all)
            #expect(all.order.count == run.stages.count)
        }
    }

    @Test func aFailureStopsOnlyWhatNeedsIt() throws {
        try withRun { _, run in
            let record = try execute(run, FakeRunner(failing: ["por"]))
            let failed = try #require(record.stages.first { $0.name == "por" })
            #expect(failed.state == .failed)
            #expect(failed.failure?.hasSuffix("status 2\none\ntwo\nno such model") == true)
            for stage in record.stages where stage.name.contains("por/") {
                #expect(stage.state == .waiting, "\(stage.name)")
            }
            for stage in record.stages where stage.name.contains("badpre") {
                #expect(stage.state == .done, "\(stage.name)")
            }
            let again = FakeRunner()
            try execute(run, again)
            #expect(again.order.count == 6 && again.order.first == "por")
        }
    }

    @Test func goesOnFromASnapshot() throws {
        try withRun { folder, run in
            try execute(run, FakeRunner(failing: ["por"]))
            let stage = folder.appending(path: "run/stages/por")
            try Data("s".utf8).write(to: stage.appending(path: "snapshot.safetensors"))
            let again = FakeRunner()
            try execute(run, again, only: ["por"])
            #expect(again["por"]?.suffix(2) == ["--snapshot-every=200", "--resume"])
            #expect(FileManager.default.fileExists(atPath: stage.path + "/snapshot.safetensors"))

            // Of other settings, it must begin anew.
            let file = stage.appending(path: "stage.json")
            var record = try #require(StageRecord.read(in: stage))
            record.state = .running
            record.digest = "other"
            try JSONEncoder().encode(record).write(to: file)
            let fresh = FakeRunner()
            try execute(run, fresh, only: ["por"])
            #expect(fresh["por"]?.contains("--resume") == false)
            #expect(!FileManager.default.fileExists(atPath: stage.path + "/snapshot.safetensors"))
        }
    }

    @Test func takesUpAKilledRun() throws {
        try withRun { folder, run in
            try execute(run, FakeRunner(), only: ["clean", "por"])
            // As a kill leaves it: running, and no output.
            let stage = folder.appending(path: "run/stages/por")
            var record = try #require(StageRecord.read(in: stage))
            record.state = .running
            try record.write(in: stage)
            try FileManager.default.removeItem(at: stage.appending(path: "model"))
            let again = FakeRunner()
            try execute(run, again)
            #expect(again.order.first == "por" && !again.order.contains("clean"))
        }
    }

    @Test func runsSideBySide() throws {
        try withRun { _, run in
            let runner = FakeRunner(waits: true)
            let record = try execute(run, runner, jobs: 3)
            #expect(record.stages.allSatisfy { $0.state == .done })
            #expect((2...3).contains(runner.most))
            for (stage, place) in zip(runner.order, 0...) {
                let needs = try #require(run.stages.first { $0.name == stage }).dependencies
                #expect(needs.allSatisfy { runner.order.prefix(place).contains($0) })
            }
        }
    }

    @Test func runsTheSameOnceUnderAllItsNames() throws {
        // Both values of an axis that changes nothing, in two plans that share a folder.
        func twins(_ name: String) throws -> PlanNode {
            try PlanSample.root.setting(
                "stages.\(name)/$defense/$seed",
                to: PlanSample.map([
                    "command": PlanSample.text("evaluate"), "model": PlanSample.text("<clean>"),
                    "train": PlanSample.text("${task}/train.tsv"),
                    "seeds": PlanSample.text("$seed"),
                ]))
        }
        try withRun(try twins("floor")) { folder, run in
            let foretold = try run.outlook().filter { $0.stage.name.hasPrefix("floor/recipe") }
            #expect(foretold.map(\.basis) == ["same as floor/none/42", "same as floor/none/43"])
            #expect(foretold.map(\.seconds) == [0, 0])
            let runner = FakeRunner(waits: true)
            let record = try execute(run, runner, jobs: 4)
            #expect(runner.order.filter { $0.hasPrefix("floor/") }.count == 2)
            #expect(record.stages.allSatisfy { $0.state.isFinished })
            for stage in run.stages where stage.name.hasPrefix("floor/") {
                let own = run.folder(of: stage)
                #expect(StageRecord.read(in: own)?.name == stage.name)
                #expect(run.hasOutput(stage))
            }
            let again = FakeRunner()
            try execute(run, again)
            #expect(again.order.isEmpty)

            let other = FakeRunner()
            let known = try execute(
                try PlanSample.run(try twins("known"), in: folder), other)
            #expect(other.order.isEmpty)
            #expect(known.stages.allSatisfy { $0.state == .cached })

            // Where the one fails, the other is tried.
            try Data("other!".utf8).write(to: folder.appending(path: "train.tsv"))
            let failing = FakeRunner(failing: ["floor/none/42"])
            let partly = try execute(run, failing, jobs: 2)
            #expect(failing.order.contains("floor/recipe/42"))
            #expect(!failing.order.contains("floor/recipe/43"))
            #expect(partly.stages.filter { $0.state == .failed }.map(\.name) == ["floor/none/42"])
        }
    }

    @Test func foretellsTimes() throws {
        try withRun { folder, run in
            let before = try run.outlook()
            #expect(before.map(\.state) == run.stages.map { _ in .waiting })
            #expect(before[3].seconds == 120 && before[3].basis == "plan")
            #expect(before[0].seconds == nil)
            try execute(run, FakeRunner(), only: ["clean", "por", "por/recipe"])
            let after = try run.outlook()
            #expect(after[3].state == .cached && after[3].basis == "measured")
            #expect(after[4].basis == "like por/recipe")
            try FileManager.default.removeItem(at: folder.appending(path: "book.txt"))
            #expect(run.missingData().map(\.stage) == ["clean"])
            #expect(try run.outlook()[0].ingredients == nil)
        }
    }
}
