import Checkpoints
import Foundation
import ModelZoo
import Torch
import TorchNN

/// What an image model holds.
private struct ImageInspection: Codable {
    var model: String
    var architecture: String
    var dialect: String
    var files: [String]
    var formats: [String]
    var types: [String]
    var parameters: Int
    var imageSize: PixelSize
    var featureSize: Int
    var labels: Int?
    var processor: ImageProcessor
    var regularized: [String]
    var regularizedElements: Int
    var carried: [String]
    var folder: [ModelFolder.FileFate]
    var findings: [FileNote]
    var dictionaries: [DictionaryFound]
}

extension InspectCommand {
    /// Inspects an image model and prints what was found.
    func inspectImageModel() throws {
        let folder = try ImageModelFolder(model, for: .report)
        // Loaded, not only listed: a tensor of the wrong shape is found here, not an hour later.
        let loaded = try folder.load()
        let regularized = loaded.store.parameters(matching: loaded.recipeWeights)
        try folder.folder.weights.checkFinite(at: folder.folder.url)
        let weights = WeightsFound(folder.folder)
        let contents = try FolderFound(folder.folder, folder.spelling(of:))
        let found = ImageInspection(
            model: model.path, architecture: folder.configuration.title,
            dialect: folder.dialect.name,
            files: weights.files, formats: weights.formats, types: weights.types,
            parameters: loaded.store.elementCount, imageSize: folder.configuration.imageSize,
            featureSize: loaded.featureSize, labels: loaded.labelCount,
            processor: folder.processor,
            regularized: regularized.map { folder.dialect.onDisk($0.name) },
            regularizedElements: regularized.reduce(0) { $0 + $1.tensor.elementCount },
            carried: try folder.unreadNames(),
            folder: contents.files, findings: contents.findings,
            dictionaries: contents.dictionaries)
        switch format {
        case .json: Console.standard.write(try json(found))
        case .text: Console.standard.write(lines: text(found, contents))
        }
        try contents.end()
    }

    private func text(_ found: ImageInspection, _ contents: FolderFound) -> [String] {
        let files = found.files.joined(separator: ", ")
        let lines: [(String, String)] = [
            ("architecture", "\(found.architecture) (\(found.dialect))"),
            ("weights", "\(files) (\(found.types.joined(separator: ", ")))"),
            ("parameters", HumanFormat.count(found.parameters)),
            ("images", "\(found.imageSize) pixels"),
            ("features", "\(HumanFormat.count(found.featureSize)) numbers an image"),
            ("head", found.labels.map { "\($0) classes" } ?? "none"),
            (
                "regularized",
                """
                \(found.regularized.count) weights, \(HumanFormat.count(found.regularizedElements)) \
                numbers; trained: everything
                """
            ),
            ("carried", found.carried.isEmpty ? "nothing" : found.carried.joined(separator: ", ")),
        ]
        return Self.listed(found.model, lines + contents.lines, matrices: found.regularized)
    }
}
