import DataPipeline

extension ImageProcessor {
    /// How the data room brings images of any shape to `size` pixels a side, or to the processor's
    /// own size; bytes are normalized later.
    ///
    /// Throws `ImageError` where the processor asks for what is not done here: rectangles, filters
    /// other than bilinear and bicubic, or a crop out of a larger square.
    public func preparation(size: Int? = nil) throws -> ImagePreparation {
        func refusal(_ what: String) -> ImageError {
            ImageError(
                .invalid,
                "the model's preprocessor_config.json asks for \(what); this version brings images "
                    + "to a square by a bilinear or bicubic resize, of all of it or of its middle")
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
        switch (resize, crop) {
        case (.exactly, nil):
            return ImagePreparation(size: size ?? own.width, filter: filter, mode: .stretch)
        case (.shorterSide(own.width), _?):
            return ImagePreparation(
                size: size ?? own.width, filter: filter,
                mode: cropRounding == .down ? .cropRoundingDown : .crop)
        default: throw refusal("a crop of \(own) from an image of another size")
        }
    }
}
