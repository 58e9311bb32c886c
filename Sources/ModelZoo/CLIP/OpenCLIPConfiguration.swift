import Checkpoints
import DataPipeline
import Foundation
import JSON
import TorchNN

/// What `open_clip_config.json` says of a model, in the words of transformers' `config.json`.
///
/// open_clip computes GELU unless `quick_gelu` is true, cuts captions and normalizes images by its
/// own fields, and has variants that are not read here: each is refused by its name.
enum OpenCLIPConfiguration {
    /// The file's name.
    static let file = "open_clip_config.json"
    /// The field that keeps what is said of images.
    static let preprocessing = "preprocess_cfg"

    /// The configuration in `folder`, or nil where it has none.
    ///
    /// Throws `CheckpointError` for a field of another kind, and for what this model cannot honour.
    static func described(in folder: URL) throws -> JSONFile? {
        let url = folder.appendingPathComponent(file)
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        let source = try JSONFile(reading: url)
        guard case .object(let fields)? = source.fields["model_cfg"] else {
            throw CheckpointError(url, "has no ‘model_cfg’", advice: "is the file complete?")
        }
        let model = JSONFile(url: url, fields: fields)
        try refuse(
            model, "model_cfg",
            but: [
                "embed_dim", "vision_cfg", "text_cfg", "quick_gelu", "init_logit_scale",
                "custom_text",
                "cast_dtype", "output_dict", "nonscalar_logit_scale",
            ])
        let activation = JSONValue.string(
            try model.bool("quick_gelu", default: false) ? "quick_gelu" : "gelu")
        let width = try model.count("embed_dim", to: ConfigurationBounds.width)
        var found: JSONObject = [
            "model_type": .string("clip"), "projection_dim": .integer(width),
            "text_config": try text(part("text_cfg", of: model), activation),
            "vision_config": try vision(part("vision_cfg", of: model), activation),
            preprocessing: .object([:]),
        ]
        if case .object(let images)? = source.fields[preprocessing] {
            found[preprocessing] = .object(images)
        }
        return JSONFile(url: url, fields: found)
    }

    /// Throws where a folder's `config.json` and its `open_clip_config.json` describe two models:
    /// what one library would compute is not what the other would.
    static func check(_ folder: ModelFolder) throws {
        guard folder.configuration.fields["model_type"] == .string("clip"),
            let other = try described(in: folder.url)
        else { return }
        let (one, two) = (try CLIPConfiguration(folder.configuration), try CLIPConfiguration(other))
        let isSame =
            one.vision.tower == two.vision.tower && one.text.tower == two.text.tower
            && one.vision.imageSize == two.vision.imageSize
            && one.vision.patchSize == two.vision.patchSize
            && one.text.maximumPositions == two.text.maximumPositions
            && one.text.vocabularySize == two.text.vocabularySize
            && one.projectionSize == two.projectionSize
        guard isSame else {
            throw CheckpointError(
                other.url,
                "describes another model than config.json does (activations \(two.activations), "
                    + "config.json \(one.activations)): open_clip and transformers would compute "
                    + "differently",
                advice: "correct the one that is wrong, or remove it")
        }
    }

    private static func part(_ name: String, of model: JSONFile) throws -> JSONFile {
        guard case .object(let fields)? = model.fields[name] else {
            throw CheckpointError(model.url, "‘model_cfg’ has no ‘\(name)’")
        }
        return JSONFile(url: model.url, fields: fields)
    }

    // MARK: Towers

    private static func text(_ file: JSONFile, _ activation: JSONValue) throws -> JSONValue {
        try refuseOthers(file, "hf_model_name", "is a text tower of another library")
        try refuse(
            file, "text_cfg",
            but: [
                "context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio", "pad_id",
                "eos_id", "norm_kwargs", "output_tokens", "hf_model_pretrained", "hf_proj_type",
                "hf_pooler_type",
            ], usual: ["pool_type": .string("argmax"), "proj_type": .string("linear")])
        let width = try file.count("width", to: ConfigurationBounds.width, default: 512)
        var fields = try tower(file, width: width, activation)
        fields["num_attention_heads"] = .integer(
            try file.count("heads", to: ConfigurationBounds.heads, default: 8))
        fields["max_position_embeddings"] = .integer(
            try file.count(
                "context_length", from: 2, to: ConfigurationBounds.positions, default: 77))
        fields["vocab_size"] = .integer(
            try file.count("vocab_size", to: ConfigurationBounds.vocabulary, default: 49_408))
        // To transformers 2 means: the token of the highest id is read, which is what argmax does.
        fields["eos_token_id"] = .integer(2)
        return .object(fields)
    }

    private static func vision(_ file: JSONFile, _ activation: JSONValue) throws -> JSONValue {
        try refuseOthers(file, "timm_model_name", "is a vision tower of timm's, a trunk")
        if case .array? = file.fields["layers"] {
            throw CheckpointError(
                file.url, "‘vision_cfg.layers’ is a list: the vision tower is a ResNet",
                advice: "choose a CLIP with a ViT as its vision tower")
        }
        try refuse(
            file, "vision_cfg",
            but: [
                "layers", "width", "head_width", "mlp_ratio", "patch_size", "image_size",
                "patch_dropout", "norm_kwargs", "output_tokens", "attn_pooler_queries",
                "attn_pooler_heads", "timm_model_pretrained", "timm_pool", "timm_proj",
                "timm_proj_bias", "timm_drop", "timm_drop_path",
            ], usual: ["pool_type": .string("tok"), "pos_embed_type": .string("learnable")])
        let width = try file.count("width", to: ConfigurationBounds.width, default: 768)
        let headWidth = try file.count("head_width", to: ConfigurationBounds.width, default: 64)
        guard width % headWidth == 0 else {
            throw CheckpointError(
                file.url, "‘width’ \(width) is not a multiple of ‘head_width’ \(headWidth)")
        }
        var fields = try tower(file, width: width, activation)
        fields["num_attention_heads"] = .integer(width / headWidth)
        for (name, fallback) in [("image_size", 224), ("patch_size", 16)] {
            fields[name] = file.fields[name] ?? .integer(fallback)
        }
        return .object(fields)
    }

    private static func tower(
        _ file: JSONFile, width: Int, _ activation: JSONValue
    ) throws -> JSONObject {
        let ratio = try file.number("mlp_ratio", default: 4)
        guard ratio > 0, Double(width) * ratio <= Double(ConfigurationBounds.innerWidth) else {
            throw CheckpointError(
                file.url, "‘mlp_ratio’ is \(NumberText.exact(ratio)); expected about 4")
        }
        var epsilon = 1e-5
        if case .object(let fields)? = file.fields["norm_kwargs"] {
            guard Set(fields.keys).isSubset(of: ["eps"]) else {
                throw CheckpointError(file.url, "‘norm_kwargs’ has more than ‘eps’")
            }
            epsilon = try JSONFile(url: file.url, fields: fields).constant("eps", default: epsilon)
        }
        return [
            "hidden_size": .integer(width), "hidden_act": activation,
            "num_hidden_layers": .integer(
                try file.count("layers", to: ConfigurationBounds.layers, default: 12)),
            "intermediate_size": .integer(Int(Double(width) * ratio)),
            "layer_norm_eps": .number(epsilon),
        ]
    }

    // MARK: Refusals

    private static func refuseOthers(_ file: JSONFile, _ name: String, _ what: String) throws {
        guard let tower = try file.string(name) else { return }
        throw CheckpointError(
            file.url, "‘\(name)’ is ‘\(tower)’: it \(what), which is not supported",
            advice: "choose a CLIP with OpenAI's towers")
    }

    /// Throws for a field that is not `known` and says anything but no, nothing, or what is `usual`:
    /// it would change the computation.
    private static func refuse(
        _ file: JSONFile, _ part: String, but known: Set<String>, usual: [String: JSONValue] = [:]
    ) throws {
        let harmless: [JSONValue] = [.null, .bool(false), .integer(0), .number(0), .object([:])]
        for (name, value) in file.fields.members.sorted(by: { $0.key < $1.key }) {
            guard !known.contains(name), !harmless.contains(value), usual[name] != value else {
                continue
            }
            throw CheckpointError(
                file.url, "‘\(part).\(name)’ asks for a variant of CLIP that is not supported",
                advice: "choose a CLIP with OpenAI's towers")
        }
    }
}

extension CLIPConfiguration {
    /// The activations of both towers.
    fileprivate var activations: String {
        "\(vision.tower.activation.rawValue) and \(text.tower.activation.rawValue)"
    }
}

extension ImageProcessor {
    /// Reads the `preprocess_cfg` of `open_clip_config.json` as open_clip's evaluation does; what is
    /// left out is OpenAI's.
    ///
    /// Throws `CheckpointError` for what is not done here, by its name.
    init(openCLIP file: JSONFile, size: PixelSize) throws {
        self = .clip(side: size.width)
        cropRounding = .toEven
        switch try file.string("resize_mode") ?? "shortest" {
        case "shortest": break
        case "squash":
            resize = .exactly(size)
            crop = nil
        case let mode:
            throw CheckpointError(
                file.url,
                "‘resize_mode’ is ‘\(mode)’; only ‘shortest’ and ‘squash’ are supported")
        }
        switch try file.string("interpolation") ?? "bicubic" {
        case "bicubic": filter = .bicubic
        case "bilinear": filter = .bilinear
        case let name:
            throw CheckpointError(
                file.url,
                "‘interpolation’ is ‘\(name)’; only ‘bicubic’ and ‘bilinear’ are supported")
        }
        let mode = try file.string("mode") ?? "RGB"
        guard mode == "RGB" else {
            throw CheckpointError(file.url, "‘mode’ is ‘\(mode)’; only RGB is supported")
        }
        normalization = ImageNormalization(
            mean: try file.channels("mean", default: normalization.mean),
            deviation: try file.channels("std", default: normalization.deviation))
        try checkDeviation(file)
    }
}
