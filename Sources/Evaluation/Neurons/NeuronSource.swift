import Attacks
import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import TextTokenizers
import Torch
import TorchNN
import Training

/// A model with the samples that it is shown.
public protocol NeuronSource {
    /// The layers whose neurons are watched.
    var sites: [NeuronSite] { get }
    /// The samples, in the order in which they are best shown.
    var order: [Int] { get }
    /// Samples that are best shown at once, at most.
    var largestBatch: Int { get }
    /// In how many samples each trigger is not to be seen.
    var lost: [Int] { get }

    /// The neurons' values in samples with the trigger of that index, or with none: of each layer
    /// [samples, neurons].
    func values(of samples: ArraySlice<Int>, trigger: Int?) throws -> [[Float]]
}

/// A model's files, whose neurons can be told before its weights are read.
public protocol NeuronModel: TaskModel {
    /// What must be alike in another model.
    func shape() throws -> NeuronShape
}

extension TextModelFolder: NeuronModel {
    /// The neurons of its layers.
    public func shape() throws -> NeuronShape {
        let model = try configuration.model(
            parts: [], in: ParameterStore(source: ShapeSource()))
        return NeuronShape(
            model: folder.url, title: configuration.title,
            width: configuration.hiddenSize, sites: model.neurons)
    }
}

extension ImageModelFolder: NeuronModel {
    /// The neurons of its layers.
    public func shape() throws -> NeuronShape {
        let model = try configuration.model(in: ParameterStore(source: ShapeSource()))
        return NeuronShape(
            model: folder.url, title: configuration.title, width: configuration.featureSize,
            sites: model.neurons)
    }
}

/// What must be alike in two models for their neurons to be compared one by one.
public struct NeuronShape {
    let model: URL
    /// What people call it.
    let title: String
    let width: Int
    let sites: [NeuronSite]

    /// Throws where `other` has other layers, neurons or width.
    func check(against other: NeuronShape) throws {
        let alike =
            sites.map(\.name) == other.sites.map(\.name)
            && sites.map(\.count) == other.sites.map(\.count) && width == other.width
        guard !alike else { return }
        throw CheckpointError(
            other.model, "is \(other.text), and cannot be compared with \(model.path), \(text)",
            advice: "name a model of the same shape, such as the first one purified")
    }

    private var text: String {
        "a \(title), \(width) wide, with \(sites.reduce(0) { $0 + $1.count }) neurons"
    }
}
