extension ExperimentPlan {
    /// The name that the model given in place of a stage has among a run's data; no data of a plan
    /// can be called so.
    static func dataName(ofGiven stage: String) -> String { "<\(stage)>" }

    /// The option that says where the data of a name lie.
    static func option(placing name: String) -> String {
        guard name.hasPrefix("<") else { return "--set data.\(name)=PATH" }
        return "--given \(name.dropFirst().dropLast())=PATH"
    }

    /// Data and given models, with the names that stages know them by.
    public var inputs: [PlanNode.Entry] {
        data
            + given.map {
                PlanNode.Entry(Self.dataName(ofGiven: $0.key), line: $0.line, $0.value)
            }
    }

    /// `stages` (each after those that it depends on) without those that models are given for and
    /// those that led to them alone; what read their output reads the models.
    ///
    /// - Throws: ``PlanError`` for stages that are not known, or whose other files are read.
    func replacingGiven(in stages: [GridStage]) throws -> [GridStage] {
        let names = Set(given.map(\.key))
        for entry in given where !stages.contains(where: { $0.name == entry.key }) {
            throw PlanError(
                "given: " + Self.unknown("stage", entry.key, among: stages.map(\.name)),
                line: entry.line)
        }
        var kept: [GridStage] = []
        var needed: Set<String> = []
        var leading: Set<String> = []
        for stage in stages.reversed() {
            if names.contains(stage.name)
                || (leading.contains(stage.name) && !needed.contains(stage.name))
            {
                leading.formUnion(stage.dependencies)
                continue
            }
            let reading = try replacingGiven(names, in: stage)
            needed.formUnion(reading.dependencies)
            kept.append(reading)
        }
        return kept.reversed()
    }

    private func replacingGiven(_ names: Set<String>, in stage: GridStage) throws -> GridStage {
        var stage = stage
        for index in stage.settings.indices {
            let line = stage.settings[index].line
            stage.settings[index].values = try stage.settings[index].values.map { value in
                guard case .stage(let name, let path) = value, names.contains(name) else {
                    return value
                }
                if let path {
                    throw PlanError(
                        "reads ‘\(path)’ of the stage ‘\(name)’, and what is given for that is a "
                            + "model alone", line: line, stage: stage.name)
                }
                return .data(name: Self.dataName(ofGiven: name), rest: "")
            }
        }
        return stage
    }
}
