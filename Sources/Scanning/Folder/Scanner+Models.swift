import Foundation

extension Scanner {
    /// Compares the configs of each folder with the weights that lie beside them.
    func checkModels(_ walk: FolderWalk, _ scans: [String: FileScan]) {
        var folders: [String: [String]] = [:]
        for entry in walk.files {
            let parts = entry.path.split(separator: "/").map(String.init)
            let parent = parts.dropLast().joined(separator: "/")
            folders[parent, default: []].append(parts.last ?? "")
        }
        for (folder, names) in folders.sorted(by: { $0.key < $1.key }) {
            ModelFolderCheck(root: walk.root, folder: folder, names: Set(names), scans: scans).run()
        }
    }
}

/// What the files of one folder say of each other.
struct ModelFolderCheck {
    let root: URL
    let folder: String
    let names: Set<String>
    let scans: [String: FileScan]

    func run() {
        checkIndexes()
        guard let config = json("config.json"), let scan = scan("config.json") else { return }
        let shapes = weights()
        guard !shapes.isEmpty else { return }
        let place = Place(file: "config.json")
        checkSizes(config, shapes, scan, at: place)
        checkLayers(config, shapes, scan, at: place)
        checkTokenizer(shapes)
        checkTwins(scan, at: place)
    }

    private func path(_ name: String) -> String { folder.isEmpty ? name : folder + "/" + name }
    private func scan(_ name: String) -> FileScan? { scans[path(name)] }
    private func url(_ name: String) -> URL { root.appendingPathComponent(path(name)) }

    private func json(_ name: String, kept: Int = 4096) -> JSONTree.Value? {
        guard names.contains(name),
            let data = try? Data(contentsOf: url(name), options: .mappedIfSafe),
            data.count < 256 << 20
        else { return nil }
        return data.withUnsafeBytes { JSONTree($0, kept: kept).root }
    }

    /// Shapes of all tensors that lie in this folder's weights.
    private func weights() -> [String: [Int]] {
        names.reduce(into: [:]) { all, name in
            guard let scan = scan(name) else { return }
            all.merge(scan.tensorShapes) { first, _ in first }
        }
    }

    // MARK: - Index files

    private func checkIndexes() {
        for name in names where name.hasSuffix(".index.json") {
            guard let map = json(name, kept: 200_000)?["weight_map"], let scan = scan(name) else {
                continue
            }
            let files = Set(map.members.compactMap { $0.value.string })
            for file in files.sorted() where !names.contains(file) && !file.contains("/") {
                scan.report(
                    .configRedirect, at: Place(file: name),
                    "‘\(harmless(file))’, which it names, is not there")
            }
        }
    }

    // MARK: - Config against weights

    private func checkSizes(
        _ config: JSONTree.Value, _ shapes: [String: [Int]], _ scan: FileScan, at place: Place
    ) {
        let text = config["text_config"] ?? config
        let checks: [(String, Int, [String], JSONTree.Value)] = [
            ("vocab_size", 0, Self.tokenTables, text), ("hidden_size", 1, Self.tokenTables, text),
            ("max_position_embeddings", 0, Self.positionTables, text),
            ("type_vocab_size", 0, ["token_type_embeddings.weight"], text),
            ("n_embd", 1, ["wte.weight"], text), ("n_positions", 0, ["wpe.weight"], text),
        ]
        for (key, axis, suffixes, values) in checks {
            guard let said = values[key]?.integer else { continue }
            // Factorized embeddings have a width of their own.
            if key == "hidden_size", values["embedding_size"] != nil { continue }
            for (name, shape) in shapes.sorted(by: { $0.key < $1.key })
            where shape.count == 2
                && suffixes.contains(where: { name == $0 || name.hasSuffix("." + $0) })
            {
                guard shape[axis] != said else { continue }
                scan.report(
                    .modelConfigMismatch, at: place,
                    "‘\(key)’ is \(said), the tensor ‘\(harmless(name))’ is \(shape)")
            }
        }
    }

    private static let tokenTables = [
        "word_embeddings.weight", "wte.weight", "embed_tokens.weight", "token_embedding.weight",
        "tok_embeddings.weight", "shared.weight",
    ]
    private static let positionTables = ["embeddings.position_embeddings.weight"]

    private func checkLayers(
        _ config: JSONTree.Value, _ shapes: [String: [Int]], _ scan: FileScan, at place: Place
    ) {
        let keys = ["num_hidden_layers", "n_layer", "n_layers", "num_layers"]
        guard
            let (key, said) = keys.lazy.compactMap({ key in
                config[key]?.integer.map { (key, $0) }
            }).first
        else { return }
        let markers: Set<String> = ["layer", "layers", "h", "blocks"]
        var counts: [String: Set<Int>] = [:]
        for name in shapes.keys {
            let parts = name.split(separator: ".").map(String.init)
            for (index, part) in parts.enumerated().dropLast()
            where markers.contains(part) {
                if let number = Int(parts[index + 1]) {
                    counts[parts[...index].joined(separator: "."), default: []].insert(number)
                    break
                }
            }
        }
        guard
            let (prefix, layers) = counts.max(by: {
                ($0.value.count, $1.key) < ($1.value.count, $0.key)
            }), counts.count == 1,
            layers.count != said
        else { return }
        scan.report(
            .modelConfigMismatch, at: place,
            "‘\(key)’ is \(said), the weights have \(layers.count) of ‘\(harmless(prefix))’")
    }

    // MARK: - Tokenizer against embeddings

    private func checkTokenizer(_ shapes: [String: [Int]]) {
        let tables = shapes.filter { entry in
            entry.value.count == 2
                && Self.tokenTables.contains { entry.key == $0 || entry.key.hasSuffix("." + $0) }
        }
        guard let rows = tables.map({ $0.value[0] }).max() else { return }
        var counts: [(name: String, count: Int)] = []
        if let count = lineCount("vocab.txt") { counts.append(("vocab.txt", count)) }
        if let count = json("vocab.json")?.count, count > 0 { counts.append(("vocab.json", count)) }
        if let vocabulary = json("tokenizer.json")?["model"]?["vocab"], vocabulary.count > 0 {
            counts.append(("tokenizer.json", vocabulary.count))
        }
        for (name, count) in counts {
            guard let scan = scan(name), count > rows || 2 * count < rows else { continue }
            scan.report(
                .modelTokenizerMismatch, at: Place(file: name),
                "has \(count) tokens; the embeddings have \(rows) rows")
        }
        if let most = counts.max(by: { $0.count < $1.count }),
            let least = counts.min(by: { $0.count < $1.count }),
            2 * least.count < most.count, let scan = scan(least.name)
        {
            scan.report(
                .modelTokenizerMismatch, at: Place(file: least.name),
                "has \(least.count) tokens, \(most.name) has \(most.count): loaders differ in which they read"
            )
        }
    }

    private func lineCount(_ name: String) -> Int? {
        guard names.contains(name),
            let data = try? Data(contentsOf: url(name), options: .mappedIfSafe)
        else { return nil }
        return data.split(separator: 0x0A, omittingEmptySubsequences: true).count
    }

    // MARK: - Two weights

    private func checkTwins(_ scan: FileScan, at place: Place) {
        let sets = [
            ["model.safetensors", "model.safetensors.index.json"],
            ["pytorch_model.bin", "pytorch_model.bin.index.json"],
            ["open_clip_model.safetensors"], ["open_clip_pytorch_model.bin"],
        ]
        let present = sets.compactMap { $0.first(where: names.contains) }
        guard present.count > 1 else { return }
        scan.report(
            .modelTwoWeights, .note, at: place,
            "holds " + present.joined(separator: " and ") + ": loaders differ in which they take")
    }
}
