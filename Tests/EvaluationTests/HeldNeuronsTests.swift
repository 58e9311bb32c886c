import Checkpoints
import DataPipeline
import Defenses
import Foundation
import ModelZoo
import Randomness
import TestSupport
import Testing
import TextTokenizers
import Torch
import TorchNN
import Training

@testable import Evaluation

/// Fine-tuning of models whose neurons were pruned.
@Suite struct HeldNeuronsTests {
    private let texts = ["a b c d", "b c d e", "c d e f", "d e f g", "a c", "b d"]

    /// The model with five neurons of its last layer pruned.
    private func pruned(_ mask: PrunedNeurons.Mask, in scratch: URL) throws -> TextModelFolder {
        let input = try Fixture("bert-pretraining").copyModel(to: scratch.appending(path: "in"))
        var pruning = FinePruning(.lastLayer, defaults: BERT.paperDefaults)
        pruning.count = 5
        pruning.precision = .fp32
        pruning.mask = mask
        let output = scratch.appending(path: "out")
        _ = try Purification(pruning).run(
            TextTask(TextModelFolder(input), texts: texts, .init(maximumLength: 12)), output: output
        )
        return try TextModelFolder(output)
    }

    /// Rows of the last layer's weight that are all zeros, and zeros in its bias.
    private func zeros(_ model: AnyTextModel) throws -> [Int] {
        let name = "bert.encoder.layer.1.intermediate.dense"
        let weight = try #require(model.store[name + ".weight"]).detached()
        let bias = try #require(model.store[name + ".bias"]).detached().values(as: Double.self)
        let sizes = try weight.magnitude().sum(over: [1]).values(as: Double.self)
        return [sizes.count { $0 == 0 }, bias.count { $0 == 0 }]
    }

    @Test(
        "Pruned neurons stay at zero, or grow back",
        arguments: [(PrunedNeurons.Mask.frozen, 5), (.initial, 0)])
    func finetuned(_ mask: PrunedNeurons.Mask, _ left: Int) throws {
        try withTemporaryFolder { scratch in
            let folder = try pruned(mask, in: scratch)
            let tokenizer = try folder.tokenizer()
            var settings = TextEvaluator()
            settings.fineTuning.precision = .fp32
            settings.fineTuning.batchSize = 2
            settings.fineTuning.training.learningRate = 1e-3
            let trainer = try settings.trainer(
                on: folder, texts: tokenizer.encodeAll(texts, maximumLength: 12),
                labels: [0, 1, 0, 1, 0, 1], labelCount: 2, seed: Seed(1),
                device: .cpu)
            #expect(try zeros(trainer.model) == [5, 5])
            while try trainer.next() != nil {}
            #expect(try zeros(trainer.model) == [left, left])
        }
    }

    @Test("Channels of a VGG with batch normalization stay silent, too") func channels() throws {
        try withTemporaryFolder { scratch in
            let file = Fixture("vgg-torchvision").file("vgg16_bn.pth")
            let bytes = (0..<41_472).map { (place: Int) -> UInt8 in UInt8(place * 7 % 251) }
            let images = PreparedImages(
                name: "noise", pixels: bytes,
                height: 48, width: 48, labels: [0, 1, 0, 1, 0, 1], classNames: ["a", "b"])
            var pruning = try FinePruning(
                .globalAggressive, defaults: ImageModelFolder(file).configuration.paperDefaults)
            pruning.precision = .fp32
            pruning.mask = .frozen
            let output = scratch.appending(path: "out")
            let report = try Purification(pruning).run(
                ImageTask(ImageModelFolder(file), images: images), output: output)
            let cleaned = try ImageModelFolder(output)
            var settings = ImageEvaluator(
                FineTuning(cleaned.configuration.paperDefaults.fineTuning))
            settings.fineTuning.precision = .fp32
            settings.fineTuning.training.epochs = 2
            settings.fineTuning.batchSize = 3
            settings.fineTuning.training.learningRate = 0.05
            let trainer = try settings.trainer(
                on: cleaned, images: images, seed: Seed(1), device: .cpu)
            while try trainer.next() != nil {}
            let rows = try #require(report.pruned).rows(at: trainer.model.neurons)
            #expect(rows.count >= 4)
            for (name, held) in rows {
                let tensor = try #require(trainer.model.store[name]).detached()
                for row in held {
                    let values = try tensor.narrowed(0, from: row, length: 1).values(as: Float.self)
                    #expect(values.allSatisfy { $0 == 0 }, "\(name) \(row)")
                }
            }
        }
    }

    @Test("A record of another model's neurons is refused") func foreign() throws {
        try withTemporaryFolder { scratch in
            let folder = try pruned(.frozen, in: scratch)
            let file = folder.folder.url.appending(path: PrunedNeurons.file)
            var record = try #require(try PrunedNeurons(with: folder.folder))
            record.layers[1].neurons = 33
            try record.write(to: folder.folder.url)
            #expect(FileManager.default.fileExists(atPath: file.path))
            let error = #expect(throws: TrainingError.self) {
                try TextEvaluator().trainer(
                    on: folder, texts: [[2, 7, 3]], labels: [0], labelCount: 2, seed: Seed(1),
                    device: .cpu)
            }
            #expect(error?.description.contains("belongs to another model") == true)
        }
    }
}
