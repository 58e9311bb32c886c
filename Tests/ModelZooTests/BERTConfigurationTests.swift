import Checkpoints
import Foundation
import JSON
import TestSupport
import Testing

@testable import ModelZoo

@Suite struct BERTConfigurationTests {
    private func fields() throws -> JSONObject {
        try JSONFile(reading: Fixture("bert-base-tiny").file("config.json")).fields
    }

    private func configuration(_ edits: [String: JSONValue?]) throws -> BERTConfiguration {
        var file = JSONFile(url: URL(filePath: "/models/x/config.json"), fields: try fields())
        for (name, value) in edits { file.fields[name] = value }
        return try BERTConfiguration(file)
    }

    private static let wrong: [(String, JSONValue?)] = [
        ("model_type", .string("roberta")), ("model_type", .integer(3)),
        ("position_embedding_type", .string("relative_key_query")),
        ("is_decoder", .bool(true)), ("is_decoder", .string("no")),
        ("add_cross_attention", .bool(true)),
        ("pruned_heads", .object(["0": .array([.integer(1)])])),
        ("quantization_config", .object(["bits": .integer(4)])),
        ("hidden_act", .string("swiglu")), ("hidden_act", .integer(1)),
        ("num_attention_heads", .integer(5)), ("num_attention_heads", .integer(0)),
        ("vocab_size", nil), ("vocab_size", .null), ("vocab_size", .string("120")),
        ("vocab_size", .integer(-1)), ("vocab_size", .number(120.5)),
        ("hidden_size", .integer(.max)), ("hidden_size", nil), ("num_hidden_layers", .bool(true)),
        ("num_hidden_layers", .integer(0)), ("intermediate_size", nil),
        ("hidden_dropout_prob", .number(1)), ("hidden_dropout_prob", .number(-0.1)),
        ("attention_probs_dropout_prob", .string("0.1")), ("classifier_dropout", .integer(2)),
        ("layer_norm_eps", .string("1e-12")), ("pad_token_id", .integer(120)),
        ("pad_token_id", .integer(-1)), ("tie_word_embeddings", .integer(1)),
        ("type_vocab_size", .integer(0)), ("max_position_embeddings", .array([])),
    ]

    @Test("What cannot be honoured names file and field", arguments: wrong.indices)
    func refuses(_ index: Int) throws {
        let (name, value) = Self.wrong[index]
        let error = #expect(throws: CheckpointError.self, "\(name)") {
            try configuration([name: value])
        }
        let message = error?.description ?? ""
        #expect(message.hasPrefix("/models/x/config.json: "))
        #expect(
            message.contains(name == "model_type" && value == .string("roberta") ? "roberta" : name)
        )
    }

    @Test("Labels given by number alone") func labels() throws {
        #expect(try configuration(["id2label": nil]).labelCount == 2)
        #expect(try configuration(["id2label": nil, "num_labels": .integer(7)]).labelCount == 7)
        #expect(throws: CheckpointError.self) {
            try configuration(["id2label": nil, "num_labels": .integer(0)])
        }
    }

    @Test("Old configurations are recognized, and what is left out has BERT's value")
    func defaults() throws {
        let old = try configuration([
            "model_type": nil, "hidden_dropout_prob": nil, "layer_norm_eps": nil,
            "pad_token_id": .null, "tie_word_embeddings": nil, "hidden_act": nil,
            "classifier_dropout": nil, "pruned_heads": .object([:]),
            "quantization_config": .null,
        ])
        #expect(old == (try configuration([:])))
        #expect(throws: CheckpointError.self) {
            try configuration(["model_type": nil, "architectures": .array([.string("GPT2")])])
        }
        #expect(
            try configuration(["hidden_dropout_prob": .number(0.3)]).classifierDropout == 0.3)
    }

    @Test("A folder that is none, or not whole, says so") func folders() throws {
        try withTemporaryFolder { folder in
            func message(_ url: URL) throws -> String {
                "\(try #require(throws: (any Error).self) { try TextModelFolder(url) })"
            }
            let model = folder.appending(path: "model")
            #expect(try message(model).contains("no such folder"))
            try Fixture("bert-base-tiny").copyModel(to: model)
            let configuration = model.appending(path: "config.json")
            #expect(try message(configuration).contains("is a file"))
            try Data("{\"a\":".utf8).write(to: configuration)
            #expect(try message(model).contains("config.json: is not a JSON object"))
            try Data("[1]".utf8).write(to: configuration)
            #expect(try message(model).contains("config.json: is not a JSON object"))
            try FileManager.default.removeItem(at: configuration)
            #expect(try message(model).contains("config.json: cannot be read (no such file)"))
            try FileManager.default.copyItem(
                at: Fixture("bert-base-tiny").file("config.json"), to: configuration)
            try FileManager.default.removeItem(at: model.appending(path: "model.safetensors"))
            #expect(try message(model).contains("no weights: expected model.safetensors"))
        }
    }

    @Test("A shard that is missing, or holds not what the index says") func shards() throws {
        try withTemporaryFolder { folder in
            let model = try Fixture("bert-sharded").copyModel(to: folder.appending(path: "m"))
            let second = model.appending(path: "model-00002-of-00003.safetensors")
            try FileManager.default.removeItem(at: second)
            let missing = #expect(throws: (any Error).self) { try TextModelFolder(model) }
            #expect("\(String(describing: missing))".contains("model-00002-of-00003"))
            try FileManager.default.copyItem(
                at: model.appending(path: "model-00001-of-00003.safetensors"), to: second)
            let twice = #expect(throws: CheckpointError.self) { try TextModelFolder(model) }
            #expect(twice?.description.contains("in more than one shard") == true)
        }
    }
}
