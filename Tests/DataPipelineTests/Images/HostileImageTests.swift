import DataPipeline
import Foundation
import Randomness
import Testing

@Suite struct HostileImageTests {
    private func error(_ bytes: [UInt8], pixels: Int = 100_000_000) -> ImageError? {
        #expect(throws: ImageError.self) {
            try RGBImage(decoding: bytes, limits: ImageLimits(pixels: pixels))
        }
    }

    private func png(_ width: UInt32, _ height: UInt32) throws -> [UInt8] {
        var bytes = try ImageFixture.bytes("rgb-8.png")
        bytes.replaceSubrange(16..<24, with: Self.bigEndian(width) + Self.bigEndian(height))
        bytes.replaceSubrange(29..<33, with: Self.bigEndian(Self.crc(bytes[12..<29])))
        return bytes
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian, Array.init)
    }

    private static func crc(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        ~bytes.reduce(~0) { crc, byte in
            (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in
                value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1
            }
        }
    }

    private func jpeg(_ width: UInt16, _ height: UInt16, _ file: String = "baseline-420.jpg") throws
        -> [UInt8]
    {
        var bytes = try ImageFixture.bytes(file)
        let frame = try #require(
            bytes.indices.first { bytes[$0] == 0xFF && [0xC0, 0xC2].contains(bytes[$0 + 1]) })
        bytes.replaceSubrange(
            frame + 5..<frame + 9,
            with: [UInt8(height >> 8), UInt8(height & 255), UInt8(width >> 8), UInt8(width & 255)])
        return bytes
    }

    @Test("What is no image says so") func notImages() {
        #expect(error([])?.description == "is empty")
        #expect(error(Array("Hello, world".utf8))?.kind == .notAnImage)
        #expect(error([0xFF])?.kind == .notAnImage)
        #expect(error([0x50, 0x36])?.kind == .notAnImage)
        #expect(error(Array("GIF89a......".utf8))?.description.contains("is GIF") == true)
        #expect(error(Array("BM..........".utf8))?.description.contains("is BMP") == true)
        #expect(error(Array("RIFF\0\0\0\0WEBPVP8 ".utf8))?.description.contains("is WebP") == true)
        #expect(error(Array("P4 8 1\n\0".utf8))?.kind == .unsupported)
    }

    @Test("A JPEG header of 20,000 x 20,000 is refused before memory is taken") func hugeJPEG()
        throws
    {
        for file in ["baseline-420.jpg", "progressive.jpg", "cmyk-adobe.jpg"] {
            let bytes = try jpeg(20_000, 20_000, file)
            let refusal = error(bytes)
            #expect(refusal?.kind == .tooLarge)
            #expect(refusal?.description.contains("20000 x 20000") == true)
            #expect(refusal?.description.contains("budget of 100000000") == true)
            #expect(try ImageDecoder().size(of: bytes) == (20_000, 20_000))
        }
    }

    @Test("A small file that says it is huge is refused, a huge side too") func bombs() throws {
        #expect(try error(png(20_000, 20_000))?.kind == .tooLarge)
        #expect(try error(png(0x7FFF_FFFF, 0x7FFF_FFFF))?.kind == .tooLarge)
        #expect(try error(png(100_000, 1))?.kind == .tooLarge)
        #expect(error(Array("P6 20000 20000 255\n...".utf8))?.kind == .tooLarge)
        #expect(error(Array("P6 999999999 999999999 255\n...".utf8))?.kind == .tooLarge)
        #expect(error(Array("P6 9999999999 1 255\n...".utf8))?.kind == .damaged)
        let small = try ImageFixture.bytes("rgb-8.png")
        #expect(error(small, pixels: 98)?.kind == .tooLarge)
        #expect(try RGBImage(decoding: small, limits: ImageLimits(pixels: 99)).width == 11)
    }

    @Test("Within the budget, but with nothing behind the header, is cut short") func emptyLarge()
        throws
    {
        #expect(
            error(Array("P6 9000 9000 255\nabc".utf8))?.description.contains("cut short") == true)
        #expect(try error(png(4000, 4000))?.kind == .damaged)
        // More than a small file has use for.
        #expect(try error(png(5000, 5000))?.kind == .tooLarge)
    }

    @Test("A side of zero is refused") func zero() throws {
        #expect(try error(png(0, 5))?.kind == .damaged)
        #expect(try error(jpeg(0, 5))?.kind == .damaged)
        #expect(try error(jpeg(5, 0))?.kind == .damaged)
        #expect(error(Array("P6 0 5 255\n".utf8))?.kind == .damaged)
        #expect(error(Array("P6 5 0 255\n".utf8))?.kind == .damaged)
    }

    @Test(
        "Malformed PPM headers and samples are refused",
        arguments: [
            "P6", "P6 ", "P6 5", "P6 5 4", "P6 5 4 ", "P6 5 4 0 x", "P6 5 4 65536 x",
            "P6 -5 4 255 ", "P6 5x4 255 ",
            "P6 # 5 4 255", "P3 1 1 255 1 2", "P3 1 1 255 1 2 256", "P3 1 1 255 1 2 -3",
            "P3 1 1 255 1 2 x",
            "P3 1 1 255 1 2 0000000000003", "P2 2 2 7 1 2 3 8", "P5 2 2 255 abc",
            "P6 1 1 65535 abcde",
        ])
    func netpbm(_ text: String) {
        let kinds: [ImageError.Kind?] = [.damaged, .notAnImage]
        #expect(kinds.contains(error(Array(text.utf8))?.kind))
    }

    @Test(
        "A file that is cut short is an error, wherever it is cut",
        arguments: ImageFixture.cases.decode)
    func truncated(_ example: ImageFixture.Case) throws {
        let bytes = try ImageFixture.bytes(example.file)
        let decoder = try ImageDecoder()
        let step = max(1, bytes.count / 60)
        // What comes after the last pixel may be missing: PNG's end, JPEG's padding. Of a plain PPM
        // the last number may lose digits and be a number still.
        let isPlain = example.file.hasPrefix("plain-")
        let needed = bytes.count - (isPlain ? 26 : example.file.hasSuffix(".png") ? 24 : 12)
        for count in stride(from: 0, to: bytes.count, by: step) {
            let image = try? decoder.decode(Array(bytes.prefix(count)))
            if count < needed {
                #expect(image == nil, "\(count) of \(bytes.count) bytes were enough")
            } else if let image, !isPlain {
                #expect(image == example.expected)
            }
        }
    }

    @Test("Flipped bits give an image or an error", arguments: ImageFixture.cases.decode)
    func flipped(_ example: ImageFixture.Case) throws {
        let bytes = try ImageFixture.bytes(example.file)
        // Some flips make a small file say that it is large, which is no fault of its own.
        let decoder = try ImageDecoder(limits: ImageLimits(pixels: 1_000_000))
        var stream = Seed(11).stream("test.flips." + example.file)
        for _ in 0..<150 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &stream) {
                let place = Int.random(in: damaged.indices, using: &stream)
                damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &stream)
            }
            do {
                let image = try decoder.decode(damaged)
                #expect(image.pixels.count == image.width * image.height * 3)
            } catch let error as ImageError {
                #expect(!error.description.isEmpty)
            }
        }
        #expect(try decoder.decode(bytes) == example.expected, "and the decoder is sound still")
    }

    @Test("Headers of one kind with the bytes of another give an error") func spliced() throws {
        let decoder = try ImageDecoder(limits: ImageLimits(pixels: 1_000_000))
        for one in ["baseline-420.jpg", "rgb-8.png", "palette-4.png", "progressive.jpg"] {
            for other in ["gray.jpg", "interlaced-rgb.png", "raw-rgb.ppm"] {
                for cut in stride(from: 8, to: 200, by: 17) {
                    let bytes = try ImageFixture.bytes(one).prefix(cut)
                    let tail = try ImageFixture.bytes(other).dropFirst(cut)
                    _ = try? decoder.decode(Array(bytes + tail))
                }
            }
        }
        #expect(try decoder.decode(ImageFixture.bytes("rgb-8.png")).width == 11)
    }

    @Test("A JPEG of endless scans is refused") func scans() throws {
        // The last scan of a progressive file again and again.
        let bytes = try ImageFixture.bytes("progressive.jpg")
        let scans = bytes.indices.dropLast().filter { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA }
        let last = try #require(scans.last)
        let scan = bytes[last..<bytes.count - 2]
        let many = bytes.dropLast(2) + repeatElement(scan, count: 300).joined() + [0xFF, 0xD9]
        #expect(error(Array(many))?.description.contains("scans") == true)
    }

    @Test("Folders, pipes and missing files are no images") func files() throws {
        let folder = try ReaderFolder()
        #expect(throws: DataError.self) { try RGBImage(contentsOf: folder.url) }
        #expect(throws: DataError.self) {
            try RGBImage(contentsOf: folder.url.appending(path: "none.jpg"))
        }
        let pipe = folder.url.appending(path: "pipe.jpg")
        #expect(mkfifo(pipe.path, 0o600) == 0)
        #expect(throws: DataError.self) { try RGBImage(contentsOf: pipe) }
        let file = try folder.write("large.ppm", SampleImage.ppm([1, 2, 3], side: 40))
        let refusal = #expect(throws: DataError.self) {
            try RGBImage(contentsOf: file, limits: ImageLimits(fileBytes: 1000))
        }
        #expect(refusal?.description.contains("limit of 1000") == true)
    }
}
