import Foundation
import TestSupport
import Testing

/// What purified models carry: the proof, the card and the statement, and what verify makes of them.
@Suite struct ProofCommandTests {
    private static let pairs =
        "--pairs captions.csv --images pictures --batch-size 2 --epochs 1 --threads 1"
    private static let texts = "--auxiliary aux.txt --max-length 32 --epochs 1 --threads 1"

    /// Every file below `folder`, hidden ones too, by its path.
    private func contents(_ folder: URL) throws -> [String: Data] {
        var found: [String: Data] = [:]
        for case let name as String in FileManager.default.enumerator(atPath: folder.path)
            ?? .init()
        {
            let url = folder.appending(path: name)
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
            if !isFolder.boolValue { found[name] = try Data(contentsOf: url) }
        }
        return found
    }

    /// Images, captions and small models of every kind, the same in every folder.
    private func fill(_ place: Workplace) throws {
        let pictures = place["pictures"]
        for (number, label) in [(0, "blue"), (1, "green"), (2, "blue"), (3, "green")] {
            let folder = pictures.appending(path: label)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let pixels = (0..<1440).map { UInt8(($0 * 7 + number * 31) % 251) }
            try (Data("P6\n24 20\n255\n".utf8) + Data(pixels))
                .write(to: folder.appending(path: "\(number).ppm"))
        }
        try place.write(
            ["image,caption"] + (0..<4).map { "\($0 % 2 == 0 ? "blue" : "green")/\($0).ppm,a b" },
            to: "captions.csv")
        try place.copy("vit-classifier", as: "vit")
        try place.copy("clip-tiny", as: "clip")
        try place.copy("clip-text/plain", as: "words")
        try place.write(
            [
                """
                {"model_type": "clip", "projection_dim": 8,
                 "text_config": {"hidden_size": 16, "num_hidden_layers": 1,
                   "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 12},
                 "vision_config": {"hidden_size": 16, "num_hidden_layers": 2,
                   "num_attention_heads": 2, "intermediate_size": 32, "image_size": 16,
                   "patch_size": 8}}
                """
            ], to: "clip.json")
        try place.write(
            ["---", "license: mit", "tags: [a]", "---", "# Model"], to: "model/README.md")
    }

    @Test(
        "The same inputs and plan give the same bytes, wherever they lie and whatever they are called",
        arguments: [
            "purify model \(texts) --base-model owner/name",
            "purify model \(texts) --precision bf16 --no-card --keep-epochs 1",
            "purify vit --images pictures --batch-size 2 --epochs 1 --threads 1",
            "purify album \(pairs)",
            "purify model \(texts) --method fp-gm --mask frozen",
            "purify clip --images pictures --method fp --threads 1",
        ])
    func determinism(_ command: String) throws {
        let command =
            command.contains("--method")
            ? command.replacingOccurrences(of: " --epochs 1", with: "") : command
        var results: [[String: Data]] = []
        for output in ["out", "some/where/else"] {
            try withWorkplace { place in
                try fill(place)
                if command.contains("album") {
                    let begun = try place.tool.run(
                        "pretrain clip.json --from-scratch --tokenizer words \(Self.pairs) -o album"
                    )
                    #expect(begun.status == 0, "\(begun.errors)")
                }
                let run = try place.tool.run("\(command) --attest -o \(output)")
                #expect(run.status == 0, "\(run.errors)")
                var found = try contents(place[output])
                found[".intoto.json"] = try place.data("\(output).intoto.json")
                for (name, data) in try contents(place["\(output).epochs"]) {
                    found["epochs/\(name)"] = data
                }
                #expect(found["purification.json"] != nil)
                for (name, data) in found where name.hasSuffix("json") {
                    let text = String(decoding: data, as: UTF8.self)
                    #expect(!text.contains(place.folder.path), "\(name) says where it was made")
                }
                results.append(found)
                let model = command.split(separator: " ")[1]
                let verified = try place.tool.run(
                    "verify \(model) \(output) --attestation \(output).intoto.json")
                #expect(verified.status == 0, "\(verified.output) \(verified.errors)")
                #expect(verified.output.contains("proof: matches\n"), "\(verified.output)")
                let alone = try place.tool.run("verify \(output)")
                #expect(alone.output == "proof: matches; the input was not compared\n")
            }
        }
        #expect(results[0].keys.sorted() == results[1].keys.sorted())
        for (name, data) in results[0] { #expect(results[1][name] == data, "\(name) differs") }
    }

    @Test("The proof says what was done, and the card tells of it") func content() throws {
        try withWorkplace { place in
            try fill(place)
            let run = try place.tool.run(
                "purify model \(Self.texts) --base-model owner/name --seed 9 -o out")
            #expect(run.status == 0, "\(run.errors)")
            let data = try place.data("out/purification.json")
            let proof = try #require(
                try JSONSerialization.jsonObject(with: data) as? [String: Any])
            #expect(proof["schema"] as? String == "recipe.purification/1")
            #expect(proof["seed"] as? Int == 9)
            let plan = try #require(proof["plan"] as? [String: Any])
            let settings = try #require(plan["settings"] as? [String: Any])
            let defense = try #require(settings["settings"] as? [String: Any])
            let itsRun = try #require(defense["run"] as? [String: Any])
            let training = try #require(itsRun["training"] as? [String: Any])
            #expect(plan["method"] as? String == "recipe" && training["epochs"] as? Int == 1)
            let machine = try #require(proof["machine"] as? [String: Any])
            #expect(machine["threads"] as? Int == 1 && machine["device"] as? String == "cpu")
            let metrics = try #require(proof["metrics"] as? [String: Any])
            #expect(metrics["steps"] as? Int == 2 && metrics["plannedSteps"] as? Int == 2)
            for step in ["firstStep", "lastStep"] {
                let losses = try #require(metrics[step] as? [String: Double])
                #expect(Set(losses.keys) == ["mlm", "norm", "total"])
            }
            let changed = try #require(proof["changed"] as? [[String: Any]])
            #expect(changed.count == 3)
            let used = try #require(proof["data"] as? [String: Any])
            #expect(used["samples"] as? Int == 48 && used["batches"] as? Int == 2)
            let card = try place.text("out/README.md")
            #expect(
                card.hasPrefix(
                    "---\nlicense: mit\ntags: [a, recipe-purified]\nbase_model: owner/name\n---\n"))
            #expect(card.hasSuffix("\n# Model\n") && card.contains("3 of "))
        }
    }

    @Test("A change in any file of the output is found by verify, with or without the input")
    func tampering() throws {
        try withWorkplace { place in
            let run = try place.tool.run("purify model \(Self.texts) --attest -o out")
            #expect(run.status == 0, "\(run.errors)")
            for name in try contents(place["out"]).keys.sorted() {
                let original = try place.data("out/\(name)")
                var data = original
                data[data.count - 2] ^= 1
                try data.write(to: place["out/\(name)"])
                let found = try place.tool.run("verify out --format json")
                #expect(found.status == 1, "\(name)")
                let proof = try #require(try found.json()["proof"] as? [String: Any])
                #expect(proof["state"] as? String == "differs", "\(name)")
                try original.write(to: place["out/\(name)"])
            }
            try place.write(["import os"], to: "out/modeling.py")
            #expect(try place.tool.run("verify out").output.contains("'modeling.py' is not in"))
            #expect(try place.tool.run("verify model out").status == 1)
            try FileManager.default.removeItem(at: place["out/modeling.py"])
            try place.write(["{}"], to: "model/special_tokens_map.json")
            let other = try place.tool.run("verify model out")
            #expect(other.status == 1 && other.output.contains("special_tokens_map.json"))
        }
    }

    @Test("A model that is trained on carries no proof of what it was made from") func stale()
        throws
    {
        try withWorkplace { place in
            try fill(place)
            let tool = place.tool
            #expect(try tool.run("purify model \(Self.texts) -o out").status == 0)
            for (command, output) in [
                ("pretrain out \(Self.texts)", "more"),
                ("attack neuba out \(Self.texts) --triggers cf,mn,bb", "bad"),
            ] {
                let run = try tool.run("\(command) -o \(output)")
                #expect(run.status == 0, "\(run.errors)")
                #expect(!place.holds("\(output)/purification.json"))
                #expect(!(try place.text("\(output)/README.md").contains("purified")))
                #expect(try tool.run("verify \(output)").status == 2)
            }
            // Purified once more, it tells of the second time alone.
            #expect(try tool.run("purify out \(Self.texts) -o again").status == 0)
            #expect(try tool.run("verify out again").output.contains("proof: matches"))
            let card = try place.text("again/README.md")
            #expect(card.components(separatedBy: "recipe:purified:begin").count == 2)
        }
    }

    @Test("A card that cannot be edited is left as it is, and named") func leftCard() throws {
        try withWorkplace { place in
            try place.write(["---", "license: [mit", "---", "# Model"], to: "model/README.md")
            let run = try place.tool.run("purify model \(Self.texts) -o out")
            #expect(run.status == 0 && run.errors.contains("README.md has front matter"))
            #expect(try place.data("out/README.md") == place.data("model/README.md"))
            #expect(try place.tool.run("verify model out").output.contains("proof: matches"))
            let alone = try place.tool.run("purify model \(Self.texts) --no-card -o quiet")
            #expect(alone.status == 0 && !alone.errors.contains("README.md"))
        }
    }

    @Test("Options that cannot be meant are refused before anything is read") func refusals() throws
    {
        try withWorkplace { place in
            for (options, words) in [
                ("--base-model a/b/c", "--base-model a/b/c"), ("--base-model ../x", "--base-model"),
                ("--base-model a/b --no-card", "--no-card leaves"),
                ("--accept-changes", "--accept-changes goes with --resume"),
            ] {
                let run = try place.tool.run("purify model \(Self.texts) \(options) -o out")
                #expect(run.status == 64 && run.errors.contains(words), "\(options): \(run.errors)")
            }
            try place.write(["mine"], to: "out.intoto.json")
            let run = try place.tool.run("purify model \(Self.texts) --attest -o out")
            #expect(
                run.status == 2 && run.errors.contains("out.intoto.json exists"), "\(run.errors)")
            #expect(!place.holds("out"))
        }
    }

    @Test("A run whose texts, model, tokenizer, settings or snapshot changed does not go on")
    func
        resume() throws
    {
        try withWorkplace { place in
            let command =
                "purify model --auxiliary aux.txt --max-length 32 --threads 1 --batch-size 4 "
                + "--epochs 400 --snapshot-every 1 -o out"
            let snapshot = place["out.run/snapshot.safetensors"]
            let running = try place.tool.start(command)
            while !FileManager.default.fileExists(atPath: snapshot.path), running.process.isRunning
            {
                usleep(5000)
            }
            running.process.terminate()
            _ = try running.finish()
            let saved = try Data(contentsOf: snapshot)
            let again = command + " --resume"
            func refused(_ words: String, _ command: String = again) throws {
                try saved.write(to: snapshot)
                let run = try place.tool.run(command)
                #expect(run.status == 2, "\(words): \(run.output)")
                #expect(run.errors.contains(words), "\(words): \(run.errors)")
                #expect(run.errors.contains("--accept-changes"), "\(run.errors)")
                #expect(try Data(contentsOf: snapshot) == saved, "the snapshot stays")
            }
            try refused("plan.settings.run.training.learningRate", again + " --learning-rate 1e-4")
            try refused("seed was 50, is 51", again + " --seed 51")
            let original = try place.data("aux.txt")
            try place.write((0..<48).reversed().map(Workplace.sentence), to: "aux.txt")
            try refused("inputs.texts 1: aux.txt")
            try original.write(to: place["aux.txt"])
            let vocabulary = try place.data("model/vocab.txt")
            var words = try place.text("model/vocab.txt").split(separator: "\n").map(String.init)
            words.swapAt(words.count - 1, words.count - 2)
            try place.write(words, to: "model/vocab.txt")
            try refused("inputs.model/vocab.txt")
            try vocabulary.write(to: place["model/vocab.txt"])
        }
    }
}
