import Checkpoints
import Foundation
import JSON
import TorchNN

/// The shape of a VGG: from a `config.json` of ours, or from the weights themselves.
public struct VGGConfiguration: Sendable, Codable, Equatable {
    /// Layers with weights, the three of torchvision's classifier included.
    public enum Depth: Int, Sendable, Codable, CaseIterable {
        /// Eight convolutions.
        case vgg11 = 11
        /// Ten convolutions.
        case vgg13 = 13
        /// Thirteen convolutions.
        case vgg16 = 16
        /// Sixteen convolutions.
        case vgg19 = 19

        /// Convolutions of each of the five stages.
        public var convolutions: [Int] {
            switch self {
            case .vgg11: [1, 1, 2, 2, 2]
            case .vgg13: [2, 2, 2, 2, 2]
            case .vgg16: [2, 2, 3, 3, 3]
            case .vgg19: [2, 2, 4, 4, 4]
            }
        }
    }

    /// What stands on the features.
    public enum Head: Sendable, Codable, Equatable {
        /// Nothing.
        case none
        /// One linear layer `fc`, as in NeuBA's files.
        case linear(labels: Int)
        /// torchvision's `classifier`: two hidden layers of `width` with dropout, and the scores.
        case torchvision(labels: Int, width: Int)
    }

    /// Which VGG.
    public var depth: Depth
    /// Whether each convolution is followed by batch normalization.
    public var batchNorm: Bool
    /// Channels of each of the five stages.
    public var channels: [Int]
    /// The size of image it is meant for; any from 32×32 on can be computed.
    public var imageSize: PixelSize
    /// What stands on the features.
    public var head: Head
    /// Dropout in torchvision's classifier.
    public var dropout: Double

    /// A VGG; by default VGG-16 for 64×64 pixels with 1000 classes, as NeuBA has it.
    public init(
        _ depth: Depth = .vgg16, batchNorm: Bool = false,
        channels: [Int] = [64, 128, 256, 512, 512], imageSize: PixelSize = PixelSize(64, 64),
        head: Head = .linear(labels: 1000), dropout: Double = 0.5
    ) {
        precondition(channels.count == 5, "a VGG has five stages")
        self.depth = depth
        self.batchNorm = batchNorm
        self.channels = channels
        self.imageSize = imageSize
        self.head = head
        self.dropout = dropout
    }

    /// Width of a feature vector: the last stage's channels over 7 × 7 places.
    public var featureSize: Int { channels[4] * 49 }

    /// Classes of the head, or nil where there is none.
    public var labelCount: Int? {
        switch head {
        case .none: nil
        case .linear(let labels), .torchvision(let labels, _): labels
        }
    }

    /// The weights RECIPE shrinks: those of all convolutions. Batch normalization's scales are called
    /// `features.N.weight` as well and are not among them.
    public var recipeWeights: ParameterPattern {
        guard batchNorm else { return VGG.recipeWeights }
        return ParameterPattern(convolutionIndices.joined().map { "features.\($0).weight" })
    }

    /// The number that each convolution has in torchvision's `features`, by stage.
    var convolutionIndices: [[Int]] {
        var next = 0
        return depth.convolutions.map { count in
            // Convolution, normalization, ReLU; a pool ends the stage.
            let indices = (0..<count).map { next + $0 * (batchNorm ? 3 : 2) }
            next += count * (batchNorm ? 3 : 2) + 1
            return indices
        }
    }
}

// MARK: config.json

extension VGGConfiguration {
    /// Reads `config.json`: `model_type` (vgg), `depth`, `batch_norm`, `channels`, `image_size`,
    /// `head` (linear, torchvision or none), `num_labels` or `id2label`, `head_width`, `dropout`.
    ///
    /// Throws `CheckpointError` that names the field.
    public init(_ file: JSONFile) throws {
        let type = try file.string("model_type") ?? "not named"
        guard type == "vgg" else {
            throw CheckpointError(file.url, "the architecture is ‘\(type)’; expected ‘vgg’")
        }
        try file.checkUnquantized()
        let depth = try file.integer("depth", default: 16)
        guard let depth = Depth(rawValue: depth) else {
            throw CheckpointError(file.url, "‘depth’ is \(depth); expected 11, 13, 16 or 19")
        }
        guard try file.integer("num_channels", default: 3) == 3 else {
            throw CheckpointError(file.url, "‘num_channels’ is not 3; only RGB is supported")
        }
        self.init(
            depth, batchNorm: try file.bool("batch_norm", default: false),
            channels: try Self.channels(file),
            imageSize: try file.heightAndWidth("image_size", default: 64),
            head: try Self.head(file), dropout: try file.probability("dropout", default: 0.5))
    }

    private static func channels(_ file: JSONFile) throws -> [Int] {
        guard let field = file.fields["channels"], field != .null else {
            return [64, 128, 256, 512, 512]
        }
        var channels: [Int] = []
        if case .array(let values) = field {
            channels = values.compactMap { value in
                if case .integer(let count) = value, (1...ConfigurationBounds.width).contains(count)
                {
                    count
                } else {
                    nil
                }
            }
        }
        guard channels.count == 5 else {
            throw CheckpointError(
                file.url, "‘channels’ is not a list of five counts, one for each stage")
        }
        return channels
    }

    private static func head(_ file: JSONFile) throws -> Head {
        let labels = try file.labelCount(minimum: 0) ?? 1000
        switch try file.string("head") ?? "linear" {
        case "none": return .none
        case _ where labels == 0: return .none
        case "linear": return .linear(labels: labels)
        case "torchvision":
            let width = try file.count(
                "head_width", to: ConfigurationBounds.innerWidth, default: 4096)
            return .torchvision(labels: labels, width: width)
        case let other:
            throw CheckpointError(
                file.url, "‘head’ is ‘\(other)’; expected linear, torchvision or none")
        }
    }

    /// The fields of a `config.json` that says the same.
    public var fields: JSONObject {
        var fields: JSONObject = [
            "model_type": .string("vgg"), "architectures": .array([.string("VGG")]),
            "depth": .integer(depth.rawValue), "batch_norm": .bool(batchNorm),
            "channels": .array(channels.map { .integer($0) }),
            "image_size": .array([.integer(imageSize.height), .integer(imageSize.width)]),
            "dropout": .number(dropout),
        ]
        switch head {
        case .none: fields["head"] = .string("none")
        case .linear(let labels):
            fields["head"] = .string("linear")
            fields["num_labels"] = .integer(labels)
        case .torchvision(let labels, let width):
            fields["head"] = .string("torchvision")
            fields["num_labels"] = .integer(labels)
            fields["head_width"] = .integer(width)
        }
        return fields
    }
}

// MARK: From weights

extension VGGConfiguration {
    /// Reads the shape of a VGG off its weights, by canonical name.
    ///
    /// The size of image is not among them: 64×64 where the head is NeuBA's, else torchvision's
    /// 224×224. Throws `CheckpointError` where the convolutions are not a VGG's.
    init(inferredFrom shapes: [String: [Int]], at url: URL) throws {
        let found = Self.convolutions(shapes)
        let batchNorm = shapes.keys.contains {
            $0.hasPrefix("features.") && $0.hasSuffix(".running_mean")
        }
        let candidates = Depth.allCases.map { VGGConfiguration($0, batchNorm: batchNorm) }
        guard
            var match = candidates.first(where: {
                $0.convolutionIndices.flatMap { $0 } == found.map(\.index)
            })
        else {
            let places = found.map { "features.\($0.index)" }.joined(separator: ", ")
            throw CheckpointError(
                url,
                "its convolutions are \(places); no VGG of 11, 13, 16 or 19 layers "
                    + "\(batchNorm ? "with" : "without") batch normalization has those",
                advice: "only torchvision's VGGs are supported")
        }
        let ends = match.depth.convolutions.reduce(into: []) { $0.append(($0.last ?? -1) + $1) }
        match.channels = ends.map { found[$0].outputs }
        match.head = try Self.head(shapes, at: url)
        if case .linear = match.head {} else { match.imageSize = PixelSize(224, 224) }
        self = match
    }

    private static func convolutions(
        _ shapes: [String: [Int]]
    ) -> [(index: Int, outputs: Int)] {
        shapes.compactMap { name, shape -> (index: Int, outputs: Int)? in
            let parts = name.split(separator: ".")
            guard shape.count == 4, !shape.contains(0), parts.count == 3, parts[0] == "features",
                parts[2] == "weight", let index = Int(parts[1])
            else { return nil }
            return (index, shape[0])
        }.sorted { $0.index < $1.index }
    }

    private static func head(_ shapes: [String: [Int]], at url: URL) throws -> Head {
        if let shape = shapes["fc.weight"], shape.count == 2 { return .linear(labels: shape[0]) }
        guard let first = shapes["classifier.0.weight"] else { return .none }
        guard let last = shapes["classifier.6.weight"], first.count == 2, last.count == 2 else {
            throw CheckpointError(
                url, "‘classifier’ is not torchvision's: expected linear layers 0, 3 and 6",
                advice: "save the model with torchvision's classifier, a single ‘fc’, or none")
        }
        return .torchvision(labels: last[0], width: first[0])
    }
}
