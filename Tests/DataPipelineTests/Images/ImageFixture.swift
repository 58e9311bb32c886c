import DataPipeline
import Foundation
import Randomness

/// The files and answers that `Oracle/images.py` made with Pillow.
enum ImageFixture {
    static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(components: "Fixtures", "images")

    struct Case: Decodable, Sendable, CustomStringConvertible {
        let file: String
        let width: Int
        let height: Int
        let offset: Int
        let filter: String?
        let box: [Float]?
        let mode: String?

        var description: String {
            "\(file) \(width)x\(height) \(filter ?? "") \(mode ?? "") \(box.map { "\($0)" } ?? "")"
        }

        /// Pillow's answer.
        var expected: RGBImage {
            let bytes = ImageFixture.pixels[offset..<offset + width * height * 3]
            return RGBImage(width: width, height: height, pixels: Array(bytes))
        }

        var imageFilter: ImagePreparation.Filter {
            filter.flatMap { ImagePreparation.Filter(rawValue: $0) } ?? .bilinear
        }
    }

    struct Cases: Decodable, Sendable {
        var decode: [Case] = []
        var resize: [Case] = []
        var prepare: [Case] = []
    }

    static let cases: Cases = {
        let data = try? Data(contentsOf: folder.appending(path: "cases.json"))
        return data.flatMap { try? JSONDecoder().decode(Cases.self, from: $0) } ?? Cases()
    }()

    private static let pixels: [UInt8] =
        (try? Data(contentsOf: folder.appending(path: "pixels.bin"))).map { Array($0) } ?? []

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appending(path: name)))
    }

    static func image(_ name: String) throws -> RGBImage {
        try RGBImage(contentsOf: folder.appending(path: name))
    }
}

/// Images made without a file.
enum SampleImage {
    /// An image of random bytes.
    static func noise(_ width: Int, _ height: Int, seed: UInt64 = 1) -> RGBImage {
        var stream = Seed(seed).stream("test.noise")
        return RGBImage(
            width: width, height: height,
            pixels: (0..<width * height * 3).map { _ in UInt8(truncatingIfNeeded: stream.next()) })
    }

    /// An image of one colour.
    static func plain(_ width: Int, _ height: Int, _ color: [UInt8]) -> RGBImage {
        RGBImage(
            width: width, height: height,
            pixels: Array(repeatElement(color, count: width * height).joined()))
    }

    /// A small PPM file of one colour.
    static func ppm(_ color: [UInt8], side: Int = 4) -> [UInt8] {
        Array("P6 \(side) \(side) 255\n".utf8)
            + Array(repeatElement(color, count: side * side).joined())
    }
}

extension RGBImage {
    /// The largest difference between two images of one size, over all bytes.
    func largestDifference(from other: RGBImage) -> Int {
        zip(pixels, other.pixels).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
    }
}
