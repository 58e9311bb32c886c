import Checkpoints
import Foundation
import ModelZoo
import TextTokenizers
import Torch
import TorchNN

/// What a CLIP holds.
private struct CLIPInspection: Codable {
    var model: String
    var architecture: String
    var dialect: String
    var files: [String]
    var formats: [String]
    var types: [String]
    var parameters: Int
    var visionParameters: Int
    var textParameters: Int
    var configuration: CLIPConfiguration
    var processor: ImageProcessor
    var tokenizer: String
    var regularized: [String]
    var regularizedElements: Int
    var carried: [String]
    var folder: [ModelFolder.FileFate]
    var findings: [FileNote]
    var dictionaries: [DictionaryFound]
}

extension InspectCommand {
    /// Inspects a CLIP and prints what was found.
    func inspectCLIP() throws {
        let folder = try CLIPFolder(model, for: .report)
        // Loaded, not only listed: a tensor of the wrong shape is found here, not an hour later.
        let store = try folder.load().store
        func count(_ pattern: ParameterPattern) -> Int {
            store.parameters(matching: pattern).reduce(0) { $0 + $1.tensor.elementCount }
        }
        try folder.folder.weights.checkFinite(at: folder.folder.url)
        let weights = WeightsFound(folder.folder)
        let contents = try FolderFound(folder.folder, folder.spelling(of:))
        let found = CLIPInspection(
            model: model.path, architecture: folder.configuration.title,
            dialect: folder.dialect.name,
            files: weights.files, formats: weights.formats, types: weights.types,
            parameters: store.elementCount, visionParameters: count("vision_model.**"),
            textParameters: count("text_model.**"), configuration: folder.configuration,
            processor: folder.processor, tokenizer: tokenizer(of: folder),
            regularized: store.parameters(matching: CLIP.recipeWeights).map {
                folder.dialect.onDisk($0.name)
            },
            regularizedElements: count(CLIP.recipeWeights), carried: try folder.unreadNames(),
            folder: contents.files, findings: contents.findings,
            dictionaries: contents.dictionaries)
        switch format {
        case .json: Console.standard.write(try json(found))
        case .text: Console.standard.write(lines: text(found, contents))
        }
        try contents.end()
    }

    private func tokenizer(of folder: CLIPFolder) -> String {
        guard !folder.folder.isFile else { return "none: a file of weights has no tokenizer" }
        do {
            return "CLIP byte pairs, \(try folder.tokenizer().vocabularySize) tokens"
        } catch {
            return "unusable: \(error)"
        }
    }

    private func text(_ found: CLIPInspection, _ contents: FolderFound) -> [String] {
        func sizes(_ tower: CLIPConfiguration.Tower, _ count: Int) -> String {
            """
            \(tower.layerCount) layers, hidden \(tower.hiddenSize), \(tower.headCount) heads, \
            feed-forward \(tower.intermediateSize), \(tower.activation.rawValue): \
            \(HumanFormat.count(count)) parameters
            """
        }
        let (vision, captions) = (found.configuration.vision, found.configuration.text)
        let pooled =
            switch captions.pooling {
            case .firstEnd(let id): "the first token \(id) is read"
            case .highestID: "the token of the highest id is read"
            }
        let files = found.files.joined(separator: ", ")
        // A tensor of a file may hold several matrices.
        let matrices = found.regularized.reduce(into: [String]()) {
            if $0.last != $1 { $0.append($1) }
        }
        let lines: [(String, String)] = [
            ("architecture", "\(found.architecture) (\(found.dialect))"),
            ("weights", "\(files) (\(found.types.joined(separator: ", ")))"),
            ("parameters", HumanFormat.count(found.parameters)),
            ("vision", sizes(vision.tower, found.visionParameters)),
            ("text", sizes(captions.tower, found.textParameters)),
            ("images", "\(vision.imageSize) pixels in patches of \(vision.patchSize)"),
            ("captions", "\(captions.maximumPositions) positions; \(pooled)"),
            ("embeddings", "\(HumanFormat.count(found.configuration.projectionSize)) numbers"),
            ("tokenizer", found.tokenizer),
            (
                "regularized",
                """
                \(found.regularized.count) weights, \(HumanFormat.count(found.regularizedElements)) \
                numbers, of the vision tower; trained: everything
                """
            ),
            ("carried", found.carried.isEmpty ? "nothing" : found.carried.joined(separator: ", ")),
        ]
        return Self.listed(found.model, lines + contents.lines, matrices: matrices)
    }
}
