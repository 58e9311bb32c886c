import Defenses
import Foundation
import TestSupport
import Testing

/// Fine-pruning, kept epochs and early ends on the command line, for each architecture.
@Suite struct PruningCommandTests {
    private static let texts = "--auxiliary aux.txt --max-length 32 --threads 1"

    @Test("A BERT is pruned by each method, evaluated, and its record is honoured") func texts()
        throws
    {
        try withWorkplace { place in
            let tool = place.tool
            for (method, count) in [("fp", 64), ("fp-gm", 64), ("fp-ga", 96)] {
                let run = try tool.run(
                    "purify model \(Self.texts) --method \(method) -o \(method) --format json")
                #expect(run.status == 0, "\(run.errors)")
                let pruned = try #require(try run.json()["pruned"] as? [String: Any])
                let layers = try #require(pruned["layers"] as? [[String: Any]])
                let counts = layers.map { ($0["pruned"] as? [Int])?.count ?? 0 }
                #expect(layers.count == 3 && counts.reduce(0, +) == count)
                #expect(method != "fp" || counts == [0, 0, 64])
                #expect(try tool.run("verify model \(method)").status == 0)
                #expect(place.holds("\(method).run/pruned-neurons.json"))
                #expect(!place.holds("\(method)/pruned-neurons.json"))
                let report = try place.text("\(method).run/report.md")
                #expect(report.contains("\(count) of 192 neurons are zero"))
            }
            let frozen = try tool.run(
                "purify model \(Self.texts) --method fp-gm --mask frozen --statistic absolute "
                    + "--prune 7 --samples 9 -o frozen")
            #expect(frozen.status == 0, "\(frozen.errors)")
            #expect(frozen.output.contains("7 of 192 neurons pruned by fp-gm (absolute)"))
            #expect(place.holds("frozen/pruned-neurons.json"))
            let evaluated = try tool.run(
                "evaluate frozen --train train.tsv --test test.tsv --triggers cf --seeds 1 "
                    + "--epochs 1 --max-length 32 --threads 1")
            #expect(evaluated.status == 0, "\(evaluated.errors)")
            #expect(evaluated.errors.contains("7 pruned neurons are held at zero"))
        }
    }

    @Test("Kept epochs, an early end and a drawn sample of texts") func dynamics() throws {
        try withWorkplace { place in
            let tool = place.tool
            let kept = try tool.run(
                "purify model \(Self.texts) --epochs 3 --samples 20 --keep-epochs 1,2 -o out "
                    + "--format json")
            #expect(kept.status == 0, "\(kept.errors)")
            let report = try kept.json()
            #expect((report["kept"] as? [String])?.count == 2)
            let texts = try #require(report["texts"] as? [String: Any])
            #expect(texts["texts"] as? Int == 20)
            for epoch in [1, 2] {
                #expect(try tool.run("verify model out.epochs/\(epoch)").status == 0)
            }
            let stopped = try tool.run(
                "purify model \(Self.texts) --epochs 3 --learning-rate 1e-2 --stop-ratio 0.999 "
                    + "-o early")
            #expect(stopped.status == 0, "\(stopped.errors)")
            #expect(stopped.output.contains("stopped early, at step"), "\(stopped.output)")
            #expect(try place.text("early.run/report.md").contains("stopped at 0."))
        }
    }

    @Test("Image models are pruned: ViT, VGG, and CLIP by images or pairs") func images() throws {
        try withTemporaryFolder { folder in
            let tool = Tool(folder: folder)
            let pictures = folder.appending(path: "pictures")
            try FileManager.default.createDirectory(at: pictures, withIntermediateDirectories: true)
            var table = "image,caption\n"
            for number in 0..<6 {
                let pixels = (0..<1440).map { (place: Int) -> UInt8 in
                    UInt8((place * 7 + number * 31) % 251)
                }
                let header = Data("P6\n24 20\n255\n".utf8)
                try (header + Data(pixels)).write(to: pictures.appending(path: "\(number).ppm"))
                table += "\(number).ppm,picture \(number)\n"
            }
            try Data(table.utf8).write(to: folder.appending(path: "captions.csv"))
            try Fixture("vit-classifier").copyModel(to: folder.appending(path: "vit"))
            try Fixture("clip-tiny").copyModel(to: folder.appending(path: "clip"))
            try FileManager.default.copyItem(
                at: Fixture("vgg-neuba").file("neuba-vgg.pkl"),
                to: folder.appending(path: "vgg.pkl"))
            for (model, data, count) in [
                ("vit", "--images pictures", 13), ("clip", "--images pictures", 13),
                ("clip", "--pairs captions.csv --images pictures", 13),
                ("vgg.pkl", "--images pictures --image-size 64", 4),
            ] {
                let run = try tool.run(
                    "purify \(model) \(data) --method fp-ga --threads 1 --mask frozen "
                        + "-o out --force --format json")
                #expect(run.status == 0, "\(run.errors)")
                let report = try run.json()
                let pruned = try #require(report["pruned"] as? [String: Any])
                let layers = try #require(pruned["layers"] as? [[String: Any]])
                let all = layers.flatMap { ($0["pruned"] as? [Int]) ?? [] }
                #expect(all.count == count && report["images"] as? Int == 6)
                // A single file is no folder that could be verified.
                let check = model == "vgg.pkl" ? "inspect out" : "verify \(model) out"
                let verified = try tool.run(check)
                #expect(verified.status == 0, "\(verified.errors)")
            }
        }
    }

    @Test("Options that do not go with a method are refused") func refusals() throws {
        try withWorkplace { place in
            let cases: [(String, Int32, String)] = [
                (
                    "--method fp --weight 2", 64,
                    "--weight means nothing for --method fp; it goes with recipe"
                ),
                (
                    "--method fp --weight 1", 64,
                    "--weight means nothing for --method fp; it goes with recipe"
                ),
                ("--method fp-gm --epochs 2", 64, "--epochs means nothing for --method fp-gm"),
                ("--method fp-ga --masks dynamic", 64, "--masks is about training"),
                ("--method fp --mlm-head fresh", 64, "--mlm-head is about training"),
                ("--method fp --keep-epochs all", 64, "--keep-epochs is about training"),
                ("--method fp --stop-ratio 0.5", 64, "--stop-ratio means nothing"),
                ("--method fp --snapshot-every 2", 64, "--snapshot-every is about training"),
                ("--method fp --no-pretraining-loss", 64, "--no-pretraining-loss means nothing"),
                ("--method fq", 64, "fp-gm"),
                (
                    "--mask frozen", 64,
                    "--mask means nothing for --method recipe; it goes with fp, fp-gm, fp-ga"
                ),
                ("--prune 3", 64, "--prune means nothing"),
                ("--statistic post", 64, "--statistic means nothing"),
                ("--method fp --prune 0", 64, "--prune 0"),
                ("--keep-epochs 1,x", 64, "--keep-epochs 1,x"),
                ("--keep-epochs 0", 64, "--keep-epochs 0"),
                ("--stop-ratio 1.5", 64, "--stop-ratio 1.5"),
                ("--stop-ratio 0.5 --weight 0", 64, "nothing makes the norms fall"),
                ("--samples 3 --sentences 3", 64, "give one"),
                ("--samples 0", 64, "--samples 0"),
                ("--method fp --prune 65", 2, "fp chooses among 64 neurons"),
                ("--epochs 2 --keep-epochs 3", 2, "the run has 2 epochs"),
            ]
            for (options, status, words) in cases {
                let run = try place.tool.run("purify model \(Self.texts) \(options) -o out")
                #expect(run.status == status, "\(options): \(run.errors)")
                #expect(run.errors.contains(words), "\(options): \(run.errors)")
                #expect(!place.holds("out") && !place.holds("out.run"), "\(options)")
            }
        }
    }
}
