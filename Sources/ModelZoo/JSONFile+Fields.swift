import Checkpoints
import DataPipeline
import JSON
import TorchNN

/// Fields that configurations of several architectures share.
extension JSONFile {
    /// A probability field, 0 ≤ p < 1, or `fallback` where it is absent or null.
    func probability(_ name: String, default fallback: Double) throws -> Double {
        let value = try number(name, default: fallback)
        guard value >= 0, value < 1 else {
            throw CheckpointError(
                url, "‘\(name)’ is \(NumberText.exact(value)); expected 0 ≤ p < 1")
        }
        return value
    }

    /// The classes that `id2label` or `num_labels` count, or nil where neither is there.
    func labelCount(minimum: Int = 1) throws -> Int? {
        if case .object(let labels)? = fields["id2label"], !labels.isEmpty { return labels.count }
        guard let count = fields["num_labels"], count != .null else { return nil }
        return try self.count("num_labels", from: minimum, to: ConfigurationBounds.labels)
    }

    /// An activation function by its name.
    func activation(_ name: String, default fallback: Activation) throws -> Activation {
        guard let text = try string(name) else { return fallback }
        guard let activation = Activation(rawValue: text) else {
            throw CheckpointError(
                url,
                "‘\(name)’ is ‘\(text)’; expected one of "
                    + Activation.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return activation
    }

    /// Height and width: one number for both, or a list of the two.
    func heightAndWidth(_ name: String, default fallback: Int) throws -> PixelSize {
        let sides: [Int?]
        switch fields[name] {
        case nil, .null?: sides = [fallback]
        case .integer(let side)?: sides = [side]
        case .array(let values)?:
            sides = values.map { if case .integer(let side) = $0 { side } else { nil } }
        default: sides = []
        }
        guard let height = sides.first ?? nil, let width = sides.last ?? nil, sides.count <= 2,
            [height, width].allSatisfy((1...ConfigurationBounds.side).contains)
        else {
            throw CheckpointError(
                url,
                "‘\(name)’ is no size: expected one number of pixels or height and width, each "
                    + "1 to \(ConfigurationBounds.side)")
        }
        return PixelSize(height, width)
    }

    /// Throws where the file says that the weights are quantized.
    func checkUnquantized() throws {
        guard let quantization = fields["quantization_config"], quantization != .null else {
            return
        }
        throw CheckpointError(
            url, "the model is quantized (‘quantization_config’)",
            advice: "purify the original weights, then quantize")
    }
}
