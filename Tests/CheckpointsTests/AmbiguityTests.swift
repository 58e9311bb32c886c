import Foundation
import JSON
import ModelZoo
import TensorFormats
import TestSupport
import Testing
import Torch

@testable import Checkpoints
@testable import TorchNN

/// A BERT's folder that is spoiled before it is opened.
private func withModel(
    _ fixture: String = "bert-masked-lm", _ body: (URL) throws -> Void
) throws {
    try withTemporaryFolder { scratch in
        try body(Fixture(fixture).copyModel(to: scratch.appending(path: "model")))
    }
}

/// The tensors of a file, some of them changed, renamed or left out by `edit`.
private func edited(
    _ file: URL, to other: URL? = nil, _ edit: (StoredTensor) throws -> [StoredTensor]
) throws {
    let tensors = try TensorArchive.open(file).tensors.flatMap(edit)
    let target = other ?? file
    if target.pathExtension == "safetensors" {
        try SafetensorsWriter.write(tensors, metadata: [:], to: target)
    } else {
        try TorchZipWriter.write(
            tensors.map {
                try StoredTensor(
                    name: $0.name, scalarType: $0.scalarType, shape: $0.shape,
                    bytes: $0.bytes.copy())
            }, to: target)
    }
}

extension StoredTensor {
    /// The same tensor with other values.
    fileprivate func other() throws -> StoredTensor {
        try StoredTensor(name: name, tensor().cast(to: .float32) + 1, as: scalarType)
    }
}

@Suite struct AmbiguityTests {
    private let layer = "bert.encoder.layer.0.intermediate.dense.weight"

    /// Expects that the folder is refused with these words, but can be reported on.
    private func expectRefusal(
        _ folder: URL, _ words: String..., location: SourceLocation = #_sourceLocation
    ) throws {
        let error = #expect(throws: CheckpointError.self, sourceLocation: location) {
            _ = try TextModelFolder(folder)
        }
        for word in words {
            #expect(
                error?.description.contains(word) == true, "\(String(describing: error))",
                sourceLocation: location)
        }
        let opened = try TextModelFolder(folder, for: .report)
        #expect(
            try !opened.folder.findings(opened.spelling(of:)).isEmpty, sourceLocation: location)
    }

    // MARK: Two names

    @Test(
        "Two names of one parameter with other values are refused, naming both",
        arguments: [
            (
                "bert.embeddings.LayerNorm.weight", "bert.embeddings.LayerNorm.gamma"
            ), ("bert.embeddings.LayerNorm.weight", "embeddings.LayerNorm.weight"),
            ("bert.embeddings.LayerNorm.weight", "embeddings.LayerNorm.gamma"),
            (
                "bert.embeddings.LayerNorm.weight", "module.bert.embeddings.LayerNorm.weight"
            ), ("bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"),
            ("cls.predictions.bias", "cls.predictions.decoder.bias"),
        ])
    func twoNames(_ name: String, _ copy: String) throws {
        for isEqual in [false, true] {
            try withModel { folder in
                let file = folder.appending(path: "model.safetensors")
                try edited(file) { tensor in
                    guard tensor.name == name else { return [tensor] }
                    return [tensor, try (isEqual ? tensor : tensor.other()).renamed(copy)]
                }
                guard isEqual else {
                    return try expectRefusal(folder, "‘\(name)’", "‘\(copy)’", "model.safetensors")
                }
                // Equal copies are one parameter, and are written as one.
                let bert = try TextModelFolder(folder)
                let value = Parameter(
                    name: name, tensor: try .zeros(#require(bert.folder.weights[name]).shape))
                let output = folder.deletingLastPathComponent().appending(path: "out")
                try FileManager.default.createDirectory(
                    at: output, withIntermediateDirectories: true)
                let report = try bert.write([value], to: output)
                #expect(Set(report.changed) == [name, copy])
                _ = try TextModelFolder(output)
            }
        }
    }

    @Test("An untied decoder is a parameter of its own") func untied() throws {
        let folder = try TextModelFolder(Fixture("bert-untied").folder)
        #expect(try folder.folder.findings(folder.spelling(of:)) == [])
    }

    @Test("All fixtures hold one model", arguments: ["vit-classifier", "vit-bare", "clip-vision"])
    func images(_ fixture: String) throws {
        let folder = try ImageModelFolder(Fixture(fixture).folder)
        #expect(try folder.folder.findings(folder.spelling(of:)) == [])
    }

    @Test("A tensor in another library's spelling beside the model's is refused")
    func fusedAndSplit() throws {
        try withTemporaryFolder { scratch in
            let folder = try Fixture("vit-classifier").copyModel(
                to: scratch.appending(path: "model"))
            let part = "vit.encoder.layer.0.attention.attention.query.weight"
            try edited(folder.appending(path: "model.safetensors")) { tensor in
                guard tensor.name == part else { return [tensor] }
                let fused = try Tensor.concatenated(
                    [tensor.tensor(), tensor.tensor(), tensor.tensor()], along: 0)
                return [
                    tensor, try StoredTensor(name: "blocks.0.attn.qkv.weight", fused),
                ]
            }
            let error = #expect(throws: CheckpointError.self) { _ = try ImageModelFolder(folder) }
            #expect(error?.description.contains("‘blocks.0.attn.qkv.weight’") == true)
            #expect(error?.description.contains("‘\(part)’") == true)
        }
    }

    // MARK: Two files

    @Test(
        "Another format with other values is refused, with the same ones it is rewritten",
        arguments: [
            "pytorch_model.bin", "open_clip_model.safetensors", "open_clip_pytorch_model.bin",
            "model.pth", "model.fp16.safetensors", "pytorch_model.fp16.bin",
        ])
    func twoFormats(_ name: String) throws {
        for change in ["none", "value", "missing", "new", "rounded", "rounded other"] {
            try withModel { folder in
                let twin = folder.appending(path: name)
                try edited(folder.appending(path: "model.safetensors"), to: twin) { tensor in
                    let isChanged = tensor.name == layer
                    switch change {
                    case "value" where isChanged: return [try tensor.other()]
                    case "missing" where isChanged: return []
                    case "new" where isChanged:
                        return [tensor, tensor.renamed("bert.other.weight")]
                    case "rounded", "rounded other":
                        let isOther = isChanged && change != "rounded"
                        return [
                            try StoredTensor(
                                name: tensor.name, (isOther ? tensor.other() : tensor).tensor(),
                                as: .float16)
                        ]
                    default: return [tensor]
                    }
                }
                guard change == "none" || change == "rounded" else {
                    return try expectRefusal(folder, name)
                }
                let bert = try TextModelFolder(folder)
                #expect(bert.folder.files().contains { $0.file == name && $0.fate == .rewritten })
                let value = Parameter(
                    name: layer, tensor: try .full(#require(bert.folder.weights[layer]).shape, 0.1))
                let output = folder.deletingLastPathComponent().appending(path: "out")
                try FileManager.default.createDirectory(
                    at: output, withIntermediateDirectories: true)
                _ = try bert.write([value], to: output)
                let after = try TextModelFolder(output)
                for state in [after.folder.weights] + after.folder.twins {
                    let found = try #require(state[layer]).tensor().cast(to: .float32)
                    #expect(try relativeDifference(found, value.tensor) < 1e-3)
                }
            }
        }
    }

    @Test("A file and the index of its shards are refused") func fileAndShards() throws {
        try withModel("bert-sharded") { folder in
            try FileManager.default.copyItem(
                at: Fixture("bert-masked-lm").file("model.safetensors"),
                to: folder.appending(path: "model.safetensors"))
            try expectRefusal(folder, "model.safetensors.index.json", "read either")
        }
    }

    @Test("An index that says other than its shards is refused") func index() throws {
        let edits: [(inout [String: String]) -> Void] = [
            { $0["bert.embeddings.word_embeddings.weight"] = "model-00003-of-00003.safetensors" },
            { $0["bert.embeddings.word_embeddings.weight"] = nil },
            { $0["no.such"] = "model-00003-of-00003.safetensors" },
            { $0["no.such"] = "../model.safetensors" },
        ]
        for edit in edits {
            try withModel("bert-sharded") { folder in
                let file = folder.appending(path: "model.safetensors.index.json")
                var map = try ShardIndex(contentsOf: file).weightMap
                edit(&map)
                try SentenceModel.write(["weight_map": map], to: file)
                #expect(throws: (any Error).self) { _ = try TextModelFolder(folder) }
            }
        }
    }

    @Test("Weights that nothing accounts for are left out and reported") func stray() throws {
        for isOther in [true, false] {
            try withModel { folder in
                try edited(
                    folder.appending(path: "model.safetensors"),
                    to: folder.appending(path: "evil.bin")
                ) { [isOther && $0.name == layer ? try $0.other() : $0] }
                let bert = try TextModelFolder(folder)
                let stray = try bert.folder.strayWeights(bert.spelling(of:))
                #expect(stray.map(\.file) == (isOther ? ["evil.bin"] : []))
                #expect(
                    bert.folder.files().contains {
                        $0.file == "evil.bin" && $0.fate == .leftOut && $0.note?.kind == .weights
                    })
            }
        }
    }

    @Test("Weights behind a link that leads out of the folder are refused") func link() throws {
        try withModel { folder in
            let file = folder.appending(path: "model.safetensors")
            let outside = folder.deletingLastPathComponent().appending(path: "elsewhere")
            try FileManager.default.moveItem(at: file, to: outside)
            try FileManager.default.createSymbolicLink(at: file, withDestinationURL: outside)
            let error = #expect(throws: CheckpointError.self) { _ = try TextModelFolder(folder) }
            #expect(error?.description.contains("out of the folder") == true)
        }
    }

    // MARK: Directions

    @Test(
        "Fields that lead elsewhere are refused by name",
        arguments: [
            ("config.json", "transformers_weights", "evil.safetensors"),
            ("config.json", "_commit_hash", "0123"), ("config.json", "subfolder", "evil"),
            ("config.json", "configuration_files", "config.4.0.json"),
            ("config.json", "file", "evil.bin"), ("config.json", "hf_hub_filename", "evil.bin"),
            ("tokenizer_config.json", "fast_tokenizer_files", "tokenizer.4.0.json"),
            ("tokenizer_config.json", "tokenizer_file", "/tmp/other.json"),
            ("tokenizer_config.json", "vocab_file", "other.txt"),
        ])
    func directions(_ file: String, _ field: String, _ value: String) throws {
        for isNested in [false, true] where !isNested || !["file", "vocab_file"].contains(field) {
            try withModel { folder in
                let url = folder.appending(path: file)
                var object = try JSONFile(reading: url)
                let field = isNested ? "inner.\(field)" : field
                object.fields[isNested ? "inner" : field] =
                    isNested
                    ? .object([String(field.dropFirst(6)): .string(value)]) : .string(value)
                try object.data().write(to: url)
                if isNested, file != "config.json", field == "inner.tokenizer_file" { return }
                try expectRefusal(folder, file, "‘\(field)’", value)
            }
        }
    }

    @Test("A field that names what is read anyway is no reason to refuse") func honoured() throws {
        try withModel { folder in
            let url = folder.appending(path: "config.json")
            var object = try JSONFile(reading: url)
            object.fields["transformers_weights"] = .string("model.safetensors")
            object.fields["_name_or_path"] = .string("somewhere/else")
            object.fields["auto_map"] = .object([:])
            try object.data().write(to: url)
            _ = try TextModelFolder(folder)
        }
    }

    @Test("Files that loaders put on or before the model are refused")
    func files() throws {
        for name in ["adapter_config.json", "shard-00000-model-00001-of-00002.safetensors"] {
            try withModel { folder in
                try Data("{}".utf8).write(to: folder.appending(path: name))
                try expectRefusal(folder, name)
            }
        }
        try withTemporaryFolder { folder in
            try SentenceModel.write(
                ["base_model_name_or_path": "owner/base"],
                to: folder.appending(path: "adapter_config.json"))
            let error = #expect(throws: CheckpointError.self) { _ = try TextModelFolder(folder) }
            #expect(error?.description.contains("owner/base") == true)
        }
    }

    @Test("Fields that run code are refused, or left out where that is asked for")
    func code() throws {
        try withModel { folder in
            let url = folder.appending(path: "config.json")
            var object = try JSONFile(reading: url)
            object.fields["auto_map"] = .object(["AutoModel": .string("modeling.Evil")])
            object.fields["inner"] = .object(["custom_pipelines": .array([.string("x")])])
            try object.data().write(to: url)
            try Data("x".utf8).write(to: folder.appending(path: "modeling.py"))
            try expectRefusal(folder, "‘auto_map’", "modeling.Evil", "--drop-code")
            let output = folder.deletingLastPathComponent().appending(path: "out")
            try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
            let report = try TextModelFolder(folder, for: .useWithoutCode).write([], to: output)
            #expect(report.omitted.map(\.file) == ["modeling.py"])
            let written = try JSONFile(reading: output.appending(path: "config.json"))
            object.fields["auto_map"] = nil
            object.fields["inner"] = .object([:])
            #expect(written.fields == object.fields)
            _ = try TextModelFolder(output)
        }
    }
}
