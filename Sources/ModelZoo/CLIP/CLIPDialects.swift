import Checkpoints

/// How CLIP checkpoints spell their names.
public enum CLIPDialects {
    /// Recognizes the spelling of a state dictionary from the names in it, or nil where it is no
    /// CLIP's with a vision transformer.
    ///
    /// Canonical names are those of transformers' `CLIPModel`.
    public static func dialect(of names: [String]) -> Dialect? {
        let wrapper = Dialect.wrapper(of: names)
        let plain = Set(names.map(Dialect(name: "", rules: wrapper).canonical))
        if plain.contains("vision_model.embeddings.class_embedding") {
            return Dialect(name: "transformers", rules: wrapper)
        }
        if plain.contains("embeddings.class_embedding"), plain.contains("pre_layrnorm.weight") {
            return Dialect(name: "transformers", rules: wrapper + [bare])
        }
        if plain.contains("visual.class_embedding"), plain.contains("visual.conv1.weight") {
            // open_clip's newer class has the text tower's parts within `text`.
            let isApart = plain.contains("text.token_embedding.weight")
            return Dialect(
                name: isApart ? "open_clip" : "OpenAI",
                rules: wrapper + openAI(text: isApart ? "text." : ""))
        }
        return nil
    }

    private static let bare = Dialect.Rule.addPrefix(
        "vision_model.", toParts: ["embeddings", "pre_layrnorm", "encoder", "post_layernorm"])

    /// Every spelling, wrapped or not as `names` are.
    static func all(of names: [String]) -> [Dialect] {
        [[bare], openAI(text: ""), openAI(text: "text.")].map {
            Dialect(name: "", rules: Dialect.wrapper(of: names) + $0)
        }
    }

    /// Whether weights of these names on disk have both towers.
    static func isWhole(_ names: [String]) -> Bool {
        guard let dialect = dialect(of: names) else { return false }
        return names.contains {
            dialect.canonical($0) == "text_model.embeddings.token_embedding.weight"
        }
    }

    /// What is wrong with weights that look like a CLIP's but are not one that this package reads;
    /// nil where they look like nothing of the kind.
    static func refusal(of folder: ModelFolder) -> CheckpointError? {
        let names = folder.weights.names
        if let name = names.first(where: { $0.contains("visual.trunk.") }) {
            return CheckpointError(
                folder.url,
                "the vision tower is one of timm's (its tensors are called ‘\(name)’ and so on), "
                    + "which is not supported",
                advice: "choose a CLIP with OpenAI's vision tower")
        }
        guard let name = names.first(where: { $0.hasSuffix("visual.layer1.0.conv1.weight") }) else {
            return nil
        }
        return CheckpointError(
            folder.url,
            "the vision tower is a ResNet (its tensors are called ‘\(name)’ and so on), which is "
                + "not supported", advice: "choose a CLIP with a ViT as its vision tower")
    }

    /// Names in a CLIP that its vision tower does not read.
    static let besideVision =
        ["text_model.**", "text_projection.weight", "visual_projection.weight", "logit_scale"]
        + buffers

    /// Names of what no CLIP computes with, as old versions of transformers and OpenAI's files have
    /// it beside the parameters.
    static let buffers = ["**.position_ids", "input_resolution", "context_length", "vocab_size"]

    private static func openAI(text: String) -> [Dialect.Rule] {
        tower("visual.transformer", "vision_model") + tower(text + "transformer", "text_model") + [
            .rename("visual.class_embedding", to: "vision_model.embeddings.class_embedding"),
            .rename(
                "visual.positional_embedding",
                to: "vision_model.embeddings.position_embedding.weight"),
            .rename("visual.conv1.weight", to: "vision_model.embeddings.patch_embedding.weight"),
            .rename("visual.ln_pre.**", to: "vision_model.pre_layrnorm.**"),
            .rename("visual.ln_post.**", to: "vision_model.post_layernorm.**"),
            .transpose("visual.proj", to: "visual_projection.weight"),
            .rename(
                text + "token_embedding.weight",
                to: "text_model.embeddings.token_embedding.weight"),
            .rename(
                text + "positional_embedding",
                to: "text_model.embeddings.position_embedding.weight"),
            .rename(text + "ln_final.**", to: "text_model.final_layer_norm.**"),
            .transpose(text + "text_projection", to: "text_projection.weight"),
        ]
    }

    /// The blocks of a tower.
    private static func tower(_ old: String, _ new: String) -> [Dialect.Rule] {
        let (old, new) = (old + ".resblocks.*.", new + ".encoder.layers.*.")
        func parts(_ kind: String) -> [String] {
            ["q_proj", "k_proj", "v_proj"].map { new + "self_attn.\($0).\(kind)" }
        }
        return [
            .split(old + "attn.in_proj_weight", into: parts("weight")),
            .split(old + "attn.in_proj_bias", into: parts("bias")),
            .rename(old + "attn.out_proj.**", to: new + "self_attn.out_proj.**"),
            .rename(old + "ln_1.**", to: new + "layer_norm1.**"),
            .rename(old + "ln_2.**", to: new + "layer_norm2.**"),
            .rename(old + "mlp.c_fc.**", to: new + "mlp.fc1.**"),
            .rename(old + "mlp.c_proj.**", to: new + "mlp.fc2.**"),
        ]
    }
}
