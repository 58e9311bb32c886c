import Foundation
import JSON

/// What in a folder tells a loader to run code, or to read another file than the one that is
/// examined here.
enum LoaderDirections {
    /// Fields, wherever they stand in a description, that make loaders run code.
    static let codeFields: Set<String> = [
        "auto_map", "custom_code", "custom_generate", "custom_pipeline", "custom_pipelines",
        "trust_remote_code",
    ]
    /// Fields that name what is read in place of the model's or the tokenizer's own files.
    private static let redirections: Set<String> = [
        "_commit_hash", "adapter_name_or_path", "base_model_name_or_path", "configuration_files",
        "fast_tokenizer_files", "gguf_file", "hf_hub_filename", "hf_model_name",
        "hf_tokenizer_name", "subfolder", "timm_model_name", "transformers_weights",
    ]
    /// Fields of a tokenizer's description that some loaders take before the folder's own files.
    private static let tokenizerFiles: Set<String> = [
        "bpe_file", "merges_file", "sp_model_file", "spm_file", "tokenizer_file", "vocab_file",
    ]
    /// Fields of timm's descriptions that name other weights.
    private static let timmSources: Set<String> = ["custom_load", "file", "state_dict"]

    /// Descriptions in which such fields are looked for.
    private static func isDescription(_ name: String) -> Bool {
        guard name.hasSuffix(".json"), name != "tokenizer.json", name != "vocab.json" else {
            return false
        }
        return Companions.rule(for: name) != nil || name.hasPrefix("config.")
    }

    /// What is found in the folders that loaders look into: `folders` of the tree.
    ///
    /// `read` are the weight files that are read here. Throws `CheckpointError` where a description
    /// cannot be read.
    static func found(
        in tree: FolderTree, folders: [String], reading read: Set<String>
    ) throws -> [FileNote] {
        var notes: [FileNote] = []
        for folder in folders {
            for entry in tree.entries(in: folder) where entry.kind == .file {
                notes += misleadingFile(entry)
                guard isDescription(entry.name) else { continue }
                notes += fields(of: try Companions.json(entry), entry: entry, reading: read)
            }
        }
        return notes
    }

    /// Files whose very presence makes a loader read something else.
    private static func misleadingFile(_ entry: FolderTree.Entry) -> [FileNote] {
        if entry.name == "adapter_config.json" {
            return [
                FileNote(
                    entry.path, .ambiguity,
                    "transformers would put an adapter on the model, which is not examined here")
            ]
        }
        let isDistributed =
            entry.name.wholeMatch(
                of: #/shard-\d{5}-model-\d{5}-of-\d{5}\.safetensors/#) != nil
        return isDistributed
            ? [
                FileNote(
                    entry.path, .ambiguity,
                    "transformers would read this distributed checkpoint before all other weights")
            ] : []
    }

    /// Fields without those that make loaders run code, however deep they stand.
    static func withoutCode(_ fields: JSONObject) -> JSONObject {
        func clean(_ value: JSONValue) -> JSONValue {
            switch value {
            case .object(let fields): .object(withoutCode(fields))
            case .array(let values): .array(values.map(clean))
            default: value
            }
        }
        return JSONObject(
            fields.members.filter { !codeFields.contains($0.key) }.map { ($0.key, clean($0.value)) }
        )
    }

    private static func fields(
        of value: JSONValue, entry: FolderTree.Entry, reading read: Set<String>
    ) -> [FileNote] {
        var notes: [FileNote] = []
        visit(value, at: "") { name, place, value in
            guard !value.saysNothing else { return }
            if codeFields.contains(name) {
                notes.append(
                    FileNote(
                        entry.path, .code,
                        "‘\(place)’ makes a loader run code: \(value.brief)", field: place))
            } else if isRedirection(name, place, value, entry, read) {
                notes.append(
                    FileNote(
                        entry.path, .ambiguity,
                        "‘\(place)’ makes a loader read something else: \(value.brief)",
                        field: place))
            }
        }
        return notes
    }

    private static func isRedirection(
        _ name: String, _ place: String, _ value: JSONValue, _ entry: FolderTree.Entry,
        _ read: Set<String>
    ) -> Bool {
        if name == "transformers_weights", let file = value.string { return read != [file] }
        if redirections.contains(name) { return true }
        if entry.name == "tokenizer_config.json", tokenizerFiles.contains(name) {
            // The folder's own file is what would be read anyway.
            return !["vocab.txt", "vocab.json", "merges.txt", "tokenizer.json"].contains(
                value.string ?? "")
        }
        return entry.name == "config.json" && timmSources.contains(name)
            && (place == name || place == "pretrained_cfg.\(name)")
    }

    /// Calls `body` with every member of `value`, however deep: its name, its place, its value.
    private static func visit(
        _ value: JSONValue, at place: String, _ body: (String, String, JSONValue) -> Void
    ) {
        switch value {
        case .object:
            for (name, member) in value.object?.members ?? [] {
                let inner = place.isEmpty ? name : place + "." + name
                body(name, inner, member)
                // Names of labels and tokens are data.
                if !["id2label", "label2id", "added_tokens_decoder", "prompts"].contains(name) {
                    visit(member, at: inner, body)
                }
            }
        case .array(let values):
            for (index, value) in values.enumerated() {
                visit(value, at: "\(place)[\(index)]", body)
            }
        default: break
        }
    }
}
