import Checkpoints
import Foundation
import TorchNN

/// The shapes of a CLIP's weights by canonical name, and what can be read off them.
private struct CLIPShapes {
    let shapes: [String: [Int]]
    let dialect: Dialect
    let url: URL

    func shape(_ name: String, rank: Int) throws -> [Int] {
        guard let shape = shapes[name], shape.count == rank, shape.allSatisfy({ $0 > 0 }) else {
            throw CheckpointError(
                url,
                "the tensor ‘\(dialect.onDisk(name))’ is missing, or not of \(rank) dimensions: "
                    + "this is no CLIP", advice: "save its whole state_dict")
        }
        return shape
    }

    /// The blocks of a tower, whose heads are 64 numbers wide as in every published CLIP but the
    /// largest.
    func tower(_ name: String, width: Int) throws -> CLIPConfiguration.Tower {
        let layers = (0..<shapes.count).prefix {
            shapes["\(name).encoder.layers.\($0).layer_norm1.weight"] != nil
        }.count
        let isLarge = name == "vision_model" && [1280, 1408, 1664].contains(width)
        guard isLarge || width % 64 == 0 else {
            throw CheckpointError(
                url, "the weights do not say how many attention heads a width of \(width) has",
                advice: "describe the model in a config.json (num_attention_heads)")
        }
        return CLIPConfiguration.Tower(
            hiddenSize: width, layerCount: layers, headCount: isLarge ? 16 : width / 64,
            intermediateSize: try shape("\(name).encoder.layers.0.mlp.fc1.weight", rank: 2)[0])
    }
}

extension CLIPConfiguration {
    /// Reads the sizes of a CLIP off its weights, by canonical name; activation, pooling and epsilon
    /// are those of OpenAI's.
    ///
    /// Throws `CheckpointError` where the weights do not say, or are not both towers'.
    init(inferredFrom shapes: [String: [Int]], dialect: Dialect, at url: URL) throws {
        let found = CLIPShapes(shapes: shapes, dialect: dialect, url: url)
        let tokens = try found.shape("text_model.embeddings.token_embedding.weight", rank: 2)
        let positions = try found.shape("text_model.embeddings.position_embedding.weight", rank: 2)
        self.init(
            text: Text(
                tower: try found.tower("text_model", width: tokens[1]), vocabularySize: tokens[0],
                maximumPositions: positions[0], pooling: .highestID),
            vision: try CLIPVisionConfiguration(
                inferredFrom: shapes, dialect: dialect, at: url),
            projectionSize: try found.shape("text_projection.weight", rank: 2)[0])
        let store = try CLIP(self, in: ParameterStore(source: ShapeSource())).store
        let beside = ParameterPattern(CLIPDialects.buffers)
        if let name = shapes.keys.filter({ store[$0] == nil && !beside.matches($0) }).min() {
            throw CheckpointError(
                url,
                "the tensor ‘\(dialect.onDisk(name))’ has no place in a \(title) as its other "
                    + "tensors describe it",
                advice: "variants of the architecture are not supported; if this one is none, "
                    + "describe it in a config.json")
        }
    }
}

extension CLIPVisionConfiguration {
    /// Reads the sizes of a CLIP's vision tower off its weights, by canonical name.
    ///
    /// Throws `CheckpointError` where the weights do not say.
    public init(inferredFrom shapes: [String: [Int]], dialect: Dialect, at url: URL) throws {
        let found = CLIPShapes(shapes: shapes, dialect: dialect, url: url)
        let patch = try found.shape("vision_model.embeddings.patch_embedding.weight", rank: 4)
        let positions = try found.shape(
            "vision_model.embeddings.position_embedding.weight", rank: 2)[0]
        let side = Int(Double(positions - 1).squareRoot().rounded())
        guard side > 0, side * side == positions - 1, patch[2] == patch[3] else {
            throw CheckpointError(
                url,
                "it has \(positions) position embeddings for patches of \(patch[2])×\(patch[3]), "
                    + "which are no class token and a square of squares",
                advice: "this version reads CLIPs of square images")
        }
        self.init(
            tower: try found.tower("vision_model", width: patch[0]),
            imageSize: PixelSize(side * patch[2], side * patch[2]),
            patchSize: PixelSize(patch[2], patch[2]),
            labelCount: shapes["image_classifier.weight"]?.first)
    }
}
