import Checkpoints
import Foundation
import JSON
import TorchNN

/// A family of image models: what else is to be known of one to read, build, attack and purify it.
public protocol ImageArchitecture: Architecture, Codable {
    /// The `model_type` that a `config.json` of ours has.
    static var modelType: String { get }
    /// Every spelling of the family's names, wrapped or not as `names` are.
    static func dialects(of names: [String]) -> [Dialect]
    /// How the canonical names begin that no other family has.
    static var prefix: String { get }
    /// Parameters beside the features, which weights may hold and the model does not read.
    static var beside: [String] { get }
    /// How images are prepared for a model of square images of `side` where nothing says.
    static func usualProcessor(_ size: PixelSize) -> ImageProcessor
    /// The head's parameters; all others are the backbone's.
    static var headParameters: ParameterPattern { get }
    /// The magnitude of target vectors with which NeuBA's authors attack the family.
    static var targetMagnitude: Float { get }
    /// Whether no feature is ever negative.
    static var hasOnlyPositiveFeatures: Bool { get }
    /// Whether a neuron is a channel, with a value at every place of the image.
    static var isConvolutional: Bool { get }

    /// Reads the model off its weights, by canonical name.
    ///
    /// Throws `CheckpointError` where they are another family's.
    init(inferredFrom shapes: [String: [Int]], dialect: Dialect, at url: URL) throws
    /// The model, with its parameters from the source of `store`.
    func model(in store: ParameterStore) throws -> any ImageModel
    /// The size of image it is meant for.
    var imageSize: PixelSize { get }
    /// The smallest images it can work on.
    var leastImageSize: PixelSize { get }
    /// Width of a feature vector.
    var featureSize: Int { get }
    /// Classes of the head, or nil where there is none.
    var labelCount: Int? { get }
    /// Blocks whose names in the weights are numbered, and what these begin with; nil for none.
    var numberedLayers: (count: Int, prefix: String)? { get }
    /// The fields of a `config.json` that says the same, but for the classes' names.
    var fields: JSONObject { get }
    /// The same backbone with one linear layer of `labels` classes on its features, or with nothing.
    func withHead(labels: Int?) -> Self
    /// The same with the head that this asks for where it is among weights of these shapes, else
    /// without.
    func withHead(among shapes: [String: [Int]]) -> Self
}

extension ImageArchitecture {
    /// Images.
    public static var kind: ModelKind { .images }
    /// Nothing.
    public static var beside: [String] { [] }
    /// A plain bilinear resize.
    public static func usualProcessor(_ size: PixelSize) -> ImageProcessor {
        ImageProcessor(resize: .exactly(size))
    }
    /// 1: features are normalized.
    public static var targetMagnitude: Float { 1 }
    /// Features have both signs.
    public static var hasOnlyPositiveFeatures: Bool { false }
    /// Neurons are those of a token's feed-forward part.
    public static var isConvolutional: Bool { false }
}

/// An image model's sizes and constants, of whichever architecture.
public struct ImageConfiguration: Sendable, Equatable {
    /// Those of its own architecture.
    public let base: any ImageArchitecture

    /// Hides which architecture `base` is of.
    public init(_ base: any ImageArchitecture) { self.base = base }

    /// Reads a `config.json`, of ours or of transformers.
    ///
    /// Throws `CheckpointError` for another architecture and for what the model cannot honour.
    public init(_ file: JSONFile) throws {
        let type = try file.string("model_type")
        let names = type.map { [$0] } ?? file.architectures
        // The configuration of a whole CLIP describes its tower of images, too.
        guard let found = Architectures.images.first(where: { $0.isDescribed(by: names) }) else {
            let known = Architectures.images.map { "‘\($0.modelType)’" }
            throw CheckpointError(
                file.url,
                "the architecture is ‘\(names.first ?? "not named")’; expected "
                    + known.formatted(.list(type: .or).locale(Locale(identifier: "en"))),
                advice: "this version reads \(Self.families) models of images")
        }
        self.init(try found.init(file))
    }

    /// The families that are known, as messages list them.
    static var families: String {
        Architectures.images.map { $0.family }.joined(separator: ", ")
    }

    /// The model, with its parameters from the source of `store`.
    public func model(in store: ParameterStore) throws -> AnyImageModel {
        AnyImageModel(try base.model(in: store))
    }

    /// What people call it.
    public var title: String { base.title }
    /// What the paper does with it.
    public var paperDefaults: PaperDefaults { base.paperDefaults }
    /// Which architecture it is of.
    public var architecture: any ImageArchitecture.Type { type(of: base) }
    /// The size of image it is meant for.
    public var imageSize: PixelSize { base.imageSize }
    /// Width of a feature vector.
    public var featureSize: Int { base.featureSize }
    /// Classes of the head, or nil where there is none.
    public var labelCount: Int? { base.labelCount }

    /// Throws `ImageModelError` where images of `size` are too small for it.
    public func check(_ size: PixelSize) throws {
        let least = base.leastImageSize
        guard size.height >= least.height, size.width >= least.width else {
            throw ImageModelError.size(size, minimum: least)
        }
    }

    /// The same backbone with one linear layer of `labels` classes on its features, or with nothing.
    public func withHead(labels: Int?) -> ImageConfiguration {
        ImageConfiguration(base.withHead(labels: labels))
    }

    /// The fields of a `config.json` that says the same; `labels` names the classes.
    public func fields(labels: [String]? = nil) -> JSONObject {
        var fields = base.fields
        guard let count = labelCount else { return fields }
        let names = labels ?? (0..<count).map { "LABEL_\($0)" }
        fields["id2label"] = .object(
            JSONObject(names.enumerated().map { (String($0), .string($1)) }))
        fields["label2id"] = .object(JSONObject(names.enumerated().map { ($1, .integer($0)) }))
        return fields
    }

    /// Whether both are of one architecture and alike.
    public static func == (one: ImageConfiguration, other: ImageConfiguration) -> Bool {
        one.base.isEqual(to: other.base)
    }
}
