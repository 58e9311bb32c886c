import Checkpoints
import DataPipeline
import Foundation
import TestSupport
import Testing

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
            let resnet = try tool.run("inspect resnet.pt")
            #expect(resnet.status == 2)
            #expect(resnet.errors.contains("the vision tower is a ResNet"))
        }
    }

    @Test("The vision tower's features are written, and it is purified in its folder")
    func vision() throws {
        try withCLIP { tool, scratch in
            let features = try tool.run("features model --images images -o features.safetensors")
            #expect(features.status == 0, "\(features.errors)")
            let found = try ModelFolder.open(file: scratch.appending(path: "features.safetensors"))
            #expect(found.weights["features"]?.shape == [8, 12])
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
}
