import ArgumentParser
import Foundation
import RecipeKit

struct ImagesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "images",
        abstract: "Measure decoding and resizing beside Pillow, one thread each.",
        discussion: """
            Each round runs Pillow, then ours, each in a process of its own, over the same files. \
            Exit status 1 where the two do not make the same bytes.
            """)

    @Argument(
        help: "Folders of images; by default Dogs vs Cats and tiny-imagenet's validation part.",
        transform: URL.init(fileURLWithPath:))
    var folders: [URL] = []
    @Option(help: "How often each side is measured.")
    var rounds = 3
    @Option(help: "Images of each folder, drawn at random.")
    var images = 600
    @Option(help: "Pixels of the square that each image becomes.")
    var size = 64
    @Option(help: "bilinear or bicubic.")
    var filter = ImagePreparation.Filter.bilinear
    @OptionGroup var places: PlaceOptions

    func validate() throws {
        guard rounds > 0, images > 0 else {
            throw ValidationError("expected --rounds and --images of at least 1")
        }
    }

    func run() throws {
        let results = try places.makeOutput()
        var rows: [ImagesReport.Row] = []
        for folder in try measuredFolders(in: results) {
            let set = try ImageSet.read(folder, labels: .none)
                .randomSubset(of: images, seed: Seed(42))
            let list = results.appendingPathComponent("images.txt")
            let paths = set.samples.map { "\(set.folder)/\($0.path)\n" }
            try Data(paths.joined().utf8).write(to: list)
            RecipeBench.report("\(folder.path): \(set.count) images")
            rows.append(
                try measure(
                    list, named: folder.pathComponents.suffix(2).joined(separator: "/"), in: results
                ))
        }
        let report = ImagesReport(rows: rows, size: size, filter: filter)
        try report.write(as: "images", to: results)
        print(report.markdown)
        if !rows.allSatisfy(\.isEqual) { throw ExitCode(1) }
    }

    private func measuredFolders(in results: URL) throws -> [URL] {
        guard folders.isEmpty else { return folders }
        let found = ["catdog/dogs-vs-cats/train", "tiny-imagenet/tiny-imagenet-200/val/images"]
            .compactMap { BenchmarkMaterial.data($0, near: places.packageFolder) }
        guard found.isEmpty else { return found }
        let made = results.appendingPathComponent("generated")
        try Photographs.make(images, places: places, at: made)
        return [made]
    }

    private func measure(_ list: URL, named name: String, in results: URL) throws
        -> ImagesReport.Row
    {
        let (theirPixels, ourPixels) = (
            results.appendingPathComponent("theirs.rgb"), results.appendingPathComponent("ours.rgb")
        )
        let how = [list.path, "--size", "\(size)", "--filter", filter.rawValue, "--output"]
        var row = ImagesReport.Row(name: name, rounds: [], isEqual: true)
        for round in 1...rounds {
            let theirs = try theirs(how + [theirPixels.path])
            let ours = try ours(how + [ourPixels.path])
            row.rounds.append(ImagesReport.Round(theirs: theirs, ours: ours))
            row.isEqual =
                try row.isEqual && Data(contentsOf: theirPixels) == Data(contentsOf: ourPixels)
            RecipeBench.report(
                String(
                    format: "  round %d: theirs %.0f, ours %.0f images/s", round,
                    theirs.imagesPerSecond, ours.imagesPerSecond))
        }
        for file in [theirPixels, ourPixels] { try FileManager.default.removeItem(at: file) }
        return row
    }

    private func theirs(_ arguments: [String]) throws -> DecodeMeasurement {
        try places.script("decode_loop.py", arguments).result()
    }

    private func ours(_ arguments: [String]) throws -> DecodeMeasurement {
        try ChildProcess.ourselves(["decode"] + arguments).result()
    }
}

/// Decoding and resizing of both sides.
struct ImagesReport: Codable, BenchmarkResults {
    /// Both sides once.
    struct Round: Codable {
        var theirs: DecodeMeasurement
        var ours: DecodeMeasurement
    }

    /// One folder of images.
    struct Row: Codable {
        var name: String
        var rounds: [Round]
        /// Whether both sides made the same bytes in every round.
        var isEqual: Bool
    }

    var rows: [Row]
    var size: Int
    var filter: ImagePreparation.Filter
    var version = RecipeKit.version
    var machine = Machine()

    /// The table and what has to be known to read it; ratios are medians of the rounds' own.
    var markdown: String {
        let lines = rows.map { row in
            let cells = [
                "\(row.rounds.first?.ours.images ?? 0)",
                String(format: "%.3f ms", row.rounds.map(\.theirs.millisecondsPerImage).median),
                String(format: "%.3f ms", row.rounds.map(\.ours.millisecondsPerImage).median),
                String(
                    format: "%.2f",
                    row.rounds.map { $0.ours.imagesPerSecond / $0.theirs.imagesPerSecond }.median),
                row.isEqual ? "equal" : "NOT equal",
            ]
            return "| \(row.name) | \(cells.joined(separator: " | ")) |"
        }
        let sides = rows.first?.rounds.first
        return """
            | Images | number | Pillow, each | recipe, each | times as fast | bytes |
            | --- | ---: | ---: | ---: | ---: | --- |
            \(lines.joined(separator: "\n"))

            Decoding and resizing to \(size) x \(size), \(filter.rawValue), on one thread, from files in \
            the system's cache, in processor time; medians of \(rows.first?.rounds.count ?? 0) round(s) in alternation.
            \(machine.processor); \(sides?.theirs.library ?? ""); \(sides?.ours.library ?? "").
            """
    }
}
