import ArgumentParser
import DataPipeline
import Files
import Foundation
import ModelZoo
import Randomness
import Training

/// Options that say which data a model is trained with, and how they are read.
struct DataOptions: ParsableArguments {
    @OptionGroup var texts: AuxiliaryOptions
    @OptionGroup var head: HeadOptions
    @Option(
        help: """
            Images to train an image model with: a data set in any layout it is known by; with --pairs \
            the folder of their images.
            """)
    var images: URL?
    @OptionGroup var pairOptions: PairOptions
    @OptionGroup var imageOptions: ImageOptions

    /// Refuses a command that names no data.
    ///
    /// For the command's own validation: that of a group comes before options that nobody knows.
    func validateNamed() throws {
        guard !texts.auxiliary.isEmpty || images != nil || pairOptions.pairs != nil else {
            throw ValidationError(
                "name the auxiliary data: --auxiliary TEXTS… or --images FOLDER, for a CLIP --pairs "
                    + "CAPTIONS")
        }
    }

    /// What the model reads; a CLIP that is given images without captions is its tower of images.
    func kind(of model: URL) throws -> ModelKind {
        let kind = try ModelKind(at: model)
        return kind == .pairs && pairOptions.pairs == nil ? .images : kind
    }

    /// Refuses options that mean nothing for a model of this kind.
    ///
    /// With `begins`, any model takes a tokenizer.
    func check(_ kind: ModelKind, of model: URL, begins: Bool = false) throws {
        let texts = self.texts.given + [head.mlmHead == "keep" ? nil : "--mlm-head"]
        let pictures = [images.map { _ in "--images" }] + imageOptions.given
        let captions = [pairOptions.pairs.map { _ in "--pairs" }]
        let pairs =
            captions
            + pairOptions.given.filter { !begins || kind != .texts || $0 != "--tokenizer" }
        let strange: [String?] =
            switch kind {
            case .texts: pictures + pairs
            case .images: texts + pairs
            case .pairs: texts + imageOptions.givenOfSets
            }
        if let option = strange.compactMap({ $0 }).first {
            throw ValidationError(
                "\(option) means nothing for \(model.path), which \(Self.reads(kind))")
        }
    }

    /// What is said of a model of a kind.
    static func reads(_ kind: ModelKind) -> String {
        switch kind {
        case .texts: "reads texts: name them with --auxiliary"
        case .images: "reads images: name them with --images"
        case .pairs: "reads images with captions, which --pairs names"
        }
    }

    /// The data for a model of a kind, at most `samples` of them.
    func data(
        for kind: ModelKind, of model: URL, samples: Int? = nil, seed: UInt64,
        labels: ImageLabels = .folder
    ) throws -> AuxiliaryData {
        func named(_ url: URL?, _ option: String) throws -> URL {
            guard let url else {
                throw ValidationError("name the data that \(model.path) reads with \(option)")
            }
            return url
        }
        var data = AuxiliaryData()
        (data.samples, data.seed) = (samples, Seed(seed))
        if kind == .texts {
            _ = try named(texts.auxiliary.first, "--auxiliary")
            data.texts = texts.data
            data.texts?.head = head.source
            return data
        }
        data.samples = samples ?? imageOptions.limit
        data.images = imageOptions.data(at: images, labels: labels)
        if let captions = pairOptions.pairs {
            data.pairs = AuxiliaryData.Pairs(captions)
            data.pairs?.tokenizer = pairOptions.tokenizer
        } else {
            _ = try kind == .pairs ? named(nil, "--pairs") : named(images, "--images")
        }
        return data
    }

    /// The files and folders that are read.
    var inputs: [URL] {
        texts.inputs + [images].compactMap { $0 } + pairOptions.inputs + head.inputs
    }
}

extension AuxiliaryOptions {
    /// The texts and how they are read.
    fileprivate var data: AuxiliaryData.Texts {
        var data = AuxiliaryData.Texts(auxiliary)
        (data.column, data.limit, data.minimumWords) = (textColumn, sentences, minWords)
        return data
    }
}

extension ReadData.Amount {
    /// How much there is, as reports say it.
    var text: String {
        let samples = HumanFormat.count(count)
        return captions.map { "\(samples) images with \(HumanFormat.count($0)) captions" }
            ?? "\(samples) \(Task.unit)"
    }
}

/// Shows what is said while data are read; the loaders call it one at a time.
final class ReadingReporter: @unchecked Sendable {
    private let console = Console.standard
    private var reporter: ProgressReporter?

    func show(_ progress: ReadingProgress) {
        switch progress {
        case .preparing(let name, let count):
            reporter = ProgressReporter(
                "prepare \(name)", total: count, unit: "image", on: console)
        case .prepared(let images):
            reporter?.update(completed: images.done)
            if images.done == images.total { finish() }
        case .remark(let remark):
            finish()
            console.warn(remark)
        }
    }

    private func finish() {
        reporter?.finish()
        reporter = nil
    }
}
