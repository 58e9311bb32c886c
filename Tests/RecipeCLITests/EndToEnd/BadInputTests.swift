import Foundation
import TestSupport
import Testing

/// What a user can get wrong gets a message that names it, the right exit code, and no output.
@Suite struct BadInputTests {
    /// Runs a line and checks that it fails as it should.
    private func refuse(
        _ place: Workplace, _ line: String, status: Int32 = 2, naming: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let before = try place.names()
        let outcome = try place.tool.run(line)
        #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: sourceLocation)
        for name in naming {
            #expect(
                outcome.errors.contains(name), "\(outcome.errors)", sourceLocation: sourceLocation)
        }
        #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
        #expect(try place.names() == before, sourceLocation: sourceLocation)
    }

    @Test func texts() throws {
        try withWorkplace { place in
            try place.put("", in: "empty.txt")
            try place.put("\n\n  \n", in: "blank.txt")
            try place.put("title\tbody\na\tb\n", in: "columns.tsv")
            try refuse(
                place, "purify model --auxiliary none.txt -o out --max-length 24",
                naming: ["none.txt"])
            try refuse(
                place, "purify model --auxiliary empty.txt -o out --max-length 24",
                naming: ["empty.txt"])
            try refuse(
                place, "purify model --auxiliary blank.txt -o out --max-length 24",
                naming: ["blank.txt"])
            try refuse(
                place, "purify model --auxiliary columns.tsv -o out --max-length 24",
                naming: ["columns.tsv", "title", "body"])
            try refuse(
                place,
                "purify model --auxiliary columns.tsv --text-column bod -o out --max-length 24",
                naming: ["bod", "body"])
        }
    }

    @Test func oddTextsAreNoFailure() throws {
        try withWorkplace { place in
            let long = Array(repeating: "the film", count: 50_000).joined(separator: " ")
            try Data("good film\n".utf8 + [0xFF, 0xFE, 0x20] + "bad\n\n\(long)\n".utf8).write(
                to: place.folder.appendingPathComponent("odd.txt"))
            let outcome = try place.tool.run(
                "purify model --auxiliary odd.txt -o fine --epochs 1 --max-length 24 --format json")
            #expect(outcome.status == 0, "\(outcome.errors)")
            let texts = try #require(outcome.json()["texts"] as? [String: Any])
            #expect(texts["texts"] as? Int == 3)
            #expect(texts["atLimit"] as? Int == 1)
        }
    }

    @Test func models() throws {
        try withWorkplace { place in
            try refuse(
                place, "purify none --auxiliary aux.txt -o out --max-length 24", naming: ["none"])
            try refuse(
                place, "purify aux.txt --auxiliary aux.txt -o out --max-length 24",
                naming: ["aux.txt", "expected safetensors"])
            try refuse(
                place, "purify model --auxiliary aux.txt -o out --max-length 4000",
                naming: ["4000", "48", "--max-length"])

            let weights = place.folder.appendingPathComponent("model/model.safetensors")
            let whole = try Data(contentsOf: weights)
            try whole.prefix(whole.count / 2).write(to: weights)
            try refuse(
                place, "purify model --auxiliary aux.txt -o out --max-length 24",
                naming: ["model.safetensors"])
            try FileManager.default.removeItem(at: weights)
            try refuse(
                place, "purify model --auxiliary aux.txt -o out --max-length 24",
                naming: ["model.safetensors", "pytorch_model.bin"])
        }
    }

    @Test func aPickleThatRunsCode() throws {
        try withWorkplace { place in
            // os.system("…") as protocol 0 spells it.
            let pickle = "cposix\nsystem\n(S'touch owned'\ntR."
            let model = place.folder.appendingPathComponent("model")
            try FileManager.default.removeItem(
                at: model.appendingPathComponent("model.safetensors"))
            try Data(pickle.utf8).write(to: model.appendingPathComponent("pytorch_model.bin"))
            let outcome = try place.tool.run(
                "purify model --auxiliary aux.txt -o out --max-length 24")
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("pytorch_model.bin"))
            #expect(!place.holds("owned"))
            #expect(!place.holds("out"))
        }
    }

    @Test func configurations() throws {
        try withWorkplace { place in
            let file = "model/config.json"
            let before = String(decoding: try place.data(file), as: UTF8.self)
            func with(_ old: String, _ new: String) throws {
                #expect(before.contains(old))
                try place.put(before.replacingOccurrences(of: old, with: new), in: file)
            }
            try with("\"model_type\": \"bert\"", "\"model_type\": \"gpt2\"")
            try refuse(
                place, "purify model --auxiliary aux.txt -o out --max-length 24",
                naming: ["config.json", "gpt2"])
            try with("\"vocab_size\": 120", "\"vocab_size\": 100")
            try refuse(
                place, "purify model --auxiliary aux.txt -o out --max-length 24",
                naming: ["tokenizer", "120", "100"])
            try with("\"hidden_size\": 32", "\"hidden_size\": 64")
            try refuse(
                place, "purify model --auxiliary aux.txt -o out --max-length 24",
                naming: ["word_embeddings", "[120, 32]", "[120, 64]"])
            try place.put("{ not json", in: file)
            try refuse(
                place, "purify model --auxiliary aux.txt -o out --max-length 24",
                naming: ["config.json", "JSON"])
        }
    }

    @Test func aFullDisk() throws {
        try withWorkplace { place in
            let outcome = try place.tool.run(
                "purify model --auxiliary aux.txt -o out --epochs 1 --max-length 24", fileLimit: 64)
            #expect(outcome.status == 2, "\(outcome.errors)")
            #expect(!outcome.errors.isEmpty)
            #expect(try !place.names().contains { $0 == "out" || $0.contains(".partial") })
        }
    }

    @Test func aDeviceThatIsNotThere() throws {
        try withWorkplace { place in
            try refuse(
                place, "purify model --auxiliary aux.txt -o out --device cuda:99",
                naming: ["CUDA"])
        }
    }
}

extension Workplace {
    /// Writes a text as it is.
    fileprivate func put(_ text: String, in name: String) throws {
        try Data(text.utf8).write(to: self[name])
    }
}
