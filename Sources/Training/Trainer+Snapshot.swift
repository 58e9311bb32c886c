import Checkpoints
import DataPipeline
import Foundation
import TensorFormats
import Torch
import TorchNN

extension Trainer {
    /// Writes everything a run needs to go on exactly: trained parameters, optimizer state, step.
    ///
    /// Randomness needs nothing saved, for every batch and mask is a function of its number.
    public func save(to url: URL) throws {
        var tensors = try trainedParameters.map {
            try StoredTensor(name: "parameter." + $0.name, $0.tensor.detached())
        }
        tensors += try optimizer.stateTensors.map {
            try StoredTensor(name: "optimizer." + $0.name, $0.tensor)
        }
        try SafetensorsWriter.write(
            tensors,
            metadata: [
                "step": String(stepsDone), "steps": String(totalSteps),
                "settings": try fingerprint(),
                "norms": watchedNorms.map { String($0) }.joined(separator: " "),
            ], to: url)
    }

    /// Goes on from a snapshot of the same run.
    ///
    /// Throws `TrainingError` where the snapshot is of another run: other settings, seed, data size
    /// or model.
    public func restore(from url: URL) throws {
        let archive = try TensorArchive.open(url)
        func refuse(_ reason: String) -> TrainingError {
            TrainingError(
                "\(url.path): \(reason); start afresh, or resume with what it was made with")
        }
        guard let step = archive.metadata["step"].flatMap({ Int($0) }),
            archive.metadata["steps"] == String(totalSteps),
            (0...totalSteps).contains(step)
        else { throw refuse("is not a snapshot of a run of \(totalSteps) steps") }
        guard archive.metadata["settings"] == (try fingerprint()) else {
            throw refuse("was made with other settings, texts or another seed")
        }
        let norms = (archive.metadata["norms"] ?? "").split(separator: " ").compactMap {
            Double($0)
        }
        let isSameModel =
            norms.count == watchedNorms.count
            && zip(norms, watchedNorms).allSatisfy { abs($0 - $1) <= 1e-5 * max($0, $1) }
        guard isSameModel else { throw refuse("began from another model") }
        for parameter in trainedParameters {
            guard let stored = archive["parameter." + parameter.name],
                stored.shape == parameter.tensor.shape
            else { throw refuse("has no tensor for ‘\(parameter.name)’ in its shape") }
            try withoutGradients { try parameter.tensor.assign(stored.tensor()) }
        }
        try optimizer.restore { try archive["optimizer." + $0]?.tensor() }
        resume(after: step, initialNorms: norms)
    }
}
