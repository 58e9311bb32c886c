import TextTokenizers

/// Images of one batch with a caption each.
///
/// Plain values: a loader makes it on any thread, and the compute side makes tensors of it.
public struct CaptionBatch: Sendable {
    /// The images.
    public var images: ImageBatch
    /// Their captions: `ids` [rows, length], `lengths`, `mask`.
    public let tokens: PaddedTokens
    /// Which of its captions each image shows.
    public let drawn: [Int]
    /// Where the end stands first in each caption: the position that CLIP pools.
    public let endPositions: [Int]

    /// How many images, and captions, there are.
    public var rows: Int { images.rows }

    /// Images with a caption each; each row of `tokens` must hold `endID`.
    public init(images: ImageBatch, tokens: PaddedTokens, drawn: [Int], endID: Int32) {
        precondition(
            images.rows == tokens.rows && drawn.count == tokens.rows, "a caption for each image")
        self.images = images
        self.tokens = tokens
        self.drawn = drawn
        endPositions = tokens.firstPositions(of: endID)
    }
}
