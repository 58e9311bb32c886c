import Foundation
import Randomness

/// How captions, and which images they belong to, are written down.
public enum CaptionFormat: String, Sendable, Codable, CaseIterable {
    /// A JSON document with `images` and `annotations`, as COCO's `captions_val2017.json`.
    case coco
    /// A header and a row for each caption: `image,caption`, as Flickr8k's `captions.txt`.
    case table
    /// A JSON object a line with `file_name` and `text`: `metadata.jsonl`.
    case jsonLines = "jsonl"
}

/// Images with what is said of each: one caption or several.
///
/// The order is that of the images' paths, which is the same on every machine. Nothing is decoded
/// yet: see `imageSet` and `PreparedImages`.
public struct CaptionedImages: Sendable, Hashable {
    /// An image and its captions.
    public struct Sample: Sendable, Hashable {
        /// The file's path from the folder of images.
        public let path: String
        /// What is said of it, in the file's order: at least one caption.
        public let captions: [String]
    }

    /// What the pairs are called in messages: the name of their file.
    public let name: String
    /// The folder that paths count from.
    public let folder: String
    /// What was read from the captions' file.
    public let source: CaptionSource
    /// The images, ordered by path; all were there when they were looked for.
    public internal(set) var samples: [Sample]
    /// The images that have captions, but no file.
    public let missing: [SkippedImage]

    /// How many images there are.
    public var count: Int { samples.count }
    /// How many captions they have.
    public var captionCount: Int { samples.reduce(0) { $0 + $1.captions.count } }

    /// The images without their captions, for `PreparedImages`.
    public var imageSet: ImageSet {
        ImageSet(
            name: name, folder: folder, layout: .flat, part: nil,
            samples: samples.map { ImageSet.Sample($0.path, label: -1) }, classNames: [],
            excluded: 0, ignored: 0)
    }

    /// The captions of the images that were prepared from `imageSet`, in their order; damaged ones
    /// are not among them.
    public func captions(of images: PreparedImages) -> [[String]] {
        images.sourceIndices.map { samples[$0].captions }
    }

    /// Some of the images, in their order.
    public func selecting(_ isWanted: (Sample) -> Bool) -> CaptionedImages {
        var selected = self
        selected.samples = samples.filter(isWanted)
        return selected
    }

    /// `count` of the images, drawn at random, in their order; all where there are no more.
    public func randomSubset(of count: Int, seed: Seed) -> CaptionedImages {
        var subset = self
        subset.samples = seed.places(count, of: samples.count, "captions.subset").map {
            samples[$0]
        }
        return subset
    }
}

/// What was read from a file of captions, and what was left out.
public struct CaptionSource: Codable, Hashable, Sendable {
    /// The file's path.
    public let file: String
    /// How it is written.
    public let format: CaptionFormat
    /// Images that the file names, each counted once.
    public internal(set) var images = 0
    /// Captions that are not blank and belong to one of them.
    public internal(set) var captions = 0
    /// Blank captions, which were left out.
    public internal(set) var skippedEmpty = 0
    /// Images without a caption, which were left out, and one of them.
    public internal(set) var withoutCaption = 0
    /// One of the images without a caption.
    public internal(set) var firstWithoutCaption: String?
    /// Captions of images that the file does not name, which were left out.
    public internal(set) var unknownImages = 0
    /// The image that one of those is said to belong to.
    public internal(set) var firstUnknownImage: String?
    /// Entries that name an image anew, which were taken as one.
    public internal(set) var repeatedImages = 0
    /// Invalid UTF-8 sequences, each of which became U+FFFD.
    public internal(set) var invalidSequences = 0
    /// Images that are not in the folder, which were left out.
    public internal(set) var missing = 0
    /// One of the images that are not in the folder.
    public internal(set) var firstMissing: String?

    init(file: String, format: CaptionFormat) {
        self.file = file
        self.format = format
    }

    /// What was left out or changed, how often and an example; empty where all was as it should be.
    public var remarks: [String] {
        func remark(_ count: Int, _ text: String, _ example: String? = nil) -> String? {
            count == 0 ? nil : "\(text): \(count)" + (example.map { ", such as \($0)" } ?? "")
        }
        return [
            remark(missing, "images that are not there, left out", firstMissing),
            remark(withoutCaption, "images without a caption, left out", firstWithoutCaption),
            remark(skippedEmpty, "blank captions, left out"),
            remark(
                unknownImages, "captions of images that are not listed, left out",
                firstUnknownImage),
            remark(repeatedImages, "entries that list an image anew, taken as one"),
            remark(invalidSequences, "invalid UTF-8 sequences, each now U+FFFD"),
        ].compactMap { $0 }
    }
}
