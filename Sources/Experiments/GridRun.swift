import DataPipeline
import Foundation

/// The stages of a plan in the folder of a run: their command lines, what they are made of, and how
/// far they are.
public struct GridRun: Sendable {
    /// A stage as it stands before anything is run.
    public struct Outlook: Sendable {
        /// The stage.
        public var stage: GridStage
        /// Cached or waiting.
        public var state: StageState
        /// What it is made of; nil where data are missing.
        public var ingredients: StageIngredients?
        /// Seconds that it takes, or took.
        public var seconds: Double?
        /// Where the seconds are from: `measured`, `like NAME`, `same as NAME`, or `plan`.
        public var basis: String?
    }

    /// What the run is called.
    public var title: String
    /// What it shows.
    public var about: String?
    /// How it is laid out.
    public var report: ReportPlan?
    /// The run's folder.
    public var folder: URL
    /// The stages, each after those that it depends on.
    public var stages: [GridStage]
    /// Where data lie, by name.
    public var data: [String: URL]
    /// The commands, by name.
    public var commands: [String: StageCommand]
    /// The version of the tool.
    public var version: String

    /// The stages of `plan` in `folder`.
    ///
    /// - Throws: ``PlanError``.
    public init(
        _ plan: ExperimentPlan, report: ReportPlan?, folder: URL, data: [String: URL],
        commands: [String: StageCommand], version: String
    ) throws {
        title = plan.title
        about = plan.about
        self.report = report
        self.folder = folder
        stages = try plan.stages()
        self.data = data
        self.commands = commands
        self.version = version
        for stage in stages { _ = try arguments(of: stage) }
    }

    // MARK: Command lines

    /// The folder of a stage.
    public func folder(of stage: GridStage) -> URL { folder.appendingPathComponent(stage.folder) }

    func command(of stage: GridStage) throws -> StageCommand {
        let known = commands.filter { $1.writesModel || $1.writesReport }
        guard let command = known[stage.command] else {
            throw PlanError(
                ExperimentPlan.unknown("command", stage.command, among: known.keys.sorted()),
                line: stage.line, stage: stage.name)
        }
        return command
    }

    /// The command line of a stage, with its outputs in its folder.
    ///
    /// - Throws: ``PlanError`` for options that are not known and stages that write no model.
    public func arguments(of stage: GridStage) throws -> [String] {
        let command = try command(of: stage)
        do {
            var line = try command.line(
                try stage.settings.map { setting in
                    var flag: Bool?
                    if setting.values.count == 1, case .flag(let isOn) = setting.values[0] {
                        flag = isOn
                    }
                    return (
                        setting.key, try setting.values.map { try text($0, line: setting.line) },
                        flag, setting.line
                    )
                })
            let own = folder(of: stage).path
            if command.writesModel { line += ["--output=\(own)/model", "--run=\(own)"] }
            if command.writesReport { line.append("--report=\(own)") }
            return line
        } catch var error as PlanError {
            error.stage = stage.name
            error.line = error.line ?? stage.line
            throw error
        }
    }

    private func text(_ value: GridStage.Value, line: Int?) throws -> String {
        switch value {
        case .text(let text): return text
        case .flag(let isOn): return "\(isOn)"
        case .data(let name, let rest):
            guard let url = data[name] else { throw PlanError("no data ‘\(name)’", line: line) }
            return url.path + rest
        case .stage(let name, let path):
            guard let stage = stages.first(where: { $0.name == name }) else {
                throw PlanError("no stage ‘\(name)’", line: line)
            }
            let own = folder(of: stage)
            if let path { return own.appendingPathComponent(path).path }
            guard try command(of: stage).writesModel else {
                throw PlanError("<\(name)> writes no model", line: line)
            }
            return own.appendingPathComponent("model").path
        }
    }

    // MARK: What is there

    /// Data that are missing, each with the line and the stage that wants it first.
    public func missingData() -> [PlanError] {
        var seen: Set<String> = []
        return stages.flatMap { stage in
            stage.data.compactMap { name, rest, line -> PlanError? in
                guard let url = data[name] else { return nil }
                let path = url.path + rest
                guard seen.insert(path).inserted, !FileManager.default.fileExists(atPath: path)
                else { return nil }
                return PlanError(
                    "there is no \(path); put it there, name the folder of all data by --data, or "
                        + "this by \(ExperimentPlan.option(placing: name))", line: line,
                    stage: stage.name)
            }
        }
    }

    /// How far each stage is, and how long it will take.
    public func outlook() throws -> [Outlook] {
        var digests = InputDigests(file: folder.appendingPathComponent("inputs.json"))
        var found: [Outlook] = []
        var byName: [String: String] = [:]
        var twins = finished().mapValues(\.name)
        let records = stages.map { StageRecord.read(in: folder(of: $0)) }
        for (stage, record) in zip(stages, records) {
            let ingredients = try ingredients(of: stage, stages: byName, &digests)
            byName[stage.name] = ingredients?.digest
            let isCached =
                record?.state == .done && record?.digest == ingredients?.digest
                && hasOutput(stage)
            var one = Outlook(
                stage: stage, state: isCached ? .cached : .waiting, ingredients: ingredients)
            (one.seconds, one.basis) = expectation(of: stage, record, records)
            if let digest = ingredients?.digest {
                if !isCached, let twin = twins[digest] {
                    (one.seconds, one.basis) = (0, "same as \(twin)")
                }
                twins[digest] = twins[digest] ?? stage.name
            }
            found.append(one)
        }
        if FileManager.default.fileExists(atPath: folder.path) { try digests.save() }
        return found
    }

    /// The finished stages in the run's folder by their digests, those of other plans too: where
    /// two digests are equal, so are the outputs.
    func finished() -> [String: (name: String, folder: URL)] {
        let stages = folder.appendingPathComponent(GridStage.folderOfAll)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: stages.path)) ?? []
        var found: [String: (name: String, folder: URL)] = [:]
        for name in names.sorted() {
            let own = stages.appendingPathComponent(name)
            guard let record = StageRecord.read(in: own), record.state == .done,
                hasOutput(of: record.madeOf.command, in: own)
            else { continue }
            found[record.digest] = found[record.digest] ?? (record.name, own)
        }
        return found
    }

    /// Whether the files that a stage leaves are there.
    func hasOutput(_ stage: GridStage) -> Bool {
        hasOutput(of: stage.command, in: folder(of: stage))
    }

    private func hasOutput(of command: String, in own: URL) -> Bool {
        let command = commands[command]
        let exists = { (name: String) in
            FileManager.default.fileExists(atPath: own.appendingPathComponent(name).path)
        }
        return (command?.writesModel != true || exists("model"))
            && (command?.writesReport != true || exists("report.json"))
    }

    private func ingredients(
        of stage: GridStage, stages: [String: String], _ digests: inout InputDigests
    ) throws -> StageIngredients? {
        var result = StageIngredients(
            version: version, command: stage.command, settings: [:], data: [:], stages: [:])
        for setting in stage.settings {
            result.settings[setting.key] = try setting.values.map { value in
                switch value {
                case .flag(let isOn): return "\(isOn)"
                case .text(let text):
                    // A path that the plan does not name among its data.
                    if text.contains("/"), FileManager.default.fileExists(atPath: text) {
                        result.data[text] = try digests.digest(of: URL(fileURLWithPath: text))
                    }
                    return text
                case .data(let name, let rest):
                    let path = (data[name]?.path ?? "") + rest
                    if FileManager.default.fileExists(atPath: path) {
                        result.data["$\(name)\(rest)"] = try digests.digest(
                            of: URL(fileURLWithPath: path))
                    }
                    return "$\(name)\(rest)"
                case .stage(let name, let path):
                    result.stages[name] = stages[name]
                    return "<\(name)\(path.map { ":" + $0 } ?? "")>"
                }
            }
        }
        let isWhole = stage.data.allSatisfy { result.data["$\($0.name)\($0.rest)"] != nil }
        return isWhole && result.stages.count == stage.dependencies.count ? result : nil
    }

    /// The time that the stage itself took, else the mean of those of its pattern that share most
    /// labels with it, else the plan's.
    private func expectation(
        of stage: GridStage, _ record: StageRecord?, _ records: [StageRecord?]
    ) -> (Double?, String?) {
        if record?.state == .done, let seconds = record?.seconds { return (seconds, "measured") }
        let measured = zip(stages, records).compactMap { other, record -> (Int, Double, String)? in
            guard other.pattern == stage.pattern, record?.state == .done,
                let seconds = record?.seconds
            else { return nil }
            return (stage.labels.count { other.labels[$0] == $1 }, seconds, other.name)
        }
        if let most = measured.map(\.0).max() {
            let nearest = measured.filter { $0.0 == most }
            return (
                nearest.map(\.1).reduce(0, +) / Double(nearest.count), "like \(nearest[0].2)"
            )
        }
        return (stage.expected, stage.expected.map { _ in "plan" })
    }

    /// The names of stages that match a pattern, in which `*` is any part of a name between slashes
    /// and `**` any part at all, and of all that they depend on.
    ///
    /// - Throws: ``PlanError`` where nothing matches.
    public func names(matching patterns: [String]) throws -> Set<String> {
        var chosen: Set<String> = []
        for pattern in patterns {
            let found = stages.filter { Self.matches($0.name[...], pattern[...]) }
            guard !found.isEmpty else {
                throw PlanError(
                    "--only: "
                        + ExperimentPlan.unknown("stage", pattern, among: stages.map(\.name)))
            }
            chosen.formUnion(found.map(\.name))
        }
        for stage in stages.reversed() where chosen.contains(stage.name) {
            chosen.formUnion(stage.dependencies)
        }
        return chosen
    }

    private static func matches(_ name: Substring, _ pattern: Substring) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        guard first == "*" else {
            return name.first == first && matches(name.dropFirst(), pattern.dropFirst())
        }
        let isWide = pattern.hasPrefix("**")
        let rest = pattern.dropFirst(isWide ? 2 : 1)
        var tail = name
        while true {
            if matches(tail, rest) { return true }
            guard let next = tail.first, isWide || next != "/" else { return false }
            tail = tail.dropFirst()
        }
    }
}
