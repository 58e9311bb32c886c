import Foundation
import Testing

@testable import TensorFormats

@Suite("Hostile pickles")
struct HostilePickleTests {
    /// Ways to name and call a global, each as a whole pickle.
    static let forbidden: [String: [UInt8]] = [
        "posix.system": Handmade.ascii("cposix\nsystem\n(S'id'\ntR."),
        "os.system": Handmade.ascii("(S'id'\nios\nsystem\n."),
        "builtins.eval": Handmade.ascii("(cbuiltins\neval\nS'1'\no."),
        "builtins.__import__": Handmade.ascii("cbuiltins\n__import__\n."),
        "nt.system": [0x80, 4, 0x8C, 2] + Handmade.ascii("nt") + [0x8C, 6]
            + Handmade.ascii("system") + [0x93, 0x29, 0x52, 0x2E],
        "__builtin__.getattr": Handmade.ascii("c__builtin__\ngetattr\n."),
        "argparse.Namespace": Handmade.ascii("cargparse\nNamespace\n)") + [0x81, 0x2E],
        "torch.load": Handmade.ascii("ctorch\nload\n."),
        "torch.storage._load_from_bytes": Handmade.ascii("ctorch.storage\n_load_from_bytes\n."),
        "collections.OrderedDict.fromkeys": Handmade.ascii("ccollections\nOrderedDict.fromkeys\n."),
        "functools.partial": Handmade.ascii("ccollections\nOrderedDict\n(cfunctools\npartial\ntR."),
    ]

    @Test(arguments: forbidden.keys.sorted())
    func namesTheForbiddenGlobal(_ name: String) throws {
        let pickle = try #require(Self.forbidden[name])
        for file in [Handmade.legacy(pickle), try Handmade.zip(pickle)] {
            let message = message(opening: file)
            #expect(message.contains("'\(name)'"), "\(message)")
            #expect(message.contains("nothing in it was executed"))
            #expect(message.contains("byte "))
            #expect(message.contains("/file"))
        }
    }

    @Test func namesTheByteOfTheGlobal() throws {
        let pickle = Handmade.ascii("}cposix\nsystem\n.")
        #expect(message(opening: try Handmade.zip(pickle)).contains("byte 1 of archive/data.pkl"))
    }

    @Test(arguments: [
        "ctorch\nFloatStorage\n)R.", "ctorch\nfloat16\n)R.", "N)R.", "K\u{1})R.", "(.", ".", "0.",
        "1.",
        "a.", "}K\u{1}a.", "]NNs.", "(Nd.", "}(Nu.", "NNb.", "h\u{1}.", "g9\n.", "g-1\n.", "p\n.",
        "PN\n.",
        "(t)Q.", "ccollections\nOrderedDict\nN\u{85}R.", "ctorch._utils\n_rebuild_tensor_v2\n)R.",
        "ctorch._utils\n_rebuild_parameter\nN\u{85}R.", "ctorch\nSize\n)R.", "R.", "t.", "b.", "2.",
        "I1e9\n.", "L--1L\n.", "Fx\n.", "Sx\n.", "S'\\\n.", "V\\u12\n.", "(o.", "q\u{1}.",
        "\u{7f}.",
        "J\u{1}.", "X\u{ff}\u{ff}\u{ff}\u{7f}.",
    ])
    func damagedPicklesOnlyThrow(_ text: String) throws {
        let pickle = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        _ = message(opening: Handmade.legacy(pickle))
        _ = message(opening: try Handmade.zip(pickle))
    }

    @Test func hugeIntegersAreCapped() throws {
        let digits = String(repeating: "9", count: 100_000)
        #expect(
            message(opening: Handmade.legacy(Handmade.ascii("L\(digits)L\n."))).contains("line"))
        #expect(message(opening: Handmade.legacy(Handmade.ascii("I\(digits)\n."))).contains("line"))
        let long: [UInt8] = [0x8B, 0xFF, 0xFF, 0xFF, 0x7F, 0x2E]
        #expect(message(opening: Handmade.legacy(long)).contains("2147483647"))
        #expect(
            message(opening: Handmade.legacy([0x8B, 0xFF, 0xFF, 0xFF, 0xFF, 0x2E])).contains("-1"))
    }

    @Test func deepAndCyclicPicklesNeedNoRecursion() throws {
        let tuples = [0x4E] + repeated([0x85, 0x4E, 0x30, 0x4E, 0x30], 100_000) + [0x2E]
        #expect(message(opening: Handmade.legacy(tuples)).contains("tuple of 1"))
        let bare: [UInt8] = [0x4E] + [UInt8](repeating: 0x85, count: 100_000) + [0x2E]
        #expect(message(opening: Handmade.legacy(bare)).contains("containers"))
        // A dictionary that holds itself, under a key that makes it look like a wrapper.
        let cycle = [0x7D, 0x71, 0] + Handmade.unicode("model") + [0x68, 0, 0x73, 0x2E]
        #expect(try open(Handmade.legacy(cycle)).otherEntries == ["model: dictionary of 1"])
        let tensor = Handmade.pickle(count: 1, offset: 0, shape: [1], strides: [1])
        let member = Handmade.unicode("model") + [0x68, 0, 0x73, 0x2E]
        let tied = tensor[0..<3] + [0x71, 0] + tensor[3...].dropLast() + member
        let file = Handmade.legacy(Array(tied), keys: ["0"], storage: [0, 0, 0, 0])
        #expect(try open(file).tensors.map(\.name) == ["x"])
    }

    @Test func limitsHold() throws {
        var limits = ReadLimits()
        limits.maximumPickleStack = 1_000
        let marks = [UInt8](repeating: 0x28, count: 2_000)
        #expect(message(opening: Handmade.legacy(marks), limits: limits).contains("stack"))
        let nones = [UInt8](repeating: 0x4E, count: 2_000)
        #expect(message(opening: Handmade.legacy(nones), limits: limits).contains("stack"))
        limits = ReadLimits()
        limits.maximumPickleOpcodes = 1_000
        let loops = repeated([0x4E, 0x30], 2_000)
        #expect(message(opening: Handmade.legacy(loops), limits: limits).contains("opcodes"))
        limits = ReadLimits()
        limits.maximumPickleMemo = 10
        let memo = [0x4E] + repeated([0x94, 0x4E], 20)
        #expect(message(opening: Handmade.legacy(memo), limits: limits).contains("memo"))
        limits = ReadLimits()
        limits.maximumStringBytes = 10
        let text = Handmade.unicode("0123456789a")
        #expect(message(opening: try Handmade.zip(text), limits: limits).contains("string"))
    }

    /// A list named by many calls must not be copied each time without end.
    @Test func copiesOfListsAreCounted() throws {
        let pair: [UInt8] = [0x4E, 0x4E, 0x86]
        let list = [0x5D, 0x71, 0, 0x28] + repeated(pair, 2_000) + [0x65, 0x30]
        let call = Handmade.ascii("ccollections\nOrderedDict\n") + [0x68, 0, 0x85, 0x52, 0x30]
        var limits = ReadLimits()
        limits.maximumPickleOpcodes = 20_000
        let pickle = list + repeated(call, 100) + [0x4E, 0x2E]
        #expect(message(opening: Handmade.legacy(pickle), limits: limits).contains("keys"))
    }

    /// Many dictionaries that each hold one large one, and one long key named many times.
    @Test func repetitionCostsLittle() throws {
        func keys(_ value: [UInt8]) -> [UInt8] {
            (0..<5_000).flatMap { Handmade.unicode(String($0)) + value }
        }
        let large = [0x7D, 0x71, 0, 0x28] + keys([0x7D]) + [0x75, 0x30]
        let outer = [0x7D, 0x28] + keys([0x7D, 0x55, 1, 0x61, 0x68, 0, 0x73])
        #expect(
            try open(Handmade.legacy(large + outer + [0x75, 0x2E])).otherEntries.count == 5_000)
        let key = Handmade.unicode(String(repeating: "k", count: 1 << 20)) + [0x71, 0, 0x30]
        let dictionary: [UInt8] = [0x7D, 0x68, 0, 0x4E, 0x73]
        let pairs = key + [0x7D, 0x28] + keys(dictionary) + [0x75, 0x2E]
        #expect(try open(Handmade.legacy(pairs)).otherEntries.count == 5_000)
    }

    @Test(arguments: [
        (2, 0, [3], [1]), (2, 2, [1], [1]), (2, -1, [1], [1]), (2, 0, [1], [-1]), (2, 0, [-1], [1]),
        (2, 0, [2, 2], [1]), (2, Int.max, [2], [1]), (2, 0, [2], [Int.max]),
        (2, 0, [3], [Int.max / 2]),
        (2, 0, [Int.max, Int.max], [1, 1]), (2, 0, [1 << 40], [0]), (2, 0, [1 << 62], [0]),
        (1 << 62, 0, [1], [1]), (-1, 0, [1], [1]), (3, 0, [1], [1]), (1, 0, [1], [1]),
        (2, 0, [Int](repeating: 1, count: 65), [Int](repeating: 1, count: 65)),
    ])
    func tensorsOutsideTheirStorage(
        _ count: Int, _ offset: Int, _ shape: [Int], _ strides: [Int]
    ) throws {
        let pickle = Handmade.pickle(count: count, offset: offset, shape: shape, strides: strides)
        let storage = [UInt8](repeating: 1, count: 8)
        _ = message(opening: Handmade.legacy(pickle, keys: ["0"], storage: storage))
        _ = message(opening: try Handmade.zip(pickle, entries: [("data/0", storage)]))
    }

    @Test func oddStridesThatDoNotMatterAreRead() throws {
        let pickle = Handmade.pickle(count: 2, offset: 0, shape: [1, 2], strides: [Int.max, 0])
        let file = Handmade.legacy(pickle, keys: ["0"], storage: [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(try open(file)["x"]?.bytes.copy() == [1, 2, 3, 4, 1, 2, 3, 4])
    }

    @Test(arguments: [
        ("hostile-bigendian.pt", "byte order"), ("hostile-complex.pt", "ComplexFloatStorage"),
        ("hostile-uint16.pt", "torch.uint16"),
        ("hostile-f8.safetensors", "unsupported dtype 'F8_E4M3'"),
        ("hostile-namespace.pt", "argparse.Namespace"), ("hostile-tensor.pt", "not a dictionary"),
        ("hostile-two.pt", "several dictionaries"), ("hostile-deflated.pt", "is compressed"),
        ("hostile-script.pt", "TorchScript"),
    ])
    func refusesWithAReason(_ name: String, _ reason: String) throws {
        let error = #expect(throws: FormatError.self) { try Fixture.archive(name) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains(name) == true)
    }

    @Test func refusesOtherKindsOfFile() throws {
        var tar = [UInt8](repeating: 0, count: 512)
        tar.replaceSubrange(257..<262, with: "ustar".utf8)
        #expect(message(opening: tar).contains("tar archive"))
        #expect(
            message(opening: Handmade.ascii("version https://git-lfs…")).contains("git lfs pull"))
        #expect(message(opening: Handmade.ascii("<!doctype html>")).contains("web page"))
        #expect(message(opening: Handmade.ascii("x")).contains("unknown format"))
        #expect(message(opening: [0x80, 2, 0x7D, 0x2E]).contains("Python pickle"))
    }
}

@Suite("Hostile safetensors")
struct HostileSafetensorsTests {
    @Test(arguments: [
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#,
            6, "overlap"
        ),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "gap"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 8, "end at 4"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 3, "within"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "does not take"),
        (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "sizes"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, 4, "data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "gap"),
        (
            #"{"a":{"dtype":"F32","shape":[9223372036854775807,9],"data_offsets":[0,4]}}"#, 4,
            "counted"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}}"#, 4,
            "not take"
        ),
        (#"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#, 4, "sizes"),
        (
            #"{"a":{"dtype":"F64x","shape":[1],"data_offsets":[0,4]}}"#, 4,
            "unsupported dtype 'F64x'"
        ),
        (
            #"{"a":{"dtype":"I8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"I8","shape":[0],"data_offsets":[0,0]}}"#,
            0, "twice"
        ),
        (#"{"a":{"dtype":"I8","dtype":"I8","shape":[0],"data_offsets":[0,0]}}"#, 0, "twice"),
        (#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#, 4, "dtype"),
        (#"{"a":{"dtype":"I8","shape":[0],"data_offsets":[0,0],"x":1}}"#, 0, "unknown field"),
        (#"{"a":[]}"#, 0, "not an object"),
        (#"{"__metadata__":{"a":1}}"#, 0, "not a string"),
        (#"{"__metadata__":[]}"#, 0, "object of strings"),
        (#"{"a":"#, 0, "ends early"), (#"{"a":007}"#, 0, "expected a JSON value"),
        (#"{"a":+1}"#, 0, "expected a JSON value"), (#"{"a":.5}"#, 0, "expected a JSON value"),
        (#"{"a":-}"#, 0, "expected a JSON value"), (#"{"a":1e999}"#, 0, "expected a JSON value"),
        (#"{} x"#, 0, "after the end"),
        (#"{"\ud800":{}}"#, 0, "JSON"),
    ])
    func refuses(_ header: String, _ count: Int, _ reason: String) throws {
        let file = Handmade.safetensors(header, data: [UInt8](repeating: 0, count: count))
        let message = message(opening: file)
        #expect(message.contains(reason), "\(message)")
    }

    @Test func refusesHeadersThatCannotBe() throws {
        let header: [UInt8] = Array("{}".utf8)
        #expect(message(opening: littleEndianBytes(UInt64.max) + header).contains("limit"))
        #expect(message(opening: littleEndianBytes(UInt64(100_000_001)) + header).contains("limit"))
        #expect(message(opening: littleEndianBytes(UInt64(3)) + header).contains("2 bytes"))
        let deep = "{\"a\":" + String(repeating: "[", count: 100_000)
        #expect(message(opening: Handmade.safetensors(deep)).contains("deeper"))
    }

    @Test func readsEmptyFilesAndPadding() throws {
        #expect(try open(Handmade.safetensors("{}   ")).tensors.isEmpty)
        let scalar = #"{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}"#
        #expect(try open(Handmade.safetensors(scalar, data: [1, 2, 3, 4]))["a"]?.elementCount == 1)
    }
}
