import Checkpoints
import Foundation
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
        #expect(found.isDropIn && found.changed.isEmpty && found.changedFiles.isEmpty)
        #expect(found.unchanged == 2)
    }

    @Test("Values that changed, and by how much") func changed() throws {
        let found = try compare(
            [tensor("w", [3, 4]), tensor("b", [1])], [tensor("w", [0, 0]), tensor("b", [1])],
            text: "b")
        #expect(found.isDropIn)
        #expect(found.changed.map(\.name) == ["w"] && found.unchanged == 1)
        #expect(found.changed.first?.relativeDifference == 1)
        #expect(found.changed.first?.normRatio == 0)
        #expect(found.changedFiles == ["vocab.txt"])
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
            #expect(!found.isDropIn)
            #expect(
                found.violations.first?.contains("‘b’ holds values that are not finite") == true)
            _ = try JSONEncoder().encode(found)
        }
    }

    @Test("Missing, new and retyped tensors") func violations() throws {
        let found = try compare(
            [tensor("a", [1]), tensor("b", [1]), tensor("c", [1, 2])],
            [tensor("b", [1], as: .float16), tensor("c", [1]), tensor("d", [1])])
        #expect(!found.isDropIn)
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
            #expect(found.omitted == ["tf_model.h5"])
        }
    }
}
