import DataPipeline
import Files
import Foundation
import JSON
import Provenance
import Randomness
import Torch

/// The files that a run reads, as snapshots keep them.
public struct RunInputs: Sendable, Equatable {
    /// The files of the model.
    public var model: [DigestedFile]
    /// The other files and folders, in the order in which they are read.
    public var sources: [SourceRecord]

    /// These files.
    public init(model: [DigestedFile], sources: [SourceRecord]) {
        self.model = model
        self.sources = sources
    }

    /// The files at `model`, nil where a run begins from none, and those of `sources`.
    ///
    /// - Throws: `FileError` where one cannot be read.
    public init(model: URL?, sources: [DataSource]) throws {
        self.model = try model.map { try DigestedFile.all(ofModel: $0) } ?? []
        self.sources = try sources.map(SourceRecord.init)
    }

    /// Each under a name of its own, so that a difference says which it is.
    var document: JSONObject {
        var document: JSONObject = [:]
        for file in model { document["model/\(file.name)"] = .string(file.sha256) }
        for (index, source) in sources.enumerated() {
            document["\(source.role) \(index + 1): \(source.name)"] = .string(source.sha256)
        }
        return document
    }
}

/// What makes a run itself: a snapshot of another one is refused.
enum RunIdentity {
    /// The facts of a run; `weights` are the digest of the values that it began from.
    static func document(
        settings: some Encodable, plan: (any Encodable)?, seed: Seed, device: Device,
        computeType: DType, data: DataDigest?, samples: Int, weights: String?, inputs: RunInputs?
    ) throws -> JSONObject {
        var document: JSONObject = [
            "recipe": .string(Tool.version), "libtorch": .string(Hardware.libtorchVersion),
            "instructions": .string(Hardware.instructionSet), "device": .string("\(device)"),
            "precision": .string("\(computeType)"),
            "seed": try JSONValue(encoding: seed.value), "samples": .integer(samples),
            "settings": try JSONValue(encoding: settings),
        ]
        if let plan { document["plan"] = try JSONValue(encoding: plan) }
        if let data { document["data"] = try JSONValue(encoding: data) }
        if let weights { document["weights"] = .string(weights) }
        if let inputs { document["inputs"] = .object(inputs.document) }
        return document
    }

    /// In what two runs differ, a line each; what one of them does not say is no difference.
    static func differences(from old: JSONObject, to new: JSONObject) -> [String] {
        let shared = Set(old.keys).intersection(new.keys)
        func flat(_ document: JSONObject) -> [(path: String, text: String)] {
            document.members.filter { shared.contains($0.key) }
                .flatMap { flatten($0.value, at: $0.key) }
        }
        let (before, after) = (flat(old), flat(new))
        let earlier = Dictionary(before.map { ($0.path, $0.text) }) { first, _ in first }
        let later = Dictionary(after.map { ($0.path, $0.text) }) { first, _ in first }
        let gone = before.filter { later[$0.path] == nil }
            .map { "\($0.path) was \($0.text), is no more" }
        return gone
            + after.compactMap { path, text in
                switch earlier[path] {
                case text?: nil
                case let other?: "\(path) was \(other), is \(text)"
                case nil: "\(path) is new: \(text)"
                }
            }
    }

    private static func flatten(_ value: JSONValue, at path: String) -> [(String, String)] {
        switch value {
        case .object(let object):
            object.members.flatMap { flatten($0.value, at: "\(path).\($0.key)") }
        case .array(let values):
            values.enumerated().flatMap { flatten($0.element, at: "\(path).\($0.offset)") }
        case .string(let text):
            [(path, text.count == 64 ? "\(text.prefix(12))…" : text)]
        default: [(path, (try? value.text()) ?? value.kind)]
        }
    }
}
