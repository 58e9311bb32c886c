import JSON

extension TokenizerDocument {
    /// The regular expression that CLIP splits text by; files of before version 5 of transformers
    /// do not have the two names.
    private static let pattern = #"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#
    private static let names = #"<\|startoftext\|>|<\|endoftext\|>|"#

    /// The vocabulary and which tokens have a role; throws where a part cannot be honoured.
    func bytePairs() throws -> (BytePairVocabulary, CLIPTokenizer.Configuration) {
        guard let model = document["model"] else {
            throw problem("has no model; expected a BPE model")
        }
        // Files of the first releases do not name the type.
        let type = model["type"]?.string
        guard type == "BPE" || type == nil && model["merges"] != nil else {
            throw problem("the model is \(type ?? "of no known type"); expected BPE")
        }
        try checkModel(model)
        try checkNormalizer()
        var configuration = CLIPTokenizer.Configuration()
        configuration.findsNames = try findsNames()
        if let token = model["unk_token"]?.string { configuration.unknownToken = token }
        try readPostProcessor(into: &configuration)
        configuration.addedTokens = try addedTokens()
        let vocabulary = BytePairVocabulary(
            tokens: try vocabulary(of: model), merges: try merges(of: model), path: path)
        return (vocabulary, configuration)
    }

    private func checkModel(_ model: JSONValue) throws {
        let suffix = model["end_of_word_suffix"]?.string ?? ""
        guard suffix == BytePairVocabulary.wordEnd else {
            throw problem(
                "end_of_word_suffix is \"\(suffix)\"; expected </w>, as CLIP's vocabulary has it")
        }
        if let prefix = model["continuing_subword_prefix"]?.string, !prefix.isEmpty {
            throw problem("continuing_subword_prefix is \"\(prefix)\"; expected none")
        }
        if let dropout = model["dropout"], !dropout.isNull, dropout.number != 0 {
            throw problem("the model has dropout, which is not supported; set it to null")
        }
        for key in ["fuse_unk", "byte_fallback", "ignore_merges"] where model[key]?.bool == true {
            throw problem("\(key) is true, which is not supported; CLIP's is false")
        }
    }

    private func merges(of model: JSONValue) throws -> [BytePair] {
        guard let list = model["merges"]?.array else {
            throw problem("model.merges is no list; expected pairs of tokens")
        }
        return try list.enumerated().map { number, value in
            let parts =
                value.string.map { $0.split(separator: " ", omittingEmptySubsequences: false) }?
                .map(String.init) ?? value.array?.compactMap(\.string) ?? []
            guard parts.count == 2, value.array.map({ $0.count == 2 }) ?? true else {
                throw problem(
                    "entry \(number + 1) of model.merges is no pair; expected \"a b\" or"
                        + " [\"a\", \"b\"]")
            }
            return BytePair(parts[0], parts[1])
        }
    }

    /// Composition, one space for white space, lower case.
    private func checkNormalizer() throws {
        let parts = document["normalizer"]?["normalizers"]?.array ?? []
        let types = parts.map { $0["type"]?.string ?? "" }
        guard types == ["NFC", "Replace", "Lowercase"],
            parts[1]["pattern"]?["Regex"]?.string == #"\s+"#, parts[1]["content"]?.string == " "
        else {
            let type = document["normalizer"]?["type"]?.string ?? "missing"
            throw problem(
                "the normalizer is \(types.isEmpty ? type : types.joined(separator: ", "));"
                    + " expected NFC, Replace (\\s+ by a space), Lowercase, as CLIP's")
        }
    }

    private func findsNames() throws -> Bool {
        let parts = document["pre_tokenizer"]?["pretokenizers"]?.array ?? []
        guard parts.map({ $0["type"]?.string }) == ["Split", "ByteLevel"],
            let pattern = parts[0]["pattern"]?["Regex"]?.string,
            [Self.pattern, Self.names + Self.pattern].contains(pattern),
            parts[0]["behavior"]?.string == "Removed", parts[0]["invert"]?.bool == true,
            parts[1]["add_prefix_space"]?.bool != true, parts[1]["use_regex"]?.bool != false
        else {
            let type = document["pre_tokenizer"]?["type"]?.string ?? "missing"
            throw problem(
                "the pre_tokenizer (\(type)) is not CLIP's: a Split by its regular expression, then"
                    + " ByteLevel")
        }
        return pattern != Self.pattern
    }

    /// Start, text, end is the only template that sequences are built by.
    private func readPostProcessor(
        into configuration: inout CLIPTokenizer.Configuration
    ) throws {
        guard let processor = document["post_processor"], !processor.isNull else { return }
        let type = processor["type"]?.string ?? "of no known type"
        let template = processor["single"]?.array?.map { $0["SpecialToken"]?["id"]?.string }
        if type == "RobertaProcessing", let start = processor["cls"]?.array?.first?.string,
            let end = processor["sep"]?.array?.first?.string
        {
            (configuration.startToken, configuration.endToken) = (start, end)
        } else if type == "TemplateProcessing", let template, template.count == 3,
            let start = template[0], template[1] == nil, let end = template[2]
        {
            (configuration.startToken, configuration.endToken) = (start, end)
        } else {
            throw problem(
                "the post_processor is \(type), not the template start, text, end of CLIP")
        }
    }
}
