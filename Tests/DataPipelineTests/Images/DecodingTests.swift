import DataPipeline
import Foundation
import Randomness
import Testing

@Suite struct DecodingTests {
    @Test(
        "Every kind of file decodes to the bytes that Pillow gives",
        arguments: ImageFixture.cases.decode)
    func decodes(_ example: ImageFixture.Case) throws {
        let image = try RGBImage(decoding: ImageFixture.bytes(example.file))
        let expected = example.expected
        #expect(image.width == expected.width && image.height == expected.height)
        #expect(image == expected, "off by \(image.largestDifference(from: expected))")
    }

    @Test("All kinds are there") func coverage() {
        let names = ImageFixture.cases.decode.map(\.file)
        #expect(names.count > 55)
        for kind in [".jpg", ".png", ".ppm", ".pgm"] {
            #expect(names.contains { $0.hasSuffix(kind) })
        }
    }

    @Test("The header alone tells the size", arguments: ImageFixture.cases.decode)
    func probes(_ example: ImageFixture.Case) throws {
        let size = try ImageDecoder().size(of: ImageFixture.bytes(example.file))
        #expect(size == (example.width, example.height))
    }

    @Test("The content decides, not the name") func content() throws {
        let folder = try ReaderFolder()
        for (name, file) in [
            ("a.png", "baseline-444.jpg"), ("b.jpg", "rgb-8.png"), ("c", "raw-rgb.ppm"),
        ] {
            let url = try folder.write(name, ImageFixture.bytes(file))
            #expect(try RGBImage(contentsOf: url) == ImageFixture.image(file))
        }
    }

    @Test("A decoder's buffers are good for one image after another") func reuse() throws {
        let decoder = try ImageDecoder()
        var examples = ImageFixture.cases.decode
        var stream = Seed(3).stream("test.order")
        for _ in 0..<3 {
            examples.shuffle(using: &stream)
            for example in examples {
                let bytes = try ImageFixture.bytes(example.file)
                #expect(try decoder.decode(bytes) == example.expected, "\(example)")
                // A failure leaves nothing behind.
                #expect(throws: ImageError.self) { try decoder.decode(Array(bytes.prefix(10))) }
            }
        }
    }

    @Test("A PNG that was written reads back", arguments: [(1, 1), (3, 200), (257, 5), (64, 64)])
    func writesPNG(_ width: Int, _ height: Int) throws {
        for image in [
            SampleImage.noise(width, height), SampleImage.plain(width, height, [9, 8, 7]),
        ] {
            let file = try image.png()
            #expect(file.starts(with: [0x89, 0x50, 0x4E, 0x47]))
            #expect(try RGBImage(decoding: file) == image)
        }
    }
}
