import Foundation

/// A stage that is to be run now.
public struct StageJob: Sendable {
    /// Its name.
    public var name: String
    /// The command line, without the tool's name.
    public var arguments: [String]
    /// The file that takes what it prints.
    public var log: URL

    /// A stage with its command line.
    public init(name: String, arguments: [String], log: URL) {
        self.name = name
        self.arguments = arguments
        self.log = log
    }
}

/// What runs stages: processes of their own, or in tests something quicker.
public protocol StageRunner: Sendable {
    /// Runs a stage to its end and returns its exit status; called on several threads at once.
    func run(_ job: StageJob) throws -> Int32
}

/// What a command takes and leaves, as far as a run needs to know.
public struct StageCommand: Sendable {
    /// The command's name.
    public var name: String
    /// The positional arguments' names, in order.
    public var arguments: [String]
    /// The other options' names, without dashes; true for those that take no value.
    public var options: [String: Bool]
    /// Names of options that take several values.
    public var repeated: Set<String>

    /// A command of these arguments and options.
    public init(
        name: String, arguments: [String], options: [String: Bool], repeated: Set<String>
    ) {
        self.name = name
        self.arguments = arguments
        self.options = options
        self.repeated = repeated
    }

    /// Whether it writes a model.
    public var writesModel: Bool { options["output"] != nil && options["run"] != nil }
    /// Whether it writes a report into a folder that is named.
    public var writesReport: Bool { options["report"] != nil }
    /// Whether it can go on where it was interrupted.
    public var resumes: Bool { options["resume"] != nil && options["snapshot-every"] != nil }

    /// Options that the run itself sets.
    public static let reserved: Set<String> = [
        "output", "run", "report", "force", "resume", "snapshot-every", "accept-changes", "threads",
        "format", "help", "version",
    ]

    /// The names that a plan may set.
    public var settable: [String] {
        (arguments + options.keys.sorted()).filter { !Self.reserved.contains($0) }
    }

    /// The command line of options with their values.
    ///
    /// - Throws: ``PlanError`` for names that are not known and values of the wrong kind.
    public func line(
        _ settings: [(key: String, values: [String], flag: Bool?, line: Int?)]
    ) throws -> [String] {
        var positional: [String: String] = [:]
        var rest: [String] = []
        for (key, values, flag, line) in settings {
            if Self.reserved.contains(key) {
                throw PlanError("‘\(key)’ is set by the run itself", line: line)
            }
            if arguments.contains(key) {
                guard values.count == 1 else {
                    throw PlanError("‘\(key)’: expected one value", line: line)
                }
                positional[key] = values[0]
            } else if let takesNone = options[key] {
                if takesNone {
                    guard let flag else {
                        throw PlanError("‘\(key)’: expected true or false", line: line)
                    }
                    if flag {
                        rest.append("--" + key)
                    } else if options["no-" + key] == true {
                        rest.append("--no-" + key)
                    }
                } else if flag != nil {
                    throw PlanError("‘\(key)’ takes a value, not true or false", line: line)
                } else if repeated.contains(key) {
                    rest += values.map { "--\(key)=\($0)" }
                } else {
                    rest.append("--\(key)=\(values.joined(separator: ","))")
                }
            } else {
                throw PlanError(
                    ExperimentPlan.unknown("option of \(name)", key, among: settable), line: line)
            }
        }
        if let missing = arguments.first(where: { positional[$0] == nil }) {
            throw PlanError("expected ‘\(missing)’, which \(name) needs")
        }
        return [name] + arguments.compactMap { positional[$0] } + rest
    }
}
