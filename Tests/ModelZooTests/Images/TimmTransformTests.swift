import Checkpoints
import DataPipeline
import Foundation
import JSON
import TestSupport
import Testing
import Torch

@testable import ModelZoo

/// Images are prepared byte for byte as timm's evaluation prepares them.
@Suite struct TimmTransformTests {
    private func processor(_ fields: JSONObject) throws -> ImageProcessor {
        try ImageProcessor(
            timm: JSONFile(url: URL(filePath: "/models/x/config.json"), fields: fields),
            size: PixelSize(24, 24))
    }

    @Test("Every crop_pct, crop_mode and filter gives timm's bytes") func parity() throws {
        let fixture = Fixture("timm-transforms")
        let cases = try JSONFile(reading: fixture.file("cases.json")).fields
        let answers = try fixture.tensors("expected.safetensors")
        #expect(answers.names.count == cases.count * 4)
        for name in answers.names {
            let parts = name.split(separator: "/").map(String.init)
            let preparation = try processor(#require(cases[parts[0]]?.object)).preparation()
            let image = try RGBImage(contentsOf: fixture.file("\(parts[1]).png"))
                .prepared(preparation)
            #expect(try image.pixels == answers[name].values(as: UInt8.self), "\(name)")
        }
    }

    @Test("What is not done here is refused by its name") func refusals() throws {
        let refused: [(JSONObject, String)] = [
            (["crop_mode": .string("border")], "‘crop_mode’ is ‘border’"),
            (["interpolation": .string("random")], "‘interpolation’ is ‘random’"),
            (["crop_pct": .number(1.5)], "‘crop_pct’ is 1.5"),
            (["crop_pct": .number(1e-9)], "‘crop_pct’"),
            (["input_size": .array([.integer(1), .integer(24), .integer(24)])], "‘input_size’"),
            (["input_size": .array([.integer(3), .integer(1 << 40), .integer(24)])], "input_size"),
        ]
        for (fields, words) in refused {
            let error = #expect(throws: CheckpointError.self) { try processor(fields) }
            #expect(error?.problem.contains(words) == true, "\(String(describing: error))")
        }
        let lanczos = try processor(["interpolation": .string("lanczos")])
        let error = #expect(throws: ImageError.self) { try lanczos.preparation() }
        #expect(error?.description.contains("lanczos") == true)
        #expect(error?.description.contains("preprocessor_config.json") == false)
    }

    @Test("Another size keeps the proportion") func otherSize() throws {
        let processor = try processor(["crop_pct": .number(0.9)])
        #expect(try processor.preparation().resized == 26)
        #expect(try processor.preparation(size: 48).resized == 52)
    }
}
