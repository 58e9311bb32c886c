import Files
import Foundation
import JSON
import Testing

@testable import TensorFormats

/// The files under `Tests/Fixtures/hostile`, and what `Oracle/judge.py` says that others read there.
struct JudgedFile: Sendable, CustomTestStringConvertible {
    static let folder = Fixture.folder.deletingLastPathComponent().appendingPathComponent("hostile")

    /// Path within the folder.
    let name: String
    /// By judge: `read`, `refused` or `code`.
    let verdicts: JSONObject

    var url: URL { Self.folder.appendingPathComponent(name) }
    var testDescription: String { name }

    static let all: [JudgedFile] = {
        let record = try? JSONValue(
            reading: folder.appendingPathComponent("judges.json"), keys: .exact)
        return (record?.object?.members ?? []).map {
            JudgedFile(name: $0.key, verdicts: $0.value.object ?? [:])
        }
    }()

    /// What the judges read otherwise than `archive` has it; those that read nothing have no say.
    func disagreements(with archive: TensorArchive) -> [String] {
        let ours = archive.entries
        let key = archive.dictionaries.first?.key ?? "."
        return verdicts.members.compactMap { judge, verdict in
            if let code = verdict["code"]?.string { return "\(judge) would run \(code)" }
            guard let read = verdict["read"] else { return nil }
            switch judge {
            case "torch", "torch-default", "torch-mapped", "torch-calculated", "torch-full":
                // Everything in the file, by the key of its dictionary.
                let named = Set(archive.dictionaries.map(\.key) + [key])
                let found = Set(read.object?.keys ?? [])
                return read[key]?.object == ours && found.isSubset(of: named)
                    ? nil : "\(judge) read \(read)"
            case "safetensors": return read["."]?.object == ours ? nil : "\(judge) read \(read)"
            case "timm":
                let plain = JSONObject(
                    ours.members.map { name, value in
                        (name.hasPrefix("module.") ? String(name.dropFirst(7)) : name, value)
                    })
                return read["."]?.object.map { $0 == plain } ?? true
                    ? nil : "\(judge) read \(read)"
            case "transformers":
                // Takes the whole file for a state dictionary, so finds numbers beside one.
                let shared = read["."]?.object?.members ?? []
                let differs = shared.contains { name, value in
                    ours[name].map { $0 != value } ?? false
                }
                let isWhole = key != "." || shared.count == ours.count
                return differs || !isWhole ? "\(judge) read \(read)" : nil
            default: return nil
            }
        }
    }
}

extension TensorArchive {
    /// Each tensor as the judges describe it: dtype, shape, digest.
    var entries: JSONObject {
        JSONObject(
            tensors.map { tensor in
                let digest = tensor.bytes.withUnsafeBytes { bytes in
                    var digest = ContentDigest()
                    digest.update(bytes)
                    return String(digest.finish().prefix(16))
                }
                let shape = tensor.shape.map(JSONValue.integer)
                return (
                    tensor.name,
                    .array([
                        .string(tensor.scalarType.torchName), .array(shape), .string(digest),
                    ])
                )
            })
    }
}

@Suite("Files that others read too")
struct JudgedFileTests {
    private static func names(_ folder: String, isJSON: Bool) -> [JudgedFile] {
        JudgedFile.all.filter {
            $0.name.hasPrefix(folder) && $0.name.hasSuffix(".json") == isJSON
        }
    }

    @Test("There are many, of each kind") func thereAreMany() {
        #expect(Self.names("refused", isJSON: false).count > 150)
        #expect(Self.names("read", isJSON: false).count > 50)
        let code = JudgedFile.all.filter { file in
            file.verdicts.members.contains { $0.value["code"] != nil }
        }
        #expect(code.count > 20)
    }

    @Test("What two readers could take differently, or would run, is refused")
    func refuses() throws {
        for file in Self.names("refused", isJSON: false) {
            #expect(throws: FormatError.self, "\(file.name)") { try TensorArchive.open(file.url) }
        }
    }

    @Test("What people have is read as others read it") func readsAsOthersDo() throws {
        for file in Self.names("read", isJSON: false) {
            let archive = try TensorArchive.open(file.url)
            #expect(file.disagreements(with: archive).isEmpty, "\(file.name)")
            #expect(file.verdicts.members.contains { $0.value["read"] != nil }, "\(file.name)")
            #expect(!archive.tensors.isEmpty, "\(file.name)")
        }
    }

    @Test func refusesAmbiguousJSON() throws {
        for file in Self.names("refused", isJSON: true) {
            #expect(throws: FileError.self, "\(file.name)") { try JSONValue(reading: file.url) }
        }
        for file in Self.names("read", isJSON: true) {
            let value = try JSONValue(reading: file.url, keys: .exact)
            // Python sorts keys by their code points and escapes what is not ASCII.
            let text = try #require(file.verdicts["json"]?["read"]?["value"]?.string)
            #expect(try JSONValue(parsing: text, keys: .exact) == value, "\(file.name)")
        }
    }

    @Test("Damaged ones only throw") func mutationsOnlyThrow() throws {
        var generator = Generator(state: 13)
        for file in Self.names("read", isJSON: false) + Self.names("refused", isJSON: false) {
            let original = Array(try Data(contentsOf: file.url).prefix(8192))
            for index in 0..<12 {
                var limits = ReadLimits()
                limits.verifiesChecksums = index.isMultiple(of: 4)
                let mutated = FuzzTests.mutate(original, &generator)
                do {
                    let path = URL(fileURLWithPath: "/memory/file")
                    _ = try TensorArchive.read(mutated, from: path, limits: limits).entries
                } catch is FormatError {
                    continue
                }
            }
        }
    }
}

@Suite("Several dictionaries of tensors")
struct DictionaryChoiceTests {
    private func file(_ name: String) -> URL { JudgedFile.folder.appendingPathComponent(name) }

    private func message(_ name: String, weights: String? = nil) -> String {
        do {
            _ = try TensorArchive.open(file(name), weights: weights)
            return "opened"
        } catch {
            return "\(error)"
        }
    }

    @Test("The error lists them and says how to choose") func lists() {
        let message = message("refused/pickle-student-teacher.bin")
        #expect(message.contains("'student' (1 tensors), 'teacher' (1 tensors)"))
        #expect(message.contains("--weights KEY"))
        let wrong = self.message("refused/pickle-student-teacher.bin", weights: "both")
        #expect(wrong.contains("no dictionary of tensors 'both'") && wrong.contains("'teacher'"))
    }

    @Test("One is chosen by its key") func chooses() throws {
        for (name, key, tensor, rest) in [
            ("pickle-student-teacher", "teacher", "weight", ["student"]),
            ("pickle-arbitrary-pair", "a.x", "weight", ["b.y"]),
            ("pickle-beside", ".", "weight", ["state_dict"]),
            ("pickle-beside", "state_dict", "weight", ["."]),
        ] {
            let url = file("refused/\(name).bin")
            let archive = try TensorArchive.open(url, weights: key)
            #expect(archive.isChosen && archive.tensors.map(\.name) == [tensor])
            #expect(archive.dictionaries.first?.key == key)
            #expect(archive.dictionaries.dropFirst().map(\.key) == rest)
            #expect(archive.dictionaries.dropFirst().allSatisfy { $0.role == .leftOut })
        }
        #expect(message("refused/pickle-list-of-states.bin", weights: "models.1").contains("list"))
    }

    @Test("What is written has the one that was chosen, under its key") func writesTheChosen()
        throws
    {
        let folder = try TemporaryFolder()
        let archive = try TensorArchive.open(
            file("refused/pickle-arbitrary-pair.bin"), weights: "a.x")
        let url = folder.file("chosen.bin")
        try TorchZipWriter.write(archive.tensors, wrapper: archive.wrapper, to: url)
        let again = try TensorArchive.open(url)
        #expect(again.wrapper == ["a", "x"] && again.dictionaries.count == 1)
        #expect(again["weight"]?.bytes.copy() == archive["weight"]?.bytes.copy())
    }

    @Test("Copies are changed together") func patchesCopies() throws {
        let folder = try TemporaryFolder()
        for name in ["average-of-one-step.pt", "average-of-one-step.pth"] {
            let archive = try TensorArchive.open(file("read/\(name)"))
            #expect(archive.dictionaries.map(\.role) == [.weights, .copy])
            let url = folder.file(name)
            let zeros = [UInt8](repeating: 0, count: 16)
            try ArchivePatcher.rewrite(archive, replacing: ["weight": zeros], to: url)
            let again = try TensorArchive.open(url)
            #expect(again["weight"]?.bytes.copy() == zeros && again.dictionaries.count == 2)
            #expect(again.places(of: "weight").map { $0.bytes.copy() } == [zeros, zeros])
        }
    }

    @Test("Training state is named and carried along") func namesTrainingState() throws {
        for (name, role, count) in [
            ("adam.pt", TensorDictionary.Role.trainingState, 2), ("sgd.pth", .trainingState, 2),
            ("random-states.pt", .trainingState, 2), ("wrapped.pth", .measurements, 1),
        ] {
            let archive = try TensorArchive.open(file("read/\(name)"))
            #expect(archive.dictionaries.first?.role == .weights)
            #expect(
                archive.dictionaries.dropFirst().map(\.role) == .init(repeating: role, count: count)
            )
        }
    }

    @Test("A file that is an optimizer's state alone holds no model, and nothing that is ambiguous")
    func optimizerAlone() throws {
        let optimizer = try TensorArchive.open(file("read/adam.pt"), weights: "model")
        #expect(optimizer.dictionaries.dropFirst().allSatisfy { $0.role == .leftOut })
        // {'state': {0: {'x': tensor}, 1: {'x': tensor}}, 'param_groups': []}
        let tensor = Handmade.pickle(count: 2, offset: 0, shape: [2], strides: [1])
        let slot = Array(tensor[2...].dropLast())
        let state = [0x7D, 0x28, 0x4B, 0] + slot + [0x4B, 1] + slot + [0x75]
        let pickle =
            [0x80, 2, 0x7D, 0x28] + Handmade.unicode("state") + state
            + Handmade.unicode("param_groups") + [0x5D, 0x75, 0x2E]
        let storage = [UInt8](repeating: 1, count: 8)
        let alone = try open(try Handmade.zip(pickle, entries: [("data/0", storage)]))
        #expect(alone.tensors.isEmpty)
        #expect(alone.dictionaries.map(\.role) == [.trainingState, .trainingState])
    }
}
