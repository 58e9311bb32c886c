import Foundation
import TestSupport
import Testing

extension Tool {
    /// Expects that doing the plan of the run of `name` again gives the same output, byte for byte.
    func expectSame(_ name: String) throws {
        let again = try run("do \(name).run -o \(name)-again")
        #expect(again.status == 0, "\(name): \(again.errors)")
        #expect(try files(of: "\(name)-again") == files(of: name), "\(name)")
    }

    /// Expects that a report's plan, done again, comes to the same figures.
    func expectSameReport(_ name: String) throws {
        let again = try run("do \(name) -o \(name)-again")
        #expect(again.status == 0, "\(name): \(again.errors)")
        let reports = try [name, name + "-again"].map { report in
            let data = try Data(contentsOf: folder.appendingPathComponent(report + "/report.json"))
            return Self.untimed(try JSONSerialization.jsonObject(with: data))
        }
        #expect(reports[0] as? NSObject == reports[1] as? NSObject, "\(name)")
    }

    /// A result without what differs from one run to the next.
    private static func untimed(_ value: Any) -> Any {
        switch value {
        case let object as [String: Any]:
            object.filter {
                !["command", "seconds", "trainSeconds", "evalSeconds"].contains($0.key)
            }
            .mapValues(untimed)
        case let list as [Any]: list.map(untimed)
        default: value
        }
    }

    private func files(of name: String) throws -> [String: Data] {
        let root = folder.appendingPathComponent(name)
        let paths = try FileManager.default.subpathsOfDirectory(atPath: root.path)
        var files: [String: Data] = [:]
        for path in paths {
            files[path] = try? Data(contentsOf: root.appendingPathComponent(path))
        }
        #expect(files["model.safetensors"] != nil, "\(name) holds no model")
        return files
    }
}

/// Plans that runs leave, done again.
@Suite struct DoCommandTests {
    private static let texts = "--auxiliary aux.txt --max-length 24 --threads 1"

    @Test(
        "What a run's plan says is done again, to the byte",
        arguments: [
            "purify model --epochs 1 --set weight=0.30000000000000004 --samples 20",
            "purify model --method fp --statistic absolute", "purify model --method distillation",
            "purify model --method unlearn --set suspects=[\"cf\"] --epochs 2",
            "pretrain model --epochs 1 --weight-decay 0.01 --warmup-steps 2",
            "attack por model --epochs 1 --triggers cf,mn", "attack badpre model --epochs 1",
            "attack neuba model --adaptive 0.1 --triggers cf,mn --precision fp32",
        ])
    func again(_ command: String) throws {
        try withWorkplace { place in
            let run = try place.tool.run("\(command) \(Self.texts) -o out")
            #expect(run.status == 0, "\(run.errors)")
            try place.tool.expectSame("out")
            let plans = try ["out.run", "out-again.run"].map { try place.text("\($0)/plan.yaml") }
            #expect(plans[0] == plans[1])
        }
    }

    @Test("A begun model is begun again") func beginning() throws {
        try withWorkplace { place in
            let run = try place.tool.run(
                "pretrain model/config.json --from-scratch --tokenizer model --epochs 1 "
                    + "\(Self.texts) -o out")
            #expect(run.status == 0, "\(run.errors)")
            try place.tool.expectSame("out")
        }
    }

    @Test("A report's plan comes to the same figures; what it cannot be is said") func report()
        throws
    {
        try withWorkplace { place in
            let run = try place.tool.run(
                "evaluate model --train train.tsv --test test.tsv --max-length 24 --pooler both "
                    + "--triggers cf,mn --position end --seeds 7 --epochs 1 --filter clean-correct "
                    + "--train-samples 20 --seed 3 --reference other --threads 1 --report r")
            #expect(run.status == 0, "\(run.errors)")
            try place.tool.expectSameReport("r")
            let plan = try place.text("r/plan.yaml")
            #expect(try place.text("r-again/plan.yaml") == plan)
            for (old, new, words) in [
                ("- mn", "- cf", "‘cf’ stands twice"), ("- mn", "- ''", "is empty"),
                ("insertions: 1", "insertions: 0", "insertions 0: expected 1 to 1000"),
                ("insertions: 1", "insertion: 1", "did you mean ‘insertions’?"),
                ("maximumLength: 24", "maximumLength: 4096", "4096"),
                ("batchSize: 32", "batchSize: 0", "batchSize 0: expected 1"),
                ("method: texts", "method: sounds", "there is no evaluation ‘sounds’"),
                ("command: evaluate", "command: analyze", "the key"),
                ("position: end", "position: middle", "at ‘settings.position’"),
                ("trainSamples: 20", "trainSamples: many", "another type than expected"),
            ] {
                let edited = plan.replacing(old, with: new)
                #expect(edited != plan, "\(old)")
                try place.write([edited], to: "edited.yaml")
                let run = try place.tool.run("do edited.yaml -o again")
                #expect(run.status == 2, "\(new): \(run.status)")
                #expect(run.errors.contains(words), "\(new): \(run.errors)")
                #expect(!place.holds("again"), "\(new)")
            }
            for option in ["--resume", "--run elsewhere"] {
                let run = try place.tool.run("do r -o again \(option)")
                #expect(run.status == 64 && run.errors.contains("means nothing for"), "\(option)")
            }
        }
    }

    @Test("What a plan cannot be is said with its line, and nothing is written") func refusals()
        throws
    {
        try withWorkplace { place in
            try place.tool.run("purify model --epochs 1 \(Self.texts) -o out")
            let plan = try place.text("out.run/plan.yaml")
            for (old, new, words) in [
                ("maximumLength:", "maximunLength:", "did you mean ‘maximumLength’?"),
                ("threads: 1", "threads: 1\nforce: true", "unknown key ‘force’"),
                (
                    "epochs: 1", "epochs: 9223372036854775807",
                    "epochs 9223372036854775807: expected 1"
                ),
                ("epochs: 1", "epochs: many", "another type than expected"),
                (
                    "learningRate: 2e-05", "learningRate: .inf",
                    "learningRate inf: expected 0 to 1000000"
                ),
                ("batchSize: 32", "batchSize: 0", "batchSize 0: expected 1"),
                ("method: recipe", "method: magic", "there is no defense ‘magic’"),
                ("command: purify", "command: bless", "line 1: a value is wrong at ‘command’"),
                ("threads: 1", "", "the key ‘threads’ is missing"),
                ("threads: 1", "threads: 0", "the number of threads is 0"),
                ("device: cpu", "device: tpu", "tpu"),
                ("/model\n", "/nowhere\n", "nowhere"),
            ] {
                let edited = plan.replacing(old, with: new)
                #expect(edited != plan, "\(old)")
                try place.write([edited], to: "edited.yaml")
                let run = try place.tool.run("do edited.yaml -o again")
                #expect(run.status == 2, "\(new): \(run.errors)")
                #expect(run.errors.contains(words), "\(new): \(run.errors)")
                #expect(!place.holds("again") && !place.holds("again.run"), "\(new)")
            }
            let standing = try place.tool.run("do out.run")
            #expect(standing.status == 2 && standing.errors.contains("exists already"))
            try place.write(["stages: {}"], to: "edited.yaml")
            #expect(try place.tool.run("do edited.yaml").errors.contains("recipe run does it"))
        }
    }
}
