import Checkpoints
import DataPipeline
import Foundation
import TestSupport
import Testing
import Torch
import TorchNN

@testable import ModelZoo

/// Folders of open_clip are computed as open_clip computes them.
@Suite struct OpenCLIPTests {
    private static let images = ["wide", "tall", "square", "small"]

    @Test(
        "Vectors and prepared images are open_clip's: GELU unless quick_gelu is true",
        arguments: [
            ("open-clip-gelu", Activation.gelu), ("open-clip-quick", .quickGELU),
            ("open-clip-custom", .gelu),
        ])
    func parity(_ fixture: String, _ activation: Activation) throws {
        #expect(try ModelKind(at: Fixture(fixture).folder) == .pairs)
        let golden = try GoldenCLIP(fixture)
        let configuration = golden.folder.configuration
        #expect(configuration.vision.tower.activation == activation)
        #expect(configuration.text.tower.activation == activation)
        #expect(try golden.folder.unreadNames() == [])
        #expect(try relativeDifference(golden.images(), golden.answers["images"]) < 2e-6)
        #expect(try relativeDifference(golden.texts(), golden.answers["texts"]) < 2e-6)

        let preparation = try golden.folder.processor.preparation()
        let prepared = try Self.images.map { name in
            let image = try RGBImage(contentsOf: Fixture("timm-transforms").file("\(name).png"))
                .prepared(preparation)
            let bytes = try Tensor(image.pixels, shape: [1, image.height, image.width, 3])
            return try golden.folder.processor.normalization(bytes, as: .float32)
        }
        let found = try Tensor.concatenated(prepared, along: 0)
        #expect(try relativeDifference(found, golden.answers["prepared"]) < 1e-6)
    }

    @Test("The other activation would be another model") func activationMatters() throws {
        try withTemporaryFolder { scratch in
            let folder = try Fixture("open-clip-gelu").copyModel(to: scratch.appending(path: "m"))
            let url = folder.appending(path: "open_clip_config.json")
            let text = try String(contentsOf: url, encoding: .utf8)
            try text.replacing("\"embed_dim\"", with: "\"quick_gelu\": true, \"embed_dim\"")
                .write(to: url, atomically: true, encoding: .utf8)
            let other = try CLIPFolder(folder).load()
            let golden = try GoldenCLIP("open-clip-gelu")
            let found = try other.imageEmbeddings(golden.answers["pixels"], in: .evaluation)
            #expect(try relativeDifference(found, golden.answers["images"]) > 1e-3)
        }
    }

    @Test(
        "What cannot be honoured is refused by its name",
        arguments: [
            (#""timm_model_name": "vit_base""#, "vision_cfg", "timm_model_name"),
            (#""layers": [3, 4, 6, 3]"#, "vision_cfg", "ResNet"),
            (#""attentional_pool": true"#, "vision_cfg", "attentional_pool"),
            (#""pool_type": "avg""#, "vision_cfg", "pool_type"),
            (#""layers": 1000000000"#, "vision_cfg", "‘layers’ is 1000000000"),
            (#""hf_model_name": "roberta-base""#, "text_cfg", "hf_model_name"),
            (#""pool_type": "last""#, "text_cfg", "pool_type"),
            (#""embed_cls": true"#, "text_cfg", "embed_cls"),
            (#""proj_type": "none""#, "text_cfg", "proj_type"),
            (#""norm_kwargs": {"elementwise_affine": true}"#, "text_cfg", "norm_kwargs"),
        ])
    func refused(_ field: String, _ part: String, _ word: String) throws {
        try withTemporaryFolder { scratch in
            let text = """
                {"model_cfg": {"embed_dim": 6, "vision_cfg": {VISION}, "text_cfg": {TEXT}}}
                """
                .replacing("VISION", with: part == "vision_cfg" ? field : "")
                .replacing("TEXT", with: part == "text_cfg" ? field : "")
            try text.write(
                to: scratch.appending(path: "open_clip_config.json"), atomically: true,
                encoding: .utf8)
            let error = #expect(throws: CheckpointError.self) {
                try OpenCLIPConfiguration.described(in: scratch)
            }
            #expect(error?.problem.contains(word) == true, "\(String(describing: error))")
        }
    }

    @Test("Two configurations of one folder must describe one model") func twoConfigurations()
        throws
    {
        try withTemporaryFolder { scratch in
            let folder = try Fixture("clip-tiny").copyModel(to: scratch.appending(path: "m"))
            let text = """
                {"model_cfg": {"embed_dim": 6, "quick_gelu": QUICK,
                 "vision_cfg": {"image_size": 16, "patch_size": 4, "width": 12, "head_width": 4,
                  "layers": 2, "mlp_ratio": 1.3334},
                 "text_cfg": {"context_length": 9, "vocab_size": 30, "width": 8, "heads": 2,
                  "layers": 2, "mlp_ratio": 2.5}}}
                """
            for (quick, isSame) in [("true", true), ("false", false)] {
                try text.replacing("QUICK", with: quick).write(
                    to: folder.appending(path: "open_clip_config.json"), atomically: true,
                    encoding: .utf8)
                if isSame {
                    #expect(throws: Never.self) { try CLIPFolder(folder) }
                } else {
                    let error = #expect(throws: CheckpointError.self) { try CLIPFolder(folder) }
                    #expect(error?.problem.contains("another model than config.json") == true)
                }
            }
        }
    }
}
