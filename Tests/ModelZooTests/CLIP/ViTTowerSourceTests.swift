import TestSupport
import Testing
import Torch
import TorchNN

@testable import ModelZoo

@Suite struct ViTTowerSourceTests {
    private func vit() throws -> ViT {
        let model = try ImageModelFolder(Fixture("vit-classifier").folder).load(
            placement: Placement(trainable: .all))
        return try #require(model.base as? ViT)
    }

    private func tower(_ vit: ViT, _ pixels: Tensor) throws -> CLIPVisionTower {
        let source = try ViTTowerSource(
            vit, over: FreshSource(seed: 1), measuredOn: pixels)
        #expect(source.holds("vision_model.post_layernorm.bias"))
        #expect(!source.holds("text_projection.weight"))
        return try CLIPVisionTower(
            CLIPVisionConfiguration(blocksOf: vit.configuration),
            in: ParameterStore(source: source))
    }

    @Test("Every parameter but the extra normalization is the ViT's") func parameters() throws {
        let vit = try vit()
        let tower = try tower(vit, RandomNumbers.uniform([2, 3, 16, 16], seed: 1))
        // All but the head and the patches' bias; two more of the extra normalization.
        #expect(tower.store.parameters.count == vit.store.parameters.count - 3 + 2)
        let pairs = [
            ("embeddings.class_embedding", "embeddings.cls_token"),
            ("embeddings.patch_embedding.weight", "embeddings.patch_embeddings.projection.weight"),
            (
                "encoder.layers.1.self_attn.v_proj.bias",
                "encoder.layer.1.attention.attention.value.bias"
            ),
            ("encoder.layers.0.mlp.fc2.weight", "encoder.layer.0.output.dense.weight"),
            ("post_layernorm.weight", "layernorm.weight"),
        ]
        for (name, old) in pairs {
            let found = try #require(tower.store["vision_model." + name])
            let expected = try #require(vit.store["vit." + old]).detached()
            #expect(try found.isBitwiseEqual(to: expected.reshaped(found.shape)), "\(name)")
        }
    }

    @Test("Where tokens are of the spread that was measured, it is the same function")
    func function() throws {
        let vit = try vit()
        // Tokens whose mean and variance are all the same: nothing is lost by normalizing them.
        let tokens = try Tensor([1, -1, 1, -1, -1, 1, -1, 1] as [Float]) * 0.3 + 0.1
        try withoutGradients {
            try vit.embeddings.positions.zero()
            try vit.embeddings.projection.weight.zero()
            try #require(vit.embeddings.projection.bias).assign(tokens)
            try vit.embeddings.classToken.assign((tokens - 0.1) * -1 + 0.1)
        }
        let pixels = try RandomNumbers.uniform([2, 3, 16, 16], seed: 1)
        let found = try tower(vit, pixels).features(pixels, in: .evaluation)
        let expected = try vit.features(pixels, in: .evaluation).detached()
        #expect(try relativeDifference(found, expected) < 1e-4)
    }

    @Test("What CLIP has no place for is refused") func refused() throws {
        #expect(throws: ViTTowerError.noBias) {
            try CLIPVisionConfiguration(blocksOf: ViTConfiguration(hasQKVBias: false))
        }
        #expect(throws: ViTTowerError.oblong(PixelSize(32, 64))) {
            try CLIPVisionConfiguration(
                blocksOf: ViTConfiguration(imageSize: PixelSize(32, 64)))
        }
    }
}
