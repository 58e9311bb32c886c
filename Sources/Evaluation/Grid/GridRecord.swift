import Foundation

/// The record of a run of many stages, as `grid.json` has it: the plan's stages and how far each is.
public struct GridRecord: Sendable, Codable, Equatable {
    /// The record's name in a run folder.
    public static let file = "grid.json"

    /// What the run is called.
    public var title: String
    /// What it is about.
    public var about: String?
    /// The stages in the order in which they can run.
    public var stages: [StageRecord]
    /// The tables and figures that the run is laid out as.
    public var report: ReportPlan?

    /// The record of a run.
    public init(
        title: String, about: String? = nil, stages: [StageRecord] = [], report: ReportPlan? = nil
    ) {
        self.title = title
        self.about = about
        self.stages = stages
        self.report = report
    }
}

/// A stage in the record of its run.
public struct StageRecord: Sendable, Codable, Equatable {
    /// How far a stage is.
    public enum State: String, Sendable, Codable, CaseIterable {
        /// It has not begun.
        case waiting
        /// It is at work, or was when the run was cut short.
        case running
        /// It was run, and went well.
        case done
        /// It was run and did not go well.
        case failed
        /// It was done before, with the same inputs and settings.
        case cached

        /// Whether there is a result.
        public var isFinished: Bool { self == .done || self == .cached }
    }

    /// Its name, unique in the run.
    public var name: String
    /// The command that it is, such as `evaluate`.
    public var command: String
    /// The values of the axes that its name mentions, and the plan's own labels.
    public var labels: [String: String]
    /// Its folder, relative to the run's.
    public var folder: String
    /// How far it is.
    public var state: State
    /// Seconds it took; of a stage that went on after an interruption, all of them together.
    public var seconds: Double?
    /// What its result depends on, in a digest.
    public var digest: String
    /// The stages whose outputs it reads.
    public var dependsOn: [String]

    /// A stage of a run.
    public init(
        name: String, command: String, labels: [String: String] = [:], folder: String,
        state: State = .waiting, seconds: Double? = nil, digest: String = "",
        dependsOn: [String] = []
    ) {
        self.name = name
        self.command = command
        self.labels = labels
        self.folder = folder
        self.state = state
        self.seconds = seconds
        self.digest = digest
        self.dependsOn = dependsOn
    }
}
