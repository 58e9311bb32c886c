import ArgumentParser
import DataPipeline
import Documents
import Evaluation
import Experiments
import Files
import Foundation
import Host
import Reports
import Training

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Carry out a plan of stages that build on each other.",
        discussion: """
            Runs the stages of a plan, a YAML file or the name of one that comes with the tool (see \
            `recipe plans`), each as a process of its own, in the folders RUN/stages/NAME. What is \
            there already, made of the same settings and the same content of files, is not run \
            again; a stage that was interrupted goes on from its last snapshot; one that fails stops \
            only those that need it. `recipe report RUN` lays the results out.
            """)

    @Argument(help: "The plan: a file, or a name such as lab/text-main.")
    var plan: String
    @Option(name: [.short, .customLong("output")], help: "The folder of the run.")
    var output: URL
    @OptionGroup var options: PlanOptions
    @Option(
        help: """
            Run only stages that match, and what they depend on: * is any part of a name between \
            slashes, ** any part.
            """)
    var only: [String] = []
    @Option(help: "Stages that run side by side.")
    var jobs = 1
    @Option(help: "Processor threads, divided among the jobs; by default all cores.")
    var threads: Int?
    @Option(help: "Steps between snapshots that an interrupted stage goes on from; 0 writes none.")
    var snapshotEvery = 200
    @Flag(help: "Do not keep the images that a stage has decoded for those that read them too.")
    var noImageCache = false
    @Flag(help: "List the stages, which are done, and how long the others will take; run nothing.")
    var dryRun = false

    func validate() throws {
        try validatePositive(("--jobs", jobs), ("--threads", threads ?? 1))
        try validateCount("--snapshot-every", snapshotEvery)
    }

    func run() throws {
        let reading = try options.read(plan, folder: output)
        let run = reading.run
        let chosen = only.isEmpty ? nil : try run.names(matching: only)
        let missing = run.missingData().filter { error in
            chosen.map { names in error.stage.map(names.contains) ?? true } ?? true
        }
        let console = Console.standard
        if dryRun {
            let document = PlanDocument(run, try run.outlook(), chosen: chosen, jobs: jobs)
            console.write(document.document)
            for error in missing { console.warn(error.description) }
            if !missing.isEmpty { throw RecipeCLI.ExitStatusError(status: .found) }
            return
        }
        if var first = missing.first {
            first.file = reading.file.url.path
            for error in missing.dropFirst() { console.fail(error.description) }
            throw first
        }
        try run.refuse(reading: reading.file.url)
        let lock = try run.lock()
        defer { lock.release() }
        let copy = run.folder.appendingPathComponent("plan.yaml")
        // The run's own plan may be run again; it is read then, and stays.
        if FileStamp(copy.path)?.identity != FileStamp(reading.file.url.path)?.identity
            || FileStamp(copy.path) == nil
        {
            try atomicWrite(Data(try resolved(reading).utf8), to: copy)
        }
        try execute(run, chosen)
    }

    private func execute(_ run: GridRun, _ chosen: Set<String>?) throws {
        var settings = GridExecutor.Settings()
        settings.jobs = jobs
        settings.snapshotEvery = snapshotEvery
        if jobs > 1 || threads != nil {
            let cores = threads ?? ProcessorShare.current.threads
            settings.threads = max(1, cores / jobs)
        }
        let console = Console.standard
        let executor = GridExecutor(
            run, settings, runner: ChildProcesses(variables: images(of: run)),
            accepts: { (try? StageCommand.check($0)) != nil },
            observe: { event in
                switch event {
                case .started(let stage, let number, let total, let resumes):
                    let verb = resumes ? "goes on" : stage.command
                    console.log("[\(number)/\(total)] \(stage.name): \(verb)")
                case .adopted(let stage, let twin, let number, let total):
                    console.log("[\(number)/\(total)] \(stage.name): the same as \(twin)")
                case .ended(let stage):
                    let time = HumanFormat.duration(stage.seconds ?? 0)
                    if let failure = stage.failure {
                        let lines = failure.split(separator: "\n")
                        console.fail("\(stage.name) failed after \(time): \(lines.first ?? "")")
                        for line in lines.dropFirst() { console.log("  \(line)") }
                    } else {
                        console.log("\(stage.name): done in \(time)")
                    }
                }
            })
        let record = try executor.execute(only: chosen)
        try summarize(record.stages.filter { chosen?.contains($0.name) ?? true }, run)
    }

    /// Where stages keep decoded images for each other: where the user keeps them, else in the run.
    private func images(of run: GridRun) -> [String: String] {
        let name = ImageOptions.cacheVariable
        if noImageCache { return [name: ""] }
        let own = ProcessInfo.processInfo.environment[name] ?? ""
        return own.isEmpty ? [name: run.folder.appendingPathComponent("images").path] : [:]
    }

    private func summarize(_ stages: [GridRecord.Stage], _ run: GridRun) throws {
        let console = Console.standard
        let counts = [StageState.done, .cached, .failed, .waiting].compactMap { state -> String? in
            let count = stages.count { $0.state == state }
            let words: [StageState: String] = [
                .done: "run", .cached: "done before", .failed: "failed", .waiting: "not run",
            ]
            return count == 0 ? nil : "\(count) \(words[state] ?? "")"
        }
        let failed = stages.filter { $0.state == .failed }
        console.write(
            "\(stages.count) \(stages.count == 1 ? "stage" : "stages"): "
                + counts.joined(separator: ", "))
        for stage in failed {
            console.write(
                "failed: \(stage.name), see \(run.folder.path)/\(stage.folder)/log.txt")
        }
        if failed.isEmpty {
            console.log("to lay the results out: recipe report \(output.path)")
        } else {
            throw RecipeCLI.ExitStatusError(status: .failed)
        }
    }

    /// The plan with what was set, the values of axes that were taken, and where data lie.
    private func resolved(_ reading: PlanOptions.Reading) throws -> String {
        var root = reading.root
        for entry in reading.plan.data {
            guard let url = reading.run.data[entry.key] else { continue }
            root = try root.setting("data.\(entry.key)", to: PlanNode(url.path))
        }
        for axis in reading.plan.axes {
            guard let node = root["axes"]?[axis.name] else { continue }
            let names = Set(axis.values.map(\.name))
            var narrowed = node
            switch node.content {
            case .list(let nodes):
                narrowed.content = .list(nodes.filter { $0.text.map(names.contains) ?? false })
            case .map(let entries):
                narrowed.content = .map(entries.filter { names.contains($0.key) })
            default: break
            }
            root = try root.setting("axes.\(axis.name)", to: narrowed)
        }
        return try PlanFile.text(root)
    }
}

extension GridRun {
    /// Takes the lock of the run's folder, which is made where it is missing; refuses a folder that
    /// holds something else than a run.
    func lock() throws -> FileLock {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let isRun = names.isEmpty || names.contains(".lock") || names.contains(GridRecord.fileName)
        guard isRun else {
            throw DataError(
                file: folder, "holds other things than a run; expected a new or an empty folder")
        }
        try makeFolder(folder)
        return try FileLock(at: folder.appendingPathComponent(".lock"), of: folder.path)
    }

    /// Refuses a folder in which a stage would replace what is read, hold it or lie in it.
    func refuse(reading plan: URL) throws {
        // What stages name below a folder of data: the run may well lie in that folder too.
        let paths = stages.flatMap { stage in
            stage.data.compactMap { name, rest, _ in data[name].map { $0.path + rest } }
        }
        let inputs = Set(paths).sorted().map { URL(fileURLWithPath: $0) } + [plan]
        for stage in stages {
            try Inputs.refuse(output: folder(of: stage), touching: inputs)
        }
    }
}
