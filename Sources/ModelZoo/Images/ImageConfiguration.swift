import Checkpoints
import Foundation
import JSON
import TensorFormats
import TorchNN

/// Which image model, in which shape.
public enum ImageConfiguration: Sendable, Codable, Equatable {
    /// A VGG.
    case vgg(VGGConfiguration)
    /// A vision transformer.
    case vit(ViTConfiguration)
    /// CLIP's tower of images.
    case clip(CLIPVisionConfiguration)

    /// Reads a `config.json`, of ours or of transformers.
    ///
    /// Throws `CheckpointError` for another architecture and for what the model cannot honour.
    public init(_ file: JSONFile) throws {
        let type = try file.string("model_type")
        switch type {
        case "vgg": self = .vgg(try VGGConfiguration(file))
        case "vit": self = .vit(try ViTConfiguration(file))
        case "clip", "clip_vision_model": self = .clip(try CLIPVisionConfiguration(file))
        case nil where file.architectures.contains { $0.hasPrefix("ViT") }:
            self = .vit(try ViTConfiguration(file))
        case nil where file.architectures.contains { $0.hasPrefix("CLIP") }:
            self = .clip(try CLIPVisionConfiguration(file))
        default:
            let found = type ?? file.architectures.first ?? "not named"
            throw CheckpointError(
                file.url, "the architecture is ‘\(found)’; expected ‘vit’, ‘vgg’ or ‘clip’",
                advice: "this version reads ViT, VGG and CLIP models of images")
        }
    }

    /// The model, with its parameters from the source of `store`.
    public func model(in store: ParameterStore) throws -> AnyImageModel {
        switch self {
        case .vgg(let configuration): AnyImageModel(try VGG(configuration, in: store))
        case .vit(let configuration): AnyImageModel(try ViT(configuration, in: store))
        case .clip(let configuration): AnyImageModel(try CLIPVisionTower(configuration, in: store))
        }
    }

    /// `vgg`, `vit` or `clip`, as in `config.json`.
    public var modelType: String {
        switch self {
        case .vgg: "vgg"
        case .vit: "vit"
        case .clip: "clip"
        }
    }

    /// What people call it, as in `VGG-16`, `ViT of 12 layers`.
    public var title: String {
        switch self {
        case .vgg(let vgg): "VGG-\(vgg.depth.rawValue)\(vgg.batchNorm ? " with batch norm" : "")"
        case .vit(let vit): "ViT of \(vit.layerCount) layers"
        case .clip(let clip): "CLIP's vision tower of \(clip.tower.layerCount) layers"
        }
    }

    /// The size of image it is meant for.
    public var imageSize: PixelSize {
        switch self {
        case .vgg(let configuration): configuration.imageSize
        case .vit(let configuration): configuration.imageSize
        case .clip(let configuration): configuration.imageSize
        }
    }

    /// The smallest images it can work on.
    public var leastImageSize: PixelSize {
        switch self {
        // Each of five stages halves rows and columns.
        case .vgg: PixelSize(32, 32)
        case .vit(let configuration): configuration.patchSize
        case .clip(let configuration): configuration.patchSize
        }
    }

    /// Throws `ImageModelError` where images of `size` are too small for it.
    public func check(_ size: PixelSize) throws {
        let least = leastImageSize
        guard size.height >= least.height, size.width >= least.width else {
            throw ImageModelError.size(size, minimum: least)
        }
    }

    /// Width of a feature vector.
    public var featureSize: Int {
        switch self {
        case .vgg(let configuration): configuration.featureSize
        case .vit(let configuration): configuration.hiddenSize
        case .clip(let configuration): configuration.tower.hiddenSize
        }
    }

    /// Classes of the head, or nil where there is none.
    public var labelCount: Int? {
        switch self {
        case .vgg(let configuration): configuration.labelCount
        case .vit(let configuration): configuration.labelCount
        case .clip(let configuration): configuration.labelCount
        }
    }

    /// The weights RECIPE shrinks (paper, appendix A).
    public var recipeWeights: ParameterPattern {
        switch self {
        case .vgg(let configuration): configuration.recipeWeights
        case .vit: ViT.recipeWeights
        case .clip: CLIPVisionTower.recipeWeights
        }
    }

    /// The head's parameters; all others are the backbone's.
    public var headParameters: ParameterPattern {
        switch self {
        case .vgg: VGG.headParameters
        case .vit: ViT.headParameters
        case .clip: CLIPVisionTower.headParameters
        }
    }

    /// The same backbone with one linear layer of `labels` classes on its features, or with nothing.
    public func withHead(labels: Int?) -> ImageConfiguration {
        switch self {
        case .vgg(var configuration):
            configuration.head = labels.map { .linear(labels: $0) } ?? .none
            return .vgg(configuration)
        case .vit(var configuration):
            configuration.labelCount = labels
            return .vit(configuration)
        case .clip(var configuration):
            configuration.labelCount = labels
            return .clip(configuration)
        }
    }

    /// The fields of a `config.json` that says the same; `labels` names the classes.
    public func fields(labels: [String]? = nil) -> JSONObject {
        var fields =
            switch self {
            case .vgg(let configuration): configuration.fields
            case .vit(let configuration): configuration.fields
            case .clip(let configuration): configuration.fields
            }
        guard let count = labelCount else { return fields }
        let names = labels ?? (0..<count).map { "LABEL_\($0)" }
        fields["id2label"] = .object(
            JSONObject(names.enumerated().map { (String($0), .string($1)) }))
        fields["label2id"] = .object(JSONObject(names.enumerated().map { ($1, .integer($0)) }))
        return fields
    }
}
