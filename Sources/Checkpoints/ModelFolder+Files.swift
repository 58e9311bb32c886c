import Foundation
import TensorFormats

extension ModelFolder {
    /// What becomes of a file of the folder when the model is written.
    public struct FileFate: Sendable, Codable, Hashable {
        /// What it is.
        public enum Fate: String, Sendable, Codable {
            /// Weights, written with what is changed in them.
            case rewritten
            /// Copied as it is.
            case carried
            /// Not in the output.
            case leftOut
        }

        /// The file, by its path within the folder.
        public let file: String
        /// What becomes of it.
        public let fate: Fate
        /// Why it is left out, or what else there is to say.
        public let note: FileNote?
    }

    /// Every file of the folder and what becomes of it when the model is written; of a file that was
    /// named itself, that alone.
    public func files() -> [FileFate] {
        guard let tree else {
            return [FileFate(file: url.lastPathComponent, fate: .rewritten, note: nil)]
        }
        return tree.entries.map { entry in
            if weightFiles.contains(entry.path) {
                return FileFate(file: entry.path, fate: .rewritten, note: nil)
            }
            do throws(FileNote.Failure) {
                let companion = try companion(entry)
                return FileFate(
                    file: entry.path, fate: .carried,
                    note: companion.remark.map { FileNote(entry.path, .weights, $0) })
            } catch {
                return FileFate(file: entry.path, fate: .leftOut, note: error.note)
            }
        }
    }

    /// A file that is carried into an output.
    struct Companion {
        let entry: FolderTree.Entry
        /// Its bytes, which were examined; nil of weights, which are copied.
        let data: Data?
        /// What there is to say of it.
        var remark: String?
    }

    /// The file at `entry` as it is carried.
    ///
    /// Throws why it is left out.
    func companion(_ entry: FolderTree.Entry) throws(FileNote.Failure) -> Companion {
        guard entry.kind == .file, let rule = rule(for: entry) else {
            if let companion = try denseWeights(entry) { return companion }
            throw FileNote.Failure(note: LeftOutReason.note(on: entry))
        }
        return Companion(entry: entry, data: try Companions.read(entry, as: rule))
    }

    /// The rule for a file where the list says something of it: in the model's own folders and those
    /// of the modules.
    private func rule(for entry: FolderTree.Entry) -> Companions.Rule? {
        let folder = entry.folder
        if folder == "additional_chat_templates", entry.name.hasSuffix(".jinja") {
            return Companions.Rule(.text)
        }
        let module = modules?.modules.first { $0.path == folder }
        if folder.isEmpty || module?.role == .transformer {
            return Companions.rule(for: entry.name)
        }
        return module != nil && entry.name == "config.json" ? Companions.Rule(.object) : nil
    }

    /// The weights of a dense layer of sentence-transformers, which the embeddings cannot do without:
    /// they are carried as they are, and said to be.
    private func denseWeights(
        _ entry: FolderTree.Entry
    ) throws(FileNote.Failure) -> Companion? {
        guard entry.kind == .file, ["model.safetensors", "pytorch_model.bin"].contains(entry.name),
            modules?.modules.contains(where: { $0.role == .dense && $0.path == entry.folder })
                == true
        else { return nil }
        let names: Set<String> = ["linear.weight", "linear.bias", "residual.weight"]
        let archive: TensorArchive
        do {
            archive = try TensorArchive.open(entry.url)
        } catch {
            throw FileNote.Failure(
                note: FileNote(entry.path, .unreadable, "it cannot be read as weights (\(error))"))
        }
        guard archive.otherEntries.isEmpty, archive.wrapper.isEmpty,
            names.isSuperset(of: archive.tensors.map(\.name))
        else {
            throw FileNote.Failure(
                note: FileNote(entry.path, .weights, "it holds more than a dense layer's weights"))
        }
        return Companion(
            entry: entry, data: nil,
            remark: "carried as it is: a dense layer on the embeddings is not purified")
    }
}
