import Files
import Foundation
import JSON

/// The modules of a sentence-transformers model, as its `modules.json` lists them: a transformer,
/// what pools its tokens' vectors into one, and what follows.
public struct SentenceModules: Sendable {
    /// What a module does.
    public enum Role: String, Sendable, Codable {
        /// The model itself: a BERT, or a CLIP.
        case transformer
        /// Makes one vector of those of the tokens.
        case pooling
        /// Brings the vector to length 1.
        case normalize
        /// A linear layer, whose weights lie in the module's folder.
        case dense
    }

    /// One module.
    public struct Module: Sendable {
        /// What it does.
        public let role: Role
        /// Its folder within the model's; empty for the model's own.
        public let path: String
    }

    /// The modules, in order.
    public let modules: [Module]
    /// Which of the tokens' vectors are pooled, and how: `cls`, `mean`, `max` and others, several
    /// where they are put one behind the other; empty where no module pools.
    public let pooling: [String]
    /// What of the description loaders would run, read elsewhere, or not find.
    let problems: [FileNote]

    static let file = "modules.json"
    /// Names that the transformer's settings have.
    static let settingsFiles = [
        "bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet",
    ].map { "sentence_\($0)_config.json" }

    /// The folder of the transformer; nil where the list names none.
    public var transformer: String? { modules.first { $0.role == .transformer }?.path }

    /// The feature of the model that users of the embeddings read, in words.
    public var feature: String? {
        guard !pooling.isEmpty else { return nil }
        let modes = pooling.map { mode in
            switch mode {
            case "cls": "the first token's vector (cls)"
            case "mean": "the mean of the tokens' vectors (mean)"
            case "max": "the maximum of the tokens' vectors (max)"
            case "lasttoken": "the last token's vector (lasttoken)"
            default: "‘\(mode)’ of the tokens' vectors"
            }
        }
        return modes.joined(separator: " and ")
            + (modules.contains { $0.role == .dense } ? ", then a dense layer" : "")
            + (modules.contains { $0.role == .normalize } ? ", at length 1" : "")
    }

    /// Reads the list in a folder; nil where it has none.
    init?(in tree: FolderTree) throws {
        guard let entry = tree[Self.file], entry.kind == .file else { return nil }
        let value = try Companions.json(entry)
        guard case .array(let items) = value else {
            throw CheckpointError(entry.url, "is no list of modules")
        }
        var modules: [Module] = []
        var problems: [FileNote] = []
        for item in items {
            guard let type = item["type"]?.string, let path = item["path"]?.string else {
                throw CheckpointError(entry.url, "a module has no ‘type’ or no ‘path’")
            }
            switch Self.role(of: type) {
            case let role?:
                // A path is a folder's, or empty for the model's own.
                let parts = path.split(separator: "/", omittingEmptySubsequences: false)
                guard path.isEmpty || path == "." || parts.allSatisfy(Self.isPlain) else {
                    problems.append(
                        FileNote(
                            Self.file, .ambiguity,
                            "the module at ‘\(path)’ lies outside the folder"))
                    continue
                }
                modules.append(Module(role: role, path: path == "." ? "" : path))
            case nil where type.hasPrefix("sentence_transformers."):
                problems.append(
                    FileNote(
                        Self.file, .ambiguity,
                        "the module ‘\(type)’ is of a kind that is not supported"))
            case nil:
                problems.append(
                    FileNote(Self.file, .code, "the module ‘\(type)’ makes a loader run code"))
            }
        }
        self.modules = modules
        var pooling: [String] = []
        for module in modules {
            let place = module.path.isEmpty ? "" : module.path + "/"
            switch module.role {
            case .pooling:
                let settings = tree[place + "config.json"]
                guard let settings, settings.kind == .file else { continue }
                pooling += Self.pooling(try Companions.json(settings))
            case .dense: problems += try Self.problems(ofDense: place, in: tree)
            case .transformer: problems += try Self.problems(ofSettingsIn: place, tree)
            case .normalize: break
            }
        }
        if modules.filter({ $0.role == .transformer }).count > 1 {
            problems.append(FileNote(Self.file, .ambiguity, "it names several transformers"))
        }
        self.pooling = pooling
        self.problems = problems
    }

    private static func isPlain(_ part: Substring) -> Bool {
        !part.isEmpty && part != "." && part != ".." && !part.contains("\\") && !part.contains(":")
    }

    private static func role(of type: String) -> Role? {
        guard type.hasPrefix("sentence_transformers.") else { return nil }
        switch type.split(separator: ".").last {
        case "Transformer", "CLIPModel": return .transformer
        case "Pooling": return .pooling
        case "Normalize": return .normalize
        case "Dense": return .dense
        default: return nil
        }
    }

    /// How a pooling module's settings say that it pools; the package takes the mean where they
    /// say nothing.
    private static func pooling(_ settings: JSONValue) -> [String] {
        switch settings["pooling_mode"] {
        case .string(let mode)?: return [mode]
        case .array(let modes)?: return modes.compactMap(\.string)
        default: break
        }
        let old = [
            ("pooling_mode_cls_token", "cls"), ("pooling_mode_max_tokens", "max"),
            ("pooling_mode_mean_tokens", "mean"),
            ("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"),
            ("pooling_mode_weightedmean_tokens", "weightedmean"),
            ("pooling_mode_lasttoken", "lasttoken"),
        ].filter { settings[$0.0] == .bool(true) }.map(\.1)
        return old.isEmpty ? ["mean"] : old
    }

    /// The activation of a dense layer is a class that the package imports by its name.
    private static func problems(ofDense place: String, in tree: FolderTree) throws -> [FileNote] {
        guard let entry = tree[place + "config.json"], entry.kind == .file else { return [] }
        guard let name = try Companions.json(entry)["activation_function"]?.string,
            !name.hasPrefix("torch.nn.modules.")
        else { return [] }
        return [
            FileNote(
                entry.path, .code, "‘activation_function’ names code to be run, ‘\(name)’")
        ]
    }

    /// Settings that are handed on to transformers and could make it read something else.
    private static func problems(ofSettingsIn place: String, _ tree: FolderTree) throws
        -> [FileNote]
    {
        let harmless: Set<String> = [
            "add_pooling_layer", "attn_implementation", "do_lower_case", "dtype", "max_length",
            "model_max_length", "padding_side", "torch_dtype", "truncation_side",
            "trust_remote_code",
        ]
        var problems: [FileNote] = []
        for name in settingsFiles {
            guard let entry = tree[place + name], entry.kind == .file else { continue }
            let settings = try Companions.json(entry)
            for key in [
                "model_args", "model_kwargs", "tokenizer_args", "processor_kwargs", "config_args",
                "config_kwargs",
            ] {
                for (option, value) in settings[key]?.object?.members ?? []
                where !harmless.contains(option) && !value.saysNothing {
                    problems.append(
                        FileNote(
                            entry.path, .ambiguity,
                            "‘\(key).\(option)’ is \(value.brief), which changes what is read"))
                }
            }
            if let other = settings["tokenizer_name_or_path"], !other.saysNothing {
                problems.append(
                    FileNote(
                        entry.path, .ambiguity,
                        "‘tokenizer_name_or_path’ names another tokenizer, \(other.brief)"))
            }
        }
        return problems
    }
}

extension Companions {
    /// The value in a JSON file of the folder.
    ///
    /// Throws `CheckpointError` where it cannot be read, is too large or is no JSON.
    static func json(_ entry: FolderTree.Entry) throws -> JSONValue {
        do {
            return try JSONValue(reading: entry.url, atMost: vocabularyLimit, keys: .exact)
        } catch let error as FileError {
            throw CheckpointError(entry.url, error.problem, advice: error.advice)
        }
    }
}
