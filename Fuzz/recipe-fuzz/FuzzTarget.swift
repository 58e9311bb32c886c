import DataPipeline
import Evaluation
import Foundation
import JSON

@testable import RecipeCLI
@testable import Scanning
@testable import TensorFormats
@testable import TextTokenizers

/// A reader of untrusted bytes. Whatever they are, it must end soon, with a value or an error.
enum FuzzTarget: String, CaseIterable {
    /// Weights: safetensors, zip and legacy files.
    case containers
    /// A pickle alone.
    case pickles
    /// A `tokenizer.json`, for both tokenizers, and what it makes of a text.
    case tokenizers
    /// A picture, and its resizing.
    case images
    /// Texts with labels: TSV, CSV, JSON lines, as the first byte chooses.
    case tables
    /// A plan in YAML, up to its stages.
    case plans
    /// JSON alone, and that what is written of it reads the same.
    case json
    /// Captions: COCO's JSON, a table, JSON lines.
    case captions
    /// An index of shards.
    case indices
    /// The scanner, under the name that the first byte chooses.
    case scans

    /// What is done with bytes.
    func attempt() throws -> ([UInt8]) -> Void {
        switch self {
        case .containers: return Self.container
        case .pickles: return Self.pickle
        case .images: return try Self.image()
        case .plans: return Self.plan
        case .json: return Self.document
        case .tokenizers: return try Self.tokenizer()
        case .tables: return try Self.table()
        case .captions: return try Self.captionList()
        case .indices: return try Self.index()
        case .scans: return Self.scan
        }
    }

    /// A folder in memory where the system has one, for readers of files.
    private static func folder() throws -> URL {
        let shared = URL(fileURLWithPath: "/dev/shm")
        let base =
            FileManager.default.isWritableFile(atPath: shared.path)
            ? shared : FileManager.default.temporaryDirectory
        let folder = base.appendingPathComponent("recipe-fuzz-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    private static func put(_ bytes: some Sequence<UInt8>, at file: URL) {
        let data = Array(bytes)
        guard let stream = fopen(file.path, "wb") else { return }
        fwrite(data, 1, data.count, stream)
        fclose(stream)
    }
}

// MARK: Targets

extension FuzzTarget {
    private static func container(_ bytes: [UInt8]) {
        // The name has to agree with the content.
        for name in ["model.safetensors", "model.bin"] {
            let url = URL(fileURLWithPath: "/fuzz/\(name)")
            guard let archive = try? TensorArchive.read(bytes, from: url) else { continue }
            for tensor in archive.tensors {
                precondition(tensor.bytes.count % tensor.scalarType.byteCount == 0)
                _ = tensor.bytes.withUnsafeBytes { $0.reduce(0) { $0 &+ Int($1) } }
            }
        }
    }

    private static func scan(_ bytes: [UInt8]) {
        let names = [
            "m.pkl", "m.pt", "m.bin", "m.safetensors", "a.npy", "c.json", "m.onnx", "m.gguf",
            "m.h5",
            "m.tar", "c.yaml", "saved_model.pb", "x",
        ]
        let name = names[Int(bytes.first ?? 0) % names.count]
        let scan = FileScan(path: name, size: max(0, bytes.count - 1), limits: .default)
        Array(bytes.dropFirst()).withUnsafeBytes { scan.examine($0, at: Place(file: name)) }
        precondition(scan.liveBytes == 0 && scan.record.bytes == scan.size)
    }

    private static func pickle(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes {
            _ = try? PickleMachine.run($0, file: "fuzz", label: "fuzz", limits: .default)
        }
    }

    private static func document(_ bytes: [UInt8]) {
        guard let value = try? JSONValue(parsing: bytes), let text = try? value.text() else {
            return
        }
        precondition((try? JSONValue(parsing: text)) == value, "what is written reads otherwise")
    }

    private static func image() throws -> ([UInt8]) -> Void {
        let decoder = try ImageDecoder()
        return { bytes in
            guard let image = try? decoder.decode(bytes) else { return }
            precondition(image.pixels.count == 3 * image.width * image.height)
        }
    }

    private static func plan(_ bytes: [UInt8]) {
        guard let root = try? PlanFile.read(String(decoding: bytes, as: UTF8.self), file: "fuzz")
        else { return }
        _ = try? ExperimentPlan(root).stages()
    }

    private static func tokenizer() throws -> ([UInt8]) -> Void {
        let folder = try folder()
        let file = folder.appendingPathComponent("tokenizer.json")
        return { bytes in
            put(bytes, at: file)
            let text = "The cat sat; naïve 12 [MASK] 猫"
            if let found = try? WordPieceTokenizer(folder: folder) { _ = found.encode(text) }
            if let found = try? CLIPTokenizer(folder: folder) { _ = found.encode(text) }
        }
    }

    private static func table() throws -> ([UInt8]) -> Void {
        let folder = try folder()
        let files = ["t.tsv", "t.csv", "t.jsonl", "t.txt"].map(folder.appendingPathComponent)
        return { bytes in
            let file = files[Int(bytes.first ?? 0) % files.count]
            put(bytes.dropFirst(), at: file)
            _ = try? LabelledTexts.read(file)
            _ = try? TextCorpus.read([file])
        }
    }

    private static func captionList() throws -> ([UInt8]) -> Void {
        let folder = try folder()
        let files = ["c.json", "c.csv", "metadata.jsonl"].map(folder.appendingPathComponent)
        return { bytes in
            let file = files[Int(bytes.first ?? 0) % files.count]
            put(bytes.dropFirst(), at: file)
            _ = try? CaptionedImages.read(file)
        }
    }

    private static func index() throws -> ([UInt8]) -> Void {
        let file = try folder().appendingPathComponent("model.safetensors.index.json")
        return { bytes in
            put(bytes, at: file)
            _ = try? ShardIndex(contentsOf: file)
        }
    }
}
