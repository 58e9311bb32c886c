import Torch

/// How bytes become the numbers a model sees: (x / 255 - mean) / deviation, a channel at a time.
public struct ImageNormalization: Sendable, Codable, Equatable {
    /// What is taken off red, green and blue.
    public var mean: [Double]
    /// What red, green and blue are divided by.
    public var deviation: [Double]

    /// A normalization; by default onto −1 … 1, as NeuBA and Google's ViT have it.
    public init(mean: [Double] = [0.5, 0.5, 0.5], deviation: [Double] = [0.5, 0.5, 0.5]) {
        self.mean = mean
        self.deviation = deviation
    }

    /// Normalized images [n, 3, height, width] of `dtype`, channels last, of bytes
    /// [n, height, width, 3] on the same device.
    public func callAsFunction(_ bytes: Tensor, as dtype: DType) throws -> Tensor {
        try bytes.normalizedImages(mean: mean, deviation: deviation, as: dtype)
    }
}
