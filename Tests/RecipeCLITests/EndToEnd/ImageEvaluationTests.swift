import Foundation
import RecipeKit
import TestSupport
import Testing

/// `recipe evaluate` on image models, as a user gives it.
@Suite struct ImageEvaluationTests {
    private static let small =
        "--epochs 2 --learning-rate 5e-3 --optimizer adamw --batch-size 8 --precision fp32 "
        + "--seeds 1 --threads 1"

    /// `vit`, a model of random weights; `images`, 12 blue and 12 red ones of several sizes;
    /// `parts`, the same as `train` and `test`.
    private func withImages(_ body: (Workplace) throws -> Void) throws {
        try withWorkplace { place in
            let configuration = ImageConfiguration(
                ViTConfiguration(
                    imageSize: PixelSize(16, 16), patchSize: PixelSize(8, 8), hiddenSize: 16,
                    layerCount: 1, headCount: 2, intermediateSize: 32, labelCount: nil))
            let model = try configuration.model(in: ParameterStore(source: FreshSource(seed: 7)))
            try FileManager.default.createDirectory(
                at: place["vit"], withIntermediateDirectories: true)
            try ImageModelFolder.create(
                model, processor: ImageProcessor(resize: .exactly(PixelSize(16, 16))),
                at: place["vit"])
            for index in 0..<12 {
                try place.writeImage(index, [30, 30, 220], to: "images/blue/\(index).png")
                try place.writeImage(index, [220, 30, 30], to: "images/red/\(index).png")
            }
            for part in ["train", "test"] {
                try FileManager.default.createDirectory(
                    at: place["parts"], withIntermediateDirectories: true)
                try FileManager.default.copyItem(at: place["images"], to: place["parts/" + part])
            }
            try body(place)
        }
    }

    @Test func aSplitIsWrittenAndTakenBack() throws {
        try withImages { place in
            let command = "evaluate vit --train images \(Self.small) --format json"
            let run = try place.tool.run(
                command + " --split 2:1 --seed 5 --reference vit --report r")
            #expect(run.status == 0, "\(run.errors)")
            let report = try run.json()
            #expect((report["labelNames"] as? [String]) == ["blue", "red"])
            #expect(report["testCount"] as? Int == 8)
            #expect(report["excessAASR"] as? Double == 0)
            #expect(report["poolerPolicy"] == nil)
            let seed = try #require((report["seeds"] as? [[String: Any]])?.first)
            #expect((seed["triggers"] as? [Any])?.count == 6)
            for file in [
                "plan.yaml", "environment.json", "events.jsonl", "split.json", "report.json",
                "report.md", "report.html",
            ] {
                #expect(place.holds("r/\(file)"), "\(file)")
            }
            #expect(try place.text("r/report.md").contains("16 pixels a side, bilinear, stretch"))
            let plan = try place.text("r/plan.yaml")
            #expect(plan.contains("split: '2:1'") && plan.contains("seed: 5"))
            #expect(plan.contains("precision: fp32") && plan.contains("beside: "))
            try place.tool.expectSameReport("r")
            #expect((report["sharedSamples"] as? [String: Any])?["count"] as? Int == 0)
            #expect(!run.errors.contains("training samples too"))

            let again = try place.tool.run(command + " --split r/split.json --report again")
            #expect(again.status == 0, "\(again.errors)")
            #expect(try place.data("again/split.json") == place.data("r/split.json"))
            let repeated = try #require((again.json()["seeds"] as? [[String: Any]])?.first)
            for key in ["accuracy", "triggers"] {
                #expect(repeated[key] as? NSObject == seed[key] as? NSObject, "\(key)")
            }
        }
    }

    @Test func theSetsOwnTestPartIsTaken() throws {
        try withImages { place in
            try Data("no image".utf8).write(to: place["parts/train/red/3.png"])
            let run = try place.tool.run(
                "evaluate vit --train parts \(Self.small) --triggers neuba:0,neuba:5 --limit 15 "
                    + "--image-cache cache --max-skipped 0.5 --report r --format json")
            #expect(run.status == 0, "\(run.errors)")
            let report = try run.json()
            let data = try #require(report["data"] as? [[String: Any]])
            let used = try #require(data[0]["samples"] as? Int)
            #expect(used + (data[0]["skipped"] as? Int ?? 0) == 15)
            #expect(data[1]["samples"] as? Int == 24, "a limit is about training")
            #expect(!place.holds("r/split.json"))
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: place["cache"].path).count == 2)
            let some = try place.tool.run(
                "evaluate vit --train parts \(Self.small) --triggers neuba:0 --train-samples 15 "
                    + "--test-samples 7 --image-cache cache --max-skipped 0.5 --report s")
            #expect(some.status == 0, "\(some.errors)")
            #expect(try place.text("s/report.md").contains("7 of 24 samples"))
            let apart = try place.tool.run(
                "evaluate vit --train images --test parts \(Self.small) --triggers neuba:0")
            #expect(apart.status == 0, "\(apart.errors)")
            #expect(apart.output.contains("24 test samples of 2 labels, 1 triggers"))
        }
    }

    /// Stages of a plan that read the same images decode them once.
    @Test func stagesShareDecodedImages() throws {
        try withImages { place in
            let plan = """
                title: Two tasks of the same images
                data: {model: vit, images: images}
                axes: {trigger: ["0", "5"]}
                stages:
                  $trigger:
                    command: analyze
                    model: $model
                    clean: $images
                    trigger: neuba:$trigger
                """
            try place.write([plan], to: "plan.yaml")
            func kept(_ folder: String) throws -> [String] {
                guard place.holds(folder) else { return [] }
                return try FileManager.default.contentsOfDirectory(atPath: place[folder].path)
            }
            let run = "run plan.yaml --data . --threads 1 -o"
            #expect(try place.tool.run("\(run) a").status == 0)
            #expect(try kept("a/images").count == 1, "made by one stage and read by the other")
            #expect(try place.tool.run("\(run) b --no-image-cache").status == 0)
            #expect(try kept("b/images").isEmpty)
            let elsewhere = ["RECIPE_IMAGE_CACHE": place["kept"].path]
            #expect(try place.tool.run("\(run) c", environment: elsewhere).status == 0)
            #expect(try kept("c/images").isEmpty && kept("kept").count == 1)
            func counts(_ folder: String) throws -> NSObject? {
                let data = try place.data(folder + "/stages/5/report.json")
                let report = try JSONSerialization.jsonObject(with: data) as? [String: Any]
                return report?["triggers"] as? NSObject
            }
            let counted = try #require(try counts("a"))
            #expect(try counts("b") == counted && counts("c") == counted)
        }
    }

    @Test func imagesOfBothPartsAreWarnedOf() throws {
        try withImages { place in
            try FileManager.default.removeItem(at: place["parts"])
            for index in 0..<6 {
                try place.writeImage(index, [30, 30, 220], to: "parts/train/blue/\(index).png")
                try place.writeImage(index, [220, 30, 30], to: "parts/train/red/\(index).png")
                try place.writeImage(index, [30, 90, 220], to: "parts/test/blue/\(index).png")
                try place.writeImage(index, [220, 90, 30], to: "parts/test/red/\(index).png")
            }
            // A training image under another name and in another class.
            try place.writeImage(4, [30, 30, 220], to: "parts/test/red/same.png")
            let run = try place.tool.run(
                "evaluate vit --train parts \(Self.small) --triggers neuba:0 --report r "
                    + "--format json")
            #expect(run.status == 0, "\(run.errors)")
            let words =
                "1 of 13 test samples are training samples too (1 with another label), such as "
                + "test/red/same.png, which is train/blue/4.png"
            #expect(run.errors.contains("warning: " + words), "\(run.errors)")
            let shared = try #require(try run.json()["sharedSamples"] as? [String: Any])
            #expect(shared["count"] as? Int == 1 && shared["relabelled"] as? Int == 1)
            for file in ["r/report.md", "r/report.html"] {
                #expect(try place.text(file).contains(words), "\(file)")
            }
        }
    }

    @Test func aCleanModelTakesImagesInItsOwnWay() throws {
        try withImages { place in
            try FileManager.default.copyItem(at: place["vit"], to: place["clean"])
            let processor = ImageProcessor(
                resize: .exactly(PixelSize(24, 24)), filter: .bicubic,
                normalization: ImageNormalization(mean: [0.4, 0.5, 0.6]))
            let file = place["clean/preprocessor_config.json"]
            try JSONFile(url: file, fields: processor.fields).data().write(to: file)
            try Data("no image".utf8).write(to: place["images/red/3.png"])
            func run(_ model: String, _ options: String) throws -> (Tool.Outcome, [String: Any]) {
                let run = try place.tool.run(
                    "evaluate \(model) --train images --split 2:1 \(Self.small) --max-skipped 0.2 "
                        + "--triggers neuba:0 --format json --report \(options)")
                #expect(run.status == 0, "\(run.errors)")
                return (run, try run.json())
            }
            let (outcome, beside) = try run("vit", "r --reference clean")
            let reference = try #require(beside["reference"] as? [String: Any])
            let preparation = try #require(reference["preparation"] as? [String: Any])
            #expect(preparation["size"] as? Int == 24)
            #expect(preparation["filter"] as? String == "bicubic")
            #expect(try place.text("r/report.md").contains("24 pixels a side, bicubic, stretch"))
            #expect(outcome.errors.components(separatedBy: "3.png is left out").count == 2)
            // It comes to what it comes to by itself.
            let (_, alone) = try run("clean", "alone")
            #expect(reference["summary"] as? NSObject == alone["summary"] as? NSObject)
            // A size that is asked for goes before either's own.
            let (_, sized) = try run("vit", "sized --reference clean --image-size 16")
            let other = try #require(sized["reference"] as? [String: Any])
            #expect((other["preparation"] as? [String: Any])?["size"] as? Int == 16)
        }
    }

    @Test func optionsOfTheOtherKindAreWrongUsage() throws {
        let usages = [
            ("evaluate vit --train images --split 2:1 --max-length 32", "--max-length"),
            ("evaluate vit --train images --split 2:1 --pooler keep", "which reads images"),
            ("evaluate vit --train images --split 2:1 --triggers cf", "‘cf’ is no image trigger"),
            ("evaluate vit --train images --split 2:1 --test parts", "--test"),
            ("evaluate vit --train images --split 2-1", "--split 2-1"),
            ("evaluate vit --train images --split 2:1 --max-skipped 2", "--max-skipped"),
            ("evaluate vit --train images --split 2:1 --classes ,", "--classes ,: expected names"),
            ("evaluate model --train train.tsv --test test.tsv --limit 3", "--limit"),
            ("evaluate vit --train images --split 2:1 --limit 3 --train-samples 3", "both say how"),
            ("evaluate model --train train.tsv --test test.tsv --test-samples 0", "--test-samples"),
            ("evaluate model --train train.tsv --split 9:1", "--split"),
            ("evaluate model --train train.tsv", "--test FILE"),
        ]
        try withImages { place in
            let before = try place.names()
            for (command, word) in usages {
                let run = try place.tool.run(command + " --report r")
                #expect(run.status == 64, "\(command): \(run.errors)")
                #expect(run.errors.contains(word), "\(run.errors)")
            }
            #expect(try place.names() == before)
        }
    }

    @Test func whatIsNoTaskIsRefused() throws {
        try withImages { place in
            try place.writeImage(1, [0, 0, 0], to: "one/red/1.png")
            try place.writeImage(1, [0, 0, 0], to: "other/cat/1.png")
            try place.writeImage(1, [0, 0, 0], to: "other/dog/1.png")
            for (source, name) in [("images", "damaged"), ("parts", "alone")] {
                try FileManager.default.copyItem(at: place[source], to: place[name])
            }
            try FileManager.default.removeItem(at: place["alone/train"])
            for index in 0..<3 {
                try Data("no image".utf8).write(to: place["damaged/red/\(index).png"])
            }
            let refusals = [
                ("--train images", "--split 9:1"),
                ("--train parts --split 9:1", "leave --split out"),
                ("--train alone", "has a test part only"),
                ("--train one --split 9:1", "one class only, ‘red’"),
                ("--train images --test other", "no class ‘blue’"),
                ("--train nowhere --split 9:1", "no such folder"),
                ("--train damaged --test images", "3 of 24 images cannot be used"),
                ("--train images --split vit/config.json", "is not a split of images"),
                ("--train images --test images --image-size 4", "at least: resize them"),
            ]
            let before = try place.names()
            for (options, words) in refusals {
                let run = try place.tool.run("evaluate vit \(options) --threads 1")
                #expect(run.status == 2, "\(options): \(run.errors)")
                #expect(run.errors.contains(words), "\(options): \(run.errors)")
            }
            for options in ["--train damaged", "--train images --image-size 4"] {
                let run = try place.tool.run("evaluate vit \(options) --test images --report r")
                #expect(run.status == 2)
                #expect(try place.names() == before)
            }
        }
    }
}

extension Workplace {
    /// Writes a PNG of one colour with a stripe in it; its size hangs on `index`.
    func writeImage(_ index: Int, _ color: [UInt8], to name: String) throws {
        let (width, height) = (16 + index % 3 * 5, 12 + index % 4 * 7)
        let pixels = (0..<width * height).flatMap {
            $0 % width == index ? [120, 120, 120] : color
        }
        try FileManager.default.createDirectory(
            at: self[name].deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(RGBImage(width: width, height: height, pixels: pixels).png())
            .write(to: self[name])
    }
}
