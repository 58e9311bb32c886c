import Checkpoints
import DataPipeline
import Files
import Foundation
import JSON
import ModelZoo
import Provenance
import Torch
import TorchNN
import Training

/// The job of fine-pruning: a suspect model in, a drop-in replacement out in which some neurons'
/// rows are zero and every other byte is the input's.
public struct NeuronPruning: Sendable {
    /// The defense and its settings.
    public var pruning: FinePruning
    /// Where activations are computed.
    public var device = Device.cpu
    /// Whether an existing output may be replaced.
    public var force = false
    /// All that is read, noted before it was read; nil for the model alone.
    public var inputs: Inputs?
    /// What the record says that the output carries.
    public var proof = ProofOptions()
    /// What was found while the data were read, which the report has too.
    public var caveats: [Caveat] = []

    /// A job with these settings.
    public init(_ pruning: FinePruning) { self.pruning = pruning }

    /// What came of a pruning.
    public struct Report: Sendable, Codable, Equatable {
        /// The suspect model.
        public var model: String
        /// The pruned one.
        public var output: String
        /// The settings.
        public var pruning: FinePruning
        /// The type that activations had.
        public var computeType: DType
        /// Auxiliary texts or images that were read.
        public var samples: Int
        /// Images that were damaged and left out.
        public var skipped: [SkippedImage]
        /// What became of auxiliary texts; nil where they were images.
        public var texts: TokenizedCorpus.Summary?
        /// What a reader must know before trusting the output.
        public var warnings: [Caveat]
        /// The pruned neurons.
        public var pruned: PrunedNeurons
        /// Seconds that reading activations took.
        public var seconds: Double
        /// Tensors of the model.
        public var tensorCount: Int
        /// Tensors that changed, by their names on disk.
        public var changed: [String]
        /// Files of the input that were left out, and why.
        public var omitted: [FileNote]
        /// Files that were carried though there is something to say of them.
        public var remarks: [FileNote]

        /// Neurons of all layers.
        public var neurons: Int { pruned.layers.reduce(0) { $0 + $1.neurons } }
        /// Samples a second.
        public var samplesPerSecond: Double { seconds > 0 ? Double(samples) / seconds : 0 }
    }

    /// How far it is: so many of all samples were read.
    public typealias Progress = (_ done: Int, _ total: Int) -> Void

    /// Prunes the BERT in `folder` by the first tokens of `texts` and writes it to `output`.
    ///
    /// Nothing stands under `output` until all of it is there, and until `finish`, which has the report
    /// and the staged folder, has written what goes with it.
    public func run(
        _ folder: BERTFolder, texts: [String], output: URL, observe: Progress = { _, _ in },
        finish: (Report, URL) throws -> Void = { _, _ in }
    ) throws -> Report {
        let destination = try OutputFolder(
            destination: output, force: force, inputs: inputs ?? Inputs([folder.folder.root]))
        let proven = try proven(folder.folder, at: output)
        try folder.folder.weights.checkFinite(at: folder.folder.url)
        let tokenizer = try folder.tokenizer()
        try folder.checkLength(pruning.maximumLength)
        let corpus = TokenizedCorpus(
            texts, tokenizer: tokenizer, maximumLength: pruning.maximumLength)
        try UnreadableTexts.check(corpus.summary.unknownShare, tokenizer: folder.folder.url)
        let model = try folder.load(parts: [], placement: placement)
        try check(model.neurons, of: .bert, writable: folder.checkWritable)
        // Texts of like length go together.
        let order = corpus.texts.indices.sorted {
            (corpus.texts[$0].count, $0) < (corpus.texts[$1].count, $1)
        }
        let reading = try read(
            model.neurons, samples: order.count, batchSize: pruning.batchSize, observe
        ) { range, body in
            let batch = TokenBatch(order[range].map { corpus.texts[$0] })
            try model.readNeurons(BERTInput(batch, device: device), body)
        }
        let pruned = try pruning.choice(by: reading.statistics, of: .bert)
        let written = try folder.write(
            zeroing: pruned.rows(at: model.neurons), to: destination.staging)
        var report = try self.report(
            pruned, reading, folder.folder, written, at: destination, to: output)
        report.texts = corpus.summary
        report.warnings +=
            Caveat.of(corpus.summary)
            + Caveat.ofTokenizer(
                tokenizer.vocabularySize, rows: folder.configuration.vocabularySize)
        try proven.complete(
            destination, written, data: (TokenSamples(corpus.texts), order, pruning.batchSize),
            pruned, report.warnings
        ) { try finish(report, $0) }
        return report
    }

    /// Prunes the image model in `folder` by `images` and writes it to `output`, a folder.
    ///
    /// Nothing stands under `output` until all of it is there, and until `finish`, which has the report
    /// and the staged folder, has written what goes with it.
    public func run(
        _ folder: ImageModelFolder, images: PreparedImages, output: URL,
        observe: Progress = { _, _ in }, finish: (Report, URL) throws -> Void = { _, _ in }
    ) throws -> Report {
        let destination = try OutputFolder(
            destination: output, force: force, inputs: inputs ?? Inputs([folder.folder.root]))
        let proven = try proven(folder.folder, at: output)
        try folder.folder.weights.checkFinite(at: folder.folder.url)
        let family = folder.configuration.pruningFamily
        let model = try folder.load(placement: placement, head: .none)
        try check(model.neurons, of: family, writable: folder.checkWritable)
        let normalization = folder.processor.normalization
        let batchSize = min(pruning.batchSize, pixelBudget / (images.height * images.width))
        let reading = try read(
            model.neurons, samples: images.count, batchSize: batchSize, observe
        ) { range, body in
            let batch = images.batch(Array(range))
            try model.readNeurons(normalization(batch, for: model), body)
        }
        let pruned = try pruning.choice(by: reading.statistics, of: family)
        let written = try folder.write(
            zeroing: pruned.rows(at: model.neurons), to: destination.staging)
        var report = try self.report(
            pruned, reading, folder.folder, written, at: destination, to: output)
        report.skipped = images.skipped
        report.warnings += Caveat.of(images)
        try proven.complete(
            destination, written, data: (images, Array(0..<images.count), batchSize), pruned,
            report.warnings
        ) { try finish(report, $0) }
        return report
    }

    /// Pixels of a batch at most: all places of a VGG's maps are read.
    private var pixelBudget: Int { 256 * 64 * 64 }

    private var placement: Placement {
        Placement(device: device, computeType: pruning.precision.computeType(on: device))
    }

    private func proven(_ model: ModelFolder, at output: URL) throws -> ProvenOutput {
        try ProvenOutput(
            of: model, at: output, method: pruning.method.rawValue, settings: pruning, seed: nil,
            placement: placement, force: force,
            inputs: inputs ?? Inputs([model.root]), proof)
    }

    /// Refuses what can be refused before samples are read.
    private func check(
        _ sites: [NeuronSite], of family: FinePruning.Family,
        writable: (ParameterPattern) throws -> Void
    ) throws {
        _ = try pruning.count(at: sites, of: family)
        try writable(ParameterPattern(sites.flatMap(\.parameters)))
    }

    // MARK: Reading and writing

    private struct Reading {
        var statistics: ActivationStatistics
        var samples: Int
        var seconds: Double
    }

    private func read(
        _ sites: [NeuronSite], samples: Int, batchSize: Int, _ observe: Progress,
        _ batch: (Range<Int>, (NeuronReading) throws -> Void) throws -> Void
    ) throws -> Reading {
        guard samples > 0 else {
            throw TrainingError(
                "there is nothing to read activations from: no usable samples in the data")
        }
        let clock = ContinuousClock.now
        var statistics = ActivationStatistics(of: sites)
        let size = max(1, batchSize)
        for start in stride(from: 0, to: samples, by: size) {
            let end = min(start + size, samples)
            try batch(start..<end) { try statistics.add($0) }
            observe(end, samples)
        }
        return Reading(
            statistics: statistics, samples: samples,
            seconds: (ContinuousClock.now - clock) / .seconds(1))
    }

    /// Leaves the record of what must stay at zero with the model.
    private func report(
        _ pruned: PrunedNeurons, _ reading: Reading, _ folder: ModelFolder,
        _ written: ModelFolder.WriteReport, at destination: OutputFolder, to output: URL
    ) throws -> Report {
        // Neurons that were held at zero before stay so; of a single file, the record is not copied.
        let earlier = try PrunedNeurons(with: folder)
        let held = pruned.mask == .frozen ? pruned.joined(with: earlier) : earlier
        try held?.write(to: destination.staging)
        return Report(
            model: folder.url.path, output: output.path, pruning: pruning,
            computeType: placement.computeType, samples: reading.samples, skipped: [],
            warnings: caveats, pruned: pruned, seconds: reading.seconds,
            tensorCount: folder.weights.tensors.count,
            changed: written.changed, omitted: written.omitted,
            remarks: written.remarks)
    }
}

extension ProvenOutput {
    /// Seals a pruned model, by the samples that were read so many at a time in an order, and gives
    /// it its name after `finish` has written what goes with it.
    fileprivate func complete(
        _ destination: OutputFolder, _ written: ModelFolder.WriteReport,
        data: (samples: any DigestedSamples, order: [Int], batchSize: Int), _ pruned: PrunedNeurons,
        _ warnings: [Caveat], after finish: (URL) throws -> Void
    ) throws {
        let size = max(1, data.batchSize)
        let batches = stride(from: 0, to: data.order.count, by: size).map {
            Array(data.order[$0..<min($0 + size, data.order.count)])
        }
        let sealed = try seal(
            destination.staging, written,
            data: DataDigest(of: data.samples.digests(), in: batches),
            metrics: [
                "neurons": .integer(pruned.layers.reduce(0) { $0 + $1.neurons }),
                "pruned": try JSONValue(encoding: pruned),
            ], warnings: warnings.map(\.forProof))
        try finish(destination.staging)
        try commit(destination, sealed)
    }
}
