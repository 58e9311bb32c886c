import Torch
import TorchNN

/// Patches as vectors, a class token before them, and where each was in the image.
struct ViTEmbeddings {
    let classToken: Tensor
    let positions: Tensor
    let projection: Linear
    let configuration: ViTConfiguration

    init(_ configuration: ViTConfiguration, at scope: Scope) throws {
        let width = configuration.hiddenSize
        let patch = configuration.patchSize
        let initial = Initializer.normal(deviation: configuration.initializerRange)
        classToken = try scope.parameter("cls_token", [1, 1, width], initial)
        positions = try scope.parameter(
            "position_embeddings", [1, configuration.tokenCount, width], initial)
        // A convolution whose windows do not overlap is a linear map of each patch.
        let part = scope["patch_embeddings"]["projection"]
        projection = Linear(
            weight: try part.parameter("weight", [width, 3, patch.height, patch.width], initial),
            bias: try part.parameter("bias", [width], .zeros))
        self.configuration = configuration
    }

    /// The tokens [n, 1 + patches, hidden] of images [n, 3, height, width].
    func callAsFunction(_ pixels: Tensor, in pass: Pass) throws -> Tensor {
        let (shape, dtype) = (pixels.shape, pixels.dtype)
        let grid = configuration.grid(of: PixelSize(shape[2], shape[3]))
        let vectors = try patches(pixels, grid).linear(
            projection.weight.cast(to: dtype).flattened(from: 1),
            projection.bias?.cast(to: dtype))
        let first = try classToken.cast(to: dtype).expanded([shape[0], 1, -1])
        let tokens = try Tensor.concatenated([first, vectors], along: 1)
        return try pass.dropout(
            tokens + fitted(to: grid).cast(to: dtype), configuration.hiddenDropout)
    }

    /// The pixels of each patch, channel by channel: [n, patches, 3 · height · width].
    private func patches(_ pixels: Tensor, _ grid: PixelSize) throws -> Tensor {
        let patch = configuration.patchSize
        return
            try pixels
            .narrowed(2, from: 0, length: grid.height * patch.height)
            .narrowed(3, from: 0, length: grid.width * patch.width)
            .reshaped([
                pixels.shape[0], 3, grid.height, patch.height, grid.width, patch.width,
            ])
            .permuted([0, 2, 4, 1, 3, 5])
            .reshaped([
                pixels.shape[0], grid.height * grid.width, 3 * patch.height * patch.width,
            ])
    }

    /// The position embeddings [1, 1 + patches, hidden], drawn to another grid where that differs.
    private func fitted(to grid: PixelSize) throws -> Tensor {
        let own = configuration.grid(of: configuration.imageSize)
        guard grid != own else { return positions }
        let width = configuration.hiddenSize
        // As a map of float32: the kernels take no 16-bit numbers everywhere.
        let map = try positions.narrowed(1, from: 1, length: own.height * own.width)
            .cast(to: .float32).reshaped([1, own.height, own.width, width])
            .permuted([0, 3, 1, 2])
        let drawn = try map.upsampled(
            toHeight: grid.height, width: grid.width, configuration.positionUpsampling
        ).permuted([0, 2, 3, 1]).reshaped([1, grid.height * grid.width, width])
        let first = try positions.narrowed(1, from: 0, length: 1).cast(to: .float32)
        return try .concatenated([first, drawn], along: 1)
    }
}
