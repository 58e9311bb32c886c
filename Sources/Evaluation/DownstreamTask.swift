import DataPipeline
import Foundation
import ModelZoo
import Randomness
import Training

/// Labelled samples that a model is measured on, with those that it is trained on first.
public protocol DownstreamTask: Sendable {
    /// The names of the labels; labels are their indices.
    var labelNames: [String] { get }
    /// The true label of each test sample.
    var truth: [Int] { get }
    /// The files and folders, as reports list them.
    var files: [DatasetFile] { get }
    /// The test samples that are training samples too; nil where nothing is trained.
    var shared: SharedSamples? { get }
    /// How images were prepared; nil for texts.
    var preparation: ImagePreparation? { get }
    /// How images of one set were divided, where they were.
    var split: ImageSplit? { get }
    /// Whether another task has the same samples, however they are prepared.
    func isSame(as other: Self) -> Bool
}

/// Training and test texts.
public struct DownstreamTexts: DownstreamTask {
    /// What classifiers are trained on.
    public let train: LabelledTexts
    /// What they are measured on; labels as in `train`.
    public let test: LabelledTexts
    /// The texts of `test` that are in `train` too.
    public let shared: SharedSamples?

    /// Reads two files; the test file's labels are those of the training file.
    ///
    /// With `samples`, at most so many texts of each are used, drawn from `seed`. Throws `DataError`
    /// for a malformed file, and `TrainingError` where the training texts have one label only.
    public init(
        train: URL, test: URL, textColumn: String? = nil, labelColumn: String? = nil,
        samples: (train: Int?, test: Int?) = (nil, nil), seed: Seed = Seed(42)
    ) throws {
        let texts = try LabelledTexts.read(train, textColumn: textColumn, labelColumn: labelColumn)
        self.train = texts.randomSubset(of: samples.train ?? .max, seed: seed)
        self.test = try LabelledTexts.read(
            test, textColumn: textColumn, labelColumn: labelColumn, labelNames: texts.labelNames
        ).randomSubset(of: samples.test ?? .max, seed: seed)
        guard Set(self.train.labels).count > 1 else {
            throw TrainingError(
                texts.labelNames.count > 1
                    ? "\(train.path): the \(self.train.texts.count) texts that were drawn have one "
                        + "label; use more of them"
                    : "\(train.path): all texts have one label; a classifier needs at least two")
        }
        shared = SharedSamples(train: self.train, test: self.test)
    }

    /// Reads the files of `data`.
    init(_ data: DownstreamData) throws {
        guard let train = data.train, let test = data.test else {
            throw TrainingError("name the texts to train on and those to test on")
        }
        try self.init(
            train: train, test: test, textColumn: data.textColumn, labelColumn: data.labelColumn,
            samples: (data.trainSamples, data.testSamples), seed: data.seed)
    }

    /// The names of the labels.
    public var labelNames: [String] { train.labelNames }
    /// The true label of each test text.
    public var truth: [Int] { test.labels }
    /// Both files.
    public var files: [DatasetFile] {
        [(DatasetFile.Role.train, train), (.test, test)].map { role, texts in
            DatasetFile(
                role, path: texts.source.file, samples: texts.texts.count,
                available: texts.source.rows)
        }
    }
    /// None.
    public var preparation: ImagePreparation? { nil }
    /// None.
    public var split: ImageSplit? { nil }
    /// Whether another task has the same texts.
    public func isSame(as other: DownstreamTexts) -> Bool {
        train.texts == other.train.texts && test.texts == other.test.texts && truth == other.truth
    }
}

/// Training and test images, prepared alike; or test images alone, where nothing is trained.
public struct DownstreamImages: DownstreamTask {
    /// What classifiers are trained on; nil where nothing is trained.
    public let train: PreparedImages?
    /// What they are measured on; classes as in `train`.
    public let test: PreparedImages
    /// How both were prepared.
    public let prepared: ImagePreparation
    /// The images of `test` that are in `train` too; nil where nothing is trained.
    public let shared: SharedSamples?
    /// How the images of one set were divided, where they were.
    public internal(set) var split: ImageSplit?
    private let paths: (train: String?, test: String)
    private let available: (train: Int?, test: Int?)

    /// A task of images that were prepared alike; `paths` are their names by default, and `available`
    /// the images that they were drawn from, where they are a part of them.
    ///
    /// Throws `TrainingError` where images have no classes, or those to train on fewer than two, and
    /// where test images have others than training images, or another size.
    public init(
        train: PreparedImages?, test: PreparedImages, preparation: ImagePreparation,
        paths: (train: String?, test: String)? = nil,
        available: (train: Int?, test: Int?) = (nil, nil)
    ) throws {
        (self.train, self.test, prepared) = (train, test, preparation)
        self.paths = paths ?? (train?.name, test.name)
        self.available = available
        shared = train.map { SharedSamples(train: $0, test: test) }
        try checkClasses()
        for images in [train, test].compactMap({ $0 })
        where [images.height, images.width] != [preparation.size, preparation.size] {
            throw TrainingError(
                "\(images.name): the images are \(PixelSize(images.height, images.width)) pixels; "
                    + "expected \(preparation.size) a side")
        }
    }

    private func checkClasses() throws {
        guard let train else {
            guard !test.labels.isEmpty else {
                throw TrainingError("\(test.name): the images have no classes to be told")
            }
            return
        }
        guard Set(train.labels).count > 1 else {
            throw TrainingError(
                train.labels.isEmpty
                    ? "\(train.name): the images have no classes; a classifier needs them"
                    : "\(train.name): all images are of one class; a classifier needs at least two")
        }
        guard test.classNames == train.classNames, !test.labels.isEmpty else {
            throw TrainingError(
                "\(test.name): the classes are \(Self.list(test.classNames)); expected those of the "
                    + "training images, \(Self.list(train.classNames))")
        }
    }

    static func list(_ names: [String]) -> String {
        names.isEmpty
            ? "not named"
            : names.prefix(10).joined(separator: ", ") + (names.count > 10 ? ", …" : "")
    }

    /// The names of the classes.
    public var labelNames: [String] { test.classNames }
    /// The class of each test image.
    public var truth: [Int] { test.labels }
    /// How the images were prepared.
    public var preparation: ImagePreparation? { prepared }
    /// The folders.
    public var files: [DatasetFile] {
        [
            train.map {
                DatasetFile(
                    .train, path: paths.train ?? $0.name, samples: $0.count,
                    available: available.train, skipped: $0.skipped.count)
            },
            DatasetFile(
                .test, path: paths.test, samples: test.count, available: available.test,
                skipped: test.skipped.count),
        ].compactMap { $0 }
    }
    /// Whether another task has the same images.
    public func isSame(as other: DownstreamImages) -> Bool {
        train?.labels == other.train?.labels && train?.classNames == other.train?.classNames
            && test.labels == other.test.labels && test.classNames == other.test.classNames
    }
}

// MARK: Reading images

extension DownstreamImages {
    /// Reads the images of `data`, prepared as a model takes them.
    ///
    /// Without training, the test part of a set that has parts is taken, else all of it.
    init(
        _ data: DownstreamData, _ preparation: ImagePreparation,
        observe: @escaping @Sendable (ReadingProgress) -> Void
    ) throws {
        let wanted = data.images ?? AuxiliaryData.Images()
        let (train, test, split) = try Self.sets(data, wanted)
        func prepared(_ set: ImageSet, _ limit: Int?) throws -> PreparedImages {
            try wanted.prepare(
                limit.map { set.randomSubset(of: $0, seed: data.seed) } ?? set, preparation,
                observe: observe)
        }
        let trained = try train.map { try prepared($0, data.trainSamples) }
        try self.init(
            train: trained, test: prepared(test, data.testSamples), preparation: preparation,
            paths: (data.train?.path, (data.test ?? data.train)?.path ?? test.name),
            available: (train?.count, test.count))
        self.split = split
    }

    private static func sets(
        _ data: DownstreamData, _ wanted: AuxiliaryData.Images
    ) throws -> (train: ImageSet?, test: ImageSet, split: ImageSplit?) {
        func read(
            _ url: URL, _ part: ImagePart?, _ classes: [String]? = nil,
            _ labels: ImageLabels = .folder
        ) throws -> ImageSet {
            try ImageSet.read(
                url, layout: wanted.layout, part: part, classes: classes ?? wanted.classes,
                labels: labels)
        }
        func testPart(of url: URL) throws -> ImagePart? {
            try ImageSet.parts(of: url, layout: wanted.layout).contains(.test) ? .test : nil
        }
        guard let train = data.train else {
            guard let test = data.test else {
                throw TrainingError("name the images to tell the classes of")
            }
            return (nil, try read(test, testPart(of: test)), nil)
        }
        if let split = data.split {
            let whole = try read(train, nil)
            let drawn: ImageSplit
            switch split {
            case .recorded(let file): drawn = try ImageSplit(contentsOf: file)
            case .drawn(let ratio):
                guard try testPart(of: train) == nil else {
                    throw DataError(
                        file: train, "has a test part of its own; leave --split out to test on that"
                    )
                }
                drawn = try whole.split(ratio, seed: data.seed)
            }
            return (
                try whole.selecting(.train, of: drawn), try whole.selecting(.test, of: drawn), drawn
            )
        }
        // A set by itself is not trained and tested on one and the same part.
        let trained = try read(train, data.test == nil ? .train : nil)
        // The test images' classes are those of the training images, in their order.
        let tested = try read(
            data.test ?? train, data.test.map(testPart) ?? .test, trained.classNames)
        return (trained, tested, nil)
    }
}
