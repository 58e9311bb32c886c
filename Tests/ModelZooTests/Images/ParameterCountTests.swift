import TestSupport
import Testing
import Torch
import TorchNN

@testable import ModelZoo

/// The counts that the paper's models have, without their memory.
@Suite struct ParameterCountTests {
    private func count(_ parameters: [Parameter]) -> Int {
        parameters.reduce(0) { $0 + $1.tensor.elementCount }
    }

    private func model(_ configuration: ImageConfiguration) throws -> AnyImageModel {
        try configuration.model(in: ParameterStore(source: ShapeSource()))
    }

    @Test("VGG-16") func vgg() throws {
        let model = try model(ImageConfiguration(VGGConfiguration()))
        let head = model.store.parameters(matching: model.headParameters)
        #expect(model.featureSize == 25_088 && model.labelCount == 1000)
        #expect(model.store.elementCount - count(head) == 14_714_688)
        #expect(count(head) == 25_089_000)
        let regularized = model.store.parameters(matching: model.recipeWeights)
        #expect(regularized.count == 13 && count(regularized) == 14_710_464)
        let indices = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
        #expect(regularized.map(\.name) == indices.map { "features.\($0).weight" })
        #expect(model.neurons.reduce(0) { $0 + $1.count } == 4224)
        #expect(
            model.store.parameters(matching: VGG.recipeWeights).map(\.name)
                == regularized.map(\.name))
    }

    @Test("With batch norm, its scales are not among the regularized weights") func batchNorm()
        throws
    {
        let model = try model(ImageConfiguration(VGGConfiguration(batchNorm: true)))
        let regularized = model.store.parameters(matching: model.recipeWeights)
        #expect(count(regularized) == 14_710_464)
        #expect(regularized.allSatisfy { $0.tensor.rank == 4 })
        #expect(model.store.elementCount - 25_089_000 == 14_714_688 + 2 * 4224)
        #expect(count(model.store.buffers) == 2 * 4224 + 13)
    }

    @Test("CLIP ViT-B/32, ViT-B/16 and ViT-L/14") func clip() throws {
        let model = try CLIP(CLIPConfiguration(), in: ParameterStore(source: ShapeSource()))
        #expect(model.store.elementCount == 151_277_313)
        let regularized = model.store.parameters(matching: CLIP.recipeWeights)
        #expect(regularized.count == 60 && count(regularized) == 77_856_768)
        #expect(model.vision.neurons.reduce(0) { $0 + $1.count } == 36_864)
        let vision = model.store.parameters(matching: CLIP.visionParameters)
        let text = model.store.parameters(matching: CLIP.textParameters)
        #expect(count(vision) + count(text) + 1 == 151_277_313)
        #expect(count(vision) == 87_456_000 + 768 * 512)
        let tower = try self.model(ImageConfiguration(CLIPVisionConfiguration(labelCount: 10)))
        #expect(tower.featureSize == 768 && tower.labelCount == 10)
        #expect(tower.store.elementCount == 87_456_000 + 7690)

        var configuration = CLIPConfiguration()
        configuration.vision.patchSize = PixelSize(16, 16)
        #expect(
            try CLIP(configuration, in: ParameterStore(source: ShapeSource())).store.elementCount
                == 149_620_737)
        configuration = CLIPConfiguration(
            text: .init(tower: .init(hiddenSize: 768, layerCount: 12, headCount: 12)),
            vision: CLIPVisionConfiguration(
                tower: .init(hiddenSize: 1024, layerCount: 24, headCount: 16),
                patchSize: PixelSize(14, 14)),
            projectionSize: 768)
        #expect(
            try CLIP(configuration, in: ParameterStore(source: ShapeSource())).store.elementCount
                == 427_616_513)
    }

    @Test("ViT-B/16 at 64 × 64") func vit() throws {
        let model = try model(ImageConfiguration(ViTConfiguration()))
        let head = model.store.parameters(matching: model.headParameters)
        #expect(model.featureSize == 768 && model.labelCount == 1000)
        #expect(model.store.elementCount - count(head) == 85_660_416)
        #expect(count(head) == 769_000)
        #expect(model.store["vit.embeddings.position_embeddings"]?.shape == [1, 17, 768])
        let regularized = model.store.parameters(matching: model.recipeWeights)
        #expect(regularized.count == 60 && count(regularized) == 77_856_768)
        #expect(!regularized.contains { $0.name.contains("attention.output") })
        #expect(
            count(
                model.store.parameters(
                    matching: ParameterPattern(
                        ViT.recipeWeights.alternatives.map { $0.replacing("*", with: "7") })))
                == 6_488_064)
        #expect(model.neurons.reduce(0) { $0 + $1.count } == 36_864)
        #expect(
            try self.model(ImageConfiguration(ViTConfiguration(labelCount: nil))).store.elementCount
                == 85_660_416
        )
    }
}
