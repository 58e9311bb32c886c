import JSON

extension TokenizerDocument {
    /// The vocabulary and how text is normalized; throws where a part cannot be honoured.
    func wordPieces() throws -> ([String], WordPieceTokenizer.Configuration) {
        guard let model = document["model"] else {
            throw problem("has no model; expected a WordPiece model")
        }
        // Files of the first releases do not name the type.
        let type = model["type"]?.string
        guard type == "WordPiece" || type == nil && model["continuing_subword_prefix"] != nil else {
            throw problem("the model is \(type ?? "of no known type"); expected WordPiece")
        }
        var configuration = WordPieceTokenizer.Configuration()
        if let value = model["unk_token"]?.string { configuration.unknownToken = value }
        if let value = model["continuing_subword_prefix"]?.string {
            configuration.continuationPrefix = value
        }
        if let value = model["max_input_chars_per_word"]?.integer {
            guard value >= 0 else { throw problem("max_input_chars_per_word is negative") }
            configuration.maximumWordLength = value
        }
        try readNormalizer(into: &configuration)
        try checkPreTokenizer()
        try checkPostProcessor()
        configuration.addedTokens = try addedTokens()
        return (try vocabulary(of: model), configuration)
    }

    private func readNormalizer(
        into configuration: inout WordPieceTokenizer.Configuration
    ) throws {
        guard let normalizer = single(document["normalizer"], of: "normalizers") else {
            configuration.cleansText = false
            configuration.lowercases = false
            configuration.spacesChineseCharacters = false
            configuration.stripsAccents = false
            return
        }
        guard normalizer["type"]?.string == "BertNormalizer" else {
            throw problem(
                "the normalizer is \(normalizer["type"]?.string ?? "of no known type");"
                    + " expected BertNormalizer")
        }
        func flag(_ key: String) -> Bool { normalizer[key]?.bool ?? true }
        configuration.cleansText = flag("clean_text")
        configuration.spacesChineseCharacters = flag("handle_chinese_chars")
        configuration.lowercases = flag("lowercase")
        configuration.stripsAccents = normalizer["strip_accents"]?.bool
    }

    private func checkPreTokenizer() throws {
        let type = single(document["pre_tokenizer"], of: "pretokenizers")?["type"]?.string
        guard type == "BertPreTokenizer" else {
            throw problem("the pre_tokenizer is \(type ?? "missing"); expected BertPreTokenizer")
        }
    }

    /// `[CLS] A [SEP]` is the only template that sequences are built by.
    private func checkPostProcessor() throws {
        guard let processor = document["post_processor"], !processor.isNull else { return }
        let type = processor["type"]?.string ?? "of no known type"
        if type == "BertProcessing" { return }
        let isSpecial = processor["single"]?.array?.map { $0["SpecialToken"] != nil }
        guard type == "TemplateProcessing", isSpecial == [true, false, true] else {
            throw problem(
                "the post_processor is \(type), not the template [CLS] A [SEP] of BERT")
        }
    }
}
