import Foundation

/// How far a stage of a run is.
public enum StageState: String, Sendable, Codable, CaseIterable {
    /// It has not begun.
    case waiting
    /// It is at work, or was when the run was cut short.
    case running
    /// It is done.
    case done
    /// It was done before, with the same inputs and settings.
    case cached
    /// It failed.
    case failed

    /// Whether there is a result.
    public var isFinished: Bool { self == .done || self == .cached }
}

/// The record of a run of many stages, `grid.json` in its folder, which reports are made from.
public struct GridRecord: Sendable, Codable, Equatable {
    /// One stage.
    public struct Stage: Sendable, Codable, Equatable {
        /// Its name, unique in the run.
        public var name: String
        /// The command that it is, such as `evaluate`.
        public var command: String
        /// What tells it apart in tables: the value of each axis that its name mentions.
        public var labels: [String: String]
        /// Its folder, relative to the run's.
        public var folder: String
        /// How far it is.
        public var state: StageState
        /// Seconds it took; nil where it has not ended.
        public var seconds: Double?
        /// What it is made of, as a digest.
        public var digest: String?
        /// The stages whose output it reads.
        public var dependsOn: [String]
        /// Why it failed: the end of its log.
        public var failure: String?

        /// A stage as it stands.
        public init(
            name: String, command: String, labels: [String: String] = [:], folder: String,
            state: StageState, seconds: Double? = nil, digest: String? = nil,
            dependsOn: [String] = [], failure: String? = nil
        ) {
            self.name = name
            self.command = command
            self.labels = labels
            self.folder = folder
            self.state = state
            self.seconds = seconds
            self.digest = digest
            self.dependsOn = dependsOn
            self.failure = failure
        }
    }

    /// The name of the record in a run's folder.
    public static let fileName = "grid.json"

    /// What the run is called.
    public var title: String
    /// What it shows.
    public var about: String?
    /// Its stages, in the order of the plan.
    public var stages: [Stage]
    /// How it is laid out, where the plan says so.
    public var report: ReportPlan?

    /// A record of `stages`.
    public init(title: String, about: String? = nil, stages: [Stage], report: ReportPlan? = nil) {
        self.title = title
        self.about = about
        self.stages = stages
        self.report = report
    }
}
