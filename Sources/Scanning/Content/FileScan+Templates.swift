extension FileScan {
    /// What a chat template has no use for: ways from a text into Python.
    private static let reaches = [
        "__class__", "__subclasses__", "__globals__", "__builtins__", "__mro__", "__base__",
        "__bases__", "__import__", "__init__", "__getattribute__", "__dict__", "__code__",
        "popen", "subprocess", "os.system", "importlib", "|attr(", "| attr(", "|attr (", "\\x5f",
        "\\u005f",
        "\\137", "lipsum.", "cycler.", "joiner.", "self._", "get_flashed_messages", "request.",
        "eval(", "exec(", "{% import", "{%- import", "{% include", "{%- include", "{% extends",
        "{%- extends", "_TemplateReference", "undefined.", "gi_frame", "f_globals", "co_consts",
    ]

    /// Reports a Jinja template that reaches into Python; a text without marks is none.
    func checkTemplate(_ text: String, named what: String, at place: Place) {
        guard text.contains("{{") || text.contains("{%") else { return }
        let found = Self.reaches.filter { text.contains($0) }
        guard !found.isEmpty else { return }
        report(
            .codeTemplate, at: place,
            "\(what) uses " + found.prefix(4).map { "‘\($0)’" }.joined(separator: ", "))
    }

    /// Reports YAML tags that build Python objects, and classes that a config names.
    func examineYAML(_ bytes: UnsafeRawBufferPointer, at place: Place) {
        for tag in ["!!python/", "tag:yaml.org,2002:python/", "!python/"] {
            if let offset = bytes.first(Array(tag.utf8)) {
                let line = bytes.rest(from: offset, atMost: 80).prefix { $0 != 10 }
                report(
                    .codeYAMLObject, at: place, offset: offset,
                    "‘\(harmless(String(decoding: line, as: UTF8.self)))’")
                break
            }
        }
        let text = bytes.rest(from: 0, atMost: 1 << 20).text
        checkAliases(text, at: place)
        for line in text.split(whereSeparator: \.isNewline) {
            let trimmed = line.drop { $0 == " " || $0 == "-" }
            for key in ["_target_:", "loader_module:", "custom_loader:"]
            where trimmed.hasPrefix(key) {
                let value = trimmed.dropFirst(key.count).trimmedValue
                if key == "loader_module:", value.hasPrefix("mlflow.") { continue }
                reportClass(value, named: String(key.dropLast()), at: place)
            }
            for key in ["trust_remote_code:", "allow_pickle:"] where trimmed.hasPrefix(key) {
                if trimmed.dropFirst(key.count).trimmedValue.lowercased() == "true" {
                    report(.configRemoteCode, at: place, "‘\(key)’ is set")
                }
            }
        }
    }

    /// Aliases of aliases: a text of a few lines that stands for billions of values.
    func checkAliases(_ text: String, at place: Place) {
        var weights: [Substring: Double] = [:]
        for line in text.split(whereSeparator: \.isNewline).prefix(10_000) {
            let words = line.split { !($0.isLetter || $0.isNumber || "_-&*".contains($0)) }
            let aliased = words.filter { $0.hasPrefix("*") }
                .reduce(0) { $0 + (weights[$1.dropFirst()] ?? 1) }
            for word in words where word.hasPrefix("&") {
                weights[word.dropFirst()] = max(1, aliased)
            }
            if aliased > 1e6 {
                report(.configBomb, at: place, "aliases stand for more than a million values")
                return
            }
        }
    }

    /// A class that a config names for import.
    func reportClass(_ path: String, named key: String, at place: Place) {
        guard let stop = path.lastIndex(of: ".") else { return }
        let module = String(path[..<stop])
        let (grade, reason) = GlobalGrades.grade(module, String(path[path.index(after: stop)...]))
        guard grade != .safe else { return }
        report(
            .codeNamedClass, grade == .dangerous ? .error : .warning, at: place,
            "‘\(harmless(key))’ names \(harmless(path)): \(reason)")
    }
}

extension Substring {
    /// A YAML scalar without quotes and space around it.
    fileprivate var trimmedValue: String {
        String(self.filter { !"\"' \t".contains($0) })
    }
}
