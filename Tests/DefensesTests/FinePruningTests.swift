import DataPipeline
import ModelZoo
import Testing
import Torch
import TorchNN
import Training

@testable import Defenses

/// Which neurons fine-pruning chooses.
@Suite struct FinePruningTests {
    private func sites(_ counts: [Int]) -> [NeuronSite] {
        counts.enumerated().map { NeuronSite(name: "\($0)", count: $1, activation: .gelu) }
    }

    private let bert = BERT.paperDefaults
    private let vision = CLIP.paperDefaults
    private let vgg = ImageConfiguration(VGGConfiguration()).paperDefaults

    @Test("Counts are the paper's") func counts() throws {
        let base = sites([Int](repeating: 3072, count: 12))
        let channelsOfVGG = sites(
            [64, 64, 128, 128, 256, 256, 256] + [Int](repeating: 512, count: 6))
        #expect(channelsOfVGG.reduce(0) { $0 + $1.count } == 4224)
        let cases: [(FinePruning.Method, Int, Int, Int)] = [
            (.lastLayer, 3072, 3072, 511), (.globalModerate, 12288, 12288, 512),
            (.globalAggressive, 18432, 15360, 600),
        ]
        for (method, ofBERT, transformer, channels) in cases {
            #expect(
                try FinePruning(method, defaults: bert).count(at: base, bert.pruning) == ofBERT)
            #expect(
                try FinePruning(method, defaults: vision)
                    .count(at: base, vision.pruning) == transformer)
            #expect(
                try FinePruning(method, defaults: vgg).count(at: channelsOfVGG, vgg.pruning)
                    == channels)
        }
        #expect(FinePruning(.lastLayer, defaults: vgg).statistic == .post)
        #expect(FinePruning(.lastLayer, defaults: bert).statistic == .signed)
        var own = FinePruning(.lastLayer, defaults: bert)
        own.count = 3072
        #expect(try own.count(at: base, bert.pruning) == 3072)
        own.count = 3073
        let error = #expect(throws: TrainingError.self) { try own.count(at: base, bert.pruning) }
        #expect(error?.description.contains("--prune 3073: fp chooses among 3072") == true)
    }

    /// Two samples over two layers of three neurons.
    private func statistics() throws -> ActivationStatistics {
        let sites = sites([3, 3])
        var statistics = ActivationStatistics(of: sites)
        func add(_ values: [Float], _ layer: Int) throws {
            try statistics.add(
                NeuronReading(site: sites[layer], values: Tensor(values, shape: [2, 1, 3])))
        }
        // Means: 1, -2, 0 and 0, -2, 3; of magnitudes: 1, 2, 4 and 0, 3, 3.
        try add([1, -2, 4, 1, -2, -4], 0)
        try add([0, 1, 3, 0, -5, 3], 1)
        return statistics
    }

    @Test("One order over all layers; equal means go by layer, then by index") func order() throws {
        let statistics = try statistics()
        func chosen(
            _ method: FinePruning.Method, _ count: Int, _ statistic: ActivationStatistic
        ) throws -> [[Int]] {
            var pruning = FinePruning(method, defaults: bert)
            pruning.count = count
            pruning.statistic = statistic
            return try pruning.choice(by: statistics, bert.pruning).layers.map(\.pruned)
        }
        #expect(try chosen(.globalModerate, 1, .signed) == [[1], []])
        #expect(try chosen(.globalModerate, 2, .signed) == [[1], [1]])
        #expect(try chosen(.globalModerate, 3, .signed) == [[1, 2], [1]])
        #expect(try chosen(.globalModerate, 4, .signed) == [[1, 2], [0, 1]])
        #expect(try chosen(.globalAggressive, 3, .absolute) == [[0, 1], [0]])
        #expect(try chosen(.globalAggressive, 4, .absolute) == [[0, 1], [0, 1]])
        #expect(try chosen(.lastLayer, 1, .signed) == [[], [1]])
        #expect(try chosen(.lastLayer, 2, .post) == [[], [0, 1]])
        #expect(try chosen(.globalModerate, 6, .post) == [[0, 1, 2], [0, 1, 2]])
    }

    @Test("Activations that are no numbers are refused, with their place") func notFinite() throws {
        let sites = sites([2])
        var statistics = ActivationStatistics(of: sites)
        try statistics.add(
            NeuronReading(
                site: sites[0], values: Tensor([1, Float.nan], shape: [1, 1, 2])))
        let error = #expect(throws: TrainingError.self) {
            try FinePruning(.lastLayer, defaults: bert).choice(by: statistics, bert.pruning)
        }
        #expect(error?.description.contains("neuron 1 of ‘0’") == true)
    }

    @Test("A record is of one model, and joins with an earlier one") func record() throws {
        let sites = sites([3, 3])
        let first = PrunedNeurons(
            mask: .frozen,
            layers: [
                .init(name: "0", neurons: 3, pruned: [2]), .init(name: "1", neurons: 3, pruned: []),
            ])
        #expect(first.count == 1)
        #expect(try first.rows(at: sites) == ["0.weight": [2], "0.bias": [2]])
        var second = first
        second.layers[0].pruned = [0]
        second.layers[1].pruned = [1]
        #expect(second.joined(with: first).layers.map(\.pruned) == [[0, 2], [1]])
        #expect(second.joined(with: nil) == second)
        for wrong in [
            PrunedNeurons.Layer(name: "7", neurons: 3, pruned: [0]),
            .init(name: "0", neurons: 4, pruned: [0]), .init(name: "0", neurons: 3, pruned: [3]),
            .init(name: "0", neurons: 3, pruned: [-1]),
        ] {
            let record = PrunedNeurons(mask: .frozen, layers: [wrong])
            #expect(throws: TrainingError.self) { try record.rows(at: sites) }
        }
    }
}
