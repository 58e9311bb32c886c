import Files
import Foundation
import JSON

/// The folder that a run leaves its records in: what was planned, where it ran, what happened, and
/// what came of it.
///
/// Each file but `events.jsonl` is written whole or not at all. Events are appended as they happen,
/// a line each, so that a run that was cut short still tells how far it came.
public final class RunDirectory {
    /// The names of a run's files.
    public enum File: String, Sendable, CaseIterable {
        /// The plan with every default filled in.
        case plan = "plan.yaml"
        /// Versions, device and command line.
        case environment = "environment.json"
        /// Which samples were trained on and which tested on, where one set was split in two.
        case split = "split.json"
        /// What happened, an event a line.
        case events = "events.jsonl"
        /// The results as data.
        case report = "report.json"
        /// The results to read in a repository.
        case markdown = "report.md"
        /// The results to read in a browser.
        case page = "report.html"
    }

    /// The snapshot that a run goes on from; it is there while the run is not done.
    public static let snapshot = "snapshot.safetensors"

    /// The folder.
    public let url: URL
    private var events: OutputFile?

    /// Makes the folder, or uses an empty or missing one; ``OutputFolder/staging`` is one.
    ///
    /// With `continuing`, events that are there are added to and the environment is replaced: the run
    /// goes on. What a run that was killed left half written is removed.
    ///
    /// - Throws: ``OutputError`` when it cannot be made, or holds the records of another run.
    public init(at url: URL, continuing: Bool = false) throws {
        self.url = url
        try makeFolder(url.standardizedFileURL)
        for name in Self.names {
            Unfinished.removeLeftovers(of: url.appendingPathComponent(name).path)
        }
        for file in File.allCases
        where !(continuing && [.events, .environment].contains(file))
            && FileManager.default.fileExists(atPath: self[file].path)
        {
            throw OutputError.destinationExists(path: self[file].path)
        }
    }

    private static let names = File.allCases.map(\.rawValue) + [snapshot]

    /// Throws ``OutputError`` where a run's records cannot go to `url`: where they would touch an
    /// input, where other records stand and may not be replaced, and where files of their names are
    /// not a run's.
    public static func check(_ url: URL, mayReplace: Bool, inputs: Inputs) throws {
        try inputs.refuse(output: url)
        let manager = FileManager.default
        var isFolder: ObjCBool = false
        guard manager.fileExists(atPath: url.path, isDirectory: &isFolder) else { return }
        guard isFolder.boolValue else {
            throw OutputError.unusableDestination(
                path: url.path, reason: "it is a file, not a folder")
        }
        let present = names.filter {
            manager.fileExists(atPath: url.appendingPathComponent($0).path)
        }
        guard let first = present.first else { return }
        let file = url.appendingPathComponent(first).path
        guard mayReplace else { throw OutputError.destinationExists(path: file) }
        guard isRun(url) else {
            throw OutputError.notOurs(path: file, reason: "is not the record of a run")
        }
    }

    /// Whether a folder holds what a run wrote: a command's environment with the tool's version.
    private static func isRun(_ url: URL) -> Bool {
        struct Environment: Decodable { var recipe: String }
        let file = url.appendingPathComponent(File.environment.rawValue)
        return (try? Data(contentsOf: file))
            .flatMap { try? JSONDecoder().decodeStrictly(Environment.self, from: $0) } != nil
    }

    /// Removes the records of a run that is done or given up; with `resuming`, its events and its
    /// snapshot stay.
    ///
    /// What a folder is told by to be a run's goes last, or stays until it is replaced: a process that
    /// is killed on the way leaves a folder that the next one knows.
    public static func clear(_ url: URL, resuming: Bool) {
        let mark = File.environment.rawValue
        let kept = resuming ? [snapshot, File.events.rawValue, mark] : []
        for name in names.filter({ $0 != mark }) + [mark] where !kept.contains(name) {
            try? FileManager.default.removeItem(at: url.appendingPathComponent(name))
        }
    }

    /// From now until the first event, the records are not left behind by a process that ends early.
    public func beginUnsettled() {
        guard !FileManager.default.fileExists(atPath: self[.events].path) else { return }
        for file in File.allCases { Unfinished.insert(self[file].path) }
        Unfinished.insert(emptyFolder: url.path)
    }

    private func settle() {
        for file in File.allCases { Unfinished.remove(self[file].path) }
    }

    /// Where one of the run's files is.
    public subscript(_ file: File) -> URL { url.appendingPathComponent(file.rawValue) }

    /// Writes the plan as YAML, its keys in the order in which the plan encodes them.
    public func write(plan: some Encodable) throws {
        try write(encoded(.plan) { try PlanText.of(plan) }, to: .plan)
    }

    /// Writes what the run ran on as JSON.
    public func write(environment: some Encodable) throws {
        try write(environment, to: .environment)
    }

    /// Writes which samples were trained on and which tested on as JSON.
    public func write(split: some Encodable) throws { try write(split, to: .split) }

    /// Writes the results as JSON.
    public func write(report: some Encodable) throws { try write(report, to: .report) }

    /// Writes the results as Markdown.
    public func write(markdown: String) throws { try write(markdown, to: .markdown) }

    /// Writes the results as an HTML page.
    public func write(page: String) throws { try write(page, to: .page) }

    /// Adds an event as a line; it is in the file when this returns.
    public func append(_ event: some Encodable) throws {
        // A value that is not finite is written as text: a diverged loss must not lose the record.
        let encoder = Self.encoder(formatting: [.sortedKeys, .withoutEscapingSlashes])
        var line = try encoded(.events) { try encoder.encode(event) }
        line.append(UInt8(ascii: "\n"))
        if events == nil { settle() }
        let file = try events ?? OutputFile(appendingTo: self[.events].path)
        events = file
        try file.write(line)
    }

    /// The steps and epochs of a run that stood at `step`, as far as they were recorded: of one that
    /// was interrupted later and taken up again, the last record of each.
    public func events(upTo step: Int) throws -> [TrainingEvent] {
        guard let text = try? String(contentsOf: self[.events], encoding: .utf8) else { return [] }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        var steps: [Int: TrainingEvent] = [:]
        // An epoch goes with the step that ended it.
        var epochs: [Int: TrainingEvent] = [:]
        var last = 0
        for line in text.split(separator: "\n") {
            // Other events are in other forms, and the last line may be cut off.
            switch try? decoder.decode(TrainingEvent.self, from: Data(line.utf8)) {
            case .step(let event)?:
                last = event.step
                if last <= step { steps[last] = .step(event) }
            case .epoch(let event)?: if last <= step { epochs[last] = .epoch(event) }
            case .started?, .finished?, nil: break
            }
        }
        return (1...max(1, step)).flatMap { [steps[$0], epochs[$0]].compactMap { $0 } }
    }

    /// Closes the events when they are safely on the disk; a later event opens them again.
    public func close() throws {
        defer { events = nil }
        try events?.close()
    }

    private func write(_ value: some Encodable, to file: File) throws {
        let encoder = Self.encoder(
            formatting: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        var data = try encoded(file) { try encoder.encode(value) }
        data.append(UInt8(ascii: "\n"))
        try atomicWrite(data, to: self[file])
    }

    private func write(_ text: String, to file: File) throws {
        try atomicWrite(Data(text.utf8), to: self[file])
    }

    private func encoded<Result>(_ file: File, _ encode: () throws -> Result) throws -> Result {
        do {
            return try encode()
        } catch {
            throw OutputError.notEncodable(path: self[file].path, reason: "\(error)")
        }
    }

    private static func encoder(formatting: JSONEncoder.OutputFormatting) -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting
        encoder.dateEncodingStrategy = .iso8601
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return encoder
    }
}
