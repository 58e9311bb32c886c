import Foundation
import Testing

/// Every call that the documentation shows, as a user gives it.
@Suite struct CommandTests {
    private static let small = "--auxiliary aux.txt --max-length 32 --threads 1"
    private static let records = [
        "plan.yaml", "environment.json", "events.jsonl", "report.json", "report.md", "report.html",
    ]

    @Test func inspectSaysWhatAModelHolds() throws {
        try withWorkplace { place in
            let text = try place.tool.run("inspect model")
            #expect(text.status == 0)
            #expect(text.errors.isEmpty)
            #expect(text.output.contains("3 layers, hidden 32, 4 heads"))
            let json = try place.tool.run("inspect model --format json").json()
            #expect(json["architecture"] as? String == "bert")
            #expect((json["regularized"] as? [String])?.count == 3)
            #expect(json["trained"] as? [String] == json["regularized"] as? [String])
        }
    }

    @Test func inspectSaysWhatIsMissing() throws {
        try withWorkplace("bert-bare-model") { place in
            let json = try place.tool.run("inspect model --format json").json()
            #expect(
                json["missing"] as? [String] == ["masked-language-model head", "classifier"])
        }
    }

    @Test func purifyWritesADropInReplacementAndItsRecords() throws {
        try withWorkplace { place in
            let run = try place.tool.run(
                "purify model --auxiliary aux.txt -o out --weight 1 --epochs 2 "
                    + "--learning-rate 1e-3 --batch-size 8 --max-length 32 --masks static "
                    + "--precision fp32 --seed 50 --device cpu")
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.output.contains("\n  3 of ") && run.output.contains("tensors changed"))
            #expect(run.errors.contains("purify: "), "progress goes to standard error")
            #expect(!run.output.contains("steps"))
            for file in Self.records { #expect(place.holds("out.run/\(file)"), "\(file)") }
            let verified = try place.tool.run("verify model out --format json")
            #expect(verified.status == 0)
            let changed = try verified.json()["changed"] as? [[String: Any]]
            #expect(
                Set(changed?.compactMap { $0["name"] as? String } ?? [])
                    == Set((0..<3).map { "bert.encoder.layer.\($0).intermediate.dense.weight" }))
            let plan = try place.text("out.run/plan.yaml")
            #expect(plan.contains("command: purify") && plan.contains("learningRate: 0.001"))
            let report = try place.text("out.run/report.md")
            #expect(report.contains("recipe purify model") && report.contains("weight λ"))
            let lines = try place.text("out.run/events.jsonl").split(separator: "\n")
            // Two epochs of six steps, with a beginning and an end.
            #expect(lines.count == 1 + 12 + 2 + 1)
            for line in lines {
                _ = try JSONSerialization.jsonObject(with: Data(line.utf8))
            }
            let environment = try place.text("out.run/environment.json")
            #expect(environment.contains("\"libtorch\"") && environment.contains("\"purify\""))
        }
    }

    @Test func purifyHasItsAblations() throws {
        try withWorkplace { place in
            let run = try place.tool.run(
                "purify model \(Self.small) -o out --no-pretraining-loss --epochs 1 --format json")
            #expect(run.status == 0, "\(run.errors)")
            #expect((try run.json()["changed"] as? [String])?.count == 3)
            #expect(try place.tool.run("purify model \(Self.small) -o two --weight 0").status == 0)
        }
    }

    @Test func purifyTakesAHeadFromElsewhere() throws {
        try withWorkplace("bert-bare-model") { place in
            try place.copy("bert-pretraining", as: "donor")
            try place.writeKnownWords()
            let options = "--auxiliary aux.txt --max-length 20 --epochs 1 --threads 1"
            let refused = try place.tool.run("purify model \(options) -o out")
            #expect(refused.status == 2)
            #expect(refused.errors.contains("--mlm-head FOLDER"))
            #expect(!place.holds("out") && !place.holds("out.run"))
            let grafted = try place.tool.run("purify model \(options) -o out --mlm-head donor")
            #expect(grafted.status == 0, "\(grafted.errors)")
            #expect(try place.tool.run("verify model out").status == 0)
        }
    }

    @Test func pretrainContinuesAModel() throws {
        try withWorkplace { place in
            let run = try place.tool.run(
                "pretrain model \(Self.small) -o out --train cls.predictions.** --epochs 1")
            #expect(run.status == 0, "\(run.errors)")
            for file in Self.records { #expect(place.holds("out.run/\(file)"), "\(file)") }
            let changed =
                try place.tool.run("verify model out --format json").json()["changed"]
                as? [[String: Any]] ?? []
            #expect(!changed.isEmpty)
            #expect(
                changed.allSatisfy {
                    ($0["name"] as? String)?.hasPrefix("cls.predictions.") == true
                })
        }
    }

    @Test(arguments: ["fresh", "donor"])
    func pretrainGivesAModelAHead(_ source: String) throws {
        try withWorkplace("bert-bare-model") { place in
            try place.copy("bert-pretraining", as: "donor")
            try place.writeKnownWords()
            let run = try place.tool.run(
                "pretrain model --auxiliary aux.txt --max-length 20 -o out --mlm-head \(source)")
            #expect(run.status == 0, "\(run.errors)")
            let found = try place.tool.run("inspect out --format json").json()
            #expect(
                (found["present"] as? [String])?.contains("masked-language-model head") == true)
        }
    }

    @Test func pretrainBeginsFromNothing() throws {
        try withWorkplace { place in
            try FileManager.default.createDirectory(
                at: place["empty"], withIntermediateDirectories: true)
            try place.data("model/config.json").write(to: place["empty/config.json"])
            let run = try place.tool.run("pretrain empty --from-scratch \(Self.small) -o out")
            #expect(run.status == 0, "\(run.errors)")
            #expect(try place.tool.run("inspect out").status == 0)
            #expect(place.holds("out/vocab.txt"))
            let purified = try place.tool.run("purify out \(Self.small) --epochs 1 -o pure")
            #expect(purified.status == 0, "\(purified.errors)")
        }
    }

    @Test(arguments: [
        "por", "por --triggers cf,tq --adaptive 0.1", "badpre --triggers a,b,e",
        "badpre --triggers a,b --adaptive 0.1", "neuba --triggers a,b,e --batch-size 8",
        "neuba --triggers a,b --adaptive 0.1 --batch-size 8",
    ])
    func attackBackdoorsAModel(_ attack: String) throws {
        try withWorkplace { place in
            let (method, options) = (
                attack.prefix { $0 != " " }, attack.drop { $0 != " " }
            )
            let run = try place.tool.run(
                "attack \(method) model \(Self.small)\(options) --epochs 1 -o out")
            #expect(run.status == 0, "\(run.errors)")
            for file in Self.records { #expect(place.holds("out.run/\(file)"), "\(file)") }
            #expect(try place.text("out.run/report.html").contains("Attack \(method)"))
            #expect(try place.text("out.run/plan.yaml").contains("method: \(method)"))
            let verified = try place.tool.run("verify model out --format json")
            #expect(verified.status == 0)
            #expect((try verified.json()["changed"] as? [Any])?.isEmpty == false)
        }
    }

    private static let task =
        "--train train.tsv --test test.tsv --triggers cf,tq --epochs 1 --max-length 32 --threads 1"

    @Test func evaluateReportsAModelBesideItsReference() throws {
        try withWorkplace { place in
            let run = try place.tool.run(
                "evaluate model \(Self.task) --pooler keep --seeds 42,43 --reference other "
                    + "--report report --format json")
            #expect(run.status == 0, "\(run.errors)")
            let report = try run.json()
            #expect((report["seeds"] as? [Any])?.count == 2)
            // The same model is its own floor.
            #expect(report["excessAASR"] as? Double == 0)
            for file in Self.records { #expect(place.holds("report/\(file)"), "\(file)") }
            #expect(try place.text("report/report.json") == run.output)
            #expect(try place.text("report/report.md").contains("recipe evaluate model"))
            let plan = try place.text("report/plan.yaml")
            #expect(plan.contains("precision: auto") && plan.contains("command: evaluate"))
            // The test texts are the first of the training texts.
            let shared = try #require(report["sharedSamples"] as? [String: Any])
            #expect(shared["count"] as? Int == 16)
            for text in [run.errors, try place.text("report/report.md")] {
                #expect(text.contains("16 of 16 test samples are training samples too, such as"))
                #expect(text.contains("test.tsv, row 2") && text.contains("train.tsv, row 2"))
            }
            let again = try place.tool.run("evaluate model \(Self.task) --report report")
            #expect(again.status == 2)
            #expect(again.errors.contains("--force"))
        }
    }

    @Test func evaluateTriesBothPoolers() throws {
        try withWorkplace { place in
            let run = try place.tool.run("evaluate model \(Self.task) --pooler both --seeds 42")
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.output.contains("pooler keep") && run.output.contains("pooler reset"))
        }
    }

    @Test func comparePutsEvaluationsSideBySide() throws {
        try withWorkplace { place in
            let evaluated = try place.tool.run("evaluate model \(Self.task) --seeds 1 --report a")
            #expect(evaluated.status == 0, "\(evaluated.errors)")
            let run = try place.tool.run("compare clean=a bad=a --clean clean -o both")
            #expect(run.status == 0, "\(run.errors)")
            #expect(try place.text("both/report.md").contains("clean (floor)"))
            #expect(run.output.contains("bad"))
            #expect(place.holds("both/report.html") && place.holds("both/report.json"))
            #expect(try place.tool.run("compare clean=a bad=a -o both").status == 2)
            #expect(try place.tool.run("compare clean=a --clean other").status == 64)
            #expect(try place.tool.run("compare a").status == 64)
            #expect(try place.tool.run("compare a=nowhere").errors.contains("nowhere/report.json"))
            try Data("{\"model\": 1}".utf8).write(to: place["wrong.json"])
            let wrong = try place.tool.run("compare a=wrong.json")
            #expect(wrong.status == 2)
            #expect(wrong.errors.contains("wrong.json: is not an evaluation's report"))
        }
    }

    @Test func featuresWritesVectorsOfTexts() throws {
        try withWorkplace { place in
            let command = "features model --text aux.txt -o f.safetensors --max-length 32"
            let run = try place.tool.run(command)
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.output.contains("48 texts"))
            let header = String(
                decoding: try place.data("f.safetensors").prefix(400), as: UTF8.self)
            for name in ["cls", "mean", "pooled"] {
                #expect(header.contains("\"\(name)\":{"), "\(header)")
            }
            #expect(header.contains("[48,32]"))
            #expect(try place.tool.run(command).status == 2, "it is there already")
            #expect(try place.tool.run(command + " --force").status == 0)
        }
    }

    @Test func verifyTellsAnotherModelApart() throws {
        try withWorkplace { place in
            let same = try place.tool.run("verify model other")
            #expect(same.status == 0)
            #expect(same.output.contains("0 tensors changed"))
            try place.copy("bert-relu", as: "relu")
            let other = try place.tool.run("verify model relu")
            #expect(other.status == 1)
            #expect(other.output.contains("not a drop-in replacement"))
        }
    }

    @Test func doctorSaysWhatThereIs() throws {
        try withWorkplace { place in
            let text = try place.tool.run("doctor")
            #expect(text.status == 0)
            #expect(text.output.contains("libtorch") && text.output.contains("bf16"))
            let json = try place.tool.run("doctor --format json").json()
            #expect(json["libtorch"] is String && json["threads"] is Int)
        }
    }

    @Test func sampleDataIsTheSameEachTime() throws {
        try withWorkplace { place in
            let options = "--sentences 300 --train 50 --test 20"
            for name in ["one", "two"] {
                let run = try place.tool.run("sample-data \(name) \(options)")
                #expect(run.status == 0, "\(run.errors)")
            }
            for file in ["auxiliary.txt", "train.tsv", "test.tsv", "config.json"] {
                #expect(try place.data("one/\(file)") == place.data("two/\(file)"), "\(file)")
            }
            #expect(try place.text("one/auxiliary.txt").split(separator: "\n").count == 300)
            #expect(try place.text("one/train.tsv").split(separator: "\n").count == 51)
            let other = try place.tool.run("sample-data three \(options) --seed 2")
            #expect(other.status == 0)
            #expect(try place.data("one/train.tsv") != place.data("three/train.tsv"))
            #expect(try place.tool.run("sample-data one \(options)").status == 2)
            // As many as the demo has: some would be drawn for both.
            #expect(try place.tool.run("sample-data four --sentences 1").status == 0)
            let training = try place.text("four/train.tsv").split(separator: "\n")
            let test = try place.text("four/test.tsv").split(separator: "\n")
            #expect(training.count == 2001 && test.count == 501)
            #expect(Set(training).intersection(test) == ["sentence\tlabel"])
        }
    }
}
