import DataPipeline
import Foundation
import Randomness

/// Which labels' samples are taken.
public enum LabelChoice: Sendable, Equatable {
    /// All, and those without a label.
    case all
    /// Those of these labels.
    case only([String])
    /// Those of all labels but these.
    case except([String])

    /// The indices of the chosen among `names`, the labels of what stands at `source`.
    ///
    /// Throws `DataError` for a name that is none of them, and where all are left out.
    func indices(among names: [String], at source: URL) throws -> Set<Int> {
        switch self {
        case .all: return Set(names.indices)
        case .only(let chosen): return try Self.indices(of: chosen, among: names, at: source)
        case .except(let others):
            let left = Set(names.indices).subtracting(
                try Self.indices(of: others, among: names, at: source))
            guard !left.isEmpty else {
                throw DataError(
                    file: source, "all labels are left out (\(names.joined(separator: ", ")))")
            }
            return left
        }
    }

    private static func indices(
        of chosen: [String], among names: [String], at source: URL
    ) throws -> Set<Int> {
        try Set(
            chosen.map { name in
                if let index = names.firstIndex(of: name) { return index }
                let known =
                    names.prefix(12).joined(separator: ", ") + (names.count > 12 ? ", …" : "")
                throw DataError(
                    file: source,
                    names.isEmpty
                        ? "the samples have no labels, so that none is ‘\(name)’"
                        : "no label is called ‘\(name)’; expected one of: \(known)")
            })
    }
}

extension LabelChoice: Codable {
    private enum CodingKeys: String, CodingKey { case only, except }

    /// Reads `only:` or `except:` with names; neither is all.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let only = try container.decodeIfPresent([String].self, forKey: .only)
        let others = try container.decodeIfPresent([String].self, forKey: .except)
        self = only.map(LabelChoice.only) ?? others.map(LabelChoice.except) ?? .all
    }

    /// Writes `only:` or `except:`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .all: break
        case .only(let names): try container.encode(names, forKey: .only)
        case .except(let names): try container.encode(names, forKey: .except)
        }
    }
}

/// Clean texts to watch neurons on.
public struct CleanTexts: NeuronSamples {
    /// The texts.
    public let texts: [String]
    /// The place of each among the usable texts of its file, counted from 0: what random places of
    /// triggers hang on, as in an evaluation on the whole file.
    public let indices: [Int]
    /// What they are, as reports say it.
    public let data: NeuronReport.Samples
    /// Where those of a limit, and places of triggers, are drawn from.
    public let seed: Seed

    /// Reads the texts of `file` that have a label of `choice`; of those `limit` at most, drawn from
    /// `seed`, in the file's order.
    ///
    /// Labels are read only where they are asked for, by `choice` or by `labelColumn`. Throws
    /// `DataError` for a file or label that cannot be had.
    public static func read(
        _ file: URL, labels choice: LabelChoice = .all, limit: Int? = nil, seed: Seed = Seed(42),
        textColumn: String? = nil, labelColumn: String? = nil
    ) throws -> CleanTexts {
        var texts: [String]
        var (indices, names) = ([Int](), [String]?.none)
        if choice == .all, labelColumn == nil {
            texts = try TextCorpus.read([file], textColumn: textColumn).texts
            indices = Array(texts.indices)
        } else {
            let labelled = try LabelledTexts.read(
                file, textColumn: textColumn, labelColumn: labelColumn)
            let wanted = try choice.indices(among: labelled.labelNames, at: file)
            texts = labelled.texts
            indices = texts.indices.filter { wanted.contains(labelled.labels[$0]) }
            names = wanted.sorted().map { labelled.labelNames[$0] }
        }
        let total = indices.count
        if let limit {
            indices = seed.places(limit, of: total, "texts.subset").map { indices[$0] }
        }
        texts = indices.map { texts[$0] }
        return CleanTexts(
            texts: texts, indices: indices,
            data: NeuronReport.Samples(
                path: file.path, count: texts.count, available: total, labels: names), seed: seed)
    }
}

/// Clean images to watch neurons on.
public struct CleanImages: NeuronSamples {
    /// The images.
    public let images: PreparedImages
    /// How they were prepared.
    public let preparation: ImagePreparation
    /// What they are, as reports say it.
    public let data: NeuronReport.Samples
    /// Where those of a limit are drawn from.
    public let seed: Seed

    /// Prepared images, of those `available`, with the labels that were chosen, where any were.
    public init(
        _ images: PreparedImages, preparation: ImagePreparation, path: String? = nil,
        available: Int? = nil, labels: [String]? = nil, seed: Seed = Seed(42)
    ) {
        self.images = images
        self.preparation = preparation
        self.seed = seed
        data = NeuronReport.Samples(
            path: path ?? images.name, count: images.count, available: available ?? images.count,
            labels: labels, skipped: images.skipped.count)
    }
}

extension ImageSet {
    /// The images that have a label of `choice`, and what those labels are called; nil for all.
    ///
    /// Throws `DataError` for a label that the set has not, and where no image is left.
    public func choosing(
        _ choice: LabelChoice
    ) throws -> (images: ImageSet, labels: [String]?) {
        guard choice != .all else { return (self, nil) }
        let source = URL(fileURLWithPath: folder)
        let wanted = try choice.indices(among: classNames, at: source)
        let chosen = selecting { wanted.contains($0.label) }
        let names = wanted.sorted().map { classNames[$0] }
        guard chosen.count > 0 else {
            throw DataError(
                file: source,
                "no image of \(name) has the label \(names.joined(separator: " or "))")
        }
        return (chosen, names)
    }
}
