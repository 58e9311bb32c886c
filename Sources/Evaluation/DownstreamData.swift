import DataPipeline
import Files
import Foundation
import JSON
import Provenance
import Randomness
import Training

/// Data of a task that a model is used for: where they lie and how they are read.
public struct DownstreamData: Sendable, Equatable {
    /// What classifiers are trained on; nil where nothing is trained.
    public var train: URL?
    /// What they are measured on; nil for the test part of the images of `train`, or what `split` sets
    /// aside.
    public var test: URL?
    /// The column or key that holds a text; nil for the usual ones.
    public var textColumn: String?
    /// The column or key that holds a label; nil for the usual ones.
    public var labelColumn: String?
    /// How images are read; nil for texts.
    public var images: AuxiliaryData.Images?
    /// How images of one set are divided; nil where the set has parts, or two are named.
    public var split: Split?
    /// At most so many samples are trained on, drawn at random; nil for all.
    public var trainSamples: Int?
    /// At most so many are measured on; nil for all.
    public var testSamples: Int?
    /// Where such samples and a split are drawn from.
    public var seed = Seed(42)
    /// Whose samples are taken.
    public var labels = LabelChoice.all

    /// Data at `train` to train on and at `test` to measure on.
    public init(train: URL?, test: URL? = nil) { (self.train, self.test) = (train, test) }

    /// How the images of one set are divided.
    public enum Split: Sendable, Equatable {
        /// Drawn in a ratio, class by class.
        case drawn(SplitRatio)
        /// As a `split.json` of an earlier report says.
        case recorded(URL)

        /// What `9:1` or a path says.
        public init(_ text: String) {
            self =
                SplitRatio(text).map(Split.drawn)
                ?? .recorded(URL(fileURLWithPath: (text as NSString).expandingTildeInPath))
        }

        /// The file of one that was recorded.
        public var file: URL? {
            if case .recorded(let file) = self { file } else { nil }
        }

        /// `9:1` or a path.
        public var text: String {
            switch self {
            case .drawn(let ratio): ratio.description
            case .recorded(let file): file.path
            }
        }
    }
}

extension DownstreamData: WorkData {
    /// All that is read beside models.
    public var sources: [DataSource] {
        [("train", train), ("test", test), ("split", split?.file)]
            .compactMap { role, url in url.map { DataSource(role, $0) } }
    }

    private enum CodingKeys: String, CodingKey {
        case train, test, textColumn, labelColumn, images, split, trainSamples, testSamples, seed
        case labels
    }

    /// Reads them from a plan.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(train: try container.url(.train), test: try container.url(.test))
        textColumn = try container.decodeIfPresent(String.self, forKey: .textColumn)
        labelColumn = try container.decodeIfPresent(String.self, forKey: .labelColumn)
        images = try container.decodeIfPresent(AuxiliaryData.Images.self, forKey: .images)
        split = try container.decodeIfPresent(String.self, forKey: .split).map { Split($0) }
        trainSamples = try container.decodeIfPresent(Int.self, forKey: .trainSamples)
        testSamples = try container.decodeIfPresent(Int.self, forKey: .testSamples)
        seed = try container.decode(Seed.self, forKey: .seed)
        labels = try container.decodeIfPresent(LabelChoice.self, forKey: .labels) ?? .all
    }

    /// Writes them into a plan.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(train, at: .train)
        try container.encode(test, at: .test)
        try container.encodeIfPresent(textColumn, forKey: .textColumn)
        try container.encodeIfPresent(labelColumn, forKey: .labelColumn)
        try container.encodeIfPresent(images, forKey: .images)
        try container.encodeIfPresent(split?.text, forKey: .split)
        try container.encodeIfPresent(trainSamples, forKey: .trainSamples)
        try container.encodeIfPresent(testSamples, forKey: .testSamples)
        try container.encode(seed, forKey: .seed)
        if labels != .all { try container.encode(labels, forKey: .labels) }
    }
}

extension ImageSplit {
    /// Reads the `split.json` of an earlier report.
    init(contentsOf file: URL) throws {
        do {
            let data = try BoundedRead.data(of: file, atMost: 256 << 20)
            self = try JSONDecoder().decodeStrictly(ImageSplit.self, from: data)
        } catch let error as FileError {
            throw DataError(error)
        } catch let error as JSONError {
            throw DataError(file: file, "is not a split of images: \(error)")
        } catch let error as DecodingError {
            throw DataError(file: file, "is not a split of images: \(error.plainText)")
        }
    }
}
