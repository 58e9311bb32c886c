import DataPipeline
import Foundation
import ModelZoo
import Randomness
import Torch

/// Twins of images with patches on them, which are made worse by the gradient of the very loss that the
/// model is trained to make small: a game of two, without labels and without a trigger.
///
/// The one group are the features that heads read.
public final class PatchAlterations<Model, Batch>: Alterations {
    private let images: (Batch) -> ImageBatch
    private let pixels: (Batch, Model) throws -> Tensor
    private let read: (Model, Tensor) throws -> Tensor
    private let normalization: ImageNormalization
    private let seed: Seed
    private var pool = PatchPool()
    private var chosen: [Int] = []

    /// Patches tried in a step.
    private static var tried: Int { 8 }
    /// New patches of which the worst is taken.
    private static var candidates: Int { 8 }
    /// Images that a new patch is tried on.
    private static var samples: Int { 4 }

    /// Patches on the `images` of batches; `pixels` are those images as a model takes them, normalized
    /// so, and `read` makes their features [n, width], float32, without dropout.
    public init(
        images: @escaping (Batch) -> ImageBatch,
        pixels: @escaping (Batch, Model) throws -> Tensor,
        read: @escaping (Model, Tensor) throws -> Tensor, normalization: ImageNormalization,
        seed: Seed
    ) {
        (self.images, self.pixels, self.read) = (images, pixels, read)
        (self.normalization, self.seed) = (normalization, seed)
    }

    /// What a patch hides is no more than any patch of its size hides: there is no margin to leave.
    public var hasMargin: Bool { false }

    /// The clean images' features.
    public func features(of model: Model, on batch: Batch) throws -> [Tensor] {
        [try read(model, pixels(batch, model))]
    }

    /// Each of some patches on its share of the images.
    public func altered(of model: Model, on batch: Batch) throws -> AlteredFeatures {
        let clean = try pixels(batch, model)
        try fill(clean, model, kept: features(of: model, on: batch)[0].detached())
        chosen = pool.chosen(min(Self.tried, clean.shape[0]), seed: seed)
        return try patched(clean, by: chosen.map { pool.patches[$0] }, model, learns: true)
    }

    /// New patches.
    public func alteredAtRandom(of model: Model, on batch: Batch) throws -> AlteredFeatures {
        let clean = try pixels(batch, model)
        let shape = clean.shape
        let patches = (0..<min(Self.tried, shape[0])).map { _ in
            pool.candidate(height: shape[2], width: shape[3], seed: seed)
        }
        return try patched(clean, by: patches, model, learns: false)
    }

    /// Makes the patches that were tried worse, and replaces those that are due.
    public func learn(
        gradients: [Tensor?], distances: [Float], of model: Model, on batch: Batch
    ) throws {
        let shares = Self.shares(of: distances.count, among: chosen.count)
        for (place, index) in chosen.enumerated() {
            let own = distances[shares[place]]
            let gradient: [Float] = try gradients[place]?.values() ?? []
            pool.worsen(
                index, gradient: gradient, shift: own.reduce(0, +) / Float(max(1, own.count)))
        }
        let due = chosen.filter(pool.isDue)
        guard !due.isEmpty else { return }
        try withoutGradients {
            let clean = try pixels(batch, model)
            let kept = try read(model, clean)
            for index in due { pool.replace(index, by: try worstOfNew(clean, model, kept: kept)) }
        }
    }

    /// The patches.
    public var state: String? {
        get throws { String(decoding: try JSONEncoder().encode(pool), as: UTF8.self) }
    }

    /// Takes the patches of a snapshot back.
    public func restore(_ state: String) throws {
        pool = try JSONDecoder().decode(PatchPool.self, from: Data(state.utf8))
    }

    // MARK: Patches

    /// As many patches as there are to be, each the worst of several new ones.
    private func fill(_ clean: Tensor, _ model: Model, kept: Tensor) throws {
        while pool.patches.count < PatchPool.count {
            pool.add(try withoutGradients { try worstOfNew(clean, model, kept: kept) })
        }
    }

    /// The one of several new patches that moves the features of a few images most.
    private func worstOfNew(_ clean: Tensor, _ model: Model, kept: Tensor) throws -> Patch {
        let shape = clean.shape
        let count = min(Self.samples, shape[0])
        let few = try clean.narrowed(0, from: 0, length: count)
        let wanted = try kept.narrowed(0, from: 0, length: count)
        var worst: Patch?
        for _ in 0..<Self.candidates {
            var patch = pool.candidate(height: shape[2], width: shape[3], seed: seed)
            let features = try read(model, paste(leaf(patch, clean), patch, on: few))
            patch.shift = Float(try (features - wanted).power(2).mean().item())
            if patch.shift > worst?.shift ?? -1 { worst = patch }
        }
        return worst ?? pool.candidate(height: shape[2], width: shape[3], seed: seed)
    }

    /// The rows of a batch in as many parts as there are patches.
    private static func shares(of rows: Int, among parts: Int) -> [Range<Int>] {
        (0..<parts).map { rows * $0 / parts..<rows * ($0 + 1) / parts }
    }

    private func patched(
        _ clean: Tensor, by patches: [Patch], _ model: Model, learns: Bool
    ) throws -> AlteredFeatures {
        let leaves = try patches.map { try leaf($0, clean) }
        if learns { for leaf in leaves { try leaf.setRequiresGradient(true) } }
        let shares = Self.shares(of: clean.shape[0], among: patches.count)
        let parts = try zip(zip(patches, leaves), shares).map { patch, rows in
            try paste(
                patch.1, patch.0,
                on: clean.narrowed(0, from: rows.lowerBound, length: rows.count))
        }
        return AlteredFeatures(
            [try read(model, Tensor.concatenated(parts, along: 0))],
            rows: [(0..<clean.shape[0]).map(Int64.init)], learned: learns ? leaves : [])
    }

    /// A patch's colours as a tensor [3, side, side] of float32.
    private func leaf(_ patch: Patch, _ like: Tensor) throws -> Tensor {
        try Tensor(patch.pixels, shape: [3, patch.side, patch.side], device: like.device)
    }

    /// Images [n, 3, height, width] with a patch pasted on each, normalized as they are.
    private func paste(_ colors: Tensor, _ patch: Patch, on images: Tensor) throws -> Tensor {
        let shape = images.shape
        let mean = try Tensor(
            normalization.mean.map(Float.init), shape: [3, 1, 1], device: images.device)
        let deviation = try Tensor(
            normalization.deviation.map(Float.init), shape: [3, 1, 1], device: images.device)
        let normalized = try ((colors - mean) / deviation).cast(to: images.dtype)
            .unsqueezed(0).expanded([shape[0], 3, patch.side, patch.side])
        func part(_ image: Tensor, _ dimension: Int, _ start: Int, _ end: Int) throws -> [Tensor] {
            start < end
                ? [try image.narrowed(dimension, from: start, length: end - start)] : []
        }
        let strip = try images.narrowed(2, from: patch.row, length: patch.side)
        let middle = try Tensor.concatenated(
            part(strip, 3, 0, patch.column) + [normalized]
                + part(strip, 3, patch.column + patch.side, shape[3]), along: 3)
        return try Tensor.concatenated(
            part(images, 2, 0, patch.row) + [middle]
                + part(images, 2, patch.row + patch.side, shape[2]), along: 2)
    }
}
