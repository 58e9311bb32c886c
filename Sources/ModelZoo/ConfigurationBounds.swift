import Checkpoints
import DataPipeline

/// The most that the numbers of a configuration may be: above every model that is read here, and
/// small enough that no product of them is more than 64 bits hold. `Documentation/limits.md` lists
/// them.
enum ConfigurationBounds {
    /// Blocks of a tower.
    static let layers = 512
    /// The width of a token's vector, or of a space that vectors are projected to.
    static let width = 1 << 16
    /// Attention heads of a block.
    static let heads = 1024
    /// Neurons of a block's feed-forward part, or of a head's hidden layer.
    static let innerWidth = 1 << 18
    /// Rows of the word embeddings.
    static let vocabulary = 1 << 22
    /// The longest sequence.
    static let positions = 1 << 17
    /// Kinds of segment.
    static let segments = 1024
    /// Classes of a head.
    static let labels = 1 << 20
    /// Pixels of an image's or a patch's side.
    static let side = 1 << 14
    /// What normalization adds to the variance, and the deviation of fresh weights.
    static let constant = 0.0...10.0
}

extension JSONFile {
    /// A count of at least `least` and at most `most`, or `fallback` where it is absent or null.
    func count(
        _ name: String, from least: Int = 1, to most: Int, default fallback: Int? = nil
    ) throws -> Int {
        let value = try integer(name, minimum: least, default: fallback)
        guard value <= most else {
            throw CheckpointError(url, "‘\(name)’ is \(value); expected at most \(most)")
        }
        return value
    }

    /// A small number that is not negative, or `fallback` where it is absent or null.
    func constant(_ name: String, default fallback: Double) throws -> Double {
        let value = try number(name, default: fallback)
        guard ConfigurationBounds.constant.contains(value) else {
            throw CheckpointError(
                url,
                "‘\(name)’ is \(NumberText.exact(value)); expected 0 to "
                    + NumberText.exact(ConfigurationBounds.constant.upperBound))
        }
        return value
    }

    /// Throws where weights of these canonical names have other blocks `prefix`0, `prefix`1 … than
    /// the `count` that the configuration says: a loader that reads fewer leaves some as they are.
    func checkLayers(
        _ count: Int, named prefix: String, among names: some Sequence<String>
    ) throws {
        let found = names.reduce(0) { most, name in
            guard name.hasPrefix(prefix) else { return most }
            let number = name.dropFirst(prefix.count).prefix { $0 != "." }
            // A number that no configuration may say counts as one more than all of them.
            return max(most, (Int(number).map { min($0, ConfigurationBounds.layers) } ?? -1) + 1)
        }
        guard found > count else { return }
        throw CheckpointError(
            url, "says that the model has \(count) layers, but the weights have \(found)",
            advice: "correct ‘num_hidden_layers’, or remove the layers that are not used")
    }
}
