import Foundation
import TensorFormats

/// The weight files of a folder that loaders take by their names.
struct WeightFiles {
    /// One form in which the weights are there: a file, or shards with their index.
    struct Form {
        /// The tensors.
        let state: StateDictionary
        /// The files that hold them and, of shards, the index; paths within the tree.
        let files: [String]
        /// Whether it is read where loaders are asked for a variant: `model.fp16.safetensors`.
        let isVariant: Bool
    }

    /// The forms, the one that is read first.
    let forms: [Form]
    /// What is ambiguous or wrong about the files themselves.
    let problems: [FileNote]

    /// Names that transformers, timm and open_clip look for, in the order in which they are tried.
    private static let names = [
        "model.safetensors", "pytorch_model.bin", "pytorch_model.safetensors", "pytorch_model.pth",
        "model.pth", "open_clip_model.safetensors", "open_clip_pytorch_model.safetensors",
        "open_clip_pytorch_model.bin", "open_clip_pytorch_model.pth",
    ]

    /// Finds and opens the forms in one folder of a tree.
    ///
    /// Throws `CheckpointError` or `FormatError` that name the file and what is wrong with it.
    init(in tree: FolderTree, folder: String) throws {
        var forms: [Form] = []
        var problems: [FileNote] = []
        let place = folder.isEmpty ? "" : folder + "/"
        for name in Self.names {
            let index = name + ".index.json"
            let found = [name, index].filter { tree[place + $0] != nil }
            for file in found {
                guard let entry = tree[place + file], entry.kind != .file else { continue }
                // A loader would follow it; what it holds is not this folder's to give away.
                throw CheckpointError(
                    tree.root.appendingPathComponent(place + file),
                    LeftOutReason.note(on: entry).reason,
                    advice: "put the file itself into the folder")
            }
            if found.count == 2 {
                problems.append(
                    FileNote(
                        place + index, .ambiguity,
                        "stands beside \(name), so that loaders could read either"))
            }
            guard let file = found.first else { continue }
            forms.append(
                file == name
                    ? try Self.single(name, in: tree, place)
                    : try Self.shards(index, in: tree, place))
        }
        for entry in tree.entries(in: folder) where entry.kind == .file {
            guard Self.isVariant(entry.name) else { continue }
            forms.append(try Self.single(entry.name, in: tree, place, isVariant: true))
        }
        self.forms = forms
        self.problems = problems
    }

    /// Whether a loader that is asked for a variant takes the file: `pytorch_model.fp16.bin`.
    private static func isVariant(_ name: String) -> Bool {
        name.wholeMatch(of: #/(model\.[^.]+\.safetensors|pytorch_model\.[^.]+\.bin)/#) != nil
    }

    private static func single(
        _ name: String, in tree: FolderTree, _ place: String, isVariant: Bool = false
    ) throws -> Form {
        let url = tree.root.appendingPathComponent(place + name)
        return Form(
            state: try StateDictionary([TensorArchive.open(url)]), files: [place + name],
            isVariant: isVariant)
    }

    private static func shards(
        _ index: String, in tree: FolderTree, _ place: String
    ) throws -> Form {
        let url = tree.root.appendingPathComponent(place + index)
        let shards = try ShardIndex(contentsOf: url)
        let archives = try shards.shards.map { name in
            if let entry = tree[place + name], entry.kind != .file {
                throw CheckpointError(
                    shards.shardURL(name), LeftOutReason.note(on: entry).reason,
                    advice: "put the file itself into the folder")
            }
            return try TensorArchive.open(shards.shardURL(name))
        }
        let state = try StateDictionary(archives)
        try check(shards, against: archives, at: url)
        return Form(
            state: state, files: shards.shards.map { place + $0 } + [place + index],
            isVariant: false)
    }

    /// Throws where some loaders, which go by the index, would read other tensors than those that
    /// read the shards whole.
    private static func check(
        _ index: ShardIndex, against archives: [TensorArchive], at url: URL
    ) throws {
        var places: [String: String] = [:]
        for archive in archives {
            for name in archive.tensors.map(\.name) {
                places[name] = archive.url.lastPathComponent
            }
        }
        for (name, shard) in index.weightMap.sorted(by: { $0.key < $1.key }) {
            switch places[name] {
            case shard?: continue
            case let other?:
                throw CheckpointError(
                    url, "the tensor ‘\(name)’ is in \(other), not in \(shard)",
                    advice: "the index belongs to other shards; download both again")
            case nil:
                throw CheckpointError(
                    url, "the tensor ‘\(name)’ is in none of the shards",
                    advice: "a shard is missing or incomplete; download it again")
            }
        }
        if let name = places.keys.filter({ index.weightMap[$0] == nil }).min() {
            throw CheckpointError(
                url, "says nothing of the tensor ‘\(name)’, which is in \(places[name] ?? "")",
                advice: "the index belongs to other shards; download both again")
        }
    }
}
