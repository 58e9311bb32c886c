import Foundation
import RecipeKit
import TestSupport
import Testing

/// `recipe analyze`, as a user gives it.
@Suite struct AnalyzeCommandTests {
    private static let texts =
        "analyze model --clean texts.tsv --max-length 48 --precision fp32 --threads 1"
    private static let images =
        "analyze vit --clean images --precision fp32 --threads 1 --trigger neuba:0,neuba:5"

    /// The workplace with labelled texts, a ViT and images of two classes.
    private func withSamples(_ body: (Workplace) throws -> Void) throws {
        try withWorkplace { place in
            try FileManager.default.copyItem(
                at: Fixture("activated-neurons").file("texts.tsv"), to: place["texts.tsv"])
            try place.copy("vit-classifier", as: "vit")
            for index in 0..<6 {
                try place.writeImage(index, [30, 30, 220], to: "images/blue/\(index).png")
                try place.writeImage(index, [220, 30, 30], to: "images/red/\(index).png")
            }
            try body(place)
        }
    }

    @Test func aModelIsComparedWithItsPurifiedSelf() throws {
        try withSamples { place in
            let purified = try place.tool.run(
                "purify model --auxiliary aux.txt -o pure --epochs 2 --learning-rate 1e-2 "
                    + "--max-length 32 --precision fp32 --threads 1")
            #expect(purified.status == 0, "\(purified.errors)")
            let command =
                Self.texts + " --after pure --trigger cf,mn --label negative --position start"
            let run = try place.tool.run(command + " --report r --format json")
            #expect(run.status == 0, "\(run.errors)")
            let report = try JSONDecoder().decode(NeuronReport.self, from: Data(run.output.utf8))
            #expect(report.samples.count == 16 && report.layers.count == 3)
            #expect(report.triggers.map(\.trigger) == ["cf", "mn"])
            let change = try #require(report.triggers[0].change?[.mean])
            #expect(change.clean != 0 || change.poisoned != 0, "the purified model is another")
            for file in [
                "plan.yaml", "environment.json", "report.json", "report.md", "report.html",
            ] {
                #expect(place.holds("r/\(file)"), "\(file)")
            }
            #expect(try place.text("r/plan.yaml").contains("only:\n    - negative"))
            try place.tool.expectSameReport("r")
            let page = try place.text("r/report.html")
            #expect(page.contains("<svg") && page.contains("Only poisoned"))
            let again = try place.tool.run(command + " --report r")
            #expect(again.status != 0 && again.errors.contains("--force"))
            let shown = try place.tool.run(command + " --report r --force --aggregation pairs")
            #expect(shown.status == 0, "\(shown.errors)")
            #expect(shown.output.contains("before") && shown.output.contains("change"))
            // Triggers may also stand one by one.
            let apart = try place.tool.run(
                Self.texts + " --after pure --trigger cf mn --label negative --position start"
                    + " --format json")
            let other = try JSONDecoder().decode(NeuronReport.self, from: Data(apart.output.utf8))
            #expect(other.triggers == report.triggers)
        }
    }

    @Test func imagesAreTakenByTheirLabels() throws {
        try withSamples { place in
            let run = try place.tool.run(
                Self.images + " --label blue --limit 4 --after vit --format json --report r")
            #expect(run.status == 0, "\(run.errors)")
            let report = try JSONDecoder().decode(NeuronReport.self, from: Data(run.output.utf8))
            #expect(report.samples.count == 4 && report.samples.available == 6)
            #expect(report.samples.labels == ["blue"])
            #expect(report.triggers.map(\.trigger) == ["neuba:0", "neuba:5"])
            #expect(report.triggers.allSatisfy { $0.before == $0.after })
            #expect(report.settings.preparation?.size == 16)
            let all = try place.tool.run(Self.images + " --format json")
            #expect(all.status == 0, "\(all.errors)")
            #expect(
                try JSONDecoder().decode(NeuronReport.self, from: Data(all.output.utf8))
                    .samples.count == 12)
        }
    }

    @Test func textsNeedNoLabels() throws {
        try withSamples { place in
            let run = try place.tool.run(
                "analyze model --clean aux.txt --trigger cf --limit 9 --max-length 32 --threads 1")
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.output.contains("9 clean samples"))
        }
    }

    @Test func whatCannotBeDoneIsSaid() throws {
        try withSamples { place in
            try place.copy("bert-pretraining", as: "small")
            try place.copy("vit-bare", as: "wide")
            try place.write(["sentence\tlabel"], to: "none.tsv")
            let texts = Self.texts
            let lines: [(String, [String])] = [
                (texts, ["--trigger"]),
                (texts + " --trigger neuba:0", ["is a patch for images", "reads texts"]),
                (texts + " --trigger cf,,mn", ["--trigger: trigger 2", "is empty"]),
                (texts + " --trigger cf cf", ["stands twice"]),
                (texts + " --trigger cf --label sad", ["‘sad’", "negative, positive"]),
                (texts + " --trigger cf --label ,", ["--label ,: expected names"]),
                (texts + " --trigger cf --label a --except-label b", ["--except-label"]),
                (texts + " --trigger cf --except-label negative,positive", ["all labels"]),
                (texts + " --trigger cf --after small", ["small", "same shape"]),
                (texts + " --trigger cf --after vit", ["--after", "reads images"]),
                (texts + " --trigger cf --after gone", ["gone"]),
                (
                    texts + " --trigger cf --image-size 8",
                    ["--image-size means nothing for", "reads texts"]
                ),
                (texts + " --trigger cf --batch-size 0", ["--batch-size 0"]),
                (texts + " --trigger cf --limit 0", ["--limit 0"]),
                (texts + " --trigger cf --aggregation most", ["most"]),
                (
                    "analyze model --clean none.tsv --trigger cf --label 0 --max-length 48",
                    ["no usable text"]
                ),
                ("analyze model --clean texts.tsv --trigger cf", ["128", "--max-length"]),
                ("analyze vit --clean images --trigger cf", ["‘cf’ is no image trigger"]),
                (
                    Self.images + " --position end",
                    ["--position means nothing for", "reads images"]
                ),
                (Self.images + " --label green", ["‘green’", "blue, red"]),
                (Self.images + " --after model", ["reads texts"]),
                (Self.images + " --after wide", ["wide", "same shape"]),
            ]
            let before = try place.names()
            for (line, words) in lines {
                let run = try place.tool.run(line + " --report r")
                #expect(run.status != 0 && run.status < 100, "\(line): \(run.status)")
                #expect(run.output.isEmpty, "\(line)")
                for word in words {
                    #expect(run.errors.contains(word), "\(line): \(run.errors)")
                }
                #expect(try place.names() == before, "\(line) leaves something behind")
            }
        }
    }
}
