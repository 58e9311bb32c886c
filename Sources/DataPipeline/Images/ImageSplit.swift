import Foundation
import Randomness

/// How many of so many images are trained on and how many are tested on: `9:1`.
public struct SplitRatio: Sendable, Hashable, Codable, LosslessStringConvertible {
    /// Shares trained on.
    public let train: Int
    /// Shares tested on.
    public let test: Int

    /// So many shares to train on and so many to test on, both above zero.
    public init?(train: Int, test: Int) {
        guard train > 0, test > 0, train <= 1_000_000, test <= 1_000_000 else { return nil }
        self.train = train
        self.test = test
    }

    /// Reads `9:1`.
    public init?(_ description: String) {
        let shares = description.split(separator: ":", omittingEmptySubsequences: false)
            .map { Int($0) }
        guard shares.count == 2, let train = shares[0], let test = shares[1] else { return nil }
        self.init(train: train, test: test)
    }

    /// `9:1`.
    public var description: String { "\(train):\(test)" }

    /// Reads the string `9:1`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let ratio = SplitRatio(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a split of ‘\(text)’; expected such as 9:1")
        }
        self = ratio
    }

    /// Writes the string `9:1`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Which images of a set are trained on and which are tested on, by name, so that a run can be
/// repeated on the very same ones.
public struct ImageSplit: Sendable, Hashable, Codable {
    /// The set's folder.
    public let folder: String
    /// How many go to either side.
    public let ratio: SplitRatio
    /// Where the choice comes from.
    public let seed: Seed
    /// The images to train on, as `ImageSet.Sample.identifier` names them.
    public let train: [String]
    /// The images to test on.
    public let test: [String]

    /// The names of a side.
    public func identifiers(of part: ImagePart) -> [String] { part == .train ? train : test }
}

extension ImageSet {
    /// Draws which images are trained on and which are tested on, class by class in the same ratio.
    ///
    /// It depends on the seed and on the images' names alone. Every class that has two images has
    /// one on either side at least. Throws `DataError` where one side would have none.
    public func split(_ ratio: SplitRatio, seed: Seed) throws -> ImageSplit {
        var isTested = [Bool](repeating: false, count: samples.count)
        let groups = Dictionary(grouping: samples.indices) { samples[$0].label }
        for (label, members) in groups {
            let share = Double(ratio.test) / Double(ratio.train + ratio.test)
            let wanted = Int((Double(members.count) * share).rounded())
            let count = members.count < 2 ? 0 : min(max(1, wanted), members.count - 1)
            var order = members
            // By name, so that taking other classes beside it does not change a class's split.
            let name = label < 0 ? "" : classNames[label]
            var stream = seed.stream("images.split." + name)
            order.shuffle(using: &stream)
            for index in order.prefix(count) { isTested[index] = true }
        }
        let split = ImageSplit(
            folder: folder, ratio: ratio, seed: seed,
            train: samples.indices.filter { !isTested[$0] }.map { samples[$0].identifier },
            test: samples.indices.filter { isTested[$0] }.map { samples[$0].identifier })
        guard !split.train.isEmpty, !split.test.isEmpty else {
            throw DataError(
                file: URL(fileURLWithPath: folder),
                "holds \(samples.count) images, too few to split \(ratio)")
        }
        return split
    }

    /// The images of one side of a split; throws `DataError` where one of them is not in the set.
    public func selecting(_ part: ImagePart, of split: ImageSplit) throws -> ImageSet {
        let wanted = Set(split.identifiers(of: part))
        guard !wanted.isEmpty else {
            throw DataError(
                file: URL(fileURLWithPath: folder),
                "the split names no images to \(part.rawValue) on; make it anew (--split 9:1)")
        }
        let side = selecting { wanted.contains($0.identifier) }
        if side.count < wanted.count {
            let present = Set(samples.map(\.identifier))
            let missing = wanted.subtracting(present).sorted().first ?? ""
            throw DataError(
                file: URL(fileURLWithPath: folder),
                "lacks \(wanted.count - side.count) of the images that the split names, such as"
                    + " \(missing); give the folder and the classes that it was made from")
        }
        return ImageSet(
            name: "\(URL(fileURLWithPath: folder).lastPathComponent) (\(part.rawValue))",
            folder: folder, layout: layout, part: part, samples: side.samples,
            classNames: classNames, excluded: excluded, ignored: ignored)
    }
}
