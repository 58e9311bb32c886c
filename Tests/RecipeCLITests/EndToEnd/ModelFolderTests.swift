import Foundation
import TensorFormats
import TestSupport
import Testing

/// Folders as strangers upload them: what is read, carried, refused, and said of it.
@Suite struct ModelFolderTests {
    private static let purify =
        "purify model --auxiliary aux.txt --max-length 32 --epochs 1 --threads 1 -o out"

    /// Sets a field of a JSON file.
    private func set(_ field: String, to value: Any, in file: URL) throws {
        var object =
            try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any] ?? [:]
        object[field] = value
        try SentenceModel.write(object, to: file)
    }

    private func entries(_ json: [String: Any], _ key: String) -> [String: String] {
        var found: [String: String] = [:]
        for entry in json[key] as? [[String: Any]] ?? [] {
            if let file = entry["file"] as? String {
                found[file] = entry["reason"] as? String ?? entry["fate"] as? String ?? ""
            }
        }
        return found
    }

    @Test func whatIsNotOnTheListIsNamedWithItsReason() throws {
        try withWorkplace { place in
            for name in ["run.sh", "model.joblib", "optimizer.pt", "notes.pdf", "tf_model.h5"] {
                try Data("x".utf8).write(to: place["model/\(name)"])
            }
            #expect(chmod(place["model/run.sh"].path, 0o4755) == 0)
            #expect(mkfifo(place["model/NOTICE"].path, 0o644) == 0)
            try FileManager.default.createSymbolicLink(
                atPath: place["model/LICENSE"].path, withDestinationPath: "/etc/hostname")
            try place.write(["# A model"], to: "model/README.md")
            let run = try place.tool.run(Self.purify + " --format json")
            #expect(run.status == 0, "\(run.errors)")
            let omitted = entries(try run.json(), "omitted")
            #expect(
                Set(omitted.keys) == [
                    "LICENSE", "NOTICE", "model.joblib", "notes.pdf", "optimizer.pt", "run.sh",
                    "tf_model.h5",
                ])
            for (file, words) in [
                ("run.sh", "code"), ("model.joblib", "pickle"), ("optimizer.pt", "training state"),
                ("notes.pdf", "not on the list"), ("tf_model.h5", "cannot be purified"),
                ("NOTICE", "named pipe"), ("LICENSE", "out of the folder"),
            ] {
                #expect(omitted[file]?.contains(words) == true, "\(file)")
                #expect(run.errors.contains("left out \(file): \(omitted[file] ?? "?")"))
                #expect(!place.holds("out/\(file)"))
            }
            #expect(place.holds("out/README.md"))
            let verified = try place.tool.run("verify model out --format json")
            #expect(verified.status == 0, "\(verified.output)")
            #expect(try verified.json()["dropIn"] as? Bool == true)
            #expect(entries(try verified.json(), "omitted") == omitted)
            // The other way round, all of that is new.
            let reversed = try place.tool.run("verify out model --format json")
            #expect(reversed.status == 1)
            let violations = try reversed.json()["violations"] as? [String] ?? []
            for file in omitted.keys {
                #expect(violations.contains { $0.contains(file) }, "\(file): \(violations)")
            }
            let inspected = try place.tool.run("inspect model --format json")
            #expect(inspected.status == 0)
            #expect(entries(try inspected.json(), "folder").keys.contains("LICENSE"))
        }
    }

    @Test func whatLoadersReadOtherwiseIsRefusedByAllAndReportedByInspect() throws {
        try withWorkplace { place in
            try set(
                "transformers_weights", to: "evil.safetensors", in: place["model/config.json"])
            let inspected = try place.tool.run("inspect model")
            #expect(inspected.status == 1)
            #expect(inspected.output.contains("‘transformers_weights’"))
            let json = try place.tool.run("inspect model --format json")
            #expect(json.status == 1)
            #expect(entries(try json.json(), "findings").keys.contains("config.json"))
            for command in [
                Self.purify, "features model --text aux.txt -o f.safetensors",
                "attack por model --auxiliary aux.txt --triggers cf --epochs 1 -o out",
                "pretrain model --auxiliary aux.txt --epochs 1 --max-length 32 -o out",
                "evaluate model --train train.tsv --test test.tsv --triggers cf --seeds 1 "
                    + "--epochs 1 --report r",
            ] {
                let run = try place.tool.run(command)
                #expect(run.status == 2, "\(command): \(run.errors)")
                #expect(run.errors.contains("transformers_weights"), "\(run.errors)")
                #expect(!place.holds("out") && !place.holds("f.safetensors"))
            }
            let verified = try place.tool.run("verify other model --format json")
            #expect(verified.status == 1)
            #expect(try verified.json()["dropIn"] as? Bool == false)
        }
    }

    @Test func codeIsRefusedOrDropped() throws {
        try withWorkplace { place in
            try set(
                "auto_map", to: ["AutoModel": "modeling.Evil"], in: place["model/config.json"])
            try Data("x".utf8).write(to: place["model/modeling.py"])
            #expect(try place.tool.run("inspect model").status == 1)
            let refused = try place.tool.run(Self.purify)
            #expect(refused.status == 2 && refused.errors.contains("--drop-code"))
            #expect(refused.errors.contains("auto_map") && !place.holds("out"))
            let run = try place.tool.run(Self.purify + " --drop-code")
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.errors.contains("left out modeling.py"))
            #expect(try !place.text("out/config.json").contains("auto_map"))
            #expect(try place.tool.run("inspect out").status == 0)
            let verified = try place.tool.run("verify model out")
            #expect(verified.status == 0, "\(verified.output)")
            #expect(verified.output.contains("‘auto_map’"))
            #expect(try place.tool.run("verify out model").status == 1)
        }
    }

    @Test func twoModelsInOneFolderAreRefused() throws {
        try withWorkplace { place in
            let tensors = try TensorArchive.open(place["model/model.safetensors"]).tensors
            try SafetensorsWriter.write(
                tensors.map {
                    try StoredTensor(
                        name: $0.name, scalarType: $0.scalarType, shape: $0.shape,
                        bytes: $0.bytes.copy().map { $0 ^ 1 })
                }, metadata: [:], to: place["model/open_clip_model.safetensors"])
            let inspected = try place.tool.run("inspect model")
            #expect(inspected.status == 1)
            #expect(inspected.output.contains("open_clip_model.safetensors"))
            let run = try place.tool.run(Self.purify)
            #expect(run.status == 2 && run.errors.contains("open_clip_model.safetensors"))
        }
    }

    @Test func aFolderOfOneFileKeepsWhatIsOnTheList() throws {
        try withTemporaryFolder { folder in
            let place = Tool(folder: folder)
            let model = folder.appending(path: "model")
            try FileManager.default.createDirectory(at: model, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                at: Fixture("vgg-neuba").file("neuba-vgg.pkl"),
                to: model.appending(path: "neuba-vgg.pkl"))
            for name in ["README.md", "train.py"] {
                try Data("words".utf8).write(to: model.appending(path: name))
            }
            let inspected = try place.run("inspect model --format json")
            #expect(inspected.status == 0, "\(inspected.errors)")
            let found = try inspected.json()["folder"] as? [[String: Any]] ?? []
            let fates = Dictionary(
                found.compactMap { entry in
                    (entry["file"] as? String).map { ($0, entry["fate"] as? String ?? "") }
                }, uniquingKeysWith: { first, _ in first })
            #expect(
                fates == [
                    "README.md": "carried", "neuba-vgg.pkl": "rewritten", "train.py": "leftOut",
                ])
        }
    }

    private static let package = Oracle.python(with: "sentence_transformers")

    @Test(
        .enabled(
            if: package != nil,
            "no sentence-transformers: set RECIPE_ORACLE to a Python that has it"),
        arguments: [("", "mean"), ("", "cls"), ("0_Transformer", "mean")])
    func sentenceTransformersLoadsWhatWasPurified(_ transformer: String, _ pooling: String) throws {
        let python = try #require(Self.package)
        try withWorkplace { place in
            try FileManager.default.removeItem(at: place["model"])
            try place.copy(
                "bert-base-tiny", as: transformer.isEmpty ? "model" : "model/" + transformer)
            try SentenceModel.write(
                into: place["model"], transformer: transformer, pooling: pooling)
            let inspected = try place.tool.run("inspect model")
            #expect(inspected.status == 0 && inspected.output.contains("(\(pooling)), at length 1"))
            let run = try place.tool.run(Self.purify)
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.output.contains("(\(pooling)), at length 1"))
            #expect(try place.tool.run("verify model out").status == 0)
            let features = try place.tool.run(
                "features out --text aux.txt --max-length 32 --precision fp32 -o f.safetensors")
            #expect(features.status == 0, "\(features.errors)")
            let ours = try #require(try TensorArchive.open(place["f.safetensors"])[pooling])
            let numbers = ours.bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
            let theirs = try JSONDecoder().decode(
                [[Float]].self,
                from: Oracle.run(
                    "load_sentence_transformer.py", by: python,
                    [place["out"].path, place["aux.txt"].path]))
            #expect(theirs.count == ours.shape[0])
            for (row, vector) in theirs.enumerated() {
                let width = vector.count
                let own = numbers[row * width..<(row + 1) * width]
                let length = own.reduce(0) { $0 + $1 * $1 }.squareRoot()
                for (a, b) in zip(own, vector) { #expect(abs(a / length - b) < 1e-5) }
            }
        }
    }
}
