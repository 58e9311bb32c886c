import Checkpoints
import Foundation
import TensorFormats

/// What lies in a model's folder, and what becomes of it, as every inspection says it.
struct FolderFound {
    /// Every file and what becomes of it when the model is written.
    let files: [ModelFolder.FileFate]
    /// What loaders could read differently, or would run.
    let findings: [FileNote]
    /// The feature that users of sentence-transformers read.
    let feature: String?
    /// Every dictionary of tensors in files of `torch.save`.
    let dictionaries: [DictionaryFound]

    init(
        _ folder: ModelFolder, _ spelling: (StateDictionary) throws -> ModelFolder.Spelling
    ) throws {
        files = folder.files()
        findings = try folder.findings(spelling) + folder.strayWeights(spelling)
        feature = folder.modules?.feature
        dictionaries = ([folder.weights] + folder.twins).flatMap(\.archives).flatMap { archive in
            archive.dictionaries.map {
                DictionaryFound(
                    file: archive.url.lastPathComponent, key: $0.key, tensors: $0.tensorCount,
                    role: $0.role)
            }
        }
    }

    /// The same as facts beside their names.
    var lines: [(String, String)] {
        let carried = files.filter { $0.fate == .carried }
        let notes = carried.compactMap(\.note)
        return (feature.map { [("embedding", $0)] } ?? [])
            + (carried.isEmpty
                ? [] : [("copied", carried.map(\.file).joined(separator: ", "))])
            + notes.map { ("", $0.description) }
            + Self.list("left out", files.filter { $0.fate == .leftOut }.compactMap(\.note))
            + Self.list("found", findings) + dictionaryLines
    }

    /// The dictionaries, where a file is more than the one that is read.
    private var dictionaryLines: [(String, String)] {
        let isPlain = dictionaries.allSatisfy { $0.key == "." && $0.role == .weights }
        return isPlain
            ? []
            : dictionaries.enumerated().map {
                ($0.offset == 0 ? "tensors" : "", $0.element.description)
            }
    }

    private static func list(_ title: String, _ notes: [FileNote]) -> [(String, String)] {
        notes.enumerated().map { ($0.offset == 0 ? title : "", $0.element.description) }
    }

    /// Ends an inspection that found something with its own exit code.
    func end() throws {
        if !findings.isEmpty { throw RecipeCLI.ExitStatusError(status: .found) }
    }
}

/// A dictionary of tensors in a file of `torch.save`, and what becomes of it.
struct DictionaryFound: Codable, CustomStringConvertible {
    var file: String
    var key: String
    var tensors: Int
    var role: TensorDictionary.Role

    var description: String {
        let place = key == "." ? file : "\(file), \(key)"
        let fate =
            switch role {
            case .weights: "the model"
            case .copy: "the same once more, changed with it"
            case .trainingState: "training state, carried along"
            case .measurements: "single numbers, carried along"
            case .leftOut: "not chosen, left out of an output"
            }
        return "\(place): \(tensors) tensors, \(fate)"
    }
}
