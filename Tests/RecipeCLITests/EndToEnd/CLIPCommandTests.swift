import Checkpoints
import DataPipeline
import Foundation
import TensorFormats
import TestSupport
import Testing
import TextTokenizers
import Torch

/// The commands on a CLIP's folder and on OpenAI's file, as a user gives them.
@Suite struct CLIPCommandTests {
    private func withCLIP(_ body: (Tool, URL) throws -> Void) throws {
        try withTemporaryFolder { scratch in
            try Fixture("clip-tiny").copyModel(to: scratch.appending(path: "model"))
            for (label, name) in ["blue", "green"].enumerated() {
                let place = scratch.appending(path: "images/\(name)")
                try FileManager.default.createDirectory(
                    at: place, withIntermediateDirectories: true)
                for number in 0..<4 {
                    let pixels = (0..<24 * 20).flatMap { place -> [UInt8] in
                        [UInt8(place % 120), UInt8(label * 200), 90]
                    }
                    try Data(RGBImage(width: 24, height: 20, pixels: pixels).png()).write(
                        to: place.appending(path: "\(number).png"))
                }
            }
            try body(Tool(folder: scratch), scratch)
        }
    }

    @Test("inspect says what both towers are") func inspect() throws {
        try withCLIP { tool, _ in
            let text = try tool.run("inspect model")
            #expect(text.status == 0, "\(text.errors)")
            for words in [
                "CLIP of 2 vision and 2 text layers (transformers)",
                "2 layers, hidden 12, 3 heads, feed-forward 16, quick_gelu",
                "2 layers, hidden 8, 2 heads, feed-forward 20, quick_gelu",
                "16×16 pixels in patches of 4×4", "the first token 29 is read",
                "vision_model.encoder.layers.1.mlp.fc2.weight", "unusable: ",
            ] {
                #expect(text.output.contains(words), "\(words)")
            }
            let json = try tool.run("inspect model --format json").json()
            #expect((json["regularized"] as? [String])?.count == 10)
            let parts = ["visionParameters", "textParameters"].compactMap { json[$0] as? Int }
            // Both projections and the scale beside the towers.
            #expect(json["parameters"] as? Int == parts.reduce(6 * 12 + 6 * 8 + 1, +))
        }
    }

    @Test("What no configuration describes is refused with advice, a ResNet by name")
    func files() throws {
        try withTemporaryFolder { scratch in
            for name in ["openai.pt", "resnet.pt"] {
                try FileManager.default.copyItem(
                    at: Fixture("clip-names").file(name), to: scratch.appending(path: name))
            }
            let tool = Tool(folder: scratch)
            let narrow = try tool.run("inspect openai.pt")
            #expect(narrow.status == 2 && narrow.errors.contains("num_attention_heads"))
            try FileManager.default.createDirectory(
                at: scratch.appending(path: "images"), withIntermediateDirectories: true)
            try Data("image,caption\n1.png,a\n".utf8).write(
                to: scratch.appending(path: "captions.csv"))
            for command in [
                "inspect resnet.pt", "purify resnet.pt --pairs captions.csv -o out",
                "attack neuba resnet.pt --pairs captions.csv -o out",
                "features resnet.pt --images images -o out",
                "evaluate resnet.pt --train images", "evaluate resnet.pt --zero-shot --test images",
            ] {
                let resnet = try tool.run(command)
                #expect(resnet.status == 2, "\(command): \(resnet.errors)")
                #expect(resnet.errors.contains("the vision tower is a ResNet"), "\(command)")
            }
        }
    }

    @Test("The vision tower's features are written, and it is purified in its folder")
    func vision() throws {
        try withCLIP { tool, scratch in
            let features = try tool.run("features model --images images -o features.safetensors")
            #expect(features.status == 0, "\(features.errors)")
            let found = try ModelFolder.open(file: scratch.appending(path: "features.safetensors"))
            #expect(found.weights["features"]?.shape == [8, 12])
            #expect(found.weights["embeddings"]?.shape == [8, 6])
            let purified = try tool.run(
                "purify model --images images --batch-size 4 --epochs 1 --threads 1 -o pure "
                    + "--format json")
            #expect(purified.status == 0, "\(purified.errors)")
            let changed = try #require(purified.json()["changed"] as? [String])
            #expect(changed.allSatisfy { $0.hasPrefix("vision_model.") } && changed.count > 30)
            let verified = try tool.run("verify model pure")
            #expect(verified.status == 0, "\(verified.errors)")
        }
    }

    @Test("Texts' vectors are written beside those of images, and can be compared with them")
    func texts() throws {
        try withCLIP { tool, scratch in
            try TinyPairs.tokenizer().save(to: scratch.appending(path: "words"))
            try Data("image,caption\n1.png,a b\n2.png,\n3.png,cab\n".utf8).write(
                to: scratch.appending(path: "captions.csv"))
            try Data("a b\nabcdefghijklm\n".utf8).write(to: scratch.appending(path: "lines.txt"))
            let first = try tool.run("features model --text captions.csv --tokenizer words -o a")
            #expect(first.status == 0, "\(first.errors)")
            #expect(first.output.contains("a: 2 texts"))
            let second = try tool.run("features model --text lines.txt --tokenizer words -o b")
            #expect(second.status == 0, "\(second.errors)")
            #expect(second.errors.contains("1 of 2 texts are longer than 9 tokens, and are cut"))
            func rows(_ file: String, _ name: String) throws -> [Float] {
                let found = try ModelFolder.open(file: scratch.appending(path: file))
                return try #require(found.weights[name]).tensor().values(as: Float.self)
            }
            let embeddings = try rows("a", "embeddings")
            #expect(try embeddings.count == 12 && rows("a", "features").count == 16)
            #expect(abs(embeddings.prefix(6).reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
            // The same text in another file.
            #expect(
                try relativeDifference(
                    rows("b", "embeddings").prefix(6).map(Double.init),
                    embeddings.prefix(6).map(Double.init)) < 1e-6)
            let cases: [(String, Int32, String)] = [
                ("features model --text lines.txt -o c", 2, "vocab.json"),
                (
                    "features model --text lines.txt --tokenizer words --max-length 10 -o c", 2,
                    "9 positions"
                ),
                ("features model --images images --tokenizer words -o c", 64, "--tokenizer"),
            ]
            for (command, status, words) in cases {
                let run = try tool.run(command)
                #expect(run.status == status && run.errors.contains(words), "\(run.errors)")
            }
            #expect(!FileManager.default.fileExists(atPath: scratch.appending(path: "c").path))
        }
    }

    @Test("verify compares folders and single files, and tells another model apart")
    func verify() throws {
        try withCLIP { tool, scratch in
            for name in ["openai.pt", "resnet.pt"] {
                try FileManager.default.copyItem(
                    at: Fixture("clip-names").file(name), to: scratch.appending(path: name))
            }
            try Fixture("clip-legacy").copyModel(to: scratch.appending(path: "legacy"))
            let same = try tool.run("verify model model")
            #expect(same.status == 0 && same.output.hasPrefix("0 tensors changed"))
            let file = try tool.run("verify openai.pt openai.pt")
            #expect(file.status == 0, "\(file.errors)")
            #expect(file.output.contains("0 tensors changed"))
            for (before, after) in [("model", "legacy"), ("openai.pt", "resnet.pt")] {
                let other = try tool.run("verify \(before) \(after)")
                #expect(other.status == 1, "\(other.errors)")
                #expect(other.output.contains("✗") && other.output.contains("not a drop-in"))
            }
        }
    }
}
