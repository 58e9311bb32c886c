import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import TextTokenizers

extension Caveat {
    /// What is to be said of files of texts, as they were read.
    public static func of(_ corpus: TextCorpus) -> [Caveat] {
        let replaced = corpus.sources.reduce(0) { $0 + $1.invalidSequences }
        return [
            replaced == 0
                ? nil
                : Caveat(
                    .invalidText, "\(replaced) byte sequences were no UTF-8 and replaced",
                    figure: Double(replaced)),
            passedOver(corpus.passedOver, of: corpus.sources.map(\.file)),
        ].compactMap { $0 }
    }

    private static func passedOver(_ files: [String], of read: [String]) -> Caveat? {
        guard let first = read.first, !files.isEmpty else { return nil }
        let taken = read.count == 1 ? "one file, \(first)," : "\(read.count) files"
        let names = files.prefix(5).joined(separator: ", ") + (files.count > 5 ? ", …" : "")
        return Caveat(
            .filesPassedOver,
            "\(taken) was read, and \(files.count) more passed over, for they are no .txt, .tsv, "
                + ".csv, .jsonl or wiki_NN: \(names)", figure: Double(files.count))
    }

    /// What is to be said of a set of images, before they are decoded.
    public static func of(_ set: ImageSet) -> [Caveat] {
        guard set.ignored > 0 else { return [] }
        return [
            Caveat(
                .filesPassedOver,
                "\(set.ignored) files of \(set.folder) were passed over, for their names are no "
                    + "image's; \(set.count) images were found", figure: Double(set.ignored))
        ]
    }

    /// What is to be said of tokenized texts.
    public static func of(_ texts: TokenizedCorpus.Summary) -> [Caveat] {
        let read = Double(texts.tokens) / Double(max(1, texts.tokens + texts.cut))
        return [
            few(texts.texts, "texts"),
            texts.empty == 0
                ? nil
                : Caveat(
                    .emptyTexts, "\(texts.empty) texts had no token", figure: Double(texts.empty)),
            repeated(texts.distinct, of: texts.texts, "texts"),
            read >= CaveatBounds.tokensRead
                ? nil
                : Caveat(
                    .cutTexts,
                    "only \(percent(read)) of the tokens are read, for texts are cut (the longest "
                        + "has \(texts.longest) bytes): put them on lines of their own, or raise "
                        + "--max-length", figure: read),
            unknown(texts.unknownShare),
        ].compactMap { $0 }
    }

    /// What is to be said of prepared images; damaged ones are named.
    public static func of(_ images: PreparedImages) -> [Caveat] {
        [
            few(images.count, "images"), repeated(images.distinctCount, of: images.count, "images"),
        ].compactMap { $0 } + of(images.skipped)
    }

    /// What is to be said of images with captions.
    public static func of(_ pairs: PreparedPairs) -> [Caveat] {
        [
            few(pairs.count, "images with captions"),
            repeated(pairs.images.distinctCount, of: pairs.count, "images"),
            repeated(
                pairs.captions.distinctCount, of: pairs.captions.captionCount, "captions"),
            unknown(pairs.captions.unknownShare),
        ].compactMap { $0 } + of(pairs.skipped)
    }

    /// The first samples that were left out by name, and the number of the others.
    private static func of(_ skipped: [SkippedImage]) -> [Caveat] {
        let others = skipped.count - 5
        return skipped.prefix(5).map {
            Caveat(.samplesLeftOut, "\($0.identifier) was left out: it \($0.reason)")
        }
            + (others > 0
                ? [
                    Caveat(
                        .samplesLeftOut, "\(others) more images were left out",
                        figure: Double(others))
                ] : [])
    }

    /// What is to be said of a tokenizer of so many tokens for so many rows of embeddings.
    public static func ofTokenizer(_ tokens: Int, rows: Int) -> [Caveat] {
        let share = Double(tokens) / Double(max(1, rows))
        guard share < CaveatBounds.vocabulary else { return [] }
        return [
            Caveat(
                .smallTokenizer,
                "the tokenizer has \(tokens) tokens for \(rows) rows of embeddings: is it this "
                    + "model's?", figure: share)
        ]
    }

    // MARK: Parts

    private static func few(_ count: Int, _ unit: String) -> Caveat? {
        guard count < CaveatBounds.samples else { return nil }
        return Caveat(
            .fewSamples,
            "there are \(count) \(unit); the least that the paper purifies with is "
                + "\(CaveatBounds.samples)", figure: Double(count))
    }

    private static func repeated(_ distinct: Int, of count: Int, _ unit: String) -> Caveat? {
        let share = Double(distinct) / Double(max(1, count))
        guard count > 1, share < CaveatBounds.distinct else { return nil }
        return Caveat(
            .repeatedSamples, "only \(distinct) of \(count) \(unit) differ from each other",
            figure: share)
    }

    static func unknown(_ share: Double) -> Caveat? {
        guard share >= CaveatBounds.unknown else { return nil }
        return Caveat(
            .unknownTokens,
            "\(percent(share)) of the tokens are unknown to the vocabulary: the tokenizer is another "
                + "model's, or the texts are of another language", figure: share)
    }

    static func percent(_ share: Double) -> String {
        NumberText.short(100 * share, digits: 2) + " %"
    }
}

/// Refuses data of which a model can read little, before anything is trained or measured.
public enum UnreadableTexts {
    /// The warning where many of the tokens of `texts` are unknown to the vocabulary of `folder`, or
    /// nil; throws as `check` does.
    ///
    /// `added` is the number of special tokens of each text.
    public static func caveat(
        of texts: [[Int32]], unknownID: Int32, added: Int = 2, tokenizer folder: URL
    ) throws -> Caveat? {
        let (unknown, tokens) = texts.reduce(into: (0, 0)) { sums, text in
            sums.0 += text.count { $0 == unknownID }
            sums.1 += max(0, text.count - added)
        }
        let share = Double(unknown) / Double(max(1, tokens))
        try check(share, tokenizer: folder)
        return Caveat.unknown(share)
    }

    /// Throws where more than half of the tokens are unknown to the vocabulary of `folder`, or there
    /// is nothing else.
    public static func check(_ share: Double, tokenizer folder: URL) throws {
        guard share > CaveatBounds.mostUnknown else { return }
        let names = ["tokenizer.json", "vocab.txt", "vocab.json"]
        let file = names.map(folder.appendingPathComponent)
            .first { FileManager.default.fileExists(atPath: $0.path) }
        throw CheckpointError(
            file ?? folder,
            "\(Caveat.percent(share)) of the texts' tokens are unknown to this vocabulary: nothing "
                + "would be learned from them",
            advice: "put the model's own tokenizer there, or give texts of its language")
    }
}
