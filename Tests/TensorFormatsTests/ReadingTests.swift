import Foundation
import Testing

@testable import TensorFormats

@Suite("Reading what torch and safetensors wrote")
struct ReadingTests {
    @Test(arguments: Fixture.readable)
    func readsEveryTensor(_ name: String) throws {
        let archive = try Fixture.archive(name)
        let expected = try Fixture.expectation(name)
        #expect(archive.wrapper == expected.wrapper)
        #expect(Set(archive.tensors.map(\.name)) == Set(expected.tensors.map(\.name)))
        if archive.format != .safetensors {
            #expect(archive.tensors.map(\.name) == expected.tensors.map(\.name))
        }
        var identities: [Int: StorageIdentity] = [:]
        for tensor in expected.tensors {
            let found = try #require(archive[tensor.name])
            #expect(found.scalarType == tensor.dtype)
            #expect(found.shape == tensor.shape)
            #expect(hexadecimal(found.bytes.copy()) == tensor.hex, "\(tensor.name)")
            if archive.format != .safetensors {
                let identity = identities[tensor.storage] ?? found.storageIdentity
                identities[tensor.storage] = identity
                #expect(found.storageIdentity == identity)
            }
        }
        #expect(Set(identities.values).count == identities.count)
    }

    @Test func tellsFormatsByContent() throws {
        #expect(try Fixture.archive("dtypes.safetensors").format == .safetensors)
        #expect(try Fixture.archive("dtypes.pt").format == .torchZip)
        #expect(try Fixture.archive("dtypes.legacy").format == .torchLegacy)
        #expect(try open(try Fixture.bytes("protocol4.legacy")).format == .torchLegacy)
    }

    @Test func releasedPagesAreReadAgain() throws {
        let archive = try Fixture.archive("dtypes.safetensors")
        let before = archive.tensors.map { $0.bytes.copy() }
        archive.releasePages()
        #expect(archive.tensors.map { $0.bytes.copy() } == before)
    }

    @Test func readsMetadata() throws {
        #expect(try Fixture.archive("dtypes.safetensors").metadata == ["format": "pt"])
    }

    @Test(arguments: ["wrapped.pt", "wrapped.legacy"])
    func listsWhatItSkips(_ name: String) throws {
        let entries = try Fixture.archive(name).otherEntries
        #expect(
            entries == [
                "epoch: integer 3", "optimizer: dictionary of 2", "best: tensor []",
                "dtype: dtype float16", "device: device", "size: tuple of 1",
                "large: large integer",
                "none: None", "text: text of 300 bytes", "model.name: text of 4 bytes",
            ])
    }

    @Test func knowsWhichTensorsLieInTheFile() throws {
        let strided = try Fixture.archive("strided.pt")
        #expect(strided["base"]?.bytes.fileOffset != nil)
        #expect(strided["row"]?.bytes.fileOffset != nil)
        #expect(strided["transposed"]?.bytes.fileOffset == nil)
        let plain = try Fixture.archive("dtypes.safetensors")
        let bytes = try Fixture.bytes("dtypes.safetensors")
        for tensor in plain.tensors {
            let offset = try #require(
                tensor.bytes.fileOffset ?? (tensor.elementCount == 0 ? 0 : nil))
            let slice = Array(bytes[offset..<(offset + tensor.bytes.count)])
            #expect(slice == tensor.bytes.copy())
        }
    }

    static let realFile: URL? = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let given = ProcessInfo.processInfo.environment["RECIPE_DATA"]
        let folders =
            [given.map { URL(fileURLWithPath: $0) }].compactMap { $0 } + [
                root.appendingPathComponent(".data"), root.appendingPathComponent("../shared/data"),
            ]
        return folders.map {
            $0.appendingPathComponent("weights-resnet-cifar10/resnet20-12fca82f.th")
        }
        .first { FileManager.default.fileExists(atPath: $0.path) }
    }()

    @Test(.enabled(if: realFile != nil, "no real data: set RECIPE_DATA"))
    func readsTheRealLegacyFile() throws {
        let archive = try TensorArchive.open(try #require(Self.realFile))
        #expect(archive.format == .torchLegacy)
        #expect(archive.wrapper == ["state_dict"])
        let first = try #require(archive["module.conv1.weight"])
        #expect(first.shape == [16, 3, 3, 3])
        let parameters = archive.tensors.filter {
            $0.name.hasSuffix("weight") || $0.name.hasSuffix("bias")
        }
        #expect(parameters.map(\.elementCount).reduce(0, +) == 269_722)
        let values = first.bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        #expect(values.allSatisfy { $0.isFinite && abs($0) < 10 })
        #expect(values.contains { $0 != 0 })
    }
}

@Suite("Shard index and mapped files")
struct IndexTests {
    @Test func parsesAnIndex() throws {
        let folder = try TemporaryFolder()
        let text =
            #"{"metadata":{"total_size":12},"weight_map":{"a":"m-2.bin","b":"m-1.bin","c":"m-2.bin"}}"#
        let index = try ShardIndex(
            contentsOf: try folder.file("index.json", holding: Array(text.utf8)))
        #expect(index.totalSize == 12)
        #expect(index.shards == ["m-1.bin", "m-2.bin"])
        #expect(index.weightMap["c"] == "m-2.bin")
        #expect(index.shardURL("m-1.bin").path == folder.file("m-1.bin").path)
    }

    @Test(arguments: ["../x", "/etc/passwd", "a/b", "..", ".", "", "a\\\\b", "a\\u0000"])
    func refusesShardsElsewhere(_ name: String) throws {
        let folder = try TemporaryFolder()
        let url = try folder.file(
            "index.json", holding: Array(#"{"weight_map":{"t":"\#(name)"}}"#.utf8))
        #expect(throws: FormatError.self) { try ShardIndex(contentsOf: url) }
    }

    @Test(arguments: [
        "", "{}", "[]", #"{"weight_map":[]}"#, #"{"weight_map":{"a":1}}"#,
        #"{"weight_map":{"a":"x","a":"y"}}"#, #"{"weight_map":{},"metadata":{"total_size":-1}}"#,
    ])
    func refusesWhatIsNoIndex(_ text: String) throws {
        let folder = try TemporaryFolder()
        let url = try folder.file("index.json", holding: Array(text.utf8))
        #expect(throws: FormatError.self) { try ShardIndex(contentsOf: url) }
    }

    @Test func refusesWhatIsNoFile() throws {
        let folder = try TemporaryFolder()
        let pipe = folder.file("pipe")
        #expect(mkfifo(pipe.path, 0o600) == 0)
        for url in [
            folder.url, folder.file("missing"), pipe, try folder.file("empty", holding: []),
        ] {
            let error = #expect(throws: FormatError.self) { try TensorArchive.open(url) }
            #expect(error?.description.contains(url.lastPathComponent) == true)
        }
    }

    @Test func slicesAreChecked() throws {
        let region = ByteRegion([1, 2, 3])
        #expect(region.slice(from: 1, count: 2)?.copy() == [2, 3])
        #expect(region.slice(from: 2, count: 2) == nil)
        #expect(region.slice(from: -1, count: 1) == nil)
        #expect(region.slice(from: Int.max, count: Int.max) == nil)
    }
}
