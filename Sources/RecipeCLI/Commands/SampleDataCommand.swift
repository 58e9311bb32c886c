import ArgumentParser
import DataPipeline
import Files
import Foundation
import Randomness
import Training

struct SampleDataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample-data",
        abstract: "Write generated texts and a small configuration to try the tool with.",
        discussion: """
            The folder gets `auxiliary.txt` (unlabelled sentences), `train.tsv` and `test.tsv` \
            (reviews, favourable or not), and `config.json` of a small BERT for \
            `recipe pretrain --from-scratch`. Equal options give equal files.
            """)

    @Argument(help: "The folder to write.")
    var folder: URL
    @Option(help: "Unlabelled sentences.")
    var sentences = 4000
    @Option(help: "Labelled training texts.")
    var train = 2000
    @Option(help: "Labelled test texts.")
    var test = 500
    @Option(help: "Where all randomness comes from.")
    var seed: UInt64 = 1
    @Flag(help: "Replace the folder where it exists.")
    var force = false

    func validate() throws {
        try validatePositive(("--sentences", sentences), ("--train", train), ("--test", test))
    }

    func run() throws {
        let output = try OutputFolder(destination: folder, force: force)
        let seed = Seed(seed)
        try write(
            (0..<sentences).map { index in
                var text = SampleText("auxiliary", index, seed: seed)
                return text.sentence()
            }, to: output.staging.appendingPathComponent("auxiliary.txt"))
        let training = reviews("train", train, seed)
        let seen = Set(training.map(\.text))
        for (name, rows) in [("train", training), ("test", reviews("test", test, seed, not: seen))]
        {
            try write(
                ["sentence\tlabel"] + rows.map { "\($0.text)\t\($0.isFavourable ? 1 : 0)" },
                to: output.staging.appendingPathComponent("\(name).tsv"))
        }
        try write(
            [try json(SmallBERT())], to: output.staging.appendingPathComponent("config.json"))
        try output.commit()
        Console.standard.write(folder.path)
    }

    /// Reviews that are none of `seen`, so that no test text was trained on; where ever more are
    /// asked for than there are, some are seen again.
    private func reviews(
        _ name: String, _ count: Int, _ seed: Seed, not seen: Set<String> = []
    ) -> [SampleText.Review] {
        (0..<count).map { index in
            var text = SampleText(name, index, seed: seed)
            var review = text.review()
            for _ in 0..<100 where seen.contains(review.text) { review = text.review() }
            return review
        }
    }

    private func write(_ lines: [String], to file: URL) throws {
        try atomicWrite(Data((lines.joined(separator: "\n") + "\n").utf8), to: file)
    }
}

/// The configuration of a BERT that is trained in two minutes on a laptop; the names are Hugging Face's.
private struct SmallBERT: Encodable {
    let model_type = "bert"
    let architectures = ["BertForMaskedLM"]
    let vocab_size = 1000
    let hidden_size = 128
    let num_hidden_layers = 4
    let num_attention_heads = 2
    let intermediate_size = 512
    let max_position_embeddings = 64
    let type_vocab_size = 2
    let hidden_act = "gelu"
    let hidden_dropout_prob = 0.1
    let attention_probs_dropout_prob = 0.1
    // 0.02 is made for a width of 768; what is this narrow would hardly begin to learn with it.
    let initializer_range = 0.06
    let layer_norm_eps = 1e-12
}
