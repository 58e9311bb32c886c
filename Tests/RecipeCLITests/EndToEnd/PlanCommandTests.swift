import Foundation
import TestSupport
import Testing

/// Plans from the command line, with stages as real processes.
@Suite struct PlanCommandTests {
    private static let plan = """
        title: A small grid
        about: An attack, purified or not.
        data:
          aux: aux.txt
          model: model
          task: .
        axes:
          attack: [por]
          defense:
            none:
            recipe:
              purify: {epochs: 1}
          seed: [1]
        stages:
          $attack:
            command: attack
            method: $attack
            model: $model
            auxiliary: $aux
            triggers: [good]
            epochs: 1
            max-length: 16
            expect: 1 min
          $attack/$defense:
            command: purify
            model: <$attack>
            auxiliary: $aux
            max-length: 16
            same-as: {defense: {none: <$attack>}}
          $attack/$defense/$seed:
            command: evaluate
            model: <$attack/$defense>
            train: $task/train.tsv
            test: $task/test.tsv
            triggers: [good]
            epochs: 1
            max-length: 16
            seeds: $seed
        report:
          - table: Small
            rows: [attack, defense]
            columns: []
        """

    private func withPlan(
        _ text: String = plan, _ body: (Workplace) throws -> Void
    ) throws {
        try withWorkplace { place in
            try place.write([text], to: "plan.yaml")
            try body(place)
        }
    }

    @Test func runsOnceAndIsLaidOut() throws {
        try withPlan { place in
            let command = "run plan.yaml -o run --data . --threads 1"
            let dry = try place.tool.run(command + " --dry-run")
            #expect(dry.status == 0, "\(dry.errors)")
            #expect(dry.output.contains("por/recipe/1") && dry.output.contains("waiting"))
            #expect(dry.output.contains("1 min 00 s") && dry.output.contains("4 to run"))
            #expect(!place.holds("run"))

            let first = try place.tool.run(command)
            #expect(first.status == 0, "\(first.errors)")
            #expect(first.output.contains("4 stages: 4 run"), "\(first.output)")
            #expect(place.holds("run/stages/por__recipe/model/model.safetensors"))
            #expect(place.holds("run/stages/por__recipe__1/report.json"))
            #expect(try place.text("run/plan.yaml").contains("A small grid"))

            let second = try place.tool.run(command)
            #expect(second.output.contains("4 stages: 4 done before"), "\(second.output)")
            let again = try place.tool.run("run run/plan.yaml -o run --dry-run")
            #expect(again.output.contains("4 done, 0 to run"), "\(again.output)\(again.errors)")

            let given = try place.tool.run(
                "run plan.yaml -o after --data . --threads 1 --given por=run/stages/por/model "
                    + "--only por/recipe")
            #expect(given.output.contains("1 stage: 1 run"), "\(given.output)\(given.errors)")
            #expect(try place.text("after/plan.yaml").contains("run/stages/por/model"))

            let report = try place.tool.run("report run --format csv")
            #expect(report.output.contains("Small,por,recipe"), "\(report.output)\(report.errors)")
        }
    }

    @Test func saysWhatFailedAndGoesOn() throws {
        try withPlan { place in
            try place.write(["sentence\tlabel", "good\t"], to: "test.tsv")
            let run = try place.tool.run("run plan.yaml -o run --data . --jobs 2")
            #expect(run.status == 2)
            #expect(run.output.contains("2 run, 2 failed"), "\(run.output)")
            #expect(run.errors.contains("the label is blank"), "\(run.errors)")
        }
    }

    @Test(arguments: [
        ("epochs: 1\n    max-length", "epoch: 1\n    max-length", "did you mean ‘epochs’?"),
        ("epochs: 1\n    max-length", "epochs: 0\n    max-length", "expected at least 1"),
        ("<$attack/$defense>", "<$attack/defence>", "unknown stage ‘por/defence’"),
        ("title: A", "title: [A", "YAML"),
        ("rows: [attack", "row: [attack", "row"),
        ("aux: aux.txt", "aux: nowhere.txt", "there is no"),
    ])
    func namesMistakesBeforeAnythingRuns(old: String, new: String, message: String) throws {
        let text = Self.plan.replacingOccurrences(of: old, with: new)
        #expect(text != Self.plan)
        try withPlan(text) { place in
            let run = try place.tool.run("run plan.yaml -o run --data .")
            #expect(run.status == 2)
            #expect(run.errors.contains(message), "\(run.errors)")
            #expect(run.errors.contains("plan.yaml"), "\(run.errors)")
            #expect(!place.holds("run/stages"))
        }
    }

    @Test func namesTheLine() throws {
        let text = Self.plan.replacingOccurrences(of: "auxiliary: $aux", with: "auxilary: $aux")
        try withPlan(text) { place in
            let run = try place.tool.run("plans validate plan.yaml")
            #expect(run.errors.contains("line 19, stage ‘por’"), "\(run.errors)")
            #expect(run.errors.contains("did you mean ‘auxiliary’?"), "\(run.errors)")
        }
    }

    @Test func anInterruptedRunGoesOn() throws {
        let text = Self.plan.replacingOccurrences(
            of: "purify: {epochs: 1}", with: "purify: {epochs: 2000, batch-size: 4}")
        try withPlan(text) { place in
            let command = "run plan.yaml -o run --data . --threads 1 --snapshot-every 2"
            let run = try place.tool.start(command)
            let snapshot = "run/stages/por__recipe/snapshot.safetensors"
            let deadline = Date(timeIntervalSinceNow: 120)
            while run.process.isRunning, !place.holds(snapshot), Date() < deadline { usleep(5000) }
            run.process.terminate()
            let cut = try run.finish()
            #expect(cut.status == 143 || cut.status == SIGTERM)
            try #require(place.holds(snapshot))
            #expect(!place.holds("run/stages/por__recipe/model"))
            #expect(try place.text("run/grid.json").contains("running"))
            let again = try place.tool.start(command)
            let log = "run/stages/por__recipe/log.txt"
            while again.process.isRunning, Date() < deadline,
                try !place.text(log).contains("going on after step")
            {
                usleep(20_000)
            }
            again.process.terminate()
            let outcome = try again.finish()
            #expect(outcome.errors.contains("por/recipe: goes on"), "\(outcome.errors)")
            #expect(try place.text(log).contains("going on after step"))
        }
    }

    @Test func keepsOutOfOtherFolders() throws {
        try withPlan { place in
            let run = try place.tool.run("run plan.yaml -o other --data .")
            #expect(run.status == 2 && run.errors.contains("other things than a run"))
            let input = try place.tool.run("run plan.yaml -o model --data .")
            #expect(input.status == 2 && input.errors.contains("would overwrite the input"))
        }
    }

    @Test func shippedPlansAreValid() throws {
        try withTemporaryFolder { folder in
            let plans = ["RECIPE_PLANS": PackageFolder.root.appending(path: "Plans").path]
            let tool = Tool(folder: folder)
            let valid = try tool.run("plans validate", environment: plans)
            #expect(valid.status == 0, "\(valid.errors)")
            let list = try tool.run("plans list", environment: plans)
            #expect(list.output.contains("lab/text-main"))
            for name in list.output.split(separator: "\n").compactMap({
                $0.split(separator: " ").first.map(String.init)
            }) {
                let text = try tool.run("plans show \(name)", environment: plans).output
                for part in ["# Data", "# Sizes:", "# Time:", "# Expected:", "recipe run \(name)"] {
                    #expect(text.contains(part), "\(name) lacks ‘\(part)’")
                }
                #expect(valid.output.contains("\(name): "))
            }
            let copy = try tool.run("plans copy lab/vision-vit mine/vit.yaml", environment: plans)
            #expect(copy.status == 0, "\(copy.errors)")
            let again = try tool.run("plans validate mine/vit.yaml", environment: plans)
            #expect(again.status == 0, "\(again.errors)")
            let models = folder.appending(path: "mine/models/vit.json").path
            #expect(FileManager.default.fileExists(atPath: models))
            #expect(try tool.run("plans show lab/text-mian", environment: plans).status == 2)
        }
    }
}
