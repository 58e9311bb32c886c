import Foundation
import TestFiles
import Testing

@testable import Experiments

/// Plans, made without YAML: `["key": …]` in order.
enum PlanSample {
    static func map(_ entries: KeyValuePairs<String, PlanNode>) -> PlanNode {
        PlanNode(
            .map(
                entries.enumerated().map {
                    PlanNode.Entry($1.key, line: $0 + 1, $1.value)
                }))
    }

    static func list(_ texts: String...) -> PlanNode { PlanNode(.list(texts.map { PlanNode($0) })) }

    static func text(_ text: String) -> PlanNode { PlanNode(text) }

    /// Two attacks, with or without a defense, on a task with two seeds.
    static let root = map([
        "title": text("t"),
        "data": map(["book": text("book.txt"), "task": text("task")]),
        "axes": map([
            "attack": list("por", "badpre"),
            "defense": map([
                "none": PlanNode(.nothing),
                "recipe": map(["purify": map(["weight": text("2")])]),
            ]),
            "seed": list("42", "43"),
        ]),
        "stages": map([
            "clean": map(["command": text("pretrain"), "auxiliary": text("$book")]),
            "$attack": map([
                "command": text("attack"), "method": text("$attack"), "model": text("<clean>"),
            ]),
            "$attack/$defense": map([
                "command": text("purify"), "model": text("<$attack>"),
                "same-as": map(["defense": map(["none": text("<$attack>")])]),
                "expect": text("2 min"),
            ]),
            "e/$attack/$defense/$seed": map([
                "command": text("evaluate"), "model": text("<$attack/$defense>"),
                "train": text("${task}/train.tsv"), "seeds": text("$seed"),
            ]),
        ]),
    ])

    static let commands: [String: StageCommand] = {
        func command(
            _ name: String, _ arguments: [String], _ options: [String: Bool], model: Bool = true
        ) -> StageCommand {
            let own: [String: Bool] =
                model
                ? ["output": false, "run": false, "resume": true, "snapshot-every": false]
                : ["report": false]
            return StageCommand(
                name: name, arguments: arguments, options: options.merging(own) { $1 },
                repeated: ["auxiliary"])
        }
        let all = [
            command("pretrain", [], ["auxiliary": false, "fresh": true, "epochs": false]),
            command("attack", ["method", "model"], ["blocks": true, "no-blocks": true]),
            command("purify", ["model"], ["weight": false]),
            command("evaluate", ["model"], ["train": false, "seeds": false], model: false),
        ]
        return Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
    }()

    static func run(_ root: PlanNode = root, in folder: URL) throws -> GridRun {
        let plan = try ExperimentPlan(root)
        var data = ["book": folder.appending(path: "book.txt"), "task": folder]
        for entry in plan.inputs where data[entry.key] == nil {
            data[entry.key] = URL(filePath: entry.value.text ?? "")
        }
        return try GridRun(
            plan, report: nil, folder: folder.appending(path: "run"), data: data,
            commands: commands, version: "1")
    }
}

@Suite struct ExperimentPlanTests {
    private func error(_ path: String, _ value: PlanNode) throws -> PlanError {
        let root = try PlanSample.root.setting(path, to: value)
        return try #require(throws: PlanError.self) {
            _ = try PlanSample.run(root, in: URL(filePath: "/nowhere"))
        }
    }

    @Test func expandsByTheAxesThatNamesMention() throws {
        let stages = try ExperimentPlan(PlanSample.root).stages()
        #expect(
            stages.map(\.name) == [
                "clean", "por", "badpre", "por/recipe", "badpre/recipe", "e/por/none/42",
                "e/por/none/43", "e/por/recipe/42", "e/por/recipe/43", "e/badpre/none/42",
                "e/badpre/none/43", "e/badpre/recipe/42", "e/badpre/recipe/43",
            ])
        #expect(stages[7].labels == ["attack": "por", "defense": "recipe", "seed": "42"])
        #expect(stages[5].dependencies == ["por"], "none stands for the attacked model")
        #expect(stages[7].dependencies == ["por/recipe"])
        #expect(stages[3].expected == 120)
        #expect(stages[3].settings.map(\.key) == ["model", "weight"])
    }

    @Test func makesCommandLines() throws {
        let run = try PlanSample.run(in: URL(filePath: "/x"))
        #expect(
            try run.arguments(of: run.stages[1]) == [
                "attack", "por", "/x/run/stages/clean/model", "--output=/x/run/stages/por/model",
                "--run=/x/run/stages/por",
            ])
        #expect(
            try run.arguments(of: run.stages[7]) == [
                "evaluate", "/x/run/stages/por__recipe/model", "--train=/x/train.tsv", "--seeds=42",
                "--report=/x/run/stages/e__por__recipe__42",
            ])
    }

    @Test func writesSwitchesAndLists() throws {
        let command = try #require(PlanSample.commands["attack"])
        let fixed =
            [("method", ["por"], nil, nil), ("model", ["m"], nil, nil)]
            as [(key: String, values: [String], flag: Bool?, line: Int?)]
        #expect(try command.line(fixed + [("blocks", ["false"], false, nil)]).last == "--no-blocks")
        #expect(try command.line(fixed + [("blocks", ["true"], true, nil)]).last == "--blocks")
        let pretrain = try #require(PlanSample.commands["pretrain"])
        #expect(
            try pretrain.line([
                ("auxiliary", ["a", "b"], nil, nil), ("epochs", ["1", "2"], nil, nil),
            ])
                == ["pretrain", "--auxiliary=a", "--auxiliary=b", "--epochs=1,2"])
    }

    @Test func namesWhatIsNotKnown() throws {
        let option = try error("stages.$attack.modle", PlanSample.text("x"))
        #expect(option.stage == "por" && option.description.contains("did you mean ‘model’?"))
        #expect(
            try error("stages.clean.output", PlanSample.text("x")).message.contains(
                "the run itself"))
        #expect(
            try error("stages.clean.fresh", PlanSample.text("x")).message
                .contains("expected true or false"))
        #expect(
            try error("stages.clean.command", PlanSample.text("pretran")).message
                .contains("did you mean ‘pretrain’?"))
        #expect(
            try error("stages.clean.auxiliary", PlanSample.text("$bok")).message
                .contains("did you mean ‘book’?"))
        #expect(
            try error("stages.$attack.model", PlanSample.text("<claen>")).message
                .contains("did you mean ‘clean’?"))
        #expect(
            try error("stages.$attack.only", PlanSample.map(["attak": PlanSample.text("por")]))
                .message.contains("did you mean ‘attack’?"))
        #expect(
            try error("stages.clean.auxiliary", PlanSample.text("$seed")).message
                .contains("does not mention"))
        #expect(try error("stage", PlanSample.text("x")).message.contains("did you mean ‘stages’?"))
        #expect(
            try error("stages.$attack.method", PlanSample.list("a", "b")).message
                .contains("expected one value"))
    }

    @Test func refusesAnAxisThatReplacesAStage() throws {
        let error = try error(
            "axes.defense.recipe.purify", PlanSample.map(["model": PlanNode("model")]))
        #expect(
            error.message
                == "‘model’ is <$attack> here, and the axis ‘defense’ sets it too: leave one of them out"
        )
        #expect(error.stage == "$attack/$defense")
    }

    @Test func stagesThatDifferInPathsAreOfOneForm() throws {
        let stages = try ExperimentPlan(PlanSample.root).stages().filter {
            $0.command == "evaluate"
        }
        #expect(stages.count == 8 && Set(stages.map(\.form)).count == 2, "one for each seed")
    }

    @Test func namesCircles() throws {
        let found = try error("stages.clean.auxiliary", PlanSample.text("<por/recipe>"))
        #expect(found.message.contains("clean → por/recipe → por → clean"), "\(found)")
    }

    @Test func refusesTwins() throws {
        let found = try error(
            "stages.por__recipe", PlanSample.map(["command": PlanSample.text("pretrain")]))
        #expect(found.message.contains("two stages"))
    }

    @Test func setsAndNarrows() throws {
        var plan = try ExperimentPlan(
            PlanSample.root.setting(
                "axes.defense.recipe.purify.weight", to: PlanSample.text("3")))
        try plan.narrow("seed", to: ["43"])
        try plan.narrow("attack", to: ["por"])
        let stages = try plan.stages()
        #expect(stages.map(\.name).last == "e/por/recipe/43" && stages.count == 5)
        #expect(stages[2].settings.last?.values == [.text("3")])
        #expect(throws: PlanError.self) { try plan.narrow("seed", to: ["44"]) }
        #expect(throws: PlanError.self) { try plan.narrow("sead", to: ["43"]) }
        #expect(throws: PlanError.self) {
            try PlanSample.root.setting("stages.nothing.epochs", to: PlanSample.text("1"))
        }
    }

    @Test func choosesByPatternsWithWhatTheyNeed() throws {
        let run = try PlanSample.run(in: URL(filePath: "/x"))
        #expect(
            try run.names(matching: ["e/por/*/42"])
                == ["clean", "por", "por/recipe", "e/por/none/42", "e/por/recipe/42"])
        #expect(try run.names(matching: ["*"]) == ["clean", "por", "badpre"])
        #expect(try run.names(matching: ["**"]).count == run.stages.count)
        #expect(throws: PlanError.self) { try run.names(matching: ["x*"]) }
    }

    @Test func takesGivenModelsInPlaceOfStages() throws {
        func root(_ given: KeyValuePairs<String, PlanNode>) throws -> PlanNode {
            try PlanSample.root.setting("given", to: PlanSample.map(given))
        }
        let model = PlanNode("/models/attacked")
        let run = try PlanSample.run(root(["por": model]), in: URL(filePath: "/x"))
        #expect(
            run.stages.map(\.name).prefix(4) == ["clean", "badpre", "por/recipe", "badpre/recipe"])
        let purify = try #require(run.stages.first { $0.name == "por/recipe" })
        #expect(try run.arguments(of: purify).prefix(2) == ["purify", "/models/attacked"])
        #expect(run.missingData().contains { $0.message.contains("or this by --given por=PATH") })

        // What led to given models alone is left out.
        let both = try ExperimentPlan(root(["por": model, "badpre": model])).stages()
        #expect(both.first?.name == "por/recipe")

        let unknown = try error("given", PlanSample.map(["pro": model]))
        #expect(unknown.message == "given: unknown stage ‘pro’: did you mean ‘por’?")
        #expect(unknown.line == 1)
        let none = try error("given", PlanSample.map(["por": PlanNode(.nothing)]))
        #expect(none.message == "given ‘por’: expected a model’s path")
        let part = try #require(throws: PlanError.self) {
            let part = try root(["por": model]).setting(
                "stages.$attack/$defense.model", to: PlanNode("<$attack:model.epochs/1>"))
            _ = try ExperimentPlan(part).stages()
        }
        #expect(part.message.contains("is a model alone") && part.stage == "por/recipe")
    }
}
