import DataPipeline
import Defenses
import Foundation
import ModelZoo
import Randomness
import TextTokenizers
import Torch
import TorchNN
import Training

/// How a downstream user makes a classifier of a pre-trained model (the paper's settings for text).
public struct FineTuning: Sendable, Codable, Equatable {
    /// Epochs over the training texts.
    public var epochs = 3
    /// The peak learning rate, which falls to 0 in a straight line.
    public var learningRate = 2e-5
    /// Texts a step.
    public var batchSize = 32
    /// Tokens a text is cut to, special tokens included.
    public var maximumLength = 128
    /// Which pooler the classifier begins with.
    public var pooler = PoolerPolicy.keep
    /// The type of activations and frozen weights.
    public var precision = Precision.auto
    /// How texts are put into batches.
    public var order = BatchOrder.Kind.bucketed

    /// The paper's settings.
    public init() {}

    /// A trainer of a classifier with `labelCount` classes on the model of `folder`; everything is
    /// trained but neurons that were pruned for good.
    public func trainer(
        on folder: BERTFolder, texts: [[Int32]], labels: [Int], labelCount: Int,
        tokenizer: WordPieceTokenizer, seed: Seed, device: Device
    ) throws -> Trainer<RowsHeldAtZero<SequenceClassification>, SampledSource<TokenBatch>> {
        var fresh = ["classifier.**"]
        if pooler == .reset { fresh.append("bert.pooler.**") }
        let model = try folder.load(
            parts: [.pooler, .classifier],
            placement: Placement(
                device: device, computeType: precision.computeType(on: device), trainable: .all),
            fresh: ParameterPattern(fresh), labelCount: labelCount, seed: seed)
        let source = SampledSource.classified(
            texts, labels: labels, order: BatchOrder(order, batchSize: batchSize), seed: seed)
        let objective = try RowsHeldAtZero(
            SequenceClassification(), rows: folder.folder.rowsHeldAtZero(at: model.neurons),
            of: model)
        return try Trainer(
            model, objective: objective, source: source,
            settings: TrainingSettings(epochs: epochs, learningRate: learningRate), seed: seed)
    }
}

/// A fine-tuned classifier, asked for classes.
public struct SequencePredictor {
    private let model: BERT
    /// Tokens a batch holds at most, beyond which nothing is gained.
    private let tokenBudget = 8192

    /// A predictor over `model`.
    public init(_ model: BERT) { self.model = model }

    /// The class of each text, in the order given; texts of like length go through together.
    public func classes(of texts: [[Int32]]) throws -> [Int] {
        let device = model.store.placement.device
        let order = texts.indices.sorted { texts[$0].count < texts[$1].count }
        var classes = [Int](repeating: 0, count: texts.count)
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, (end + 1 - start) * texts[order[end]].count <= tokenBudget {
                end += 1
            }
            let samples = order[start..<end]
            let batch = TokenBatch(samples.map { texts[$0] })
            let found: [Int64] = try withInferenceMode {
                try model.classLogits(BERTInput(batch, device: device), in: .evaluation)
                    .argmax(-1).values()
            }
            for (sample, label) in zip(samples, found) { classes[sample] = Int(label) }
            start = end
        }
        return classes
    }
}
