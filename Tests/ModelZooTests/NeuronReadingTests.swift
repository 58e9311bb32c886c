import Checkpoints
import DataPipeline
import TestSupport
import Testing
import Torch
import TorchNN

@testable import ModelZoo

@Suite struct NeuronReadingTests {
    private let expected = try? Fixture("neurons").tensors("expected.safetensors")

    /// Expects that readings are what hooks saw of `model`, and their sums too.
    private func expectReadings(
        of model: String, at sites: [NeuronSite],
        _ read: ((NeuronReading) throws -> Void) throws -> Void
    ) throws {
        let expected = try #require(expected)
        var seen: [NeuronSite] = []
        var statistics = ActivationStatistics(of: sites)
        try read { reading in
            seen.append(reading.site)
            for statistic in ActivationStatistic.allCases {
                let answer = try expected["\(model)/\(reading.site.name)/\(statistic.rawValue)"]
                let found = try reading.means(statistic)
                #expect(try relativeDifference(found, answer) < 1e-5, "\(reading.site.name)")
            }
            try statistics.add(reading)
        }
        #expect(seen == sites && !sites.isEmpty)
        for sums in statistics.sites {
            for statistic in ActivationStatistic.allCases {
                let answer = try expected["\(model)/\(sums.site.name)/\(statistic.rawValue)"]
                #expect(sums.samples == answer.shape[0])
                let found = try Tensor(sums.means(statistic))
                #expect(try relativeDifference(found, answer.mean(over: [0])) < 1e-5)
            }
            let signed = try expected["\(model)/\(sums.site.name)/signed"]
            let active = try signed.isGreater(than: 0).cast(to: .float64).sum(over: [0])
            #expect(sums.active == (try active.values(as: Double.self).map { Int($0) }))
        }
    }

    @Test("A BERT's readings are those of hooks at first tokens, of rows of any length")
    func bert() throws {
        let golden = try GoldenModel("bert-pretraining")
        try expectReadings(of: "bert-pretraining", at: golden.model.neurons) { body in
            try golden.model.readNeurons(golden.input(), body)
        }
    }

    @Test("A ViT's readings are those of hooks at class tokens") func vit() throws {
        let golden = try GoldenImages("vit-classifier")
        try expectReadings(of: "vit-classifier", at: golden.model.neurons) { body in
            try golden.model.readNeurons(golden.pixels(), body)
        }
    }

    @Test("So are those of CLIP's vision tower") func clip() throws {
        let golden = try GoldenCLIP("clip-tiny")
        let tower = golden.model.vision
        try expectReadings(of: "clip-tiny", at: tower.neurons) { body in
            try tower.readNeurons(golden.answers["pixels"], body)
        }
    }

    @Test(
        "A VGG's readings are the maps behind normalization and before ReLU",
        arguments: [("vgg-neuba", "neuba-vgg.pkl"), ("vgg-torchvision", "vgg16_bn.pth")])
    func vgg(_ fixture: String, _ file: String) throws {
        let golden = try GoldenImages(fixture, file)
        try expectReadings(of: fixture, at: golden.model.neurons) { body in
            try golden.model.readNeurons(golden.pixels(), body)
        }
    }

    @Test("A batch whose texts are a token each, and one of a single sample") func edges() throws {
        let site = NeuronSite(name: "a", count: 2, activation: .relu)
        var shapes: [[Int]] = []
        let recorder = SampleRecorder(samples: 2) { shapes.append($0.values.shape) }
        try recorder.record(.ones([2, 2]), at: site)
        try recorder.record(.ones([6, 2]), at: site)
        try recorder.record(.ones([2, 3, 5, 2]), at: site)
        #expect(shapes == [[2, 1, 2], [2, 1, 2], [2, 15, 2]])
        var statistics = ActivationStatistics(of: [])
        try statistics.add(NeuronReading(site: site, values: .ones([1, 1, 2])))
        #expect(statistics.sites.isEmpty)
        #expect(ActivationStatistics(of: [site]).sites[0].means(.signed) == [0, 0])
    }
}
