import Files
import Foundation
import Testing

@testable import TensorFormats

@Suite("Writing")
struct WritingTests {
    @Test func safetensorsEqualsTheReference() throws {
        let folder = try TemporaryFolder()
        let archive = try Fixture.archive("dtypes.safetensors")
        let url = folder.file("out.safetensors")
        try SafetensorsWriter.write(archive.tensors.reversed(), metadata: archive.metadata, to: url)
        #expect(try Data(contentsOf: url) == Data(contentsOf: Fixture.url("dtypes.safetensors")))
        #expect(folder.names == ["out.safetensors"])
    }

    @Test func safetensorsKeepsOddNames() throws {
        let folder = try TemporaryFolder()
        let name = "a \"b\" \\ é \u{1}\n/ 😀"
        let tensor = try StoredTensor(name: name, scalarType: .int8, shape: [3], bytes: [1, 2, 3])
        let url = folder.file("odd.safetensors")
        try SafetensorsWriter.write([tensor], metadata: [name: name], to: url)
        let archive = try TensorArchive.open(url)
        #expect(archive[name]?.bytes.copy() == [1, 2, 3])
        #expect(archive.metadata == [name: name])
    }

    @Test(arguments: ["dtypes.pt", "strided.pt", "tied.pt", "view.legacy", "dtypes.safetensors"])
    func zipReadsBack(_ name: String) throws {
        let folder = try TemporaryFolder()
        let archive = try Fixture.archive(name)
        let url = folder.file("out.pt")
        try TorchZipWriter.write(archive.tensors, to: url)
        let copy = try TensorArchive.open(url)
        #expect(copy.format == .torchZip)
        #expect(copy.tensors.map(\.name) == archive.tensors.map(\.name))
        for (left, right) in zip(archive.tensors, copy.tensors) {
            #expect(left.scalarType == right.scalarType && left.shape == right.shape)
            #expect(left.bytes.hasSameBytes(as: right.bytes), "\(left.name)")
            for (other, otherCopy) in zip(archive.tensors, copy.tensors) {
                let isShared = left.storageIdentity == other.storageIdentity
                #expect(isShared == (right.storageIdentity == otherCopy.storageIdentity))
            }
            if let offset = right.bytes.fileOffset, name != "strided.pt", name != "view.legacy" {
                #expect(offset % 64 == 0)
            }
        }
    }

    @Test func tiesWhatTheCallerTies() throws {
        let folder = try TemporaryFolder()
        let identity = StorageIdentity()
        func tensor(_ name: String, _ bytes: [UInt8]) throws -> StoredTensor {
            try StoredTensor(
                name: name, scalarType: .uint8, shape: [2], bytes: bytes, storageIdentity: identity)
        }
        let url = folder.file("tied.pt")
        try TorchZipWriter.write([try tensor("a", [1, 2]), try tensor("b", [1, 2])], to: url)
        let archive = try TensorArchive.open(url)
        #expect(archive["a"]?.bytes.fileOffset == archive["b"]?.bytes.fileOffset)
        let contradiction = [try tensor("a", [1, 2]), try tensor("b", [1, 3])]
        #expect(throws: FormatError.self) { try TorchZipWriter.write(contradiction, to: url) }
    }

    @Test func refusesWrongSizesAndDoubleNames() throws {
        let folder = try TemporaryFolder()
        #expect(throws: FormatError.self) {
            try StoredTensor(name: "x", scalarType: .float32, shape: [2], bytes: [0, 0, 0, 0])
        }
        #expect(throws: FormatError.self) {
            try StoredTensor(name: "x", scalarType: .int8, shape: [.max, 2], bytes: [])
        }
        #expect(throws: FormatError.self) {
            try StoredTensor(name: "x", scalarType: .int8, shape: [-1], bytes: [])
        }
        let tensor = try StoredTensor(name: "x", scalarType: .int8, shape: [1], bytes: [0])
        for write in [
            { try SafetensorsWriter.write([tensor, tensor], metadata: [:], to: $0) },
            { try TorchZipWriter.write([tensor, tensor], to: $0) },
        ] as [(URL) throws -> Void] {
            #expect(throws: FormatError.self) { try write(folder.file("x")) }
        }
        let reserved = tensor.renamed("__metadata__")
        #expect(throws: FormatError.self) {
            try SafetensorsWriter.write([reserved], metadata: [:], to: folder.file("x"))
        }
        #expect(folder.names.isEmpty)
    }

    @Test func leavesNothingWhereItCannotWrite() throws {
        let folder = try TemporaryFolder()
        let tensor = try StoredTensor(name: "x", scalarType: .int8, shape: [1], bytes: [0])
        for url in [folder.file("missing/x"), folder.url] {
            #expect(throws: OutputError.self) {
                try SafetensorsWriter.write([tensor], metadata: [:], to: url)
            }
        }
        #expect(folder.names.isEmpty)
    }

    /// The limit is far above what any other test writes, because it holds for the whole process.
    @Test func leavesNothingWhenAFileGetsTooLarge() throws {
        let folder = try TemporaryFolder()
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit()
        #if canImport(Darwin)
            let resource = RLIMIT_FSIZE
        #else
            let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
        #endif
        #expect(getrlimit(resource, &limit) == 0)
        var lowered = limit
        lowered.rlim_cur = 48 << 20
        #expect(setrlimit(resource, &lowered) == 0)
        defer { setrlimit(resource, &limit) }
        try checkFailure(in: folder.url, size: 49 << 20, names: { folder.names })
    }

    /// Needs a small file system, so it runs only where one is named.
    @Test(.enabled(if: fullDisk != nil, "set RECIPE_FULL_DISK to a folder on a disk below 1 MiB"))
    func leavesNothingOnAFullDisk() throws {
        let folder = URL(fileURLWithPath: try #require(Self.fullDisk))
        try checkFailure(in: folder, size: 1 << 20) {
            (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? ["?"]
        }
    }

    static let fullDisk = ProcessInfo.processInfo.environment["RECIPE_FULL_DISK"]

    private func checkFailure(in folder: URL, size: Int, names: () -> [String]) throws {
        let bytes = [UInt8](repeating: 1, count: size)
        let tensor = try StoredTensor(name: "x", scalarType: .int8, shape: [size], bytes: bytes)
        let url = folder.appendingPathComponent("big")
        for write in [
            { try SafetensorsWriter.write([tensor], metadata: [:], to: url) },
            { try TorchZipWriter.write([tensor], to: url) },
        ] as [() throws -> Void] {
            let error = #expect(throws: OutputError.self) { try write() }
            #expect("\(String(describing: error))".contains("big"))
            #expect(names().isEmpty)
        }
    }
}

@Suite("Replacing tensors in place")
struct PatchingTests {
    @Test(arguments: [
        "dtypes.safetensors", "dtypes.pt", "dtypes.legacy", "module.pt", "zip64.pt",
        "protocol4.legacy",
    ])
    func changesNothingElse(_ name: String) throws {
        let folder = try TemporaryFolder()
        let archive = try Fixture.archive(name)
        let tensor = try #require(archive.tensors.first { $0.elementCount > 1 })
        let offset = try #require(tensor.bytes.fileOffset)
        let replacement = tensor.bytes.copy().map { $0 ^ 0x5A }
        let url = folder.file("patched")
        let followers = try ArchivePatcher.rewrite(
            archive, replacing: [tensor.name: replacement], to: url)
        #expect(followers.isEmpty)
        let before = try Fixture.bytes(name)
        let after = Array(try Data(contentsOf: url))
        #expect(before.count == after.count)
        let changed = before.indices.filter { before[$0] != after[$0] }
        let payload = offset..<(offset + replacement.count)
        let outside = changed.filter { !payload.contains($0) }
        // A zip repeats the checksum of the entry in its directory and once before or after the data.
        #expect(outside.count <= (archive.format == .torchZip ? 8 : 0))
        let copy = try TensorArchive.open(url)
        #expect(copy[tensor.name]?.bytes.copy() == replacement)
        for other in archive.tensors where other.name != tensor.name {
            #expect(copy[other.name]?.bytes.copy() == other.bytes.copy())
        }
    }

    @Test func replacingNothingCopies() throws {
        let folder = try TemporaryFolder()
        for name in ["wrapped.pt", "wrapped.legacy", "dtypes.safetensors"] {
            let none: [TensorPatch] = []
            try ArchivePatcher.rewrite(
                try Fixture.archive(name), replacing: none, to: folder.file(name))
            #expect(try Data(contentsOf: folder.file(name)) == Data(Fixture.bytes(name)))
        }
    }

    @Test(arguments: ["tied.pt", "tied.legacy"])
    func tiedWeightsStayTied(_ name: String) throws {
        let folder = try TemporaryFolder()
        let archive = try Fixture.archive(name)
        let url = folder.file("patched")
        let ones = [UInt8](repeating: 1, count: 48)
        let followers = try ArchivePatcher.rewrite(archive, replacing: ["embedding": ones], to: url)
        #expect(followers == ["decoder"])
        #expect(try TensorArchive.open(url)["decoder"]?.bytes.copy() == ones)
        try ArchivePatcher.rewrite(
            archive, replacing: ["embedding": ones, "decoder": ones], to: url)
        let twos = [UInt8](repeating: 2, count: 48)
        let error = #expect(throws: FormatError.self) {
            try ArchivePatcher.rewrite(
                archive, replacing: ["embedding": ones, "decoder": twos], to: folder.file("no"))
        }
        #expect(error?.what.contains("different bytes") == true)
        #expect(folder.names == ["patched"])
    }

    @Test func overlappingViewsMustAgree() throws {
        let folder = try TemporaryFolder()
        let archive = try Fixture.archive("strided.pt")
        let base = [UInt8](repeating: 3, count: 96)
        let url = folder.file("patched")
        try ArchivePatcher.rewrite(
            archive, replacing: ["base": base, "row": Array(base.prefix(24))], to: url)
        #expect(try TensorArchive.open(url)["base"]?.bytes.copy() == base)
        let row = [UInt8](repeating: 4, count: 24)
        #expect(throws: FormatError.self) {
            try ArchivePatcher.rewrite(archive, replacing: ["base": base, "row": row], to: url)
        }
        let followers = try ArchivePatcher.rewrite(archive, replacing: ["row": row], to: url)
        #expect(followers == ["base", "transposed", "column", "block"])
    }

    @Test(arguments: [
        ("strided.pt", "transposed"), ("module.pt", "nothing"),
    ])
    func refusesWhatItCannotReplace(_ name: String, _ tensor: String) throws {
        let folder = try TemporaryFolder()
        let archive = try Fixture.archive(name)
        let bytes = archive[tensor]?.bytes.copy() ?? []
        let error = #expect(throws: FormatError.self) {
            try ArchivePatcher.rewrite(archive, replacing: [tensor: bytes], to: folder.file("x"))
        }
        #expect(error?.where == "tensor '\(tensor)'")
        #expect(throws: FormatError.self) {
            try ArchivePatcher.rewrite(archive, replacing: [tensor: [0]], to: folder.file("x"))
        }
        #expect(folder.names.isEmpty)
    }

    @Test func mayReplaceItsOwnFile() throws {
        let folder = try TemporaryFolder()
        let url = try folder.file("model.pt", holding: try Fixture.bytes("module.pt"))
        let archive = try TensorArchive.open(url)
        let bytes = [UInt8](repeating: 9, count: 24)
        try ArchivePatcher.rewrite(archive, replacing: ["weight": bytes], to: url)
        #expect(try TensorArchive.open(url)["weight"]?.bytes.copy() == bytes)
        #expect(archive["weight"]?.bytes.copy() != bytes)
    }
}
