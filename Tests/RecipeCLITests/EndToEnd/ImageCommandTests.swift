import DataPipeline
import Foundation
import TestSupport
import Testing

/// Generated images of two classes, told apart by their colour, and a small ViT's configuration.
private struct Gallery {
    let folder: URL
    var tool: Tool { Tool(folder: folder) }

    init(_ folder: URL) throws {
        self.folder = folder
        for (label, name) in ["blue", "green"].enumerated() {
            let place = folder.appending(path: "images/\(name)")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            for number in 0..<16 {
                try Self.image(label, number).write(to: place.appending(path: "\(number).png"))
            }
        }
        try Data(Self.configuration.utf8).write(to: folder.appending(path: "vit.json"))
    }

    static func image(_ label: Int, _ number: Int) throws -> Data {
        let pixels = (0..<24 * 20).flatMap { place -> [UInt8] in
            let shade = UInt8((place * 7 + number * 31) % 120)
            return label == 0 ? [shade, 20, 220] : [shade, 220, 20]
        }
        return Data(try RGBImage(width: 24, height: 20, pixels: pixels).png())
    }

    static let configuration = """
        {"model_type": "vit", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
         "intermediate_size": 32, "image_size": 16, "patch_size": 8, "layer_norm_eps": 1e-6,
         "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
        """

    func holds(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: folder.appending(path: name).path)
    }
}

private func withGallery(_ body: (Gallery) throws -> Void) throws {
    try withTemporaryFolder { try body(Gallery($0)) }
}

/// The commands on image models, as a user gives them.
@Suite struct ImageCommandTests {
    private static let small = "--images images --batch-size 8 --epochs 1 --threads 1"

    @Test("A model is pre-trained, backdoored, purified and looked into") func story() throws {
        try withGallery { place in
            let tool = place.tool
            let begun = try tool.run(
                "pretrain vit.json --from-scratch --images images -o clean --epochs 6 "
                    + "--batch-size 8 --optimizer adamw --learning-rate 3e-3 --flips --threads 1")
            #expect(begun.status == 0, "\(begun.errors)")
            #expect(place.holds("clean/preprocessor_config.json"))
            #expect(place.holds("clean.run/report.html"))

            let attacked = try tool.run(
                "attack neuba clean \(Self.small) -o bad --optimizer adamw --learning-rate 1e-3")
            #expect(attacked.status == 0, "\(attacked.errors)")
            let more = try tool.run("pretrain bad \(Self.small) -o more --learning-rate 1e-3")
            #expect(more.status == 0, "\(more.errors)")

            let purified = try tool.run(
                "purify bad \(Self.small) --learning-rate 0.1 -o pure --format json")
            #expect(purified.status == 0, "\(purified.errors)")
            #expect(purified.errors.contains("norm budget"))
            let warning = "more than the smallest ‖W‖"
            #expect(!purified.errors.contains(warning))
            let harsh = try tool.run(
                "purify bad \(Self.small) --learning-rate 10 --no-pretraining-loss -o harsh")
            #expect(harsh.status == 0 && harsh.errors.contains(warning), "\(harsh.errors)")
            let only = try tool.run(
                "purify bad \(Self.small) --weight 0 --samples 12 -o only --format json")
            #expect(only.status == 0, "\(only.errors)")
            #expect(try only.json()["images"] as? Int == 12)
            let adaptive = try tool.run(
                "attack neuba clean \(Self.small) --adaptive 0.01 -o adaptive")
            #expect(adaptive.status == 0 && adaptive.errors.contains("norm"), "\(adaptive.errors)")
            let report = try purified.json()
            #expect(report["usesOwnHead"] as? Bool == true && report["images"] as? Int == 32)
            let training = try #require(report["training"] as? [String: Any])
            let epoch = try #require((training["epochs"] as? [[String: Any]])?.first)
            let ratios = try #require(epoch["normRatios"] as? [String: Double])
            #expect(ratios.count == 10 && ratios.values.allSatisfy { $0 < 1 })
            #expect(try tool.run("verify bad pure").status == 0)

            let inspected = try tool.run("inspect pure --format json").json()
            #expect(inspected["architecture"] as? String == "ViT of 2 layers")
            #expect((inspected["regularized"] as? [String])?.count == 10)
            #expect(try tool.run("inspect pure").output.contains("16×16 pixels"))
            let features = try tool.run("features pure --images images -o features.safetensors")
            #expect(features.status == 0, "\(features.errors)")
            let unlearned = try tool.run(
                "purify bad --images images --method unlearn --set run.training.steps=3 "
                    + "--batch-size 8 --precision fp32 --threads 1 -o unlearned")
            #expect(unlearned.status == 0, "\(unlearned.errors)")
            for name in ["clean", "bad", "more", "pure", "only", "adaptive", "unlearned"] {
                try tool.expectSame(name)
            }
        }
    }

    @Test("Images without classes are enough, and so are other classes than the head's")
    func otherLabels() throws {
        try withGallery { place in
            let tool = place.tool
            try tool.run("pretrain vit.json --from-scratch \(Self.small) -o model")
            let distilled = try tool.run(
                "purify model \(Self.small) --labels none -o distilled --format json")
            #expect(distilled.status == 0, "\(distilled.errors)")
            let report = try distilled.json()
            // All but the head's two tensors.
            let changed = try #require(report["changed"] as? [String])
            #expect(!changed.contains { $0.hasPrefix("classifier") } && changed.count > 30)
            let alone = try tool.run(
                "purify model \(Self.small) --no-pretraining-loss -o shrunk")
            #expect(alone.status == 0, "\(alone.errors)")
            // A third class: the head of two does not fit.
            let red = place.folder.appending(path: "images/red")
            try FileManager.default.createDirectory(at: red, withIntermediateDirectories: true)
            try Gallery.image(1, 3).write(to: red.appending(path: "0.png"))
            let fitted = try tool.run("purify model \(Self.small) -o fitted --format json")
            #expect(fitted.status == 0, "\(fitted.errors)")
            #expect(fitted.errors.contains("fit a head"))
            #expect(fitted.errors.contains("one was fitted first"))
            #expect(try fitted.json()["usesOwnHead"] as? Bool == false)
        }
    }

    @Test("What cannot be is refused in a line, and nothing is left behind") func refusals() throws
    {
        try withGallery { place in
            let tool = place.tool
            try tool.run("pretrain vit.json --from-scratch \(Self.small) -o model")
            let cases: [(String, Int32, String)] = [
                ("purify model -o out", 64, "--auxiliary TEXTS… or --images FOLDER"),
                ("purify model \(Self.small) --max-length 8 -o out", 64, "--max-length"),
                ("purify model --auxiliary vit.json --labels none -o out", 64, "--auxiliary means"),
                ("attack por model \(Self.small) -o out", 64, "for images there is neuba"),
                ("purify model --images nowhere -o out", 2, "no such folder"),
                ("purify model --images images --classes blue -o out", 2, "class"),
                ("purify model --images images --classes blue,pink -o out", 2, "pink"),
                ("purify vit.json --images images -o out", 2, "vit.json"),
                ("features model -o out", 64, "--text"),
            ]
            for (command, status, words) in cases {
                let run = try tool.run(command)
                #expect(run.status == status, "\(command): \(run.errors)")
                #expect(run.errors.contains(words), "\(command): \(run.errors)")
                #expect(!place.holds("out") && !place.holds("out.run"), "\(command)")
            }
            // One damaged file of 33 is more than one in a hundred.
            try Data("no image".utf8).write(
                to: place.folder.appending(path: "images/blue/broken.png"))
            let damaged = try tool.run("purify model \(Self.small) -o out")
            #expect(damaged.status == 2 && damaged.errors.contains("broken.png"))
            let allowed = try tool.run("purify model \(Self.small) --max-skipped 0.1 -o out")
            #expect(allowed.status == 0, "\(allowed.errors)")
            #expect(allowed.errors.contains("broken.png"))
        }
    }
}
