import Foundation
import JSON
import ModelZoo
import TensorFormats
import TestSupport
import Testing
import Torch

@testable import Checkpoints
@testable import TorchNN

/// The bytes of every tensor in every weight file of a folder, by file and name on disk.
private func contents(_ url: URL) throws -> [String: [UInt8]] {
    let folder = try ModelFolder.open(url)
    var bytes: [String: [UInt8]] = [:]
    for archive in ([folder.weights] + folder.twins).flatMap(\.archives) {
        for tensor in archive.tensors {
            bytes[archive.url.lastPathComponent + "/" + tensor.name] = tensor.bytes.copy()
        }
    }
    return bytes
}

private func files(_ url: URL) throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: url.path))
}

/// What RECIPE trains in a folder, with every number tripled.
private func tripled(_ folder: TextModelFolder) throws -> [Parameter] {
    let model = try folder.load(
        parts: [], placement: Placement(trainable: BERT.recipeWeights))
    try withoutGradients { for p in model.store.trainable { try p.tensor.scale(by: 3) } }
    return model.store.trainable
}

@Suite struct WriteBackTests {
    private static let folders = [
        "bert-bare-model", "bert-base-tiny", "bert-bfloat16", "bert-float16",
        "bert-gamma-beta-legacy", "bert-gamma-beta-zip", "bert-sharded", "bert-strided-bin",
        "bert-tied-decoder-bin", "bert-untied",
    ]

    @Test("Only what was trained has other bytes, in its type on disk", arguments: folders)
    func onlyTheTrained(_ name: String) throws {
        try withTemporaryFolder { scratch in
            let input = try Fixture(name).copyModel(to: scratch.appending(path: "in"))
            let output = scratch.appending(path: "out")
            try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
            let folder = try TextModelFolder(input)
            let changed = try tripled(folder)
            let report = try folder.write(changed, to: output)
            #expect(Set(report.changed) == Set(changed.map { folder.dialect.onDisk($0.name) }))
            #expect(report.omitted == [])
            #expect(report.rewritten == (name == "bert-strided-bin" ? ["pytorch_model.bin"] : []))

            let (before, after) = (try contents(input), try contents(output))
            #expect(Set(before.keys) == Set(after.keys))
            for (key, bytes) in before {
                #expect((after[key] == bytes) == !key.hasSuffix("intermediate.dense.weight"))
            }
            #expect(try files(input) == files(output))
            let weights = Set(
                before.keys.compactMap { $0.split(separator: "/").first.map(String.init) })
            for file in try files(input).subtracting(weights) {
                #expect(
                    FileManager.default.contentsEqual(
                        atPath: input.appending(path: file).path,
                        andPath: output.appending(path: file).path))
            }
            let comparison = try FolderComparison(
                before: ModelFolder.open(input), after: ModelFolder.open(output))
            #expect(comparison.dropIn && comparison.changedFiles == [])
            #expect(Set(comparison.changed.map(\.name)) == Set(report.changed))
            #expect(comparison.unchanged == before.count - report.changed.count)
            for change in comparison.changed {
                #expect(abs(change.normRatio - 3) < 0.01)
                #expect(abs(change.relativeDifference - 2) < 0.01)
            }
            // What was read back is what was written, up to the type on disk.
            let again = try TextModelFolder(output).load(parts: [], placement: Placement())
            for parameter in changed {
                let found = try #require(again.store[parameter.name])
                #expect(try relativeDifference(found, parameter.tensor.detached()) < 4e-3)
            }
        }
    }

    @Test("Nothing changed is written as nothing changed") func unchanged() throws {
        try withTemporaryFolder { scratch in
            let folder = try TextModelFolder(Fixture("bert-strided-bin").folder)
            let model = try folder.load(parts: [], placement: Placement())
            let report = try folder.write(model.store.parameters, to: scratch)
            #expect(report.changed == [] && report.rewritten == [])
            #expect(
                FileManager.default.contentsEqual(
                    atPath: scratch.appending(path: "pytorch_model.bin").path,
                    andPath: folder.folder.url.appending(path: "pytorch_model.bin").path))
        }
    }

    @Test("Copies of a tied parameter stay equal") func tiedDecoder() throws {
        try withTemporaryFolder { scratch in
            let folder = try TextModelFolder(Fixture("bert-tied-decoder-bin").folder)
            let model = try folder.load(
                parts: .maskedLMHead, placement: Placement(trainable: .all))
            try withoutGradients { for p in model.store.trainable { try p.tensor.scale(by: 2) } }
            let report = try folder.write(model.store.trainable, to: scratch)
            #expect(Set(report.changed) == Set(folder.folder.weights.names))
            let after = try ModelFolder.open(scratch).weights
            let words = try #require(after["bert.embeddings.word_embeddings.weight"])
            let decoder = try #require(after["cls.predictions.decoder.weight"])
            #expect(words.bytes.hasSameBytes(as: decoder.bytes))
            #expect(words.storageIdentity == decoder.storageIdentity)
        }
    }

    @Test("Both twins are updated, and other formats are left out and named") func twins() throws {
        try withTemporaryFolder { scratch in
            let input = try Fixture("bert-pretraining").copyModel(to: scratch.appending(path: "in"))
            let manager = FileManager.default
            try manager.copyItem(
                at: Fixture("bert-gamma-beta-zip").file("pytorch_model.bin"),
                to: input.appending(path: "pytorch_model.bin"))
            for name in ["flax_model.msgpack", "tf_model.h5", "model.onnx", "README.md"] {
                try Data(name.utf8).write(to: input.appending(path: name))
            }
            let onnx = input.appending(path: "onnx")
            try manager.createDirectory(at: onnx, withIntermediateDirectories: true)
            try Data("x".utf8).write(to: onnx.appending(path: "model.onnx"))
            let output = scratch.appending(path: "out")
            try manager.createDirectory(at: output, withIntermediateDirectories: true)

            let folder = try TextModelFolder(input)
            #expect(folder.folder.twins.count == 1)
            let report = try folder.write(tripled(folder), to: output)
            #expect(
                report.omitted.map(\.file)
                    == ["flax_model.msgpack", "model.onnx", "onnx/model.onnx", "tf_model.h5"])
            #expect(report.changed.count == 2, "a name that both files have counts once")
            let comparison = try FolderComparison(
                before: ModelFolder.open(input), after: ModelFolder.open(output)
            ) { try $0.spelling(of: $1, as: .texts) }
            #expect(comparison.dropIn)
            #expect(comparison.omitted == report.omitted)
            #expect(
                Set(comparison.changed.map(\.file)) == ["model.safetensors", "pytorch_model.bin"])
            #expect(comparison.changed.count == 4)
            #expect(manager.fileExists(atPath: output.appending(path: "README.md").path))
        }
    }

    /// A folder whose only weights are a file of a fixture.
    private func folder(_ fixture: String, _ file: String, at url: URL) throws -> ModelFolder {
        let archive = try TensorArchive.open(Fixture(fixture).file(file))
        return ModelFolder(
            url: url, configuration: JSONFile(url: url, fields: [:]),
            weights: try StateDictionary([archive]), twins: [])
    }

    private let asIs = Dialect(name: "as is", rules: [])

    @Test("A file that could not be written back is refused before training") func unwritable()
        throws
    {
        try withTemporaryFolder { scratch in
            try TextModelFolder(Fixture("bert-strided-bin").folder).checkWritable(.all)
            let checkpoint = try folder("strided-checkpoint", "checkpoint.pt", at: scratch)
            try checkpoint.checkWritable("bias") { _ in asIs }
            let error = #expect(throws: CheckpointError.self) {
                try checkpoint.checkWritable("weight") { _ in asIs }
            }
            #expect(error?.description.contains("checkpoint.pt: the tensor ‘weight’") == true)
            #expect(error?.advice != nil)
            #expect(throws: CheckpointError.self) {
                let value = Parameter(name: "weight", tensor: try .zeros([3, 2]))
                _ = try checkpoint.write([value], to: scratch) { _ in asIs }
            }
            #expect(try files(scratch) == [])
        }
    }

    @Test("Views of one storage part when they are written") func views() throws {
        try withTemporaryFolder { scratch in
            let plain = try folder("formats", "strided.pt", at: scratch)
            try plain.checkWritable(.all) { _ in asIs }
            let replaced = Set(plain.weights.names.filter { $0 != "base" && $0 != "own" })
            let values = try plain.weights.tensors.filter { replaced.contains($0.name) }.map {
                Parameter(name: $0.name, tensor: try .full($0.shape, 99))
            }
            _ = try plain.write(values, to: scratch) { _ in asIs }
            let after = try TensorArchive.open(scratch.appending(path: "strided.pt"))
            #expect(after.tensors.map(\.name) == plain.weights.names)
            for (old, new) in zip(plain.weights.tensors, after.tensors) {
                #expect(old.shape == new.shape && old.scalarType == new.scalarType)
                let numbers = new.bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
                #expect(numbers.allSatisfy { $0 == 99 } == replaced.contains(old.name))
                #expect(new.bytes.hasSameBytes(as: old.bytes) == !replaced.contains(old.name))
            }
        }
    }
}

@Suite struct ExtendedWritingTests {
    @Test("A bare model with a fresh head loads again with equal values")
    func freshHead() throws {
        try withTemporaryFolder { scratch in
            let folder = try TextModelFolder(Fixture("bert-bare-model").folder)
            let model = try folder.load(
                parts: folder.parts.union(.maskedLMHead),
                placement: Placement(trainable: .all), head: .fresh)
            let report = try folder.writeExtended(model, to: scratch)
            #expect(Set(report.changed) == Set(model.store.parameters.map(\.name)))
            let again = try TextModelFolder(scratch)
            #expect(again.parts == [.pooler, .maskedLMHead])
            #expect(again.folder.architectures == ["BertForMaskedLM"])
            let loaded = try again.load(parts: again.parts, placement: Placement())
            #expect(loaded.store.parameters.map(\.name) == model.store.parameters.map(\.name))
            for (a, b) in zip(loaded.store.parameters, model.store.parameters) {
                #expect(try a.tensor.isBitwiseEqual(to: b.tensor.detached()), "\(a.name)")
            }
            // Buffers that no layer reads are carried along under canonical names.
            let buffer = try #require(again.folder.weights["bert.embeddings.position_ids"])
            #expect(
                buffer.bytes.hasSameBytes(
                    as: try #require(folder.folder.weights["embeddings.position_ids"]).bytes))
            #expect(
                try files(scratch).subtracting(["model.safetensors"])
                    == files(folder.folder.url).subtracting(
                        ["expected.safetensors", "model.safetensors"]))
            #expect(report.omitted.map(\.file) == ["expected.safetensors"])
        }
    }

    @Test("Types on disk are kept; old pickles become one safetensors file") func types() throws {
        try withTemporaryFolder { scratch in
            let half = try TextModelFolder(Fixture("bert-float16").folder)
            let model = try half.load(
                parts: half.parts.union(.pooler), placement: Placement())
            _ = try half.writeExtended(model, to: scratch)
            let weights = try ModelFolder.open(scratch).weights
            #expect(Set(weights.tensors.map(\.scalarType)) == [.float16])
        }
        try withTemporaryFolder { scratch in
            let old = try TextModelFolder(Fixture("bert-tied-decoder-bin").folder)
            // Without the head, both spellings of its bias are carried; they are one parameter.
            let model = try old.load(parts: .pooler, placement: Placement())
            _ = try old.writeExtended(model, to: scratch)
            #expect(try files(scratch).contains("pytorch_model.bin") == false)
            let again = try TextModelFolder(scratch)
            #expect(again.parts == [.pooler, .maskedLMHead])
            _ = try again.load(parts: again.parts, placement: Placement())
        }
    }

    @Test("Texts in the folder's links are copied, not linked") func links() throws {
        try withTemporaryFolder { scratch in
            // As the hub's cache lays a model out: links to blobs.
            let repository = scratch.appending(path: "models--a--b")
            let blobs = try Fixture("bert-masked-lm").copyModel(
                to: repository.appending(path: "blobs"))
            let model = repository.appending(path: "snapshots/0123456789abcdef")
            let manager = FileManager.default
            try manager.createDirectory(at: model, withIntermediateDirectories: true)
            for name in try files(blobs) {
                try manager.createSymbolicLink(
                    atPath: model.appending(path: name).path,
                    withDestinationPath: "../../blobs/" + name)
            }
            let output = scratch.appending(path: "out")
            try manager.createDirectory(at: output, withIntermediateDirectories: true)
            let folder = try TextModelFolder(model)
            _ = try folder.write(tripled(folder), to: output)
            try manager.removeItem(at: blobs)
            #expect(try TextModelFolder(output).parts == .maskedLMHead)
            #expect(try Data(contentsOf: output.appending(path: "vocab.txt")).count > 0)
        }
    }
}
