import ArgumentParser
import DataPipeline
import Foundation
import ModelZoo
import Randomness

extension ImageLayout: ExpressibleByArgument {}
extension ImageLabels: ExpressibleByArgument {}

/// Options of every command that reads images.
struct ImageOptions: ParsableArguments {
    @Option(
        help: """
            How the images lie: folders, cifar10, gtsrb, tiny-imagenet, named or flat; by default \
            told by what is there.
            """)
    var layout: ImageLayout?

    @Option(help: "Classes to take, separated by commas, in the order of their labels.")
    var classes: String?

    @Option(help: "Pixels of an image's side; by default the model's.")
    var imageSize: Int?

    @Option(help: "Use at most this many samples, drawn at random.")
    var limit: Int?

    @Option(help: "Share of images that may be damaged or missing and are left out, 0 to 1: 0.01.")
    var maxSkipped: Double?

    @Option(
        help: """
            Folder where prepared images are kept from one run to the next: $RECIPE_IMAGE_CACHE; \
            without either they are not kept.
            """)
    var imageCache: URL?

    /// The variable that names the folder of prepared images where no option does.
    static let cacheVariable = "RECIPE_IMAGE_CACHE"

    /// Where prepared images are kept, if they are.
    var cache: ImageCache? {
        let named = ProcessInfo.processInfo.environment[Self.cacheVariable] ?? ""
        let folder = imageCache ?? (named.isEmpty ? nil : URL(fileURLWithPath: named))
        return folder.map { ImageCache(folder: $0) }
    }

    func validate() throws {
        try validatePositive(("--image-size", imageSize ?? 1), ("--limit", limit ?? 1))
        if let classes, classNames?.contains("") == true {
            throw ValidationError("--classes \(classes): expected names with commas between")
        }
        if let maxSkipped, !(0...1).contains(maxSkipped) {
            throw ValidationError("--max-skipped \(NumberText.exact(maxSkipped)): expected 0 to 1")
        }
    }

    /// The options that were given, by their names.
    var given: [String] {
        givenOfSets
            + [
                imageSize.map { _ in "--image-size" }, limit.map { _ in "--limit" },
                maxSkipped.map { _ in "--max-skipped" }, imageCache.map { _ in "--image-cache" },
            ].compactMap { $0 }
    }

    /// Those of them that are about images without captions.
    var givenOfSets: [String] {
        [layout.map { _ in "--layout" }, classes.map { _ in "--classes" }].compactMap { $0 }
    }

    /// The classes of the list, or nil where all are taken.
    var classNames: [String]? {
        classes?.split(separator: ",", omittingEmptySubsequences: false).map {
            $0.trimmingCharacters(in: .whitespaces)
        }
    }

    /// Finds the images at `url`; where `part` is nil, the training part if there are parts.
    func read(_ url: URL, part: ImagePart?, labels: ImageLabels) throws -> ImageSet {
        try ImageSet.read(
            url, layout: layout, part: part, classes: labels == .none ? nil : classNames,
            labels: labels)
    }

    /// How the model of `folder` takes images, in the size asked for.
    func preparation(for folder: ImageModelFolder) throws -> ImagePreparation {
        try preparation(for: folder.configuration, folder.processor)
    }

    /// How a model takes images, in the size asked for; refuses one that it cannot see.
    func preparation(
        for configuration: ImageConfiguration, _ processor: ImageProcessor
    ) throws -> ImagePreparation {
        let preparation = try processor.preparation(size: imageSize)
        try configuration.check(PixelSize(preparation.size, preparation.size))
        return preparation
    }

    /// Decodes the images of `set` as the model of `folder` takes them.
    func prepare(_ set: ImageSet, for folder: ImageModelFolder, seed: Seed) throws
        -> PreparedImages
    {
        try prepare(set, preparation(for: folder), seed: seed)
    }

    /// Decodes the images of `set`; damaged ones are left out, and named unless they were before.
    func prepare(
        _ set: ImageSet, _ preparation: ImagePreparation, seed: Seed, namesSkipped: Bool = true
    ) throws -> PreparedImages {
        let chosen = limit.map { set.randomSubset(of: $0, seed: seed) } ?? set
        let images = try preparing(chosen) { progress in
            try PreparedImages.prepare(
                chosen, preparation, cache: cache,
                maximumSkipped: maxSkipped ?? 0.01, progress: progress)
        }
        if namesSkipped { warn(of: images.skipped) }
        return images
    }

    /// Prepares the images of `set`, or some of them, while it shows how far that is.
    func preparing<Images>(
        _ set: ImageSet, _ prepare: (@escaping @Sendable (ImageProgress) -> Void) throws -> Images
    ) rethrows -> Images {
        let count = limit.map { min($0, set.count) } ?? set.count
        let progress = ImageProgressReporter(set.name, total: count, on: .standard)
        let images = try prepare { progress.show($0) }
        progress.finish()
        return images
    }

    /// Names images that were left out.
    func warn(of skipped: [SkippedImage]) {
        let console = Console.standard
        for image in skipped.prefix(5) {
            console.warn("\(image.identifier) is left out: it \(image.reason)")
        }
        if skipped.count > 5 { console.warn("\(skipped.count - 5) more images are left out") }
    }
}

/// Shows how far a set of images is prepared; the loaders call it one at a time.
private final class ImageProgressReporter: @unchecked Sendable {
    private let reporter: ProgressReporter

    init(_ name: String, total: Int, on console: Console) {
        reporter = ProgressReporter("prepare \(name)", total: total, unit: "image", on: console)
    }

    func show(_ progress: ImageProgress) { reporter.update(completed: progress.done) }

    func finish() { reporter.finish() }
}
