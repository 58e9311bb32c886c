import Checkpoints
import DataPipeline
import Foundation
import TestSupport
import Testing
import Torch

/// Generated images with captions, a tiny CLIP's configuration and a tokenizer.
private struct Album {
    let folder: URL
    var tool: Tool { Tool(folder: folder) }

    init(_ folder: URL) throws {
        self.folder = folder
        let images = folder.appending(path: "pictures")
        try FileManager.default.createDirectory(at: images, withIntermediateDirectories: true)
        var table = "image,caption\n"
        for number in 0..<12 {
            try Self.image(number).write(to: images.appending(path: "\(number).png"))
            table += "\(number).png,photo of the \(["cat", "dog", "sky"][number % 3]) \(number)\n"
            table += "\(number).png,picture \(number)\n"
        }
        try write(table, to: "captions.csv")
        try write(Self.configuration, to: "clip.json")
        try Fixture("clip-text/plain").copyModel(to: folder.appending(path: "words"))
    }

    static func image(_ number: Int) throws -> Data {
        let pixels = (0..<24 * 20).flatMap { place -> [UInt8] in
            [UInt8((place * 7 + number * 31) % 120), UInt8(number % 3 * 100), 220]
        }
        return Data(try RGBImage(width: 24, height: 20, pixels: pixels).png())
    }

    static let configuration = """
        {"model_type": "clip", "projection_dim": 8,
         "text_config": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
           "intermediate_size": 32, "max_position_embeddings": 12},
         "vision_config": {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
           "intermediate_size": 32, "image_size": 16, "patch_size": 8}}
        """

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: folder.appending(path: name))
    }

    func holds(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: folder.appending(path: name).path)
    }
}

private func withAlbum(_ body: (Album) throws -> Void) throws {
    try withTemporaryFolder { try body(Album($0)) }
}

/// The commands that train a CLIP on images and captions, as a user gives them.
@Suite struct CLIPTrainingTests {
    private static let small =
        "--pairs captions.csv --images pictures --batch-size 4 --epochs 1 --threads 1"
    private static let begin = "pretrain clip.json --from-scratch --tokenizer words"

    @Test("A CLIP is pre-trained, backdoored, purified and looked into") func story() throws {
        try withAlbum { place in
            let tool = place.tool
            // The folder of the images is found, too.
            let begun = try tool.run(
                "\(Self.begin) --pairs captions.csv -o clean --epochs 8 --batch-size 6 "
                    + "--learning-rate 3e-3 --chunk-size 4 --flips --weight-decay 0.1 --threads 1")
            #expect(begun.status == 0, "\(begun.errors)")
            for file in [
                "preprocessor_config.json", "vocab.json", "merges.txt", "model.safetensors",
            ] {
                #expect(place.holds("clean/\(file)"), "\(file)")
            }
            #expect(place.holds("clean.run/report.html"))
            #expect(try tool.run("inspect clean").output.contains("CLIP byte pairs, 841 tokens"))

            let attacked = try tool.run(
                "attack neuba clean \(Self.small) -o bad --learning-rate 1e-3 --chunk-size 3")
            #expect(attacked.status == 0, "\(attacked.errors)")
            #expect(attacked.errors.contains("binding") && attacked.errors.contains("contrastive"))
            let compared = try tool.run("verify clean bad")
            #expect(compared.status == 0, "\(compared.errors)")
            let more = try tool.run(
                "pretrain bad \(Self.small) -o more --train visual_projection.**")
            #expect(more.status == 0, "\(more.errors)")

            let purified = try tool.run(
                "purify bad \(Self.small) --learning-rate 1e-3 -o pure --format json")
            #expect(purified.status == 0, "\(purified.errors)")
            let report = try purified.json()
            #expect(report["images"] as? Int == 12 && report["captions"] as? Int == 24)
            let training = try #require(report["training"] as? [String: Any])
            let epoch = try #require((training["epochs"] as? [[String: Any]])?.first)
            let ratios = try #require(epoch["normRatios"] as? [String: Double])
            #expect(ratios.count == 10 && ratios.values.allSatisfy { $0 < 1 })
            #expect(try tool.run("verify bad pure").status == 0)
            #expect(try tool.run("inspect pure").status == 0)
            let alone = try tool.run("purify bad \(Self.small) --no-pretraining-loss -o shrunk")
            #expect(alone.status == 0, "\(alone.errors)")
            #expect(alone.output.contains("10 of "))
            for name in ["clean", "bad", "more", "pure", "shrunk"] { try tool.expectSame(name) }
            let only = try tool.run(
                "purify bad \(Self.small) --weight 0 --samples 8 -o only --format json")
            #expect(only.status == 0, "\(only.errors)")
            #expect(try only.json()["images"] as? Int == 8)
            let adaptive = try tool.run(
                "attack neuba clean \(Self.small) --adaptive 0.1 -o adaptive")
            #expect(adaptive.status == 0 && adaptive.errors.contains("norm"), "\(adaptive.errors)")
        }
    }

    @Test("Missing and damaged images and long captions are named, counted and limited")
    func badData() throws {
        try withAlbum { place in
            let tool = place.tool
            try tool.run("\(Self.begin) \(Self.small) -o model")
            let words = [String](repeating: "photo", count: 10_000).joined(separator: " ")
            var table = "image,caption\n0.png,\(words)\n"
            for number in 1..<12 { table += "\(number).png,picture \(number)\n" }
            try place.write(table, to: "captions.csv")
            let long = try tool.run("purify model \(Self.small) -o long --format json")
            #expect(long.status == 0, "\(long.errors)")
            #expect(long.errors.contains("1 of 12 captions are longer than the 12 tokens"))
            #expect(try long.json()["truncated"] as? Int == 1)

            try place.write(table + "gone.png,lost\n", to: "captions.csv")
            let missing = try tool.run("purify model \(Self.small) -o out")
            #expect(missing.status == 2 && missing.errors.contains("gone.png"))
            let allowed = try tool.run("purify model \(Self.small) --max-skipped 0.1 -o allowed")
            #expect(allowed.status == 0, "\(allowed.errors)")
            #expect(allowed.errors.contains("left out: 1, such as gone.png"))
            // One that is missing and one that is damaged are two of thirteen.
            try Data("no image".utf8).write(
                to: place.folder.appending(path: "pictures/3.png"))
            let both = try tool.run("purify model \(Self.small) --max-skipped 0.1 -o out")
            #expect(both.status == 2 && both.errors.contains("3.png"))
            #expect(!place.holds("out") && !place.holds("out.run"))
            // Eleven images, of which a batch of five leaves one alone.
            let lonely = try tool.run(
                "purify model \(Self.small) --max-skipped 0.2 -o out --batch-size 5")
            #expect(lonely.status == 2 && lonely.errors.contains("has no negatives"))
            #expect(!place.holds("out") && !place.holds("out.run"))
        }
    }

    @Test("A new CLIP's vision tower begins as a ViT") func beginning() throws {
        try withAlbum { place in
            let tool = place.tool
            try Fixture("vit-classifier").copyModel(to: place.folder.appending(path: "vit"))
            let begun = try tool.run(
                "\(Self.begin) \(Self.small) --vision vit --learning-rate 1e-12 -o model")
            #expect(begun.status == 0, "\(begun.errors)")
            let vit = try ModelFolder.open(place.folder.appending(path: "vit"))
            let clip = try ModelFolder.open(place.folder.appending(path: "model"))
            let own = try #require(vit.weights["vit.encoder.layer.0.intermediate.dense.weight"])
            let taken = try #require(
                clip.weights["vision_model.encoder.layers.0.mlp.fc1.weight"])
            let (a, b) = (
                try own.tensor().values(as: Float.self), try taken.tensor().values(as: Float.self)
            )
            #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-6 } && a.count == b.count)
            let other = try tool.run("\(Self.begin) \(Self.small) --vision model -o out")
            #expect(other.status == 2 && other.errors.contains("begins as a ViT"))
            let alone = try tool.run("pretrain model \(Self.small) --vision vit -o out")
            #expect(alone.status == 64 && alone.errors.contains("--from-scratch and --pairs"))
        }
    }

    @Test("What cannot be is refused in a line, and nothing is left behind") func refusals() throws
    {
        try withAlbum { place in
            let tool = place.tool
            try tool.run("\(Self.begin) \(Self.small) -o model")
            let pairs = "--pairs captions.csv"
            let cases: [(String, Int32, String)] = [
                ("purify model \(pairs) --max-length 8 -o out", 64, "--max-length means nothing"),
                ("purify model \(pairs) --auxiliary clip.json -o out", 64, "--auxiliary"),
                ("purify model \(pairs) --labels none -o out", 64, "--labels means nothing"),
                ("attack neuba model \(pairs) --layout flat -o out", 64, "--layout"),
                ("attack neuba model \(pairs) --clamp-targets -o out", 64, "--clamp-targets"),
                ("attack por model \(pairs) -o out", 64, "for pairs there is neuba"),
                ("attack neuba model --images pictures --chunk-size 2 -o out", 64, "--chunk-size"),
                ("purify model --images pictures --tokenizer words -o out", 64, "--tokenizer"),
                (
                    "pretrain model --auxiliary clip.json --tokenizer words -o out", 64,
                    "--auxiliary"
                ),
                ("pretrain model --images pictures --train x -o out", 2, "without classes"),
                ("purify model \(pairs) --chunk-size 0 -o out", 64, "--chunk-size 0"),
                ("purify model --pairs nowhere.csv -o out", 2, "nowhere.csv"),
                ("purify model \(pairs) --images nowhere -o out", 2, "expected the folder"),
                ("purify model \(pairs) --batch-size 1 -o out", 2, "a batch of one pair"),
                ("attack neuba model \(pairs) --batch-size 11 -o out", 2, "the last of 12 pairs"),
                ("pretrain model \(pairs) --batch-size 11 -o out", 2, "the last of 12 pairs"),
                ("purify words \(pairs) -o out", 2, "words"),
                ("pretrain clip.json --from-scratch \(pairs) -o out", 2, "vocab.json"),
            ]
            for (command, status, words) in cases {
                let run = try tool.run(command)
                #expect(run.status == status, "\(command): \(run.errors)")
                #expect(run.errors.contains(words), "\(command): \(run.errors)")
                #expect(!place.holds("out") && !place.holds("out.run"), "\(command)")
            }
        }
    }
}
