import DataPipeline

/// Test samples that are training samples too, whatever their labels: a classifier may know the
/// answers by heart.
public struct SharedSamples: Sendable, Codable, Equatable {
    /// A test sample, and the first training sample that is equal to it.
    public struct Example: Sendable, Codable, Equatable {
        /// The test sample's name.
        public let test: String
        /// The training sample's name.
        public let train: String
    }

    /// How many test samples are among the training samples.
    public let count: Int
    /// How many of those have another label than the first training sample that is equal to them.
    public let relabelled: Int
    /// The first of them; nil where there are none.
    public let example: Example?

    /// The texts of `test` that are in `train`; those are equal that differ in white space alone.
    public init(train: LabelledTexts, test: LabelledTexts) {
        self.init(train: Side(train), test: Side(test)) {
            Side.words(of: train.texts[$0]) == Side.words(of: test.texts[$1])
        }
    }

    /// The images of `test` that are in `train`, pixel by pixel as they were prepared.
    public init(train: PreparedImages, test: PreparedImages) {
        self.init(train: Side(train), test: Side(test)) { one, other in
            train.withPixels(of: one) { pixels in
                test.withPixels(of: other) { pixels.elementsEqual($0) }
            }
        }
    }

    private init(
        train: Side, test: Side, areEqual: (_ train: Int, _ test: Int) -> Bool
    ) {
        // Digests and not samples: those may fill the memory already.
        var first: [Int: Int] = [:]
        for index in 0..<train.count {
            let digest = train.digest(index)
            if first[digest] == nil { first[digest] = index }
        }
        var (count, relabelled, example) = (0, 0, Example?.none)
        for index in 0..<test.count {
            guard let equal = first[test.digest(index)], areEqual(equal, index) else { continue }
            count += 1
            if train.label(equal) != test.label(index) { relabelled += 1 }
            example = example ?? Example(test: test.name(index), train: train.name(equal))
        }
        self.count = count
        self.relabelled = relabelled
        self.example = example
    }
}

/// The samples of one side, whatever they are.
private struct Side {
    let count: Int
    let label: (Int) -> Int
    let name: (Int) -> String
    let digest: (Int) -> Int

    init(_ texts: LabelledTexts) {
        count = texts.texts.count
        label = { texts.labels[$0] }
        name = { "\(texts.source.file), row \(texts.rows[$0])" }
        digest = { Self.words(of: texts.texts[$0]).hashValue }
    }

    init(_ images: PreparedImages) {
        count = images.count
        label = { images.labels.isEmpty ? -1 : images.labels[$0] }
        name = images.identifier
        digest = { index in
            images.withPixels(of: index) { pixels in
                var hasher = Hasher()
                hasher.combine(bytes: pixels)
                return hasher.finalize()
            }
        }
    }

    static func words(of text: String) -> [Substring] { text.split(whereSeparator: \.isWhitespace) }
}
