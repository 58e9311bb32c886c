import Checkpoints
import DataPipeline
import Foundation
import ModelZoo
import TensorFormats
import TestSupport
import Testing
import TextTokenizers
import Torch
import TorchNN
import Training

@testable import Defenses

/// Models out of which fine-pruning has taken neurons.
@Suite struct NeuronPruningTests {
    private let texts = ["a b c d e f", "b c d e f g", "h i", "the film", "k", "a a b", "j k l m"]

    private func pruning(
        _ method: FinePruning.Method, _ defaults: PaperDefaults = BERT.paperDefaults
    ) -> FinePruning {
        var pruning = FinePruning(method, defaults: defaults)
        pruning.precision = .fp32
        pruning.batchSize = 3
        return pruning
    }

    private func task(_ folder: TextModelFolder) throws -> TextTask {
        try TextTask(folder, texts: texts, .init(maximumLength: 12))
    }

    /// Random images that fit the model.
    private func images(_ folder: ImageModelFolder, count: Int = 7) -> PreparedImages {
        let size = folder.configuration.imageSize
        var numbers = RandomNumbers(seed: 4)
        let pixels = (0..<count * size.height * size.width * 3).map { _ in
            UInt8.random(in: 0...255, using: &numbers)
        }
        return PreparedImages(
            name: "noise", pixels: pixels, height: size.height, width: size.width)
    }

    /// Expects the pruned rows to be zero in `after`, and every other byte to be as in `before`.
    private func expectPruned(
        _ report: Purification<FinePruning>.Report, _ sites: [NeuronSite], _ before: ModelFolder,
        _ after: ModelFolder, _ dialect: Dialect,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let comparison = try FolderComparison(before: before, after: after)
        // The card is new, of a folder.
        #expect(comparison.dropIn)
        #expect(comparison.changedFiles == (before.isFile ? [] : ["README.md"]))
        #expect(Set(comparison.changed.map(\.name)) == Set(report.changed))
        let rows = try report.silenced.rows(at: sites)
        #expect(try !rows.isEmpty && report.silenced.layers.map(\.name) == sites.map(\.name))
        let old = try dialect.canonicalized(before.weights.tensors)
        let new = try dialect.canonicalized(after.weights.tensors)
        var seen: Set<String> = []
        for (old, new) in zip(old, new) {
            let zeros = Set(rows[old.name] ?? [])
            if !zeros.isEmpty { seen.insert(old.name) }
            let (a, b) = (old.bytes.copy(), new.bytes.copy())
            let size = a.count / max(1, old.shape.first ?? 1)
            for row in 0..<(old.shape.first ?? 1) {
                let place = row * size..<(row + 1) * size
                let isRight =
                    zeros.contains(row) ? b[place].allSatisfy { $0 == 0 } : a[place] == b[place]
                #expect(isRight, "row \(row) of \(old.name)", sourceLocation: sourceLocation)
            }
        }
        #expect(seen == Set(rows.keys), sourceLocation: sourceLocation)
    }

    static let berts = [
        "bert-pretraining", "bert-float16", "bert-bfloat16", "bert-sharded", "bert-strided-bin",
        "bert-gamma-beta-zip", "bert-bare-model",
    ]

    @Test("Rows of a BERT are zero, and every other byte is as it was", arguments: berts)
    func bert(_ name: String) throws {
        try withTemporaryFolder { scratch in
            let input = try Fixture(name).copyModel(to: scratch.appending(path: "in"))
            let folder = try TextModelFolder(input)
            for (method, count) in [
                (FinePruning.Method.lastLayer, 32), (.globalModerate, 21), (.globalAggressive, 32),
            ] {
                let output = scratch.appending(path: method.rawValue)
                let report = try Purification(pruning(method)).run(
                    task(folder), output: output)
                #expect(try report.silenced.count == count && report.silenced.neurons == 64)
                #expect(report.data.count == 7 && report.texts?.texts == 7)
                let model = try folder.load(parts: [], placement: Placement())
                try expectPruned(
                    report, model.neurons, folder.folder, ModelFolder.open(output),
                    folder.dialect)
                #expect(
                    !FileManager.default.fileExists(atPath: output.path + "/pruned-neurons.json"))
            }
        }
    }

    @Test("What is pruned is what a text at a time activates least") func least() throws {
        try withTemporaryFolder { scratch in
            let folder = try TextModelFolder(
                Fixture("bert-pretraining").copyModel(to: scratch.appending(path: "in")))
            let model = try folder.load(parts: [], placement: Placement())
            var sums = [Double](repeating: 0, count: 64)
            let tokenizer = try folder.tokenizer()
            for ids in tokenizer.encodeAll(texts, maximumLength: 12) {
                var place = 0
                try model.readNeurons(TokenInput(TokenBatch([ids]), device: .cpu)) { reading in
                    for value in try reading.values.values(as: Double.self) {
                        sums[place] += value
                        place += 1
                    }
                }
            }
            let order = (0..<64).sorted { sums[$0] < sums[$1] }.prefix(21)
            let report = try Purification(pruning(.globalModerate)).run(
                task(folder), output: scratch.appending(path: "out"))
            let pruned = try report.silenced.layers.enumerated().flatMap { layer, found in
                found.pruned.map { layer * 32 + $0 }
            }
            #expect(Set(pruned) == Set(order))
        }
    }

    static let imageModels: [(String, String?, String?, Int)] = [
        ("vit-classifier", nil, nil, 32), ("vit-names", "timm.safetensors", "description.json", 32),
        ("vit-names", "pretrained.pth", "description.json", 32), ("clip-tiny", nil, nil, 0),
        ("clip-names", "module.safetensors", "description.json", 0),
        ("vgg-neuba", "neuba-vgg.pkl", nil, 31), ("vgg-torchvision", "vgg16_bn.pth", nil, 51),
    ]

    @Test("So it is with image models, under whichever names", arguments: imageModels)
    func images(
        _ fixture: String, _ file: String?, _ description: String?, _ neurons: Int
    ) throws {
        try withTemporaryFolder { scratch in
            let source = Fixture(fixture)
            let folder = try ImageModelFolder(
                file.map(source.file) ?? source.copyModel(to: scratch.appending(path: "in")),
                description: description.map(source.file))
            let defaults = folder.configuration.paperDefaults
            for method in FinePruning.Method.allCases {
                let output = scratch.appending(path: method.rawValue)
                let settings = pruning(method, defaults)
                let report = try Purification(settings).run(
                    ImageTask(folder, images: images(folder)), output: output)
                #expect(try neurons == 0 || report.silenced.neurons == neurons)
                let model = try folder.load(head: .none)
                let count = try settings.count(at: model.neurons, defaults.pruning)
                #expect(try report.silenced.count == count && count > 0)
                let after = try ImageModelFolder(
                    file.map { output.appending(path: $0) } ?? output,
                    description: description.map(source.file))
                try expectPruned(
                    report, model.neurons, folder.folder, after.folder, folder.dialect)
                try expectSilent(report, after)
            }
        }
    }

    /// Expects that pruned neurons are zero whatever they read, behind batch normalization too.
    private func expectSilent(
        _ report: Purification<FinePruning>.Report, _ folder: ImageModelFolder
    ) throws {
        let model = try folder.load(head: .none)
        let batch = images(folder, count: 2).batch([0, 1])
        var layers = try report.silenced.layers[...]
        try model.readNeurons(folder.processor.normalization(batch, for: model)) { reading in
            let layer = try #require(layers.first)
            layers.removeFirst()
            let means = try reading.means(.absolute).values(as: Double.self)
            for sample in 0..<2 {
                for neuron in layer.pruned {
                    #expect(means[sample * reading.site.count + neuron] == 0)
                }
            }
        }
        #expect(layers.isEmpty)
    }

    @Test("Neurons that are held at zero are recorded with the model, with those before them")
    func frozen() throws {
        try withTemporaryFolder { scratch in
            let input = try Fixture("bert-pretraining").copyModel(to: scratch.appending(path: "in"))
            var pruning = pruning(.lastLayer)
            pruning.mask = .frozen
            pruning.count = 5
            func run(_ from: URL, _ name: String) throws -> Purification<FinePruning>.Report {
                try Purification(pruning).run(
                    task(TextModelFolder(from)), output: scratch.appending(path: name))
            }
            let first = try run(input, "first")
            let held = try #require(
                try PrunedNeurons(with: ModelFolder.open(scratch.appending(path: "first"))))
            #expect(try held == first.silenced && held.count == 5)
            // The pruned ones are at zero now, and no longer the least.
            pruning.method = .globalModerate
            let second = try run(scratch.appending(path: "first"), "second")
            let both = try #require(
                try PrunedNeurons(with: ModelFolder.open(scratch.appending(path: "second"))))
            #expect(try both == second.silenced.joined(with: first.silenced) && both.count > 5)
            pruning.mask = .initial
            _ = try run(scratch.appending(path: "first"), "third")
            #expect(
                try PrunedNeurons(with: ModelFolder.open(scratch.appending(path: "third"))) == held)
            // A record that is none is refused, by name.
            try Data("{}".utf8).write(to: input.appending(path: "pruned-neurons.json"))
            let error = #expect(throws: CheckpointError.self) {
                try PrunedNeurons(with: ModelFolder.open(input))
            }
            #expect(error?.description.contains("no record of pruned neurons") == true)
        }
    }

    @Test("RECIPE after pruning: a weight of norm zero stays, without a NaN") func recipe() throws {
        try withTemporaryFolder { scratch in
            let input = try Fixture("bert-base-tiny").copyModel(to: scratch.appending(path: "in"))
            let pruned = scratch.appending(path: "pruned")
            _ = try Purification(pruning(.lastLayer)).run(
                task(TextModelFolder(input)), output: pruned)
            var recipe = RECIPE(defaults: BERT.paperDefaults)
            recipe.run.training.epochs = 2
            recipe.run.batchSize = 4
            recipe.run.training.learningRate = 1e-2
            recipe.run.precision = .fp32
            recipe.pretrainingLoss = .none
            let last = "bert.encoder.layer.2.intermediate.dense.weight"
            let report = try Purification(recipe).run(
                task(TextModelFolder(pruned)), output: scratch.appending(path: "out"))
            #expect(try report.trained.normRatios[last] == 1)
            #expect(try report.trained.normRatios.values.allSatisfy { $0.isFinite && $0 <= 1 })
            #expect(report.changed.count == 2 && !report.changed.contains(last))
            // With the pre-training loss it may grow back; all numbers stay numbers.
            recipe.pretrainingLoss = .own
            let both = try Purification(recipe).run(
                task(TextModelFolder(pruned)), output: scratch.appending(path: "both"))
            #expect(try both.trained.finalTerms.values.allSatisfy { $0.isFinite })
            let state = try ModelFolder.open(scratch.appending(path: "both")).weights
            let tensors = try state.tensors.map { try $0.tensor() }
            #expect(try Tensor.areFinite(tensors))
        }
    }
}
