import Foundation
import TextTokenizers
import Torch
import TorchNN

/// CLIP (Radford et al.): a tower of images and a tower of captions whose vectors are close where a
/// caption describes an image.
public struct CLIP {
    /// The sizes and constants.
    public let configuration: CLIPConfiguration
    /// All parameters.
    public let store: ParameterStore
    /// The tower of images, an image model of its own over the same parameters.
    public let vision: CLIPVisionTower
    let text: CLIPTextTower
    let visualProjection: Linear
    let textProjection: Linear
    /// The logarithm of what cosines are multiplied by, a scalar.
    public let logitScale: Tensor

    /// A model whose parameters come from `store`'s source, under transformers' names.
    ///
    /// Fresh ones are drawn as transformers draws them, with an `initializer_factor` of 1: tables
    /// of tokens and positions with deviation 0.02, projections with 1/√width, matrices of the
    /// towers with 1/√width (attention's output), 1/√(2 · width) (fc1) and 1/√(2 · width · layers)
    /// (query, key, value and fc2); biases are zero.
    public init(_ configuration: CLIPConfiguration, in store: ParameterStore) throws {
        self.configuration = configuration
        self.store = store
        var tower = configuration.vision
        tower.labelCount = nil
        text = try CLIPTextTower(configuration.text, in: store)
        vision = try CLIPVisionTower(tower, in: store)
        func projection(_ name: String, _ width: Int) throws -> Linear {
            try Linear(
                width, configuration.projectionSize, bias: false,
                weight: .normal(deviation: CLIPConfiguration.Tower.deviation(width)),
                at: store.root[name])
        }
        visualProjection = try projection("visual_projection", tower.tower.hiddenSize)
        textProjection = try projection("text_projection", configuration.text.tower.hiddenSize)
        logitScale = try store.root.parameter(
            "logit_scale", [], .constant(configuration.logitScale), as: .float32)
    }

    /// The weights RECIPE shrinks, all of them in the tower of images (paper, appendix A).
    public static let recipeWeights = CLIPVisionTower.recipeWeights
    /// What turns images into embeddings.
    public static let visionParameters = ParameterPattern([
        "vision_model.**", "visual_projection.**",
    ])
    /// What turns captions into embeddings.
    public static let textParameters = ParameterPattern(["text_model.**", "text_projection.**"])
    /// The greatest logarithm of the scale in training: logits are cosines times 100 at most.
    public static let maximumLogitScale = log(100.0)

    /// The vectors [n, vision width] of normalized images [n, 3, height, width], before projection:
    /// what fine-tuning reads.
    public func imageFeatures(_ pixels: Tensor, in pass: Pass) throws -> Tensor {
        try vision.features(pixels, in: pass)
    }

    /// The vectors [n, projection] of normalized images [n, 3, height, width], of length 1, float32.
    public func imageEmbeddings(_ pixels: Tensor, in pass: Pass) throws -> Tensor {
        try imageEmbeddings(ofFeatures: imageFeatures(pixels, in: pass))
    }

    /// The same of vectors that `imageFeatures` gave.
    public func imageEmbeddings(ofFeatures features: Tensor) throws -> Tensor {
        try visualProjection(features).normalizedRows()
    }

    /// The vectors [rows, projection] of captions, of length 1, float32.
    ///
    /// Throws `CLIPTextError` where a caption is too long, does not end, or holds an unknown id.
    public func textEmbeddings(_ tokens: PaddedTokens, in pass: Pass) throws -> Tensor {
        try textEmbeddings(
            CLIPTextInput(tokens, configuration.text, device: store.placement.device), in: pass)
    }

    /// The vectors [rows, projection] of captions, of length 1, float32.
    public func textEmbeddings(_ input: CLIPTextInput, in pass: Pass) throws -> Tensor {
        try textEmbeddings(ofFeatures: textFeatures(input, in: pass))
    }

    /// The vectors [rows, text width] of captions, before projection.
    public func textFeatures(_ input: CLIPTextInput, in pass: Pass) throws -> Tensor {
        try text(input, in: pass)
    }

    /// The embeddings of vectors that `textFeatures` gave.
    public func textEmbeddings(ofFeatures features: Tensor) throws -> Tensor {
        try textProjection(features).normalizedRows()
    }

    /// The cosines of each image's embedding with each caption's, times exp(`logitScale`):
    /// [images, captions].
    public func logits(images: Tensor, texts: Tensor) throws -> Tensor {
        try images.matmul(texts.transposed(0, 1)) * logitScale.exp()
    }

    /// Brings the scale back to at most 100, as CLIP's training does after each step.
    public func clampLogitScale() throws {
        try withoutGradients {
            // No scale that ever was is near the lower bound.
            try logitScale.assign(logitScale.clamped(to: -100...Self.maximumLogitScale))
        }
    }
}

extension Tensor {
    /// Each row [n, width] as float32, divided by its length.
    func normalizedRows() throws -> Tensor {
        let rows = try cast(to: .float32)
        return try rows / rows.power(2).sum(over: [1], keepingDimensions: true).squareRoot()
    }
}
