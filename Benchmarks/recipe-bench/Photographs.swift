import Foundation
import RecipeKit

/// Images of about 500 pixels a side in a folder of their own, with a class each: what both sides
/// train on.
struct Photographs {
    /// A list, a label and a file a line with a tab between.
    let list: URL

    /// The name of a line's file within its folder, counted from 0; names sort as numbers do.
    private static func name(_ index: Int) -> String { String(format: "%05d.jpg", index) }

    /// Copies `count` of Dogs vs Cats, or as many whole batches as there are, or makes as many where
    /// there are none, and gives each a random class; `description` says which it was.
    static func gather(
        _ count: Int, batchSize: Int, classes: Int, places: PlaceOptions, in output: URL
    ) throws -> (photographs: Photographs, description: String) {
        let folder = output.appendingPathComponent("photographs")
        let real = BenchmarkMaterial.data(
            "catdog/dogs-vs-cats/train", near: places.packageFolder)
        let found = try real.map {
            try ImageSet.read($0, labels: .none).randomSubset(of: count, seed: Seed(42))
        }
        let usable = (found?.count ?? 0) / batchSize * batchSize
        if let found, usable > 0 {
            try empty(folder)
            for (index, sample) in found.samples.prefix(usable).enumerated() {
                try FileManager.default.copyItem(
                    atPath: "\(found.folder)/\(sample.path)",
                    toPath: folder.appendingPathComponent(name(index)).path)
            }
        } else {
            try make(count, places: places, at: folder)
        }
        let total = usable > 0 ? usable : count
        let photographs = Photographs(list: output.appendingPathComponent("photographs.txt"))
        var stream = Seed(42).stream("benchmark.labels")
        let lines = (0..<total).map { index in
            "\(Int.random(in: 0..<classes, using: &stream))\t"
                + "\(folder.appendingPathComponent(name(index)).path)\n"
        }
        try Data(lines.joined().utf8).write(to: photographs.list)
        return (
            photographs,
            usable > 0 ? "\(total) of Dogs vs Cats" : "\(total) generated (no Dogs vs Cats found)"
        )
    }

    /// Makes `count` files that are as much work to decode as photographs.
    static func make(_ count: Int, places: PlaceOptions, at folder: URL) throws {
        RecipeBench.report("no Dogs vs Cats found: making \(count) pictures of their size")
        try empty(folder)
        try places.script("photographs.py", [folder.path, "\(count)"]).run()
    }

    private static func empty(_ folder: URL) throws {
        if FileManager.default.fileExists(atPath: folder.path) {
            try FileManager.default.removeItem(at: folder)
        }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// Decodes all of them as `recipe purify` does, with as many classes as the head of `folder` has.
    func prepared(
        for folder: ImageModelFolder, threads: Int?
    ) throws -> (images: PreparedImages, secondsPerImage: Double) {
        let rows = try rows()
        guard let first = rows.first, let classes = folder.configuration.labelCount else {
            throw BenchmarkError("\(list.path): no photographs, or a model without a head")
        }
        let began = ContinuousClock.now
        let set = try ImageSet.read(
            first.file.deletingLastPathComponent(), layout: .flat, labels: .none)
        guard set.samples.map(\.path) == rows.map(\.file.lastPathComponent) else {
            throw BenchmarkError("\(list.path): its folder holds other files than it lists")
        }
        let decoded = try PreparedImages.prepare(
            set, folder.processor.preparation(), maximumSkipped: 0, threads: threads)
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        let pixels = (0..<decoded.count).flatMap { decoded.image($0).pixels }
        let images = PreparedImages(
            name: set.name, pixels: pixels, height: decoded.height, width: decoded.width,
            labels: rows.map(\.label), classNames: (0..<classes).map(String.init))
        return (images, seconds / Double(rows.count))
    }

    private func rows() throws -> [(label: Int, file: URL)] {
        try String(contentsOf: list, encoding: .utf8).split(whereSeparator: \.isNewline).map {
            let fields = $0.split(separator: "\t", maxSplits: 1)
            guard fields.count == 2, let label = Int(fields[0]) else {
                throw BenchmarkError("\(list.path): expected a label, a tab and a file in ‘\($0)’")
            }
            return (label, URL(fileURLWithPath: String(fields[1])))
        }
    }
}
