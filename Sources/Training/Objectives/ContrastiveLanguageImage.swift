import DataPipeline
import ModelZoo
import Torch
import TorchNN

extension CLIP: TrainableModel {}
extension CaptionBatch: SampleBatch {}

/// CLIP's pre-training loss (Radford et al., figure 3): each image finds its caption among those of
/// the batch, and each caption its image.
///
/// All pairs of a batch are each other's negatives, so that a batch cannot be divided as for other
/// losses. With `chunkSize` its gradient is computed in two passes (Gao et al., 2021): embeddings of
/// all pairs without a graph, then the loss's gradient for these, which each chunk's own graph
/// carries on. The gradient is that of the whole batch; memory is a chunk's.
public struct ContrastiveLanguageImage: Objective {
    /// How bytes become numbers.
    public var normalization: ImageNormalization
    /// Pairs whose graph is in memory at once; nil for all of a batch.
    public var chunkSize: Int?

    /// The loss on images so normalized.
    public init(_ normalization: ImageNormalization, chunkSize: Int? = nil) {
        precondition(chunkSize.map { $0 > 0 } ?? true, "a chunk holds at least one pair")
        self.normalization = normalization
        self.chunkSize = chunkSize
    }

    /// Throws `TrainingError` where batches of `batchSize` out of `count` pairs would leave one
    /// without negatives: to be asked before training.
    public static func check(count: Int, batchSize: Int) throws {
        guard batchSize > 1, count > 1 else { throw singlePairError("a batch of one pair") }
        guard count % batchSize != 1 else {
            throw singlePairError("the last of \(count) pairs, alone in its batch of \(batchSize),")
        }
    }

    private static func singlePairError(_ what: String) -> TrainingError {
        TrainingError(
            "\(what) has no negatives, which the contrastive loss needs: choose another batch size "
                + "(--batch-size)")
    }

    /// The mean cross-entropy of both directions; throws `TrainingError` for a batch of one pair.
    public func loss(of model: CLIP, on batch: CaptionBatch, in pass: Pass) throws -> Loss {
        let work = try EmbeddingWork(model, batch, normalization, chunkSize: nil, pass)
        return try Self.loss(work.embeddings(), of: model)
    }

    /// The same loss and its gradients, chunk by chunk where the batch is larger than a chunk.
    ///
    /// Each chunk drops the same in both passes.
    public func gradients(
        of model: CLIP, on batch: CaptionBatch, for parameters: [Tensor], share: Double,
        in pass: Pass
    ) throws -> LossGradients {
        let work = try EmbeddingWork(model, batch, normalization, chunkSize: chunkSize, pass)
        guard work.chunks.count > 1 else {
            let loss = try Self.loss(work.embeddings(), of: model)
            return LossGradients(loss, try loss.gradients(for: parameters, share: share))
        }
        let embeddings = try withoutGradients { try work.embeddings() }
        for embedding in embeddings { try embedding.setRequiresGradient(true) }
        let loss = try Self.loss(embeddings, of: model)
        let gradients = try loss.gradients(for: embeddings + parameters, share: share)
        var result = LossGradients(loss, Array(gradients.dropFirst(embeddings.count)))
        for (side, gradient) in zip(EmbeddingWork.Side.allCases, gradients) {
            guard let gradient, work.isTrained(side) else { continue }
            for chunk in work.chunks.indices {
                let rows = work.chunks[chunk]
                let part = try work.embedding(side, ofChunk: chunk)
                let along = try gradient.narrowed(0, from: rows.lowerBound, length: rows.count)
                try result.add((part * along).sum().gradients(for: parameters))
            }
        }
        return result
    }

    /// Keeps the logits' scale at 100 or below, as CLIP's training does.
    public func constrain(_ model: CLIP) throws {
        if model.logitScale.requiresGradient { try model.clampLogitScale() }
    }

    /// The loss of embeddings: those of the images, then those of the captions.
    static func loss(_ embeddings: [Tensor], of model: CLIP) throws -> Loss {
        let logits = try model.logits(images: embeddings[0], texts: embeddings[1])
        let own = try Tensor.arange(0..<logits.shape[0], device: logits.device)
        let loss =
            try 0.5
            * (logits.crossEntropy(own) + logits.transposed(0, 1).crossEntropy(own))
        return Loss(loss, terms: [Loss.Term("contrastive", loss)])
    }

    /// The embeddings of a batch, in chunks that are computed alike each time.
    struct EmbeddingWork {
        enum Side: Int, CaseIterable {
            case images, texts
        }

        let chunks: [Range<Int>]
        private let model: CLIP
        private let batch: CaptionBatch
        private let normalization: ImageNormalization
        private let pass: Pass
        /// The images' bytes [n, height, width, 3] on the model's device.
        private let bytes: Tensor

        init(
            _ model: CLIP, _ batch: CaptionBatch, _ normalization: ImageNormalization,
            chunkSize: Int?, _ pass: Pass
        ) throws {
            guard batch.rows > 1 else { throw singlePairError("a batch of one pair") }
            let size = chunkSize ?? batch.rows
            chunks = stride(from: 0, to: batch.rows, by: size).map {
                $0..<min($0 + size, batch.rows)
            }
            self.model = model
            self.batch = batch
            self.normalization = normalization
            self.pass = pass
            let images = batch.images
            bytes = try Tensor(
                images.pixels, shape: [images.rows, images.height, images.width, 3],
                device: model.store.placement.device)
        }

        /// The embeddings of all images, and those of all captions.
        func embeddings() throws -> [Tensor] {
            try Side.allCases.map { side in
                let parts = try chunks.indices.map { try embedding(side, ofChunk: $0) }
                return parts.count == 1 ? parts[0] : try .concatenated(parts, along: 0)
            }
        }

        /// The embeddings of one chunk's images or captions, whose dropout depends on nothing else.
        func embedding(_ side: Side, ofChunk chunk: Int) throws -> Tensor {
            let placement = model.store.placement
            let part = pass.part(chunk * Side.allCases.count + side.rawValue)
            // Other devices draw their masks from a generator.
            if placement.device != .cpu, let key = part.key { try seedGenerators(key) }
            let rows = chunks[chunk]
            switch side {
            case .images:
                let pixels = try normalization(
                    bytes.narrowed(0, from: rows.lowerBound, length: rows.count),
                    as: placement.computeType)
                return try model.imageEmbeddings(pixels, in: part)
            case .texts:
                let captions = try CLIPTextInput(
                    batch.tokens, rows: rows, model.configuration.text, device: placement.device)
                return try model.textEmbeddings(captions, in: part)
            }
        }

        /// Whether a parameter is trained that embeddings of the side depend on.
        func isTrained(_ side: Side) -> Bool {
            let pattern = side == .images ? CLIP.visionParameters : CLIP.textParameters
            return model.store.trainable.contains { pattern.matches($0.name) }
        }
    }
}
