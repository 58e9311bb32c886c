import Files
import Foundation
import JSON
import Testing

@testable import Provenance

@Suite struct ProofTests {
    private let scratch: URL
    private var input: URL { scratch.appendingPathComponent("in") }
    private var output: URL { scratch.appendingPathComponent("out") }

    init() throws {
        scratch = FileManager.default.temporaryDirectory
            .appendingPathComponent("proof-\(UInt64.random(in: 0...UInt64.max))")
    }

    private func write(_ files: [String: String], to folder: URL) throws {
        for (name, text) in files {
            let url = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
    }

    private let model = [
        "config.json": "{}", "model.bin": "WWWW", "1_Pooling/config.json": "{\"a\": 1}",
        ".gitattributes": "x", "README.md": "---\nlicense: mit\n---\n# T\n",
    ]

    /// An input and its purified output in a folder of its own, taken away at the end.
    private func sealed(
        _ edit: ModelCard.Edit = ModelCard.Edit(), card: Bool = true, _ body: (Proof) throws -> Void
    ) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var model = model
        if !card { model["README.md"] = nil }
        try write(model, to: input)
        try write(["texts.txt": "a b\n", "more/x.txt": "c\n", "more/y.txt": "d\n"], to: scratch)
        var draft = try ProofDraft(
            method: "recipe", settings: ["epochs": 4], seed: .max, model: input,
            sources: [
                DataSource("texts", scratch.appendingPathComponent("texts.txt")),
                DataSource("texts", scratch.appendingPathComponent("more")),
            ])
        draft.card = edit
        draft.changed = [Proof.TensorChange(file: "model.bin", name: "w", difference: 0.5, norm: 1)]
        model["model.bin"] = "wwww"
        try write(model, to: output)
        try body(try draft.seal(output))
    }

    private func check(attestation: URL? = nil) throws -> ProofCheck {
        let full = try ProofCheck(before: input, after: output, attestation: attestation)
        let alone = try ProofCheck(before: nil, after: output, attestation: attestation)
        #expect(full.comparedInput && !alone.comparedInput)
        #expect(full.state == alone.state || full.state == .differs)
        return full
    }

    @Test("A proof matches what it was made of, and says it in one spelling") func matches() throws
    {
        try sealed(ModelCard.Edit(baseModel: "org/m")) { proof in
            let found = try check()
            #expect(found.state == .matches && found.differences == [])
            #expect(found.accounted == ["purification.json", "README.md"])
            #expect(found.digest == proof.digest)
            let text = String(decoding: proof.data, as: UTF8.self)
            #expect(text.contains("\"seed\": 18446744073709551615,"))
            #expect(!text.contains(scratch.path))
            #expect(
                proof.document.keys == [
                    "schema", "tool", "plan", "seed", "machine", "inputs", "data", "metrics",
                    "changed",
                    "unchanged", "leftOut", "warnings", "card", "outputs",
                ])
            #expect(
                proof.claims.outputs.map(\.name)
                    == [".gitattributes", "1_Pooling/config.json", "config.json", "model.bin"])
            let folder = try #require(
                proof.document["inputs"]?["data"]?.array?.last)
            let lines = [("c\n", "x.txt"), ("d\n", "y.txt")]
                .map { "\(ContentDigest.hex(of: Data($0.0.utf8)))  \($0.1)\n" }.joined()
            #expect(folder["sha256"]?.string == ContentDigest.hex(of: Data(lines.utf8)))
            #expect(folder["files"]?.integer == 2 && folder["size"]?.integer == 4)
            let card = try String(contentsOf: output.appending(path: "README.md"), encoding: .utf8)
            #expect(
                card.hasPrefix(
                    "---\nlicense: mit\nbase_model: org/m\ntags:\n- recipe-purified\n---\n\n<!--"))
            #expect(card.contains(proof.digest) && card.hasSuffix("-->\n# T\n"))
        }
    }

    @Test(
        "A byte that differs in any file is found and named",
        arguments: [
            "config.json", "model.bin", "1_Pooling/config.json", ".gitattributes", "README.md",
            "purification.json",
        ])
    func tampered(_ name: String) throws {
        try sealed { _ in
            let url = output.appending(path: name)
            let original = try Data(contentsOf: url)
            for place in [0, original.count / 2, original.count - 1] {
                var data = original
                data[place] ^= 1
                try data.write(to: url)
                let found = try check()
                #expect(found.state == .differs && found.accounted == [])
                #expect(found.differences.contains { $0.contains(name) }, "\(place)")
            }
            try original.write(to: url)
            #expect(try check().state == .matches)
        }
    }

    @Test("A file more or less is found, on either side") func files() throws {
        try sealed { _ in
            let manager = FileManager.default
            for folder in [input, output] {
                let added = folder.appending(path: "1_Pooling/model.py")
                try Data("x".utf8).write(to: added)
                #expect(
                    try check().differences.map { $0.contains("'1_Pooling/model.py'") } == [true])
                try manager.removeItem(at: added)
                let file = folder.appending(path: "config.json")
                try manager.moveItem(at: file, to: scratch.appending(path: "aside"))
                #expect(try check().differences.map { $0.contains("missing") } == [true])
                try manager.moveItem(at: scratch.appending(path: "aside"), to: file)
            }
            let manifest = output.appending(path: OutputFolder.manifestName)
            try OutputFolder.manifest(of: output).write(to: manifest)
            #expect(try check().state == .matches)
            try Data("{}".utf8).write(to: manifest)
            #expect(try check().differences.map { $0.contains("is not the list") } == [true])
            try manager.removeItem(at: manifest)
            try manager.removeItem(at: output.appending(path: "README.md"))
            #expect(try check().differences == ["the card README.md is missing"])
        }
    }

    @Test("Another card than the input's with what a purification adds is found") func otherCard()
        throws
    {
        try sealed { proof in
            let url = output.appending(path: "README.md")
            var text = try String(contentsOf: url, encoding: .utf8)
            let original = text
            text.append(ModelCard.opening + "trust me" + ModelCard.closing)
            try Data(text.utf8).write(to: url)
            #expect(try check().differences.map { $0.contains("one paragraph") } == [true])
            // The paragraph moved below the title.
            var moved = try ModelCard(Data(original.utf8))
            let parted = try #require(moved.parted)
            try Data(
                (parted.rest.replacingOccurrences(
                    of: ModelCard.opening + ModelCard.closing + "\n", with: "")
                    + ModelCard.opening + parted.paragraph + ModelCard.closing + "\n").utf8
            ).write(to: url)
            #expect(try check().differences.map { $0.contains("was changed") } == [true])
            moved = try ModelCard(Data(original.utf8))
            moved.set(paragraph: ModelCard.paragraph(of: proof) + ["It is clean."])
            try moved.data.write(to: url)
            #expect(try check().differences.map { $0.contains("something else") } == [true])
        }
        // A forger who makes proof and card anew is found by the input.
        try sealed { _ in
            try Data("---\nlicense: other\n---\n# T\n".utf8)
                .write(to: input.appending(path: "README.md"))
            let found = try check()
            #expect(found.differences.contains { $0.contains("the card README.md is not the") })
        }
    }

    @Test("A proof in other bytes, of another layout, or none is refused") func unreadable() throws
    {
        try sealed { proof in
            let url = output.appending(path: Proof.file)
            let text = String(decoding: proof.data, as: UTF8.self)
            for (other, problem) in [
                (text + "\n", "other bytes"),
                (
                    text.replacingOccurrences(of: "  \"seed\"", with: "  \"tool\": 1,\n  \"seed\""),
                    "twice"
                ),
                (text.replacingOccurrences(of: "purification/1", with: "purification/9"), "layout"),
                ("[]\n", "schema"), ("{}", "schema"), ("\0", "no proof"),
                ("{\n  \"schema\": \"recipe.purification/1\"\n}\n", "missing"),
            ] {
                try Data(other.utf8).write(to: url)
                let found = try check()
                #expect(found.state == .differs)
                #expect(found.differences.first?.contains(problem) == true, "\(problem)")
            }
            try FileManager.default.removeItem(at: url)
            #expect(try check().state == .none)
            #expect(throws: FileError.self) { try check(attestation: url) }
        }
    }

    @Test("A card is made where there is none, and left alone where that is asked for") func cards()
        throws
    {
        try sealed(card: false) { proof in
            #expect(proof.claims.card.state == .written)
            #expect(try check().state == .matches)
            let text = try String(contentsOf: output.appending(path: "README.md"), encoding: .utf8)
            #expect(text.hasPrefix("---\ntags:\n- recipe-purified\n---\n\n<!--"))
        }
        try sealed(ModelCard.Edit(isWanted: false), card: false) { (proof: Proof) throws in
            #expect(proof.claims.card == Proof.CardRecord(state: .left, reason: "as asked for"))
            #expect(
                !FileManager.default.fileExists(atPath: output.appending(path: "README.md").path))
            #expect(try check().state == .matches)
        }
        try sealed(ModelCard.Edit(isWanted: false)) { (proof: Proof) throws in
            #expect(proof.claims.outputs.contains { $0.name == "README.md" })
            #expect(try check().state == .matches)
        }
    }

    @Test("An attestation covers every file and nothing else") func attestation() throws {
        try sealed { proof in
            let url = Attestation.file(of: output)
            #expect(url.lastPathComponent == "out.intoto.json")
            let statement = try Attestation(of: output, proof)
            try statement.data().write(to: url)
            #expect(try check(attestation: url).state == .matches)
            let subjects = try #require(statement.document["subject"]?.array)
            #expect(
                subjects.compactMap { $0["name"]?.string }
                    == [
                        ".gitattributes", "1_Pooling/config.json", "README.md", "config.json",
                        "model.bin", "purification.json",
                    ])
            let text = String(decoding: try statement.data(), as: UTF8.self)
            for (from, to, part) in [
                ("model.bin", "other.bin", "subjects"),
                (String(proof.digest.prefix(8)), "00000000", "subjects"),
                ("\"epochs\": 4", "\"epochs\": 5", "predicate"),
                ("\"predicateType\"", "\"more\": 1,\n  \"predicateType\"", "says more"),
            ] {
                try Data(text.replacingOccurrences(of: from, with: to).utf8).write(to: url)
                let found = try check(attestation: url)
                #expect(found.differences.contains { $0.contains(part) }, "\(part)")
            }
            try Data("{}".utf8).write(to: url)
            #expect(throws: FileError.self) { try check(attestation: url) }
        }
    }
}
