import Checkpoints
import Foundation
import TestSupport
import Testing
import Torch
import TorchNN

@testable import ModelZoo

/// A fixture's image model and the answers of PyTorch to it.
struct GoldenImages {
    let folder: ImageModelFolder
    let model: AnyImageModel
    let answers: FixtureTensors
    let names: Set<String>

    /// The model in `file` of the fixture, or the fixture itself; answers may be another's.
    init(
        _ fixture: String, _ file: String? = nil, description: String? = nil,
        answers: String? = nil, trainable: ParameterPattern = .none,
        computeType: DType = .float32
    ) throws {
        let fixture = Fixture(fixture)
        folder = try ImageModelFolder(
            file.map(fixture.file) ?? fixture.folder, description: description.map(fixture.file))
        model = try folder.load(
            placement: Placement(computeType: computeType, trainable: trainable))
        self.answers = try (answers.map(Fixture.init) ?? fixture).tensors("expected.safetensors")
        names = Set(self.answers.names)
    }

    /// The images of the answers under `prefix`, as the model takes them.
    func pixels(_ prefix: String = "") throws -> Tensor {
        let type = model.store.placement.computeType
        guard names.contains(prefix + "bytes") else {
            return try answers[prefix + "pixels"].channelsLast(as: type)
        }
        return try ImageNormalization()(answers[prefix + "bytes"], as: type)
    }

    func loss(_ prefix: String = "", labels: String = "labels", in pass: Pass) throws -> Tensor {
        try model.classLogits(pixels(prefix), in: pass).cast(to: .float32)
            .crossEntropy(answers[prefix + labels])
    }

    /// Expects the gradient of `loss` for every parameter to be the answer under `prefix`.
    func expectGradients(
        of loss: Tensor, _ prefix: String = "", sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try ModelZooTests.expectGradients(
            of: loss, for: model.store.parameters, in: answers, under: prefix + "grad/",
            sourceLocation: sourceLocation)
    }
}
