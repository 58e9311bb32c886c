import ArgumentParser
import DataPipeline
import Foundation
import ModelZoo
import Training

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

    /// The images at `url`, and how they are read.
    func data(at url: URL?, labels: ImageLabels = .folder) -> AuxiliaryData.Images {
        var data = AuxiliaryData.Images(url)
        (data.layout, data.classes, data.labels) = (layout, classNames, labels)
        (data.size, data.cache) = (imageSize, cache)
        data.maximumSkipped = maxSkipped ?? data.maximumSkipped
        return data
    }
}
