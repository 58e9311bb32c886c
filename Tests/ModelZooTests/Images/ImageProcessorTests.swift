import Checkpoints
import Foundation
import JSON
import Testing

@testable import ModelZoo

@Suite struct ImageProcessorTests {
    private let size = PixelSize(64, 64)

    private func read(_ text: String) throws -> ImageProcessor {
        let fields = try #require(JSONValue(parsing: text).object)
        return try ImageProcessor(
            JSONFile(url: URL(filePath: "/models/x/preprocessor_config.json"), fields: fields),
            size: size)
    }

    @Test("Every spelling of a size is read") func sizes() throws {
        let cases: [(String, ImageProcessor.Resize, PixelSize?)] = [
            ("{}", .exactly(size), nil), (#"{"size": null}"#, .exactly(size), nil),
            (#"{"size": 32}"#, .exactly(PixelSize(32, 32)), nil),
            (#"{"size": {"height": 30, "width": 40}}"#, .exactly(PixelSize(30, 40)), nil),
            (#"{"size": {"shortest_edge": 72}}"#, .shorterSide(72), nil),
            (#"{"do_resize": false, "size": 9}"#, .none, nil),
            (
                #"{"size": {"shortest_edge": 72}, "do_center_crop": true, "crop_size": 60}"#,
                .shorterSide(72), PixelSize(60, 60)
            ),
            (#"{"do_center_crop": true}"#, .exactly(size), size),
        ]
        for (text, resize, crop) in cases {
            let processor = try read(text)
            #expect(processor.resize == resize && processor.crop == crop, "\(text)")
            #expect(processor.filter == .bilinear)
        }
        #expect(try read(#"{"size": {"shortest_edge": 72}}"#).size == nil)
        #expect(try read(#"{"do_center_crop": true}"#).size == size)
    }

    @Test("Filter and normalization are read") func numbers() throws {
        let imageNet = try read(
            #"{"resample": 3, "image_mean": [0.485, 0.456, 0.406], "image_std": 0.25}"#)
        #expect(imageNet.filter == .bicubic)
        #expect(imageNet.normalization.mean == [0.485, 0.456, 0.406])
        #expect(imageNet.normalization.deviation == [0.25, 0.25, 0.25])
        #expect(try read("{}").normalization == ImageNormalization())
        let plain = try read(#"{"do_normalize": false, "rescale_factor": 0.00392156862745098}"#)
        #expect(plain.normalization == ImageNormalization(mean: [0, 0, 0], deviation: [1, 1, 1]))
    }

    @Test("What is written is what was read") func roundTrip() throws {
        for resize in [
            ImageProcessor.Resize.none, .exactly(PixelSize(3, 4)), .shorterSide(5),
        ] {
            for crop in [nil, PixelSize(2, 3)] {
                let processor = ImageProcessor(
                    resize: resize, filter: .lanczos, crop: crop,
                    normalization: ImageNormalization(mean: [0, 0.5, 1], deviation: [1, 2, 3]))
                let file = JSONFile(url: URL(filePath: "/x"), fields: processor.fields)
                #expect(try ImageProcessor(file, size: size) == processor)
            }
        }
    }

    @Test(
        "What cannot be done names file and field",
        arguments: [
            ("size", #"{"size": "big"}"#), ("size", #"{"size": {"height": 3}}"#),
            ("size", #"{"size": 0}"#), ("size", #"{"size": {"longest_edge": 3}}"#),
            ("resample", #"{"resample": 6}"#), ("resample", #"{"resample": "bicubic"}"#),
            ("crop_size", #"{"do_center_crop": true, "crop_size": {"shortest_edge": 3}}"#),
            ("rescale_factor", #"{"rescale_factor": 1}"#),
            ("do_rescale", #"{"do_rescale": false}"#),
            ("image_mean", #"{"image_mean": [0.5, 0.5]}"#),
            ("image_mean", #"{"image_mean": ["a", "b", "c"]}"#),
            ("deviation", #"{"image_std": [1, 0, 1]}"#), ("deviation", #"{"image_std": -1}"#),
            ("do_resize", #"{"do_resize": 1}"#),
        ])
    func refuses(_ field: String, _ text: String) throws {
        let error = #expect(throws: CheckpointError.self) { try read(text) }
        #expect(error?.description.hasPrefix("/models/x/preprocessor_config.json: ") == true)
        #expect(error?.problem.contains(field) == true, "\(error?.problem ?? "")")
    }
}
