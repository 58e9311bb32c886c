import Checkpoints

/// How BERT checkpoints spell their names.
public enum BERTDialects {
    /// Recognizes the spelling of a state dictionary from the names in it.
    ///
    /// Canonical names are those of transformers' `BertForPreTraining`.
    public static func dialect(of names: [String], tiesEmbeddings: Bool) -> Dialect {
        var rules = Dialect.wrapper(of: names)
        var traits = rules.contains(.removePrefix("module.")) ? ["module."] : []
        let plain = names.map(Dialect(name: "", rules: rules).canonical)
        let parts = ["embeddings", "encoder", "pooler"]
        if !plain.contains(where: { $0.hasPrefix("bert.") }) {
            rules.append(.addPrefix("bert.", toParts: parts))
            traits.append("without ‘bert.’")
        } else {
            // Loaders take these for what has the prefix.
            let bare = plain.filter { name in parts.contains { name.hasPrefix($0 + ".") } }
            rules += Set(bare).sorted().map { .alias($0, of: "bert." + $0) }
        }
        if plain.contains(where: { $0.hasSuffix("LayerNorm.gamma") }) {
            rules.append(.renameLast("gamma", to: "weight", after: "LayerNorm"))
            rules.append(.renameLast("beta", to: "bias", after: "LayerNorm"))
            traits.append("gamma/beta")
        }
        if tiesEmbeddings {
            rules.append(
                .alias(
                    "cls.predictions.decoder.weight", of: "bert.embeddings.word_embeddings.weight"))
            rules.append(.alias("cls.predictions.decoder.bias", of: "cls.predictions.bias"))
        }
        let name =
            traits.isEmpty ? "transformers" : "transformers, " + traits.joined(separator: ", ")
        return Dialect(name: name, rules: rules)
    }
}
