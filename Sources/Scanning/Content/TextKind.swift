/// Kinds of files that are told by their names, for they have no magic number.
enum TextKind {
    /// Suffixes of programs in source.
    static let sources: Set<String> = [
        "py", "pyw", "pyx", "pxd", "ipynb", "sh", "bash", "zsh", "csh", "fish", "bat", "cmd", "ps1",
        "psm1",
        "js", "mjs", "cjs", "ts", "rb", "pl", "pm", "php", "lua", "r", "jl", "go", "rs", "c", "cc",
        "cpp",
        "cu", "cuh", "h", "hpp", "java", "scala", "kt", "swift", "vbs", "wsf", "applescript",
        "command",
        "desktop", "service", "pth_script", "reg", "hta", "lnk", "scr", "makefile", "mk", "cmake",
        "nix",
    ]

    /// Suffixes of machine code.
    static let binaries: Set<String> = [
        "so", "dll", "dylib", "exe", "pyd", "pyc", "pyo", "o", "a", "lib", "sys", "com", "msi",
        "class",
        "wasm", "bin.so", "ko", "node", "cubin", "ptx", "fatbin", "hsaco", "deb", "rpm", "apk",
        "dmg",
    ]

    /// Suffixes of texts that no loader runs.
    static let plain: Set<String> = [
        "txt", "md", "rst", "csv", "tsv", "vocab", "bpe", "merges", "cff", "bib", "tex", "log",
        "license",
        "gitattributes", "gitignore", "srt", "svg", "css", "html", "htm", "xml", "pmml",
    ]

    /// What a text, or a file without a magic number, is called.
    static func named(_ bytes: UnsafeRawBufferPointer, suffix: String) -> String {
        if suffix == "onnx" { return "ONNX" }
        if suffix == "pb" || suffix == "pbtxt" { return "TensorFlow graph" }
        if suffix == "msgpack" { return "msgpack" }
        guard isText(bytes) else { return "unknown" }
        if sources.contains(suffix) { return "program text" }
        switch suffix {
        case "json", "ipynb": return "JSON"
        case "yaml", "yml": return "YAML"
        default: return "text"
        }
    }

    /// Whether the first part is UTF-8 without control characters other than spaces.
    static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var sample = bytes.rest(from: 0, atMost: 1 << 16)
        // The cut may fall within a character.
        if sample.count < bytes.count {
            while let last = sample.last, last & 0xC0 == 0x80 {
                sample = .init(rebasing: sample.dropLast())
            }
            if let last = sample.last, last >= 0xC0 { sample = .init(rebasing: sample.dropLast()) }
        }
        guard !sample.contains(where: { $0 < 9 || ($0 > 13 && $0 < 32 && $0 != 27) }) else {
            return false
        }
        return String(validating: sample, as: UTF8.self) != nil
    }
}
