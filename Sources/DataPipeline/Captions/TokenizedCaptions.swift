import Randomness
import TextTokenizers

/// The captions of numbered images as token ids, cut to what a model takes.
public struct TokenizedCaptions: Sendable {
    /// Ids of a sequence, at most, those of the start and the end included.
    public let length: Int
    /// The id that fills a batch.
    public let paddingID: Int32
    /// The id that ends a sequence.
    public let endID: Int32
    /// How many captions were cut.
    public let truncated: Int
    /// The share of tokens, start and end left out, that the vocabulary does not have.
    public let unknownShare: Double
    /// How many captions differ from all before them.
    public let distinctCount: Int

    private let ids: [Int32]
    /// Where each caption begins in `ids`, and the end of the last one.
    private let captionStarts: [Int]
    /// The first caption of each image, and the number of all.
    private let imageStarts: [Int]

    /// The captions of each image, encoded on all cores; no image may be without one.
    ///
    /// `length` is by default what the tokenizer's configuration says, 77 for CLIP.
    public init(_ captions: [[String]], tokenizer: CLIPTokenizer, length: Int? = nil) {
        precondition(captions.allSatisfy { !$0.isEmpty }, "a caption for each image")
        let length = max(length ?? tokenizer.configuration.maximumLength, 2)
        let (rows, truncated) = tokenizer.encodeAllCounting(
            Array(captions.joined()), maximumLength: length)
        self.length = length
        self.truncated = truncated
        paddingID = tokenizer.paddingID
        endID = tokenizer.endID
        let inner = rows.lazy.map { $0.dropFirst().dropLast() }
        let (tokens, unknown) = inner.reduce(into: (0, 0)) { sums, row in
            sums.0 += row.count
            sums.1 += row.count { $0 == tokenizer.unknownID }
        }
        unknownShare = Double(unknown) / Double(max(1, tokens))
        distinctCount = Set(rows.map(\.hashValue)).count
        ids = Array(rows.joined())
        captionStarts = rows.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
        imageStarts = captions.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
    }

    /// How many images there are.
    public var count: Int { imageStarts.count - 1 }
    /// How many captions all images have.
    public var captionCount: Int { captionStarts.count - 1 }

    /// How many captions an image has.
    public func captionCount(of image: Int) -> Int { imageStarts[image + 1] - imageStarts[image] }

    /// The ids of one of an image's captions, from the start to the end, without padding.
    public subscript(image: Int, caption: Int) -> ArraySlice<Int32> {
        precondition((0..<captionCount(of: image)).contains(caption), "a caption of the image")
        let place = imageStarts[image] + caption
        return ids[captionStarts[place]..<captionStarts[place + 1]]
    }

    /// Which of an image's captions an epoch shows.
    public func drawn(for image: Int, epoch: Int, seed: Seed) -> Int {
        seed.caption(of: image, among: captionCount(of: image), epoch: epoch)
    }
}

extension Seed {
    /// Which of `count` captions of an image an epoch shows: each as likely, drawn anew each time.
    public func caption(of image: Int, among count: Int, epoch: Int) -> Int {
        var stream = self.stream("captions.draw", image, epoch)
        return Int.random(in: 0..<count, using: &stream)
    }
}
