import Checkpoints
import Foundation
import JSON
import TestSupport
import Testing

@testable import ModelZoo

/// Numbers of a configuration that no model has are refused before anything is made of them.
@Suite struct ConfigurationBoundsTests {
    private func file(_ fields: JSONObject) -> JSONFile {
        JSONFile(url: URL(filePath: "/models/x/config.json"), fields: fields)
    }

    private static let bert: JSONObject = [
        "model_type": .string("bert"), "vocab_size": .integer(100), "hidden_size": .integer(8),
        "num_hidden_layers": .integer(2), "num_attention_heads": .integer(2),
        "intermediate_size": .integer(16),
    ]

    @Test(
        "BERT's sizes have bounds",
        arguments: [
            "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
            "intermediate_size", "max_position_embeddings", "type_vocab_size", "num_labels",
        ])
    func bert(_ field: String) throws {
        #expect(throws: Never.self) { try BERTConfiguration(file(Self.bert)) }
        for value in [1_000_000_000, Int.max, 0, -1, Int.min] {
            let error = #expect(throws: CheckpointError.self) {
                try BERTConfiguration(file(Self.bert.merging([field: .integer(value)])))
            }
            #expect(error?.problem.contains("‘\(field)’ is \(value)") == true)
        }
    }

    @Test(
        "A ViT's and a CLIP's sizes have bounds",
        arguments: [
            "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
            "image_size", "patch_size",
        ])
    func images(_ field: String) throws {
        let large: JSONObject = [field: .integer(1_000_000_000)]
        let vit = large.merging(["model_type": .string("vit")])
        let clip: JSONObject = [
            "model_type": .string("clip"), "vision_config": .object(large),
        ]
        for fields in [vit, clip] {
            let error = #expect(throws: CheckpointError.self) {
                try ImageConfiguration(file(fields))
            }
            #expect(error?.problem.contains("‘\(field)’") == true, "\(String(describing: error))")
        }
    }

    @Test("Constants are small numbers") func constants() throws {
        for value in [1e30, -1e-12] {
            let error = #expect(throws: CheckpointError.self) {
                try BERTConfiguration(
                    file(Self.bert.merging(["layer_norm_eps": .number(value)])))
            }
            #expect(error?.problem.contains("‘layer_norm_eps’ is") == true)
        }
    }

    @Test("Weights with more layers than config.json says are another model") func layers() throws {
        try withTemporaryFolder { scratch in
            let folder = try Fixture("bert-base-tiny").copyModel(to: scratch.appending(path: "m"))
            let url = folder.appending(path: "config.json")
            var config = try JSONFile(reading: url)
            #expect(config.fields["num_hidden_layers"] == .integer(3))
            config.fields["num_hidden_layers"] = .integer(2)
            try config.data().write(to: url)
            let error = #expect(throws: CheckpointError.self) { try TextModelFolder(folder) }
            #expect(error?.problem.contains("has 2 layers, but the weights have 3") == true)
        }
    }
}
