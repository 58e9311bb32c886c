import Checkpoints
import Files
import Foundation
import JSON
import TorchNN
import Training

/// Which neurons of a model were pruned: `pruned-neurons.json`.
public struct PrunedNeurons: Sendable, Codable, Equatable {
    /// What becomes of pruned neurons when the model is trained further.
    public enum Mask: String, Sendable, Codable, CaseIterable {
        /// They begin at zero and may grow back.
        case initial
        /// They stay at zero.
        case frozen
    }

    /// The pruned neurons of one layer.
    public struct Layer: Sendable, Codable, Equatable {
        /// The layer's name, as in `bert.encoder.layer.3.intermediate.dense`.
        public var name: String
        /// How many neurons the layer has.
        public var neurons: Int
        /// Those that were pruned, counted from 0, in order.
        public var pruned: [Int]

        /// A layer of so many neurons, some pruned.
        public init(name: String, neurons: Int, pruned: [Int]) {
            self.name = name
            self.neurons = neurons
            self.pruned = pruned
        }
    }

    /// The name of the file.
    public static let file = "pruned-neurons.json"

    /// What becomes of them in training.
    public var mask: Mask
    /// All layers that have neurons, in the model's order.
    public var layers: [Layer]

    /// These neurons.
    public init(mask: Mask, layers: [Layer]) {
        self.mask = mask
        self.layers = layers
    }

    /// Neurons of all layers.
    public var neurons: Int { layers.reduce(0) { $0 + $1.neurons } }
    /// How many were pruned.
    public var count: Int { layers.reduce(0) { $0 + $1.pruned.count } }

    // MARK: Reading and writing

    /// The record that lies with a model, nil where none does.
    ///
    /// Throws `CheckpointError` where it cannot be read.
    public init?(with folder: ModelFolder) throws {
        let place = folder.isFile ? folder.url.deletingLastPathComponent() : folder.url
        let url = place.appendingPathComponent(Self.file)
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        do {
            let data = try BoundedRead.data(of: url, atMost: JSONValue.maximumFileBytes)
            self = try JSONDecoder().decodeStrictly(PrunedNeurons.self, from: data)
        } catch {
            throw CheckpointError(
                url, "is no record of pruned neurons",
                advice: "take it away, or prune the model again")
        }
    }

    /// Writes the record into a folder.
    public func write(to folder: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var data = try encoder.encode(self)
        data.append(UInt8(ascii: "\n"))
        try atomicWrite(data, to: folder.appendingPathComponent(Self.file))
    }

    /// These and those of an earlier record of the same model.
    func joined(with earlier: PrunedNeurons?) -> PrunedNeurons {
        var joined = self
        for layer in earlier?.layers ?? [] {
            if let index = joined.layers.firstIndex(where: { $0.name == layer.name }) {
                joined.layers[index].pruned = Set(joined.layers[index].pruned)
                    .union(layer.pruned).sorted()
            }
        }
        return joined
    }

    // MARK: Rows

    /// The rows of each parameter, by name, that are the pruned neurons' at `sites`.
    ///
    /// Throws `TrainingError` where the record is of another model.
    public func rows(at sites: [NeuronSite]) throws -> [String: [Int]] {
        var rows: [String: [Int]] = [:]
        for layer in layers where !layer.pruned.isEmpty {
            guard let site = sites.first(where: { $0.name == layer.name }),
                site.count == layer.neurons, layer.pruned.allSatisfy((0..<site.count).contains)
            else {
                throw TrainingError(
                    "\(Self.file) tells of \(layer.neurons) neurons in ‘\(layer.name)’, which the "
                        + "model has not: it belongs to another model; take it away")
            }
            for parameter in site.parameters { rows[parameter] = layer.pruned }
        }
        return rows
    }
}

extension ModelFolder {
    /// The rows that training the model must leave at zero, by the parameter's name: those of
    /// neurons that were pruned for good.
    ///
    /// Throws where a record of pruned neurons lies with the model, but is none or another's.
    public func rowsHeldAtZero(at sites: [NeuronSite]) throws -> [String: [Int]] {
        guard let pruned = try PrunedNeurons(with: self), pruned.mask == .frozen else { return [:] }
        return try pruned.rows(at: sites)
    }
}
