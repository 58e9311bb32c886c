import Checkpoints
import Foundation
import TestSupport
import Testing
import TextTokenizers
import Torch
import TorchNN

@testable import ModelZoo

/// A fixture's CLIP and the answers of transformers to it.
struct GoldenCLIP {
    let folder: CLIPFolder
    let model: CLIP
    let answers: FixtureTensors
    let names: Set<String>

    /// The CLIP in `file` of the fixture, or the fixture itself; answers may be another's.
    init(
        _ fixture: String, _ file: String? = nil, description: String? = nil,
        answers: String? = nil, trainable: ParameterPattern = .none,
        computeType: DType = .float32
    ) throws {
        let fixture = Fixture(fixture)
        folder = try CLIPFolder(
            file.map(fixture.file) ?? fixture.folder, description: description.map(fixture.file))
        model = try folder.load(
            placement: Placement(computeType: computeType, trainable: trainable))
        self.answers = try (answers.map(Fixture.init) ?? fixture).tensors("expected.safetensors")
        names = Set(self.answers.names)
    }

    /// The captions of the answers under `prefix`.
    func tokens(_ prefix: String = "") throws -> PaddedTokens {
        let ids = try answers[prefix + "ids"]
        let length = ids.shape[1]
        let values = try ids.values(as: Int64.self).map { Int32($0) }
        return PaddedTokens(
            (0..<ids.shape[0]).map { values[$0 * length..<($0 + 1) * length] }, length: length,
            padding: 0)
    }

    func images(_ prefix: String = "", in pass: Pass = .evaluation) throws -> Tensor {
        try model.imageEmbeddings(answers[prefix + "pixels"], in: pass)
    }

    func texts(_ prefix: String = "", in pass: Pass = .evaluation) throws -> Tensor {
        try model.textEmbeddings(tokens(prefix), in: pass)
    }

    /// The symmetric contrastive loss.
    func loss(_ prefix: String = "") throws -> Tensor {
        let logits = try model.logits(images: images(prefix), texts: texts(prefix))
        let labels = try Tensor.arange(0..<logits.shape[0])
        return try 0.5
            * (logits.crossEntropy(labels)
                + logits.transposed(0, 1).crossEntropy(labels))
    }

    /// Expects every answer under `prefix`.
    func expectAnswers(
        _ prefix: String = "", within bound: Double = 1e-5,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let (images, texts) = (try images(prefix), try texts(prefix))
        let features = try model.imageFeatures(answers[prefix + "pixels"], in: .evaluation)
        for (name, found) in [
            ("features", features), ("images", images), ("texts", texts),
            ("logits", try model.logits(images: images, texts: texts)),
            ("loss", try loss(prefix)),
        ] {
            let difference = try relativeDifference(
                found.detached(), answers[prefix + name])
            #expect(difference < bound, "\(prefix)\(name)", sourceLocation: sourceLocation)
        }
    }

    /// Expects the gradient of the loss for every parameter to be the answer under `prefix`.
    func expectGradients(
        _ prefix: String = "", sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try ModelZooTests.expectGradients(
            of: try loss(prefix), for: model.store.parameters, in: answers, under: prefix + "grad/",
            sourceLocation: sourceLocation)
    }
}
