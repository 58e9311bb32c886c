import Foundation

/// Why files that are not on the list of companions are left out.
enum LeftOutReason {
    private static let code: Set<String> = [
        "bat", "bash", "c", "cc", "class", "cmd", "cpp", "cs", "cu", "dll", "dylib", "exe", "go",
        "ipynb", "jar", "java", "js", "lua", "mjs", "php", "pl", "ps1", "pth.py", "py", "pyc",
        "pyd",
        "pyi", "pyw", "pyx", "r", "rb", "rs", "sh", "so", "swift", "ts", "vbs", "wasm", "zsh",
    ]
    private static let pickles: Set<String> = ["dill", "joblib", "pickle", "pkl"]
    private static let archives: Set<String> = [
        "7z", "bz2", "gz", "rar", "tar", "tgz", "whl", "xz", "zip", "zst",
    ]
    private static let backups: Set<String> = [
        "bak", "backup", "old", "orig", "swp", "temp", "tmp",
    ]
    /// Weights in forms that this package cannot rewrite, and what they are called.
    private static let foreign: [String: String] = [
        "ckpt-index": "TensorFlow", "data-00000-of-00001": "TensorFlow",
        "distcp": "a distributed checkpoint", "engine": "TensorRT", "ggml": "GGML",
        "gguf": "GGUF", "h5": "HDF5", "hdf5": "HDF5", "keras": "Keras",
        "llamafile": "a program with weights in it", "meta": "TensorFlow", "mlmodel": "Core ML",
        "mlpackage": "Core ML", "msgpack": "Flax", "nemo": "NeMo", "npy": "NumPy",
        "npz": "NumPy", "onnx": "ONNX", "onnx_data": "ONNX", "ot": "Rust", "pb": "TensorFlow",
        "plan": "TensorRT", "pt2": "an exported program", "pte": "ExecuTorch",
        "ptl": "TorchScript", "safetensors": "safetensors", "tflite": "TensorFlow Lite",
    ]
    /// Files of weights by their extensions, which are read where they are the model's.
    static let weights: Set<String> = ["bin", "ckpt", "pkl", "pt", "pth", "safetensors"]

    /// Why the file at `entry` is left out.
    static func note(on entry: FolderTree.Entry) -> FileNote {
        let (kind, reason) = found(entry)
        return FileNote(entry.path, kind, reason)
    }

    private static func found(_ entry: FolderTree.Entry) -> (FileNote.Kind, String) {
        switch entry.kind {
        case .link(let reason): return (.link, reason)
        case .special(let what): return (.special, "it is \(what)")
        case .unreadable(let why): return (.unreadable, "it cannot be read (\(why))")
        case .closedFolder(let why): return (.notListed, why)
        case .file: break
        }
        let name = entry.name.lowercased()
        if name == "purification.json" || name.contains(".intoto.json") {
            return (.record, "it is the record of another purification")
        }
        if isTrainingState(name) {
            return (.trainingState, "it is training state, not the model")
        }
        let head: [UInt8]
        do {
            head = try BoundedFile.head(of: entry.url, count: FileSignature.length)
        } catch {
            return (.unreadable, "it cannot be read (\(error.localizedDescription))")
        }
        return found(name, FileSignature(head))
    }

    /// By content where that tells, else by name.
    private static func found(_ name: String, _ signature: FileSignature) -> (FileNote.Kind, String)
    {
        // model.safetensors.bak is told by the name before the last extension too.
        let types = name.split(separator: ".").dropFirst().map(String.init)
        let type = types.last ?? ""
        if case .code(let what) = signature { return (.code, "it is code (\(what))") }
        if code.contains(type) || types.contains("py") { return (.code, "it is code (.\(type))") }
        if pickles.contains(type) {
            return (.pickle, "it is a pickle, which can run code when it is loaded")
        }
        if !["json", "safetensors"].contains(type),
            let form = types.lazy.compactMap({ foreign[$0] }).first
        {
            let reason =
                backups.contains(type)
                ? "it is a backup of weights, which are not the model's"
                : "it holds weights in a form that cannot be purified here (\(form))"
            return (.weights, reason)
        }
        if name.hasSuffix(".index.json") {
            return (.weights, "it is an index of weights that are not the model's")
        }
        if weights.contains(type) || !weights.isDisjoint(with: types) {
            return (.weights, "it holds weights that are not the model's")
        }
        switch signature {
        case .pickle: return (.pickle, "it is a pickle, which can run code when it is loaded")
        case .archive(let what): return (.archive, "it is an archive (\(what)), not examined")
        case .weights(let what):
            return (.weights, "it holds weights in a form that cannot be purified here (\(what))")
        case .code, .none: break
        }
        if archives.contains(type) { return (.archive, "it is an archive (\(type)), not examined") }
        if backups.contains(type) || name.hasSuffix("~") {
            return (.notListed, "it is a backup or a temporary file")
        }
        return (.notListed, "it is not on the list of files that a model needs")
    }

    /// Whether a training program keeps a file of this name to go on with, or to say how it went.
    private static func isTrainingState(_ name: String) -> Bool {
        let exact: Set<String> = [
            "optimizer.pt", "optimizer.bin", "scheduler.pt", "scheduler.bin", "scaler.pt",
            "training_args.bin", "trainer_state.json", "all_results.json", "eval_results.json",
            "train_results.json", "predict_results.json",
        ]
        return exact.contains(name) || name.hasPrefix("rng_state")
            || name.hasPrefix("random_states_") || name.hasPrefix("events.out.tfevents")
            || name.hasPrefix("optimizer_") || name.hasPrefix("zero_pp_rank_")
            || name.hasPrefix("bf16_zero_pp_rank_")
    }
}
