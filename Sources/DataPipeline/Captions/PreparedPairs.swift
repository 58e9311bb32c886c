import Randomness
import TextTokenizers

/// Images, decoded and all of one size, with their captions as token ids: what contrastive training
/// reads.
public struct PreparedPairs: Sendable {
    /// The images.
    public let images: PreparedImages
    /// The captions of each image.
    public let captions: TokenizedCaptions
    /// The images that are no part of it: those that were missing, then those that were damaged.
    public let skipped: [SkippedImage]

    /// How many images there are.
    public var count: Int { images.count }
    /// What the pairs are called in messages.
    public var name: String { images.name }

    /// Images with the captions of the same images in the same order.
    public init(
        _ images: PreparedImages, _ captions: TokenizedCaptions, missing: [SkippedImage] = []
    ) {
        precondition(images.count == captions.count, "captions for each image")
        self.images = images
        self.captions = captions
        skipped = missing + images.skipped
    }

    /// Decodes the images of `pairs` and tokenizes their captions.
    ///
    /// - Parameters:
    ///   - length: Ids of a caption, at most.
    ///   - limit: Use at most this many images, drawn at random.
    ///   - maximumSkipped: The share of images that may be missing or damaged, both together; the
    ///     share with which `pairs` was read.
    ///
    /// Throws as `PreparedImages.prepare` does.
    public static func prepare(
        _ pairs: CaptionedImages, _ preparation: ImagePreparation, tokenizer: CLIPTokenizer,
        length: Int, limit: Int? = nil, seed: Seed, cache: ImageCache? = nil,
        maximumSkipped: Double = 0.01,
        progress: (@Sendable (ImageProgress) -> Void)? = nil
    ) throws -> PreparedPairs {
        let chosen = limit.map { pairs.randomSubset(of: $0, seed: seed) } ?? pairs
        let images = try PreparedImages.prepare(
            chosen.imageSet, preparation, cache: cache,
            maximumSkipped: pairs.shareLeft(of: maximumSkipped), progress: progress)
        let captions = TokenizedCaptions(
            chosen.captions(of: images), tokenizer: tokenizer, length: length)
        return PreparedPairs(images, captions, missing: pairs.missing)
    }
}

extension CaptionedImages {
    /// The share of the images here that may still be damaged where `share` of all that were looked
    /// for, missing ones with them, may be left out.
    func shareLeft(of share: Double) -> Double {
        guard count > 0 else { return 0 }
        let allowed = share * Double(count + missing.count) - Double(missing.count)
        return max(0, allowed / Double(count))
    }
}
