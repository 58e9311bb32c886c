import Checkpoints
import Foundation
import JSON
import ModelZoo
import TensorFormats
import TestSupport
import Testing
import Torch

@Suite struct FolderComparisonTests {
    private func tensor(_ name: String, _ values: [Float], as type: ScalarType = .float32) throws
        -> StoredTensor
    {
        let tensor = try Tensor(values)
        return try StoredTensor(name: name, tensor, as: type)
    }

    private func folder(_ tensors: [StoredTensor], _ text: String, at url: URL) throws
        -> ModelFolder
    {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        try SafetensorsWriter.write(
            tensors, metadata: [:], to: url.appending(path: "model.safetensors"))
        try Data("{}".utf8).write(to: url.appending(path: "config.json"))
        try Data(text.utf8).write(to: url.appending(path: "vocab.txt"))
        return try ModelFolder.open(url)
    }

    private func compare(
        _ old: [StoredTensor], _ new: [StoredTensor], text: String = "a"
    ) throws -> FolderComparison {
        try withTemporaryFolder { scratch in
            try FolderComparison(
                before: folder(old, "a", at: scratch.appending(path: "old")),
                after: folder(new, text, at: scratch.appending(path: "new")))
        }
    }

    @Test("Equal folders") func equal() throws {
        let tensors = try [tensor("w", [1, 2]), tensor("b", [0])]
        let found = try compare(tensors, tensors)
        #expect(found.dropIn && found.changed.isEmpty && found.changedFiles.isEmpty)
        #expect(found.unchanged == 2)
    }

    @Test("Bits that run a file as its owner", arguments: [0o4644, 0o2644, 0o6644])
    func modes(_ mode: Int) throws {
        try withTemporaryFolder { scratch in
            let tensors = try [tensor("w", [1, 2])]
            let (old, new) = (scratch.appending(path: "old"), scratch.appending(path: "new"))
            _ = try (folder(tensors, "a", at: old), folder(tensors, "a", at: new))
            func compare() throws -> FolderComparison {
                try FolderComparison(before: ModelFolder.open(old), after: ModelFolder.open(new))
            }
            let bits = mode == 0o4644 ? "set-user-id" : "set-group-id"
            for name in ["vocab.txt", "model.safetensors"] {
                let file = old.appending(path: name).path
                #expect(chmod(file, mode_t(mode)) == 0)
                let inBefore = try compare()
                #expect(inBefore.dropIn)
                let change = try #require(inBefore.changedFields.first)
                #expect(change.file == name && change.field == "mode")
                #expect(change.before?.contains(bits) == true && change.after == nil)
                #expect(chmod(file, 0o644) == 0)

                let other = new.appending(path: name).path
                #expect(chmod(other, mode_t(mode)) == 0)
                let inAfter = try compare()
                #expect(!inAfter.dropIn)
                #expect(inAfter.violations.contains { $0.contains(name) && $0.contains(bits) })
                #expect(chmod(other, 0o644) == 0)
            }
        }
    }

    @Test("Values that changed, and by how much") func changed() throws {
        let found = try compare(
            [tensor("w", [3, 4]), tensor("b", [1])], [tensor("w", [0, 0]), tensor("b", [1])],
            text: "a")
        #expect(found.dropIn)
        #expect(found.changed.map(\.name) == ["w"] && found.unchanged == 1)
        #expect(found.changed.first?.relativeDifference == 1)
        #expect(found.changed.first?.normRatio == 0)
    }

    @Test("A changed vocabulary is another tokenizer") func vocabulary() throws {
        let found = try compare([tensor("w", [1])], [tensor("w", [1])], text: "b")
        #expect(!found.dropIn && found.changedFiles == ["vocab.txt"])
        #expect(found.violations.contains { $0.contains("vocab.txt") })
    }

    @Test("A tensor that began as zeros has numbers that JSON can hold") func fromZeros() throws {
        let found = try compare([tensor("b", [0, 0])], [tensor("b", [3, 4])])
        #expect(found.changed.first?.relativeDifference == 5)
        #expect(found.changed.first?.normRatio == 5)
        let data = try JSONEncoder().encode(found)
        #expect(try JSONDecoder().decode(FolderComparison.self, from: data).changed.count == 1)
    }

    @Test("Values that are no numbers are a violation") func notFinite() throws {
        for value in [Float.nan, .infinity] {
            let found = try compare([tensor("b", [1, 2])], [tensor("b", [1, value])])
            #expect(!found.dropIn)
            #expect(
                found.violations.first?.contains("‘b’ holds values that are not finite") == true)
            _ = try JSONEncoder().encode(found)
        }
    }

    @Test("Missing, new and retyped tensors") func violations() throws {
        let found = try compare(
            [tensor("a", [1]), tensor("b", [1]), tensor("c", [1, 2])],
            [tensor("b", [1], as: .float16), tensor("c", [1]), tensor("d", [1])])
        #expect(!found.dropIn)
        #expect(
            Set(found.violations) == [
                "model.safetensors: the tensor ‘d’ is new",
                "model.safetensors: the tensor ‘a’ is missing",
                "model.safetensors: ‘b’ is F16 [1], was F32 [1]",
                "model.safetensors: ‘c’ is F32 [1], was F32 [2]",
            ])
    }

    @Test("Missing files, and weights in another file") func files() throws {
        try withTemporaryFolder { scratch in
            let old = try Fixture("bert-masked-lm").copyModel(to: scratch.appending(path: "old"))
            let new = try Fixture("bert-sharded").copyModel(to: scratch.appending(path: "new"))
            try Data("x".utf8).write(to: old.appending(path: "tf_model.h5"))
            try FileManager.default.removeItem(at: new.appending(path: "vocab.txt"))
            let found = try FolderComparison(
                before: ModelFolder.open(old), after: ModelFolder.open(new))
            #expect(found.violations.contains("the weight file model.safetensors is missing"))
            #expect(found.violations.contains { $0.hasPrefix("the weight file model-00001") })
            #expect(found.violations.contains("the file vocab.txt is missing"))
            #expect(found.omitted.map(\.file) == ["tf_model.h5"])
        }
    }

    @Test("Values that are no numbers are a violation where they are in both") func bothNaN() throws
    {
        let found = try compare([tensor("b", [1, .nan])], [tensor("b", [1, .nan])])
        #expect(!found.dropIn && found.unchanged == 1)
    }

    // MARK: What is beside the tensors

    /// A model and an equal copy of it, which `spoil` then changes.
    private func compare(
        _ fixture: String = "bert-masked-lm",
        before prepare: (URL) throws -> Void = { _ in }, after spoil: (URL) throws -> Void
    ) throws -> FolderComparison {
        try withTemporaryFolder { scratch in
            let old = try Fixture(fixture).copyModel(to: scratch.appending(path: "old"))
            try prepare(old)
            let new = scratch.appending(path: "new")
            try FileManager.default.copyItem(at: old, to: new)
            try spoil(new)
            return try FolderComparison(
                before: ModelFolder.open(old, of: .texts), after: ModelFolder.open(new, of: .texts)
            ) { try $0.spelling(of: $1, as: .texts) }
        }
    }

    @Test(
        "Bytes outside the tensors count",
        arguments: ["bert-masked-lm", "bert-tied-decoder-bin", "bert-gamma-beta-legacy"])
    func outside(_ fixture: String) throws {
        let found = try compare(fixture) { new in
            let name = fixture == "bert-masked-lm" ? "model.safetensors" : "pytorch_model.bin"
            let file = new.appending(path: name)
            let tensors = try TensorArchive.open(file).tensors
            if name == "model.safetensors" {
                try SafetensorsWriter.write(
                    tensors, metadata: ["format": "pt", "note": "x"], to: file)
            } else {
                // The same tensors in another order of other pickles.
                try TorchZipWriter.write(tensors.reversed(), to: file)
            }
        }
        #expect(!found.dropIn && found.changed == [])
        #expect(found.violations.first?.contains("outside the tensors differ") == true)
    }

    @Test("A field of a description that differs is named with both values") func fields() throws {
        let found = try compare { new in
            let file = new.appending(path: "config.json")
            var fields = try JSONFile(reading: file)
            fields.fields["hidden_act"] = .string("relu")
            fields.fields["new_field"] = .integer(7)
            fields.fields["_name_or_path"] = .string("elsewhere")
            fields.fields["layer_norm_eps"] = nil
            try fields.data().write(to: file)
        }
        #expect(!found.dropIn)
        #expect(
            Set(found.changedFields.map(\.field))
                == ["hidden_act", "new_field", "_name_or_path", "layer_norm_eps"])
        let act = try #require(found.changedFields.first { $0.field == "hidden_act" })
        #expect(act.before == "\"gelu\"" && act.after == "\"relu\"" && act.file == "config.json")
        #expect(found.violations.contains("config.json: ‘hidden_act’ was \"gelu\", is \"relu\""))
        #expect(found.violations.count == 3)
    }

    @Test("The same description in other words is the same") func format() throws {
        let found = try compare { new in
            let file = new.appending(path: "config.json")
            let object = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
            try JSONSerialization.data(withJSONObject: object).write(to: file)
        }
        #expect(found.dropIn, "\(found.violations)")
        #expect(found.changedFiles == ["config.json"] && found.changedFields == [])
    }

    @Test(
        "What is new in a folder and no record is a violation",
        arguments: [
            ("evil.bin", "x"), ("modeling.py", "x"), ("generation_config.json", "{}"),
            ("tokenizer.json", "{}"), ("inner/deep.pkl", "x"), ("adapter_config.json", "{}"),
            ("photo.png", "x"), ("README.md", "#!/bin/sh"), ("1_Pooling/config.json", "{}"),
        ])
    func new(_ name: String, _ content: String) throws {
        func write(_ folder: URL) throws {
            let file = folder.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(content.utf8).write(to: file)
        }
        let found = try compare(after: write)
        #expect(!found.dropIn && found.violations.contains { $0.contains(name) })
        // What is in both and would be left out is no part of a purified model either, unless no
        // loader could make anything of it.
        let both = try compare(before: write, after: { _ in })
        let isHarmless =
            name == "photo.png" || name == "1_Pooling/config.json"
            || ["generation_config.json", "tokenizer.json"].contains(name)
        #expect(both.dropIn == isHarmless, "\(both.violations)")
        // And where it is left out it is said why.
        let omitted = try compare(before: write) { new in
            try FileManager.default.removeItem(at: new.appending(path: name))
        }
        let isNeeded = ["generation_config.json", "tokenizer.json"].contains(name)
        #expect(omitted.dropIn == !isNeeded, "\(omitted.violations)")
        #expect(omitted.omitted.map(\.file) == (isNeeded ? [] : [name]))
    }

    @Test("Records and texts for people may be new or differ") func records() throws {
        let found = try compare(
            before: { try Data("# A\n".utf8).write(to: $0.appending(path: "README.md")) },
            after: {
                try Data("# B\n".utf8).write(to: $0.appending(path: "README.md"))
                try Data("{}".utf8).write(to: $0.appending(path: "purification.json"))
                try Data("words".utf8).write(to: $0.appending(path: "NOTICE"))
            })
        #expect(found.dropIn, "\(found.violations)")
        #expect(found.records == ["purification.json"])
        let again = try compare(
            before: { try Data("{}".utf8).write(to: $0.appending(path: "purification.json")) },
            after: { try Data("{ }".utf8).write(to: $0.appending(path: "purification.json")) })
        #expect(again.dropIn && again.records == ["purification.json"])
        #expect(found.changedFiles == ["README.md", "NOTICE"])
    }

    @Test("Links that lead out of the second folder are a violation") func links() throws {
        let found = try compare { new in
            try FileManager.default.createSymbolicLink(
                atPath: new.appending(path: "LICENSE").path, withDestinationPath: "/etc/hostname")
        }
        #expect(!found.dropIn && found.violations.contains { $0.contains("LICENSE") })
    }

    @Test("A format that was changed alone is a violation") func twins() throws {
        let found = try compare(
            before: { old in
                try SafetensorsWriter.write(
                    TensorArchive.open(old.appending(path: "model.safetensors")).tensors,
                    metadata: [:], to: old.appending(path: "open_clip_model.safetensors"))
            },
            after: { new in
                let file = new.appending(path: "open_clip_model.safetensors")
                let tensors = try TensorArchive.open(file).tensors.map {
                    try StoredTensor(name: $0.name, $0.tensor() + 1)
                }
                try SafetensorsWriter.write(tensors, metadata: [:], to: file)
            })
        #expect(!found.dropIn)
        #expect(found.violations.contains { $0.contains("does not hold the model") })
    }
}
