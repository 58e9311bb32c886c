import Torch
import TorchNN

/// Which patches an image is cut into, and for which size of image each has a position of its own.
struct PatchGrid {
    let imageSize: PixelSize
    let patchSize: PixelSize
    /// How positions are made to fit images of another size.
    let upsampling: Upsampling

    /// Rows and columns of patches in an image of `size`; what does not fill a patch is left out.
    func patches(of size: PixelSize) -> PixelSize {
        PixelSize(size.height / patchSize.height, size.width / patchSize.width)
    }

    /// Tokens of an image of the size it is meant for: the class token and the patches.
    var tokenCount: Int {
        let own = patches(of: imageSize)
        return 1 + own.height * own.width
    }
}

/// Patches as vectors, a class token before them, and where each was in the image.
struct PatchEmbeddings {
    /// The class token: [width], whatever stands before that in its shape.
    let classToken: Tensor
    /// The positions: [1 + patches, width], whatever stands before that in their shape.
    let positions: Tensor
    /// A convolution whose windows do not overlap is a linear map of each patch: its weight is
    /// [width, 3, height, width of a patch].
    let projection: Linear
    let grid: PatchGrid

    /// The tokens [n, 1 + patches, width] of images [n, 3, height, width].
    func callAsFunction(_ pixels: Tensor) throws -> Tensor {
        let (shape, dtype) = (pixels.shape, pixels.dtype)
        let found = grid.patches(of: PixelSize(shape[2], shape[3]))
        let vectors = try patches(pixels, found).linear(
            projection.weight.cast(to: dtype).flattened(from: 1),
            projection.bias?.cast(to: dtype))
        let first = try classToken.cast(to: dtype).reshaped([1, 1, -1])
            .expanded([shape[0], 1, -1])
        let tokens = try Tensor.concatenated([first, vectors], along: 1)
        return try tokens + fitted(to: found).cast(to: dtype)
    }

    /// The pixels of each patch, channel by channel: [n, patches, 3 · height · width].
    private func patches(_ pixels: Tensor, _ found: PixelSize) throws -> Tensor {
        let patch = grid.patchSize
        return
            try pixels
            .narrowed(2, from: 0, length: found.height * patch.height)
            .narrowed(3, from: 0, length: found.width * patch.width)
            .reshaped([
                pixels.shape[0], 3, found.height, patch.height, found.width, patch.width,
            ])
            .permuted([0, 2, 4, 1, 3, 5])
            .reshaped([
                pixels.shape[0], found.height * found.width, 3 * patch.height * patch.width,
            ])
    }

    /// The positions [1, 1 + patches, width], drawn to another grid where that differs.
    private func fitted(to found: PixelSize) throws -> Tensor {
        let own = grid.patches(of: grid.imageSize)
        let width = classToken.elementCount
        let positions = try positions.reshaped([1, -1, width])
        guard found != own else { return positions }
        // As a map of float32: the kernels take no 16-bit numbers everywhere.
        let map = try positions.narrowed(1, from: 1, length: own.height * own.width)
            .cast(to: .float32).reshaped([1, own.height, own.width, width])
            .permuted([0, 3, 1, 2])
        let drawn = try map.upsampled(
            toHeight: found.height, width: found.width, grid.upsampling
        ).permuted([0, 2, 3, 1]).reshaped([1, found.height * found.width, width])
        let first = try positions.narrowed(1, from: 0, length: 1).cast(to: .float32)
        return try .concatenated([first, drawn], along: 1)
    }
}

extension PackedSequences {
    /// The tokens of `count` images, each of `length`; where `firstOnly`, the state that is wanted
    /// is that of each image's first token.
    static func images(
        _ count: Int, of length: Int, firstOnly: Bool, device: Device
    ) throws -> PackedSequences {
        let starts = (0...count).map { Int64($0 * length) }
        return PackedSequences(
            offsets: try Tensor(starts),
            selection: firstOnly ? try Tensor(Array(starts.dropLast()), device: device) : nil,
            isCausal: false)
    }
}
