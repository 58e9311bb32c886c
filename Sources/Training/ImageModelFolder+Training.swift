import DataPipeline
import ModelZoo
import Randomness
import Torch
import TorchNN

extension ImageModelFolder {
    /// Whether the checkpoint's own head can be trained on the classes of `images`.
    ///
    /// Only their number is known: what the classes of a pre-trained head mean is in no file.
    public func hasHead(for images: PreparedImages) -> Bool {
        configuration.labelCount == images.classNames.count
    }

    /// What a user is told where the checkpoint's own head could not be trained.
    public static let fittedHeadWarning =
        "the model has no head for the images' classes: one was fitted first, and is not part of "
        + "the output"

    /// The model with a head for the classes of `images`: the checkpoint's own where it has as many,
    /// else one that is fitted on the features first.
    public func loadForTraining(
        images: PreparedImages, fitting: HeadFitting, precision: Precision, seed: Seed,
        _ placement: Placement, observe: (TrainingEvent) -> Void = { _ in }
    ) throws -> AnyImageModel {
        guard !images.classNames.isEmpty else {
            throw TrainingError(
                "the images of \(images.name) have no classes, which this training needs")
        }
        if hasHead(for: images) { return try load(placement: placement, seed: seed) }
        let head = try fitting.head(
            for: self, images: images, precision: precision, seed: seed,
            device: placement.device, observe: observe)
        let model = try load(
            placement: placement, head: .fresh(labels: images.classNames.count), seed: seed)
        try withoutGradients {
            for parameter in head {
                try model.store[parameter.name]?.assign(parameter.tensor)
            }
        }
        return model
    }
}
