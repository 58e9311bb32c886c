import Foundation
import ModelZoo
import TensorFormats
import TestSupport
import Testing
import Torch

@testable import Checkpoints
@testable import TorchNN

/// A file that holds a student and a teacher, which differ.
@Suite struct WeightsChoiceTests {
    private static let file = Fixture("hostile").file("choice/vgg16_bn.pth")

    private func open(_ key: String?) throws -> ModelFolder {
        try WeightsChoice.$key.withValue(key) { try ModelFolder.open(file: Self.file) }
    }

    @Test("Nothing is read where none is chosen") func refuses() {
        #expect {
            try open(nil)
        } throws: {
            "\($0)".contains("'student' (97 tensors), 'teacher' (97 tensors)")
        }
        #expect(throws: FormatError.self) { try open("ema") }
    }

    @Test("The output holds the chosen one alone, under its key, and names the other")
    func writes() throws {
        try withTemporaryFolder { scratch in
            let folder = try open("teacher")
            let first = try #require(folder.weights.tensors.first)
            let ones = Parameter(name: first.name, tensor: try .full(first.shape, 1))
            let dialect = Dialect(name: "as is", rules: [])
            let report = try folder.write([ones], to: scratch) { _ in dialect }
            #expect(report.rewritten == ["vgg16_bn.pth"])
            #expect(report.omitted.map(\.file) == ["vgg16_bn.pth"])
            #expect(report.omitted.first?.reason.contains("‘student’ was not chosen") == true)
            let after = try TensorArchive.open(scratch.appending(path: "vgg16_bn.pth"))
            #expect(after.wrapper == ["teacher"] && after.dictionaries.count == 1)
            #expect(after.tensors.map(\.name) == folder.weights.names)
            for (old, new) in zip(folder.weights.tensors, after.tensors) {
                #expect(new.bytes.hasSameBytes(as: old.bytes) == (new.name != first.name))
            }
        }
    }

    @Test("Safetensors has nothing to choose from") func safetensors() {
        let folder = Fixture("bert-base-tiny").folder
        #expect {
            try WeightsChoice.$key.withValue("model") { try ModelFolder.open(folder) }
        } throws: {
            "\($0)".contains("leave --weights out")
        }
    }
}
