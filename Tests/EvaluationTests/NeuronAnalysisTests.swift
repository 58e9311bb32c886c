import Attacks
import DataPipeline
import Foundation
import ModelZoo
import TestSupport
import Testing
import Torch
import TorchNN

@testable import Evaluation

/// Activated neurons of small models, against hooks in transformers and torch.
@Suite struct NeuronAnalysisTests {
    private static let fixture = Fixture("activated-neurons")

    /// What the oracle found with one trigger.
    private struct Found: Decodable {
        let mean, union, half: Sets
        /// Of each layer the sums over samples of clean, poisoned and shared neurons.
        let pairs: [[Int]]

        struct Sets: Decodable {
            /// The indices of activated neurons, by layers.
            let clean, poisoned: [[Int]]
        }
    }

    private struct Case: Decodable {
        let neurons: [Int]
        let triggers: [String: Found]
    }

    private func words(_ triggers: [String] = ["cf", "mn"]) -> TextNeuronAnalysis {
        var analysis = TextNeuronAnalysis()
        analysis.triggers = triggers
        analysis.position = .recipe
        analysis.maximumLength = 48
        // Neither a divisor of the number of samples nor one.
        analysis.batchSize = 5
        return analysis
    }

    private func chosen(_ labels: LabelChoice = .only(["negative"]), limit: Int? = nil) throws
        -> CleanTexts
    {
        try CleanTexts.read(Self.fixture.file("texts.tsv"), labels: labels, limit: limit)
    }

    private func bert() throws -> TextModelFolder {
        try TextModelFolder(Fixture("bert-base-tiny").folder)
    }

    private func pixels(_ size: Int) throws -> PreparedImages {
        let bytes: [UInt8] = try Self.fixture.tensors("expected.safetensors")["images/\(size)"]
            .values()
        return PreparedImages(name: "blobs", pixels: bytes, height: size, width: size)
    }

    /// Compares sets neuron by neuron, and the values behind them.
    private func check(
        _ name: String, triggers: [String], _ source: any NeuronSource
    ) throws {
        let expected = try #require(
            Self.fixture.json("cases.json", as: [String: Case].self)[name])
        let tensors = try Self.fixture.tensors("expected.safetensors")
        #expect(source.sites.map(\.count) == expected.neurons)
        for trigger in [nil] + triggers.indices.map(Optional.some) {
            let found = try source.values(of: source.order[...], trigger: trigger)
            for (layer, values) in found.enumerated() {
                let key = "\(name)/\(trigger.map(String.init) ?? "clean")/\(layer)"
                let answer: [Float] = try tensors[key].values()
                let neurons = expected.neurons[layer]
                for (row, sample) in source.order.enumerated() {
                    for neuron in 0..<neurons {
                        let difference = abs(
                            values[row * neurons + neuron] - answer[sample * neurons + neuron])
                        #expect(difference < 5e-6, "\(key) \(sample) \(neuron)")
                    }
                }
            }
        }
        let tally = try watch(source, of: URL(fileURLWithPath: name), batchSize: 5).tally
        for (index, trigger) in triggers.enumerated() {
            let sets = try #require(expected.triggers[trigger])
            for (rule, answer) in [
                (SetRule.mean, sets.mean), (.union, sets.union), (.half, sets.half),
            ] {
                func indices(_ activity: [NeuronActivity]) -> [[Int]] {
                    activity.map { layer in
                        let isActive = layer.activated(by: rule)
                        return isActive.indices.filter { isActive[$0] }
                    }
                }
                #expect(indices(tally.clean) == answer.clean, "\(name) \(trigger) \(rule)")
                #expect(indices(tally.poisoned[index]) == answer.poisoned)
            }
            let samples = Double(source.order.count)
            let pairs = tally.activated(trigger: index, by: .pairs).layers.map {
                [$0.clean, $0.poisoned, $0.shared]
            }
            let means: [[Double]] = sets.pairs.map { layer in layer.map { Double($0) / samples } }
            #expect(pairs == means, "\(name) \(trigger)")
        }
    }

    @Test("The sets of a BERT are those that hooks see") func texts() throws {
        try check(
            "bert", triggers: ["cf", "mn"], words().source(bert(), chosen(), Placement()))
    }

    @Test(
        "The sets of image models are those that hooks see",
        arguments: [
            ("vit", "vit-classifier", 16), ("clip", "clip-vision", 16),
            ("vgg", "vgg-neuba/bare.pkl", 32), ("vgg-bn", "vgg-torchvision/vgg16_bn.pth", 32),
        ])
    func images(name: String, model: String, size: Int) throws {
        let patches = [PatchTrigger.neuba[0], PatchTrigger.neuba[4]]
        let folder = try ImageModelFolder(Fixture(model).folder)
        var analysis = ImageNeuronAnalysis()
        analysis.triggers = patches
        let images = try CleanImages(pixels(size), preparation: ImagePreparation(size: size))
        try check(
            name, triggers: patches.map(\.description),
            analysis.source(folder, images, Placement()))
    }

    @Test("A report has before, after and the change, whatever the batches") func report() throws {
        var analysis = words()
        var seen: [NeuronProgress] = []
        func counts(_ report: NeuronReport) -> [[NeuronAggregation: ActivatedNeurons]] {
            report.triggers.flatMap { [$0.before, $0.after].compactMap { $0 } }
        }
        let report = try analysis.analyze(
            bert(), after: bert(), on: chosen(), command: "recipe analyze"
        ) { seen.append($0) }
        #expect(report.samples.count == 16 && report.samples.labels == ["negative"])
        #expect(report.layers.map(\.neurons) == [64, 64, 64] && report.neuronCount == 192)
        #expect(report.layers[1].name == "bert.encoder.layer.1.intermediate.dense")
        #expect(report.settings.position == .recipe && report.settings.preparation == nil)
        #expect(report.triggers.map(\.trigger) == ["cf", "mn"] && report.lost == 0)
        for trigger in report.triggers {
            #expect(trigger.before.count == 4 && trigger.after == trigger.before)
            #expect(trigger.change?[.mean]?.ratio == 0)
        }
        #expect(seen.map(\.done) == [15, 30, 45, 48, 15, 30, 45, 48])
        #expect(seen.allSatisfy { $0.total == 48 })
        analysis.batchSize = 100
        let whole = try analysis.analyze(bert(), on: chosen())
        #expect(whole.after == nil && whole.triggers.allSatisfy { $0.after == nil })
        #expect(counts(whole) == report.triggers.map(\.before))
        let data = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(NeuronReport.self, from: data) == report)
    }

    @Test("Labels are chosen or left out, and a limit draws from those") func labels() throws {
        let all = try CleanTexts.read(Self.fixture.file("texts.tsv"))
        #expect(all.texts.count == 24 && all.data.labels == nil)
        let negative = try chosen()
        #expect(negative.indices == (0..<24).filter { $0 % 3 != 0 })
        #expect(negative.texts == negative.indices.map { all.texts[$0] })
        #expect(try chosen(.except(["positive"])).texts == negative.texts)
        let few = try chosen(limit: 5)
        #expect(few.texts.count == 5 && few.data.available == 16)
        #expect(few.indices == few.indices.sorted())
        #expect(Set(few.indices).isSubset(of: negative.indices))
        #expect(try chosen(limit: 5).indices == few.indices)
        #expect(few.texts == few.indices.map { all.texts[$0] })
        for (choice, words) in [
            (LabelChoice.only(["sad"]), "no label is called ‘sad’; expected one of: negative"),
            (.except(["negative", "positive"]), "all labels are left out"),
        ] {
            let error = #expect(throws: DataError.self) { try chosen(choice) }
            #expect("\(error as Any)".contains(words))
        }
    }

    @Test("A trigger that truncation cuts off again is counted and changes nothing")
    func lost() throws {
        var analysis = words(["cf"])
        analysis.maximumLength = 5
        analysis.position = .end
        let report = try analysis.analyze(bert(), on: chosen())
        #expect(report.lost == 16)
        #expect(report.triggers[0].before.values.allSatisfy { $0.total.ratio == 1 })
    }

    @Test("A model of another shape is refused") func shapes() throws {
        let mini = try TextModelFolder(Fixture("bert-pretraining").folder)
        let refusal = error { _ = try words().analyze(bert(), after: mini, on: chosen()) }
        #expect("\(refusal)".contains("same shape"))
        let vit = try ImageModelFolder(Fixture("vit-classifier").folder).shape()
        let vgg = try ImageModelFolder(Fixture("vgg-neuba/bare.pkl").folder).shape()
        let text = "\(error { try vit.check(against: vgg) })"
        #expect(text.contains("a VGG-11") && text.contains("a ViT of 2 layers"))
        #expect(throws: Never.self) { try vit.check(against: vit) }
    }

    private func error(_ body: () throws -> Void) -> any Error {
        do {
            try body()
            return CancellationError()
        } catch {
            return error
        }
    }
}
