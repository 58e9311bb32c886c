import ArgumentParser
import Foundation
import JSON
import RecipeKit

/// How large the measured model is.
enum ModelSize: String, CaseIterable, Codable, ExpressibleByArgument {
    /// The paper's sizes: bert-base-uncased, VGG-16, ViT-B/16.
    case base
    /// Narrow and of few layers, to try the harness out.
    case tiny

    /// The fields of a BERT's `config.json` that differ.
    var fields: [String: Int] {
        switch self {
        case .base:
            [
                "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
                "intermediate_size": 3072,
            ]
        case .tiny:
            [
                "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
                "intermediate_size": 256,
            ]
        }
    }
}

struct MakeModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make-model",
        abstract: "Write a model of random weights.",
        discussion: """
            A BERT with a masked-language-model head, or a model of images with a classifier.
            """)

    /// Rows of bert-base-uncased's word embeddings.
    static let vocabularySize = 30_522

    @Argument(help: "The folder to make.", transform: URL.init(fileURLWithPath:))
    var folder: URL
    @Option(help: "base (the paper's sizes) or tiny.")
    var size = ModelSize.base
    @Option(help: "vgg or vit; by default a BERT.")
    var architecture: Architecture?
    @Option(help: "A ViT's dropout, attention probabilities included.")
    var dropout = 0.1
    @Option(
        help: "A vocabulary, a token a line; by default the generated texts'.",
        transform: URL.init(fileURLWithPath:))
    var vocabulary: URL?

    func run() throws {
        if let architecture {
            try architecture.make(size, dropout: dropout, at: folder)
        } else {
            try Self.make(size, vocabulary: vocabulary, at: folder)
        }
    }

    /// Writes a BERT; what a former one left in `folder` is replaced.
    static func make(_ size: ModelSize, vocabulary: URL?, at folder: URL) throws {
        let tokens =
            try vocabulary.map {
                try String(contentsOf: $0, encoding: .utf8).split(whereSeparator: \.isNewline)
                    .map(String.init)
            } ?? GeneratedTexts.vocabulary(vocabularySize)
        let tokenizer = try WordPieceTokenizer(vocabulary: tokens)
        let file = configuration(size, tokenizer, at: folder.appendingPathComponent("config.json"))
        let model = try BERT(
            BERTConfiguration(file), parts: .maskedLMHead,
            in: ParameterStore(source: FreshSource(seed: Seed(50).key("parameters"))))
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try ModelFolder.create(model.store.parameters, configuration: file, at: folder)
        try tokenizer.save(to: folder)
    }

    private static func configuration(
        _ size: ModelSize, _ tokenizer: WordPieceTokenizer, at url: URL
    ) -> JSONFile {
        var fields: JSONObject = [
            "model_type": .string("bert"), "architectures": .array([.string("BertForMaskedLM")]),
            "hidden_act": .string("gelu"), "hidden_dropout_prob": .number(0.1),
            "attention_probs_dropout_prob": .number(0.1), "initializer_range": .number(0.02),
            "layer_norm_eps": .number(1e-12), "max_position_embeddings": .integer(512),
            "type_vocab_size": .integer(2), "pad_token_id": .integer(Int(tokenizer.paddingID)),
            "vocab_size": .integer(max(vocabularySize, tokenizer.vocabularySize)),
            "tie_word_embeddings": .bool(true),
        ]
        for (name, value) in size.fields { fields[name] = .integer(value) }
        return JSONFile(url: url, fields: fields)
    }
}
