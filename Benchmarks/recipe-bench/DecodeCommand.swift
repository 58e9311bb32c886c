import ArgumentParser
import Foundation
import RecipeKit

extension ImagePreparation.Filter: ExpressibleByArgument {}

/// What one process of either side measured: a line of JSON, which `Oracle/decode_loop.py` writes
/// with the same keys.
struct DecodeMeasurement: Codable {
    /// Images of a pass.
    var images: Int
    /// The processor's seconds of each pass; the first warms up.
    var passSeconds: [Double]
    /// What decoded.
    var library: String

    /// Images a second, over all passes but the first.
    var imagesPerSecond: Double {
        let rated = passSeconds.dropFirst()
        return Double(images * rated.count) / rated.reduce(0, +)
    }

    /// Milliseconds that an image takes.
    var millisecondsPerImage: Double { 1000 / imagesPerSecond }
}

struct DecodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Decode and resize images on one thread; print a line of JSON.")

    @Argument(
        help: "A file that names an image file a line.", transform: URL.init(fileURLWithPath:))
    var files: URL
    @Option(help: "Pixels of the square that each image becomes.")
    var size = 64
    @Option(help: "bilinear or bicubic.")
    var filter = ImagePreparation.Filter.bilinear
    @Option(help: "Epochs over the files; the first warms up.")
    var passes = 4
    @Option(
        help: "Where to write the pixels of the last pass.", transform: URL.init(fileURLWithPath:))
    var output: URL?

    func run() throws {
        let paths = try String(contentsOf: files, encoding: .utf8)
            .split(whereSeparator: \.isNewline).map(String.init)
        let preparation = ImagePreparation(size: size, filter: filter)
        try preparation.validate()
        var pixels = [UInt8](repeating: 0, count: paths.count * preparation.byteCount)
        let decoder = try ImageDecoder()
        var seconds: [Double] = []
        for _ in 0..<max(1, passes) {
            let began = try Self.processorSeconds()
            try pixels.withUnsafeMutableBytes { all in
                for (index, path) in paths.enumerated() {
                    let start = index * preparation.byteCount
                    let room = all[start..<(start + preparation.byteCount)]
                    try decoder.prepare(
                        contentsOf: path, preparation,
                        into: UnsafeMutableRawBufferPointer(rebasing: room))
                }
            }
            seconds.append(try Self.processorSeconds() - began)
        }
        if let output { try Data(pixels).write(to: output) }
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let measurement = DecodeMeasurement(
            images: paths.count, passSeconds: seconds, library: "recipe \(RecipeKit.version)")
        print(String(decoding: try encoder.encode(measurement), as: UTF8.self))
    }

    /// What this process has used of the processor: one core's work, whatever else runs beside it.
    private static func processorSeconds() throws -> Double {
        var time = timespec()
        guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else {
            throw BenchmarkError("the system does not say how much processor time was used")
        }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
