import Attacks
import DataPipeline
import ModelZoo
import Torch
import TorchNN
import Training

/// A fine-tuned classifier, asked for classes.
public struct SequencePredictor {
    private let model: AnyTextModel
    /// Tokens a batch holds at most, beyond which nothing is gained.
    private let tokenBudget = 8192

    /// A predictor over `model`.
    public init(_ model: AnyTextModel) { self.model = model }

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
                try model.classLogits(TokenInput(batch, device: device), in: .evaluation)
                    .argmax(-1).values()
            }
            for (sample, label) in zip(samples, found) { classes[sample] = Int(label) }
            start = end
        }
        return classes
    }
}

/// A fine-tuned image classifier, asked for classes.
public struct ImagePredictor {
    private let model: AnyImageModel
    private let normalization: ImageNormalization
    /// Pixels a batch holds at most, beyond which nothing is gained.
    var pixelBudget = 128 * 64 * 64

    /// A predictor over `model`, whose head knows the classes.
    public init(_ model: AnyImageModel, normalization: ImageNormalization) {
        self.model = model
        self.normalization = normalization
    }

    /// The class of each image, in the order given; with a trigger, of each with that pasted on.
    public func classes(
        of images: PreparedImages, with trigger: PatchTrigger? = nil
    ) throws -> [Int] {
        let size = max(1, pixelBudget / (images.height * images.width))
        var classes: [Int] = []
        classes.reserveCapacity(images.count)
        for start in stride(from: 0, to: images.count, by: size) {
            var batch = images.batch(Array(start..<min(start + size, images.count)))
            if let trigger { batch = batch.poisoned(by: trigger, number: trigger.index) }
            let found: [Int64] = try withInferenceMode {
                try model.classLogits(normalization(batch, for: model), in: .evaluation)
                    .argmax(-1).values()
            }
            classes += found.map(Int.init)
        }
        return classes
    }
}
