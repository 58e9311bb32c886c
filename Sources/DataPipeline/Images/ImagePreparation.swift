import CImage

/// How an image of any shape becomes the square that a model takes.
public struct ImagePreparation: Sendable, Codable, Hashable {
    /// How pixels in between are made.
    public enum Filter: String, Sendable, Codable, CaseIterable {
        /// Straight lines between pixels, as NeuBA's and RECIPE's data are made.
        case bilinear
        /// Cubic curves between pixels, as CLIP's data are made.
        case bicubic
    }

    /// What becomes of an image that is no square.
    public enum Mode: String, Sendable, Codable, CaseIterable {
        /// All of it, whatever its shape, is stretched to the square.
        case stretch
        /// Its shorter side becomes the square's, and the middle of the longer one is kept, as
        /// torchvision does it: what cannot be halved is cut so that an even number goes before.
        case crop
        /// The same as transformers does it: what cannot be halved is cut so that less goes before.
        case cropRoundingDown
        /// All of it is stretched, as transformers does it where a middle is cut out afterwards.
        case stretchRoundingDown
    }

    /// Pixels of the square's side.
    public var size: Int
    /// How pixels in between are made.
    public var filter: Filter
    /// What becomes of an image that is no square.
    public var mode: Mode
    /// The side, at least `size`, that the image is brought to before its middle is cut out; nil
    /// where that is `size` itself.
    public var resized: Int?

    /// The largest side that is made.
    public static let maximumSize = 4096

    /// A square of `size` pixels a side, out of the middle of one of `resized`.
    public init(
        size: Int, filter: Filter = .bilinear, mode: Mode = .stretch, resized: Int? = nil
    ) {
        self.size = size
        self.filter = filter
        self.mode = mode
        self.resized = resized == size ? nil : resized
    }

    /// Bytes of a prepared image: size × size × 3.
    public var byteCount: Int { size * size * 3 }

    /// Throws `ImageError` for a size that cannot be made.
    public func validate() throws {
        guard (1...Self.maximumSize).contains(size) else {
            throw ImageError(
                .invalid, "an image size of \(size) pixels; expected 1 to \(Self.maximumSize)")
        }
        guard (size...2 * Self.maximumSize).contains(resized ?? size) else {
            throw ImageError(
                .invalid,
                "\(size) pixels out of the middle of \(resized ?? size); expected the middle of "
                    + "\(size) to \(2 * Self.maximumSize)")
        }
    }

    /// The way from an image of `width` × `height` to the square.
    func resampling(width: Int, height: Int) -> ci_resampling {
        let side = resized ?? size
        var whole = (width: side, height: side)
        if mode == .crop || mode == .cropRoundingDown {
            let short = min(width, height)
            // As torchvision computes it, in floating point, then cut to a whole number.
            let long = Int(Double(side * max(width, height)) / Double(short))
            whole = width <= height ? (side, long) : (long, side)
        }
        return ci_resampling(
            width: Int32(whole.width), height: Int32(whole.height),
            left: Int32(margin(whole.width - size)), top: Int32(margin(whole.height - size)),
            columns: Int32(size), rows: Int32(size),
            box: (0, 0, Float(width), Float(height)), filter: filter.code)
    }

    /// What is cut off before the middle.
    private func margin(_ surplus: Int) -> Int {
        switch mode {
        case .crop, .stretch: Int((Double(surplus) / 2).rounded(.toNearestOrEven))
        case .cropRoundingDown, .stretchRoundingDown: surplus / 2
        }
    }
}

extension ImagePreparation.Filter {
    var code: ci_filter { self == .bicubic ? CI_BICUBIC : CI_BILINEAR }
}
