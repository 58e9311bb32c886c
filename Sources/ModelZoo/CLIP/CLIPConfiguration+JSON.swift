import Checkpoints
import Foundation
import JSON
import TorchNN

extension CLIPConfiguration {
    /// Reads a `config.json` of transformers; what is left out has transformers' default.
    ///
    /// Old files have `text_config_dict` and `vision_config_dict` beside or in place of `text_config`
    /// and `vision_config`; they count for more, as in transformers. Throws `CheckpointError` for
    /// another architecture, for a field of another kind, and for a setting that changes the
    /// computation in a way this model cannot honour.
    public init(_ file: JSONFile) throws {
        try Self.check(file, type: "clip", classes: ["CLIPModel"])
        self.init(
            text: try file.part("text_config", Text.init),
            vision: try file.part("vision_config", CLIPVisionConfiguration.init(fields:)),
            projectionSize: try file.count(
                "projection_dim", to: ConfigurationBounds.width, default: 512),
            logitScale: try file.constant("logit_scale_init_value", default: 2.6592))
    }

    /// Throws where the file describes another architecture, or quantized weights.
    static func check(_ file: JSONFile, type expected: String, classes: [String]) throws {
        let type = try file.string("model_type")
        guard type.map({ $0 == expected }) ?? file.architectures.contains(where: classes.contains)
        else {
            let found = type ?? file.architectures.first ?? "not named"
            throw CheckpointError(
                file.url, "the architecture is ‘\(found)’; expected ‘\(expected)’")
        }
        try file.checkUnquantized()
    }

    /// The fields of a `config.json` that says the same, as transformers reads it.
    public var fields: JSONObject {
        let shared: JSONObject = ["projection_dim": .integer(projectionSize)]
        return [
            "model_type": .string("clip"), "architectures": .array([.string("CLIPModel")]),
            "projection_dim": .integer(projectionSize),
            "logit_scale_init_value": .number(logitScale),
            "text_config": .object(text.fields.merging(shared)),
            "vision_config": .object(vision.fields.merging(shared)),
        ]
    }
}

extension CLIPConfiguration.Text {
    fileprivate init(_ file: JSONFile) throws {
        let end = try file.integer("eos_token_id", default: 49_407)
        self.init(
            tower: try CLIPConfiguration.Tower(
                file, hiddenSize: 512, headCount: 8, intermediateSize: 2048),
            vocabularySize: try file.count(
                "vocab_size", to: ConfigurationBounds.vocabulary, default: 49_408),
            maximumPositions: try file.count(
                "max_position_embeddings", from: 2, to: ConfigurationBounds.positions, default: 77),
            // Files of transformers before 4.31 have a 2 there that is no token's.
            pooling: end == 2 ? .highestID : .firstEnd(end))
    }

    fileprivate var fields: JSONObject {
        var fields = tower.fields
        fields["model_type"] = .string("clip_text_model")
        fields["vocab_size"] = .integer(vocabularySize)
        fields["max_position_embeddings"] = .integer(maximumPositions)
        switch pooling {
        case .highestID: fields["eos_token_id"] = .integer(2)
        case .firstEnd(let id): fields["eos_token_id"] = .integer(id)
        }
        return fields
    }
}

extension CLIPVisionConfiguration {
    /// Reads the `config.json` of a vision tower alone (`CLIPVisionModel`), or of a whole CLIP.
    ///
    /// Throws `CheckpointError` for another architecture, and for what this model cannot honour.
    public init(_ file: JSONFile) throws {
        let isTower =
            try file.string("model_type").map { $0 == "clip_vision_model" }
            ?? file.architectures.contains { $0.hasPrefix("CLIPVisionModel") }
        guard isTower else {
            self = try CLIPConfiguration(file).vision
            return
        }
        try file.checkUnquantized()
        try self.init(fields: file)
    }

    fileprivate init(fields file: JSONFile) throws {
        self.init(
            tower: try CLIPConfiguration.Tower(
                file, hiddenSize: 768, headCount: 12, intermediateSize: 3072),
            imageSize: try file.heightAndWidth("image_size", default: 224),
            patchSize: try file.heightAndWidth("patch_size", default: 32),
            initializerRange: try file.constant("initializer_range", default: 0.02))
        guard try file.integer("num_channels", default: 3) == 3 else {
            throw CheckpointError(file.url, "‘num_channels’ is not 3; only RGB is supported")
        }
        guard imageSize.height == imageSize.width, patchSize.height == patchSize.width else {
            throw CheckpointError(
                file.url,
                "‘image_size’ \(imageSize) or ‘patch_size’ \(patchSize) is no square, the only shape "
                    + "supported")
        }
        guard imageSize.height >= patchSize.height else {
            throw CheckpointError(
                file.url,
                "‘image_size’ \(imageSize) is smaller than one patch, ‘patch_size’ \(patchSize)")
        }
    }

    /// The fields of a `config.json` of the tower alone that says the same.
    public var fields: JSONObject {
        var fields = tower.fields
        fields["model_type"] = .string("clip_vision_model")
        fields["image_size"] = .integer(imageSize.height)
        fields["patch_size"] = .integer(patchSize.height)
        fields["num_channels"] = .integer(3)
        fields["initializer_range"] = .number(initializerRange)
        return fields
    }
}

extension CLIPConfiguration.Tower {
    fileprivate init(
        _ file: JSONFile, hiddenSize: Int, headCount: Int, intermediateSize: Int
    ) throws {
        self.init(
            hiddenSize: try file.count(
                "hidden_size", to: ConfigurationBounds.width, default: hiddenSize),
            layerCount: try file.count(
                "num_hidden_layers", to: ConfigurationBounds.layers, default: 12),
            headCount: try file.count(
                "num_attention_heads", to: ConfigurationBounds.heads, default: headCount),
            intermediateSize: try file.count(
                "intermediate_size", to: ConfigurationBounds.innerWidth, default: intermediateSize),
            activation: try file.activation("hidden_act", default: .quickGELU),
            attentionDropout: try file.probability("attention_dropout", default: 0),
            layerNormEpsilon: try file.constant("layer_norm_eps", default: 1e-5))
        guard self.hiddenSize % self.headCount == 0 else {
            throw CheckpointError(
                file.url,
                "‘hidden_size’ \(self.hiddenSize) is not a multiple of ‘num_attention_heads’ "
                    + "\(self.headCount)")
        }
    }

    fileprivate var fields: JSONObject {
        [
            "hidden_size": .integer(hiddenSize), "num_hidden_layers": .integer(layerCount),
            "num_attention_heads": .integer(headCount),
            "intermediate_size": .integer(intermediateSize),
            "hidden_act": .string(activation.rawValue),
            "attention_dropout": .number(attentionDropout),
            "layer_norm_eps": .number(layerNormEpsilon),
        ]
    }
}

extension JSONFile {
    /// What `read` makes of the object `name`, or of `NAME_dict` where there is one; of nothing where
    /// there is neither.
    fileprivate func part<Part>(_ name: String, _ read: (JSONFile) throws -> Part) throws -> Part {
        let old = name + "_dict"
        let field = if case .object? = fields[old] { old } else { name }
        let part: JSONObject
        switch fields[field] {
        case .object(let found)?: part = found
        case nil, .null?: part = [:]
        case let other?:
            throw CheckpointError(url, "‘\(field)’ is \(other.kind); expected an object")
        }
        do {
            return try read(JSONFile(url: url, fields: part))
        } catch let error as CheckpointError {
            throw CheckpointError(url, "in ‘\(field)’: \(error.problem)", advice: error.advice)
        }
    }
}
