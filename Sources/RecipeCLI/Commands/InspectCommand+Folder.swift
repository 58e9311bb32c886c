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

    init(
        _ folder: ModelFolder, _ spelling: (StateDictionary) throws -> ModelFolder.Spelling
    ) throws {
        files = folder.files()
        findings = try folder.findings(spelling) + folder.strayWeights(spelling)
        feature = folder.modules?.feature
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
            + Self.list("found", findings)
    }

    private static func list(_ title: String, _ notes: [FileNote]) -> [(String, String)] {
        notes.enumerated().map { ($0.offset == 0 ? title : "", $0.element.description) }
    }

    /// Ends an inspection that found something with its own exit code.
    func end() throws {
        if !findings.isEmpty { throw RecipeCLI.ExitStatusError(status: .found) }
    }
}
