import TensorFormats
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct DialectTensorTests {
    private let fused = Dialect(
        name: "fused",
        rules: [
            .removePrefix("module."),
            .split("blocks.*.qkv.**", into: ["layer.*.q.**", "layer.*.k.**", "layer.*.v.**"]),
            .rename("blocks.*.proj.**", to: "layer.*.out.**"),
            .rename("enc_*.norm", to: "encoder.*.layernorm"),
        ])

    private func tensor(_ name: String, _ shape: [Int], from first: UInt8) throws -> StoredTensor {
        try StoredTensor(
            name: name, scalarType: .uint8, shape: shape,
            bytes: (0..<shape.reduce(1, *)).map { first &+ UInt8($0) })
    }

    private func tensors() throws -> [StoredTensor] {
        [
            try tensor("module.enc_4.norm", [2], from: 90),
            try tensor("module.blocks.0.qkv.weight", [6, 2], from: 0),
            try tensor("module.blocks.0.proj.weight", [2, 2], from: 50),
            try tensor("module.blocks.11.qkv.bias", [3], from: 60),
            try tensor("module.other", [], from: 70),
        ]
    }

    @Test("A name with places in it is spelled both ways") func names() {
        #expect(
            fused.parameters(in: "module.blocks.11.qkv.weight")
                == ["layer.11.q.weight", "layer.11.k.weight", "layer.11.v.weight"])
        #expect(fused.canonical("module.blocks.2.proj.a.b") == "layer.2.out.a.b")
        #expect(fused.canonical("module.enc_4.norm") == "encoder.4.layernorm")
        #expect(fused.onDisk("layer.11.k.weight") == "module.blocks.11.qkv.weight")
        let place = fused.place(of: "layer.11.k.weight")
        #expect(place.share == 1 && place.shares == 3)
        #expect(fused.place(of: "layer.2.out.weight").shares == 1)
        // What is spelled nearly so is left alone.
        for name in ["blocks.2.proj", "blocks.proj.weight", "blocks.2.qkv", "enc.norm", "x"] {
            #expect(fused.parameters(in: "module." + name) == [name])
            #expect(fused.onDisk(name) == "module." + name)
        }
    }

    @Test("Splits within splits keep count") func nested() {
        let nested = Dialect(
            name: "nested",
            rules: [.split("all", into: ["ab", "cd"]), .split("cd", into: ["c", "d"])])
        #expect(nested.parameters(in: "all") == ["ab", "c", "d"])
        #expect(nested.place(of: "d").share == 3 && nested.place(of: "d").shares == 4)
        #expect(nested.place(of: "ab").shares == 2)
    }

    @Test("What is split and merged again is what it was") func roundTrip() throws {
        let stored = try tensors()
        let canonical = try fused.canonicalized(stored)
        #expect(
            canonical.map(\.name) == [
                "encoder.4.layernorm", "layer.0.q.weight", "layer.0.k.weight", "layer.0.v.weight",
                "layer.0.out.weight", "layer.11.q.bias", "layer.11.k.bias", "layer.11.v.bias",
                "other",
            ])
        #expect(canonical[2].shape == [2, 2] && canonical[2].bytes.copy() == [4, 5, 6, 7])
        #expect(canonical[7].shape == [1] && canonical[7].bytes.copy() == [62])
        let exported = try fused.exported(canonical)
        #expect(exported.map(\.name) == stored.map(\.name))
        for (before, after) in zip(stored, exported) {
            #expect(before.shape == after.shape && before.scalarType == after.scalarType)
            #expect(before.bytes.hasSameBytes(as: after.bytes))
        }
        // In whatever order the parts come.
        let shuffled = try fused.exported(canonical.reversed())
        #expect(Set(shuffled.map(\.name)) == Set(stored.map(\.name)))
        let merged = try #require(shuffled.first { $0.name.hasSuffix("qkv.weight") })
        #expect(merged.bytes.hasSameBytes(as: stored[1].bytes))
    }

    @Test("What cannot be split or merged says so") func refusals() throws {
        for shape in [[4, 2], []] {
            let error = #expect(throws: FormatError.self) {
                try fused.canonicalized([tensor("module.blocks.0.qkv.weight", shape, from: 0)])
            }
            #expect(error?.where?.contains("blocks.0.qkv.weight") == true)
        }
        let canonical = try fused.canonicalized(tensors())
        let missing = #expect(throws: FormatError.self) {
            try fused.exported(canonical.filter { $0.name != "layer.0.k.weight" })
        }
        #expect(missing?.where?.contains("module.blocks.0.qkv.weight") == true)
        let odd = try canonical.map {
            $0.name == "layer.0.k.weight" ? try tensor($0.name, [1, 4], from: 0) : $0
        }
        #expect(throws: FormatError.self) { try fused.exported(odd) }
    }
}
