import Checkpoints
import Foundation
import JSON
import Testing
import TorchNN

@testable import ModelZoo

@Suite struct CLIPConfigurationTests {
    private func read(_ text: String) throws -> CLIPConfiguration {
        let fields = try #require(JSONValue(parsing: text).object)
        return try CLIPConfiguration(
            JSONFile(url: URL(filePath: "/models/x/config.json"), fields: fields))
    }

    @Test("What is left out is as transformers has it") func defaults() throws {
        #expect(try read(#"{"model_type": "clip"}"#) == CLIPConfiguration())
        #expect(
            try read(#"{"architectures": ["CLIPModel"], "text_config": null}"#)
                == CLIPConfiguration())
        // As openai/clip-vit-base-patch32 has it.
        let old = try read(
            """
            {"model_type": "clip", "text_config_dict": null, "vision_config_dict": null,
             "text_config": {"eos_token_id": 2}, "vision_config": {"patch_size": 16}}
            """)
        #expect(old.text.pooling == .highestID && old.vision.patchSize == PixelSize(16, 16))
    }

    @Test("The older pair of objects counts for more") func dictionaries() throws {
        let found = try read(
            """
            {"model_type": "clip", "text_config": {"hidden_size": 16, "vocab_size": 7},
             "text_config_dict": {"hidden_size": 64, "hidden_act": "gelu"}}
            """)
        #expect(found.text.tower.hiddenSize == 64 && found.text.tower.activation == .gelu)
        // Left out there, it is the default and not what the newer object has.
        #expect(found.text.vocabularySize == 49_408)
    }

    @Test("What is written is read as the same") func roundTrip() throws {
        var configuration = CLIPConfiguration(projectionSize: 99, logitScale: 1.25)
        configuration.text.tower.activation = .gelu
        configuration.text.tower.layerNormEpsilon = 1e-6
        configuration.vision.tower.attentionDropout = 0.25
        configuration.vision.imageSize = PixelSize(336, 336)
        for pooling in [CLIPConfiguration.Pooling.firstEnd(5), .highestID] {
            configuration.text.pooling = pooling
            let file = JSONFile(url: URL(filePath: "/x"), fields: configuration.fields)
            #expect(try CLIPConfiguration(file) == configuration)
            let tower = JSONFile(url: URL(filePath: "/x"), fields: configuration.vision.fields)
            #expect(try ImageConfiguration(tower) == ImageConfiguration(configuration.vision))
            #expect(try ImageConfiguration(file) == ImageConfiguration(configuration.vision))
        }
    }

    @Test(
        "What cannot be honoured names file, tower and field",
        arguments: [
            (#""vision_config": {"num_channels": 1}"#, "in ‘vision_config’: ‘num_channels’"),
            (#""vision_config": {"image_size": [16, 32]}"#, "is no square"),
            (#""vision_config": {"image_size": 16}"#, "smaller than one patch"),
            (#""text_config": {"hidden_act": "mish"}"#, "in ‘text_config’: ‘hidden_act’"),
            (#""text_config": {"hidden_size": 10}"#, "‘num_attention_heads’ 8"),
            (#""text_config": {"eos_token_id": [1, 2]}"#, "‘eos_token_id’ is a list"),
            (#""text_config_dict": {"vocab_size": "many"}"#, "in ‘text_config_dict’"),
            (#""text_config": 3"#, "‘text_config’ is an integer; expected an object"),
            (#""projection_dim": 0"#, "‘projection_dim’ is 0"),
            (#""quantization_config": {}"#, "quantized"),
        ])
    func refused(_ field: String, _ problem: String) throws {
        let error = #expect(throws: CheckpointError.self) {
            try read(#"{"model_type": "clip", \#(field)}"#)
        }
        #expect(error?.path == "/models/x/config.json")
        #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "")")
    }

    @Test("Another architecture is refused") func others() throws {
        let error = #expect(throws: CheckpointError.self) {
            try read(#"{"model_type": "siglip"}"#)
        }
        #expect(error?.problem == "the architecture is ‘siglip’; expected ‘clip’")
    }
}
