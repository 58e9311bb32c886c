import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import Provenance
import Randomness

/// Data to train a model with: where they lie and how they are read. One of texts, images and pairs is
/// there.
public struct AuxiliaryData: Sendable, Codable, Equatable {
    /// Texts, or nil.
    public var texts: Texts?
    /// Images, or nil; with `pairs` the folder in which their images lie.
    public var images: Images?
    /// Images with captions, or nil.
    public var pairs: Pairs?
    /// At most so many samples, drawn at random; nil for all.
    public var samples: Int?
    /// Where they are drawn from.
    public var seed = Seed(50)

    /// Data of one kind.
    public init(texts: Texts? = nil, images: Images? = nil, pairs: Pairs? = nil) {
        (self.texts, self.images, self.pairs) = (texts, images, pairs)
    }

    /// Files of texts.
    public struct Texts: Sendable, Equatable {
        /// Files, and folders of them.
        public var files: [URL]
        /// The column or key that holds the text; nil for the usual ones.
        public var column: String?
        /// Reading stops after so many texts; nil for none.
        public var limit: Int?
        /// Texts with fewer words are left out.
        public var minimumWords = 0
        /// Where the masked-language-model head comes from.
        public var head = TextModelFolder.HeadSource.keep

        /// All texts of `files`.
        public init(_ files: [URL]) { self.files = files }
    }

    /// A set of images.
    public struct Images: Sendable, Equatable {
        /// Where it lies; nil only for the images of pairs, which then lie near their captions.
        public var url: URL?
        /// How it lies there; nil to tell by what is there.
        public var layout: ImageLayout?
        /// The classes to take, in the order of their labels; nil for all.
        public var classes: [String]?
        /// Where classes come from.
        public var labels = ImageLabels.folder
        /// Pixels of an image's side; nil for the model's.
        public var size: Int?
        /// The share of images that may be damaged or missing and are left out.
        public var maximumSkipped = 0.01
        /// Where prepared images are kept; nil for nowhere.
        public var cache: ImageCache?

        /// All images at `url`.
        public init(_ url: URL? = nil) { self.url = url }
    }

    /// Images with captions.
    public struct Pairs: Sendable, Equatable {
        /// The captions, in any form that they are known by.
        public var captions: URL
        /// The tokenizer, where it is not the model's own.
        public var tokenizer: URL?

        /// The captions at `url`.
        public init(_ captions: URL) { self.captions = captions }
    }

    /// All that is read, as a proof names it.
    public var sources: [DataSource] {
        var sources = (texts?.files ?? []).map { DataSource("texts", $0) }
        if case .folder(let url)? = texts?.head { sources.append(DataSource("head", url)) }
        let named = [
            ("pairs", pairs?.captions), ("images", images?.url), ("tokenizer", pairs?.tokenizer),
        ]
        return sources + named.compactMap { role, url in url.map { DataSource(role, $0) } }
    }
}

/// What is said while data are read.
public enum ReadingProgress: Sendable {
    /// So many images of a set are to be prepared.
    case preparing(String, count: Int)
    /// So far they are.
    case prepared(ImageProgress)
    /// What the user should heed.
    case remark(String)
}

/// Data that were read for a model.
public struct ReadData<Task: PretrainingTask> {
    /// The model with them.
    public let task: Task
    /// Each file or folder with how much it holds.
    public let amounts: [Amount]
    /// What was found while they were read, which the task does not say.
    public let caveats: [Caveat]
    /// Folders that were read though nobody named them.
    public let found: [URL]

    /// How much of a file or folder was read.
    public struct Amount: Sendable, Equatable {
        /// The file or folder.
        public let name: String
        /// Texts, images or pairs.
        public let count: Int
        /// Captions of the images.
        public let captions: Int?

        /// `count` samples, with captions where they are pairs.
        public init(_ name: String, _ count: Int, captions: Int? = nil) {
            (self.name, self.count, self.captions) = (name, count, captions)
        }
    }

    /// `task` with what is to be said of its data.
    public init(
        _ task: Task, _ amounts: [Amount], caveats: [Caveat] = [], found: [URL] = []
    ) {
        (self.task, self.amounts) = (task, amounts)
        (self.caveats, self.found) = (caveats, found)
    }
}

/// A model that has no weights yet: a `config.json` and what goes with it.
public struct ModelBeginning: Sendable, Equatable {
    /// The `config.json`, or the folder that holds it.
    public var configuration: URL
    /// The tokenizer; nil for that beside the configuration, or for texts one that is made of them.
    public var tokenizer: URL?
    /// A ViT that a CLIP's vision tower begins as, or nil.
    public var vision: URL?

    /// A model of nothing but a configuration.
    public init(_ configuration: URL) { self.configuration = configuration }

    /// The `config.json`.
    var file: URL {
        configuration.pathExtension == "json"
            ? configuration : configuration.appendingPathComponent("config.json")
    }
}

/// A model's files, opened by a task.
public protocol TaskModel: Sendable {
    /// Opens the model at `url`.
    ///
    /// Throws what is wrong with its files, and where loaders could read different models.
    static func opened(at url: URL, for examination: ModelFolder.Examination) throws -> Self
    /// The files.
    var folder: ModelFolder { get }
    /// What the paper does with such a model.
    var defaults: PaperDefaults { get }
}

extension TextModelFolder: TaskModel {
    /// Opens a text encoder's folder.
    public static func opened(
        at url: URL, for examination: ModelFolder.Examination
    ) throws -> TextModelFolder { try TextModelFolder(url, for: examination) }
    /// The paper's settings for the architecture.
    public var defaults: PaperDefaults { configuration.paperDefaults }
}

extension ImageModelFolder: TaskModel {
    /// Opens an image model's folder or file.
    public static func opened(
        at url: URL, for examination: ModelFolder.Examination
    ) throws -> ImageModelFolder { try ImageModelFolder(url, for: examination) }
    /// The paper's settings for the architecture.
    public var defaults: PaperDefaults { configuration.paperDefaults }
}

extension CLIPFolder: TaskModel {
    /// Opens a CLIP's folder or file.
    public static func opened(
        at url: URL, for examination: ModelFolder.Examination
    ) throws -> CLIPFolder { try CLIPFolder(url, for: examination) }
    /// The paper's settings for CLIP.
    public var defaults: PaperDefaults { CLIP.paperDefaults }
}
