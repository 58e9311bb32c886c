import Foundation
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct CompanionTests {
    /// What becomes of a file of a model's folder with this name and content.
    private func fate(_ name: String, _ content: [UInt8]) throws -> ModelFolder.FileFate {
        try withTemporaryFolder { scratch in
            let folder = try Fixture("bert-masked-lm").copyModel(
                to: scratch.appending(path: "model"))
            let file = folder.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(content).write(to: file)
            return try #require(
                ModelFolder.open(folder).files().first { $0.file == name })
        }
    }

    @Test(
        "What a model needs is carried",
        arguments: [
            ("generation_config.json", "{}"), ("tokenizer.json", #"{"model": {}}"#),
            ("special_tokens_map.json", "{\"a\": 1}"), ("README.md", "---\ntags: [a]\n---\n# Ä\n"),
            ("LICENSE", "words\n"), ("NOTICE.txt", ""), (".gitattributes", "*.bin filter=lfs\n"),
            ("merges.txt", "#version: 0.2\nt h\n"), ("vocab.txt", "cat\nthe\n(a\n"),
            ("preprocessor_config.json", "{}"), ("added_tokens.json", "{}"),
            ("additional_chat_templates/tool.jinja", "{{ a }}"), ("chat_template.jinja", "{{ a }}"),
            ("sentencepiece.bpe.model", "\u{0A}\u{02}ab\u{10}\u{01}"),
            ("config_sentence_transformers.json", "{}"),
        ])
    func carried(_ name: String, _ content: String) throws {
        let found = try fate(name, Array(content.utf8))
        #expect(found.fate == .carried, "\(found)")
    }

    @Test(
        "What is not what its name says is left out, and what it is is said",
        arguments: [
            ("README.md", "#!/bin/sh\nid\n", FileNote.Kind.code), ("LICENSE", "\u{7F}ELF", .code),
            ("README.md", "cos\nsystem\n(S'id'\ntR.", .pickle),
            ("NOTICE", "(dp0\nS'a'\np1\ns.", .pickle), ("vocab.txt", "PK\u{03}\u{04}", .archive),
            ("tokenizer.json", "{", .content), ("generation_config.json", "[1]", .content),
            ("README.md", "a\u{0}b", .content), ("tokenizer.model", "words", .content),
            ("chat_template.jinja", "MZ\u{0}", .code), ("tokenizer.json", "{} {}", .content),
        ])
    func falselyNamed(_ name: String, _ content: String, _ kind: FileNote.Kind) throws {
        let found = try fate(name, Array(content.utf8))
        #expect(found.fate == .leftOut && found.note?.kind == kind, "\(found)")
    }

    @Test(
        "What is not on the list is left out, with the true reason",
        arguments: [
            ("modeling.py", "x", FileNote.Kind.code), ("run.sh", "x", .code),
            ("custom_generate/generate.py", "x", .code), ("a.py.bak", "x", .code),
            ("scaler.pickle", "x", .pickle), ("model.joblib", "x", .pickle),
            ("data", "\u{7F}ELF", .code), ("tf_model.h5", "x", .weights),
            ("model.onnx", "x", .weights), ("m.onnx_data", "x", .weights),
            ("old.safetensors.bak", "x", .weights), ("evil.bin", "x", .weights),
            ("evil.safetensors.index.json", "{}", .weights), ("m.llamafile", "x", .weights),
            ("optimizer.pt", "x", .trainingState), ("rng_state_0.pth", "x", .trainingState),
            ("training_args.bin", "x", .trainingState),
            ("trainer_state.json", "{}", .trainingState),
            ("m.tar", "x", .archive), ("notes", "PK\u{03}\u{04}", .archive),
            ("purification.json", "{}", .record), ("model.intoto.json", "{}", .record),
            ("photo.png", "x", .notListed), ("inner/config.json", "{}", .notListed),
            ("inner/vocab.txt", "x", .notListed), ("Config.json", "{}", .notListed),
        ])
    func notListed(_ name: String, _ content: String, _ kind: FileNote.Kind) throws {
        let found = try fate(name, Array(content.utf8))
        #expect(found.fate == .leftOut && found.note?.kind == kind, "\(found)")
    }

    @Test("A file above what its kind may have is left out") func tooLarge() throws {
        let found = try fate("README.md", [UInt8](repeating: 0x61, count: 16 << 20 | 1))
        #expect(found.note?.kind == .content)
        #expect(found.note?.reason.contains("16 MB") == true)
    }

    @Test("Outputs have no bits that let a file be run, and no links") func modes() throws {
        try withTemporaryFolder { scratch in
            let input = try Fixture("bert-masked-lm").copyModel(to: scratch.appending(path: "in"))
            let manager = FileManager.default
            try Data("words".utf8).write(to: input.appending(path: "own"))
            try manager.createSymbolicLink(
                atPath: input.appending(path: "LICENSE").path, withDestinationPath: "own")
            for name in try manager.contentsOfDirectory(atPath: input.path) where name != "LICENSE"
            {
                #expect(chmod(input.appending(path: name).path, 0o4755) == 0)
            }
            let output = scratch.appending(path: "out")
            try manager.createDirectory(at: output, withIntermediateDirectories: true)
            let report = try ModelFolder.open(input).write(
                [String: ParameterEdit](), to: output
            ) { _ in Dialect(name: "", rules: []) }
            #expect(report.omitted.map(\.file) == ["own"])
            let names = try manager.contentsOfDirectory(atPath: output.path)
            #expect(names.contains("LICENSE") && names.contains("model.safetensors"))
            for name in names {
                var status = stat()
                #expect(lstat(output.appending(path: name).path, &status) == 0)
                #expect(status.st_mode & S_IFMT == S_IFREG, "\(name)")
                #expect(status.st_mode & 0o7111 == 0, "\(name)")
            }
        }
    }
}
