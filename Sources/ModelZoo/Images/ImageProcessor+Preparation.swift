import DataPipeline

extension ImageProcessor {
    /// How the data room brings images of any shape to `size` pixels a side, or to the processor's
    /// own size; bytes are normalized later.
    ///
    /// Throws `ImageError` where the processor asks for what is not done here: rectangles, filters
    /// other than bilinear and bicubic, or a middle larger than what it is cut out of.
    public func preparation(size wanted: Int? = nil) throws -> ImagePreparation {
        func refusal(_ what: String) -> ImageError {
            ImageError(
                .invalid,
                "the model's image processor asks for \(what); this version brings images to a "
                    + "square by a bilinear or bicubic resize, of all of it or of its middle")
        }
        guard let own = self.size, own.height == own.width else {
            throw refusal("images that are no squares")
        }
        let filter: ImagePreparation.Filter
        switch self.filter {
        case .bilinear: filter = .bilinear
        case .bicubic: filter = .bicubic
        default: throw refusal("the filter ‘\(self.filter)’")
        }
        let side: Int
        let mode: ImagePreparation.Mode
        switch (resize, crop, cropRounding) {
        case (.exactly, nil, _): (side, mode) = (own.width, .stretch)
        case (.exactly(let size), _?, let rounding):
            guard size.height == size.width else { throw refusal("images that are no squares") }
            (side, mode) = (size.width, rounding == .down ? .stretchRoundingDown : .stretch)
        case (.shorterSide(let length), _?, let rounding):
            (side, mode) = (length, rounding == .down ? .cropRoundingDown : .crop)
        default: throw refusal("a crop of \(own) from an image of another size")
        }
        guard side >= own.width else {
            throw refusal("a crop of \(own) out of \(side) pixels, with an empty border")
        }
        let size = wanted ?? own.width
        // In proportion, as timm computes it for another size.
        let resized =
            size == own.width ? side : Int(Double(size) * Double(side) / Double(own.width))
        let made = ImagePreparation(
            size: size, filter: filter, mode: mode, resized: max(size, resized))
        try made.validate()
        return made
    }
}
