import Checkpoints

/// How ViT checkpoints spell their names.
public enum ViTDialects {
    /// Recognizes the spelling of a state dictionary from the names in it, or nil where it is no
    /// ViT's.
    ///
    /// Canonical names are those of transformers' `ViTForImageClassification`, as on disk.
    public static func dialect(of names: [String]) -> Dialect? {
        let wrapper = Dialect.wrapper(of: names)
        let plain = Set(names.map(Dialect(name: "", rules: wrapper).canonical))
        func dialect(_ name: String, _ rules: [Dialect.Rule]) -> Dialect {
            Dialect(name: name, rules: wrapper + rules)
        }
        if plain.contains("vit.embeddings.cls_token") || plain.contains("embeddings.cls_token") {
            return dialect("transformers", transformers(plain))
        }
        if plain.contains("cls_token"), plain.contains("patch_embed.proj.weight") {
            return dialect("timm", timm)
        }
        for prefix in ["", "net."]
        where plain.contains(prefix + "positional_embedding.pos_embedding") {
            let name = prefix.isEmpty ? "pytorch_pretrained_vit" : "NeuBA"
            return dialect(name, pretrainedViT(prefix))
        }
        if plain.contains("encoder.pos_embedding"), plain.contains("conv_proj.weight") {
            return dialect("torchvision", torchvision(plain))
        }
        return nil
    }

    /// Every spelling, wrapped or not as `names` are.
    static func all(of names: [String]) -> [Dialect] {
        let memory: Set = ["vit.layers.0.mlp.fc1.weight"]
        let first: Set = ["encoder.layers.encoder_layer_0.mlp.linear_1.weight"]
        let bare = Dialect.Rule.addPrefix("vit.", toParts: transformersParts)
        return [
            [bare], [bare] + transformers(memory), timm, pretrainedViT(""), pretrainedViT("net."),
            torchvision([]), torchvision(first),
        ].map { Dialect(name: "", rules: Dialect.wrapper(of: names) + $0) }
    }

    private static let transformersParts = [
        "embeddings", "encoder", "layers", "layernorm", "pooler",
    ]
    private static let block = "vit.encoder.layer.*."
    private static let attention = block + "attention.attention."

    /// The names of transformers, on disk or (from version 5 on) in memory, with `vit.` or without.
    private static func transformers(_ names: Set<String>) -> [Dialect.Rule] {
        var rules: [Dialect.Rule] = []
        if names.contains("embeddings.cls_token") {
            rules.append(.addPrefix("vit.", toParts: transformersParts))
        }
        let hasNewNames = names.contains {
            $0.hasPrefix("vit.layers.") || $0.hasPrefix("layers.")
        }
        guard hasNewNames else { return rules }
        let parts = [
            ("attention.q_proj", "attention.attention.query"),
            ("attention.k_proj", "attention.attention.key"),
            ("attention.v_proj", "attention.attention.value"),
            ("attention.o_proj", "attention.output.dense"),
            ("mlp.fc1", "intermediate.dense"), ("mlp.fc2", "output.dense"),
            ("layernorm_before", "layernorm_before"), ("layernorm_after", "layernorm_after"),
        ]
        return rules
            + parts.map { .rename("vit.layers.*.\($0.0).**", to: block + $0.1 + ".**") }
    }

    private static let timm: [Dialect.Rule] = [
        .rename("cls_token", to: "vit.embeddings.cls_token"),
        .rename("pos_embed", to: "vit.embeddings.position_embeddings"),
        .rename("patch_embed.proj.**", to: "vit.embeddings.patch_embeddings.projection.**"),
        .rename("blocks.*.norm1.**", to: block + "layernorm_before.**"),
        .rename("blocks.*.norm2.**", to: block + "layernorm_after.**"),
        .split(
            "blocks.*.attn.qkv.**",
            into: [attention + "query.**", attention + "key.**", attention + "value.**"]),
        .rename("blocks.*.attn.proj.**", to: block + "attention.output.dense.**"),
        .rename("blocks.*.mlp.fc1.**", to: block + "intermediate.dense.**"),
        .rename("blocks.*.mlp.fc2.**", to: block + "output.dense.**"),
        .rename("norm.**", to: "vit.layernorm.**"),
        .rename("head.**", to: "classifier.**"),
    ]

    private static func pretrainedViT(_ prefix: String) -> [Dialect.Rule] {
        let old = prefix + "transformer.blocks.*."
        return [
            .rename(prefix + "class_token", to: "vit.embeddings.cls_token"),
            .rename(
                prefix + "positional_embedding.pos_embedding",
                to: "vit.embeddings.position_embeddings"),
            .rename(
                prefix + "patch_embedding.**",
                to: "vit.embeddings.patch_embeddings.projection.**"),
            .rename(old + "attn.proj_q.**", to: attention + "query.**"),
            .rename(old + "attn.proj_k.**", to: attention + "key.**"),
            .rename(old + "attn.proj_v.**", to: attention + "value.**"),
            .rename(old + "proj.**", to: block + "attention.output.dense.**"),
            .rename(old + "norm1.**", to: block + "layernorm_before.**"),
            .rename(old + "norm2.**", to: block + "layernorm_after.**"),
            .rename(old + "pwff.fc1.**", to: block + "intermediate.dense.**"),
            .rename(old + "pwff.fc2.**", to: block + "output.dense.**"),
            .rename(prefix + "norm.**", to: "vit.layernorm.**"),
            // NeuBA's head is beside `net.`; the library's own is in the model.
            .rename("fc.**", to: "classifier.**"),
        ]
    }

    private static func torchvision(_ names: Set<String>) -> [Dialect.Rule] {
        let old = "encoder.layers.encoder_layer_*."
        // Files of its first versions have other names for the two layers.
        let isFirst = names.contains("encoder.layers.encoder_layer_0.mlp.linear_1.weight")
        func parts(_ kind: String) -> [String] {
            ["query", "key", "value"].map { attention + $0 + "." + kind }
        }
        return [
            .rename("class_token", to: "vit.embeddings.cls_token"),
            .rename("encoder.pos_embedding", to: "vit.embeddings.position_embeddings"),
            .rename("conv_proj.**", to: "vit.embeddings.patch_embeddings.projection.**"),
            .rename(old + "ln_1.**", to: block + "layernorm_before.**"),
            .rename(old + "ln_2.**", to: block + "layernorm_after.**"),
            .split(old + "self_attention.in_proj_weight", into: parts("weight")),
            .split(old + "self_attention.in_proj_bias", into: parts("bias")),
            .rename(old + "self_attention.out_proj.**", to: block + "attention.output.dense.**"),
            .rename(
                old + (isFirst ? "mlp.linear_1.**" : "mlp.0.**"),
                to: block + "intermediate.dense.**"),
            .rename(
                old + (isFirst ? "mlp.linear_2.**" : "mlp.3.**"), to: block + "output.dense.**"),
            .rename("encoder.ln.**", to: "vit.layernorm.**"),
            .rename("heads.head.**", to: "classifier.**"),
        ]
    }
}
