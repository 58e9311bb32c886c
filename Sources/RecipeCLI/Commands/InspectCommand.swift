import ArgumentParser
import Checkpoints
import Foundation
import ModelZoo
import TensorFormats
import TextTokenizers
import Torch
import TorchNN

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Say what a model holds and what RECIPE would do to it.",
        discussion: """
            Names every file of the folder and what becomes of it in an output. Exit code 0: loaders \
            read one model in it; 1: something was found that they could read differently, or that \
            makes them run code; 2: it could not be read.
            """)

    @Argument(help: "The model: a folder, or for images also a single weights file.")
    var model: URL
    @OptionGroup var chosen: WeightsOption
    @Option(help: "How to print the result: text or json.")
    var format = OutputFormat.text

    /// What a model folder holds.
    struct Inspection: Codable {
        var model: String
        var architecture: String
        var dialect: String
        var files: [String]
        var formats: [String]
        var types: [String]
        var parameters: Int
        var layers: Int
        var hiddenSize: Int
        var heads: Int
        var intermediateSize: Int
        var vocabulary: Int
        var positions: Int
        var present: [String]
        var missing: [String]
        var regularized: [String]
        var regularizedElements: Int
        var trained: [String]
        var carried: [String]
        var tokenizer: String
        var folder: [ModelFolder.FileFate]
        var findings: [FileNote]
        var feature: String?
        var dictionaries: [DictionaryFound]
    }

    func run() throws { try chosen.reading { try inspectModel() } }

    private func inspectModel() throws {
        switch try ModelKind(at: model) {
        case .images: try inspectImageModel()
        case .pairs: try inspectCLIP()
        case .texts:
            let (inspection, found) = try inspect()
            switch format {
            case .json: Console.standard.write(try json(inspection))
            case .text: Console.standard.write(lines: text(inspection, found))
            }
            try found.end()
        }
    }

    private func inspect() throws -> (Inspection, FolderFound) {
        let folder = try TextModelFolder(model, for: .report)
        // Read, not only listed: a tensor of the wrong shape is found here, not an hour later.
        let source = CheckpointSource(folder.folder.weights, dialect: folder.dialect, at: model)
        let encoder = try folder.configuration.model(
            parts: folder.parts.subtracting(.classifier), in: ParameterStore(source: source))
        let regularized = encoder.store.parameters(
            matching: folder.configuration.paperDefaults.regularized)
        let parts: [(TextModelParts, String)] = [
            (.pooler, "pooler"), (.maskedLMHead, "masked-language-model head"),
            (.classifier, "classifier"),
        ]
        try folder.folder.weights.checkFinite(at: folder.folder.url)
        let weights = WeightsFound(folder.folder)
        let tokenizer: String
        do {
            tokenizer = "WordPiece, \(try folder.tokenizer().vocabularySize) tokens"
        } catch {
            tokenizer = "unusable: \(error)"
        }
        let found = try FolderFound(folder.folder, folder.spelling(of:))
        let inspection = Inspection(
            model: model.path, architecture: folder.configuration.architecture.modelType,
            dialect: folder.dialect.name,
            files: weights.files, formats: weights.formats, types: weights.types,
            parameters: encoder.store.elementCount, layers: folder.configuration.layerCount,
            hiddenSize: folder.configuration.hiddenSize, heads: folder.configuration.headCount,
            intermediateSize: folder.configuration.intermediateSize,
            vocabulary: folder.configuration.vocabularySize,
            positions: folder.configuration.maximumPositions,
            present: parts.filter { folder.parts.contains($0.0) }.map(\.1),
            missing: parts.filter { !folder.parts.contains($0.0) }.map(\.1),
            regularized: regularized.map { folder.dialect.onDisk($0.name) },
            regularizedElements: regularized.reduce(0) { $0 + $1.tensor.elementCount },
            trained: regularized.map { folder.dialect.onDisk($0.name) },
            carried: source.unread.map(folder.dialect.onDisk), tokenizer: tokenizer,
            folder: found.files, findings: found.findings, feature: found.feature,
            dictionaries: found.dictionaries)
        return (inspection, found)
    }

    private func text(_ found: Inspection, _ folder: FolderFound) -> [String] {
        func listed(_ names: [String], none: String) -> String {
            names.isEmpty ? none : names.joined(separator: ", ")
        }
        let types = found.types.joined(separator: ", ")
        let sizes = """
            \(found.layers) layers, hidden \(found.hiddenSize), \(found.heads) heads, \
            feed-forward \(found.intermediateSize), \(found.positions) positions
            """
        let regularized = """
            \(found.regularized.count) matrices, \(HumanFormat.count(found.regularizedElements)) \
            numbers; trained: the same, nothing else
            """
        let lines: [(String, String)] = [
            ("architecture", "\(found.architecture) (\(found.dialect))"),
            ("weights", "\(listed(found.files, none: "")) (\(types))"),
            ("parameters", HumanFormat.count(found.parameters)),
            ("sizes", sizes),
            ("tokenizer", found.tokenizer),
            ("has", listed(found.present, none: "nothing beside the encoder")),
            ("lacks", listed(found.missing, none: "nothing")),
            ("regularized", regularized),
            ("carried", listed(found.carried, none: "nothing")),
        ]
        return Self.listed(found.model, lines + folder.lines, matrices: found.regularized)
    }

    /// A title, facts beside their names, and the regularized matrices under a fact of their own.
    static func listed(
        _ title: String, _ lines: [(String, String)], matrices: [String]
    ) -> [String] {
        let indent = String(repeating: " ", count: 15)
        let all = lines + [("matrices", "that are regularized:")]
        let facts = all.map {
            "  " + $0.0.padding(toLength: 13, withPad: " ", startingAt: 0) + $0.1
        }
        return [title] + facts + matrices.map { indent + $0 }
    }
}

/// What holds a model's weights, as every inspection says it.
struct WeightsFound {
    let files: [String]
    let formats: [String]
    let types: [String]

    init(_ folder: ModelFolder) {
        let state = folder.weights
        files = ([state] + folder.twins).flatMap(\.archives).map(\.url.lastPathComponent)
        formats = Set(state.archives.map(\.format.rawValue)).sorted()
        types = Set(state.tensors.map(\.scalarType.rawValue)).sorted()
    }
}
