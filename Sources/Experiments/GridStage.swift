import Foundation

/// One stage of a run: a command with its options, everything filled in.
public struct GridStage: Sendable, Equatable {
    /// A part of an option's value.
    public enum Value: Sendable, Equatable {
        /// As it is.
        case text(String)
        /// A switch that is on or off.
        case flag(Bool)
        /// A path that begins with the data of a name.
        case data(name: String, rest: String)
        /// The output of a stage, or a file in its folder.
        case stage(name: String, path: String?)
    }

    /// An option with its values.
    public struct Setting: Sendable, Equatable {
        /// The option's name, without dashes, or that of an argument.
        public var key: String
        /// Its values.
        public var values: [Value]
        /// Its line.
        public var line: Int?

        /// An option set to values.
        public init(_ key: String, _ values: [Value], line: Int? = nil) {
            self.key = key
            self.values = values
            self.line = line
        }
    }

    /// Its name, unique in the run.
    public var name: String
    /// The pattern that it was made of.
    public var pattern: String
    /// Its line in the plan.
    public var line: Int?
    /// The command.
    public var command: String
    /// The value of each axis that its name mentions.
    public var labels: [String: String]
    /// The options.
    public var settings: [Setting]
    /// The seconds that the plan's author expects.
    public var expected: Double?

    /// The stages whose output it reads, each once.
    public var dependencies: [String] {
        var names: [String] = []
        for case .stage(let name, _) in settings.flatMap(\.values) where !names.contains(name) {
            names.append(name)
        }
        return names
    }

    /// The names of data that it reads.
    public var data: [(name: String, rest: String, line: Int?)] {
        settings.flatMap { setting in
            setting.values.compactMap {
                if case .data(let name, let rest) = $0 { (name, rest, setting.line) } else { nil }
            }
        }
    }

    /// Its command and options, with all paths of data and stages alike: the tool's parser accepts
    /// or refuses all stages of a form.
    public var form: [String] {
        [command]
            + settings.flatMap { setting in
                [setting.key]
                    + setting.values.map { value in
                        switch value {
                        case .text(let text): "=" + text
                        case .flag(let isOn): "\(isOn)"
                        case .data, .stage: "path"
                        }
                    }
            }
    }

    /// The folder that those of stages are in, relative to the run's.
    static let folderOfAll = "stages"

    /// Its folder, relative to the run's.
    public var folder: String {
        Self.folderOfAll + "/" + name.replacingOccurrences(of: "/", with: "__")
    }
}
