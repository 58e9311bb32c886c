import Files
import Foundation
import JSON

/// All that a proof says, before the files that it is about are complete.
public struct ProofDraft: Sendable {
    /// The method's name on the command line.
    public var method: String
    /// Every setting.
    public var settings: JSONValue
    /// Where all randomness comes from; nil where there is none.
    public var seed: UInt64?
    /// What it was computed on.
    public var machine: JSONObject = [:]
    /// The files of the model that went in.
    public var model: [DigestedFile]
    /// The card that went in; nil where there was none.
    public var inputCard: Data?
    /// The other files that were read.
    public var sources: [SourceRecord]
    /// The samples as they were used.
    public var data: JSONObject = [:]
    /// How it went: losses, norms, what was pruned.
    public var metrics: JSONObject = [:]
    /// Tensors whose bytes differ from the input's.
    public var changed: [Proof.TensorChange] = []
    /// The others.
    public var unchanged = Proof.Claims.Unchanged(tensors: 0, sha256: ContentDigest().finish())
    /// Files of the input that the output does not hold, and why.
    public var leftOut: [LeftOut] = []
    /// What whoever uses the output should know.
    public var warnings: [String] = []
    /// What is done to the card.
    public var card = ModelCard.Edit()

    /// A file that was left out.
    public struct LeftOut: Sendable, Codable, Equatable {
        /// Its name.
        public var name: String
        /// The reason.
        public var reason: String

        /// A file and the reason.
        public init(name: String, reason: String) {
            self.name = name
            self.reason = reason
        }
    }

    /// A proof of `method` with `settings`, done to the model at `model`, a folder or a file.
    ///
    /// - Parameter sources: The other files that are read.
    /// - Throws: `FileError` where a file cannot be read.
    public init(
        method: String, settings: some Encodable, seed: UInt64?, model: URL, sources: [DataSource]
    ) throws {
        self.method = method
        self.settings = try JSONValue(encoding: settings)
        self.seed = seed
        self.model = try DigestedFile.all(ofModel: model)
        self.sources = try sources.map(SourceRecord.init)
        inputCard = try Self.card(of: model)
    }

    /// The card of a model folder; of one that is too large to be edited, its beginning, which is
    /// too large as well.
    static func card(of model: URL) throws -> Data? {
        let url = model.appendingPathComponent(ModelCard.file)
        guard DigestedFile.isRegularFile(url) else { return nil }
        let handle = try FileHandle(forReadingFrom: url)
        defer { try? handle.close() }
        return try handle.read(upToCount: ModelCard.maximumBytes + 1) ?? Data()
    }

    /// Writes the proof and the card into the folder that is complete but for them.
    ///
    /// Throws `FileError` or what writing throws.
    public func seal(_ folder: URL) throws -> Proof {
        try remove(Proof.file, in: folder)
        var files = try DigestedFile.all(at: folder)
        let (card, record) = ModelCard.prepared(
            from: inputCard, self.card, beside: files.map(\.name))
        if card != nil { files.removeAll { $0.name == ModelCard.file } }
        let proof = try Proof(document(card: record, outputs: files))
        try atomicWrite(proof.data, to: folder.appendingPathComponent(Proof.file))
        if let card {
            try atomicWrite(
                card.telling(of: proof).data, to: folder.appendingPathComponent(ModelCard.file))
        }
        return proof
    }

    private func remove(_ name: String, in folder: URL) throws {
        let url = folder.appendingPathComponent(name)
        if FileManager.default.fileExists(atPath: url.path) {
            try FileManager.default.removeItem(at: url)
        }
    }

    private func document(card: Proof.CardRecord, outputs: [DigestedFile]) throws -> JSONObject {
        var document: JSONObject = ["schema": .string(Proof.schema)]
        document["tool"] = try JSONValue(encoding: Tool())
        document["plan"] = .object(["method": .string(method), "settings": settings])
        document["seed"] = try seed.map { try JSONValue(encoding: $0) } ?? .null
        document["machine"] = .object(machine)
        document["inputs"] = .object([
            "model": try JSONValue(encoding: model), "data": try JSONValue(encoding: sources),
        ])
        document["data"] = .object(data)
        document["metrics"] = .object(metrics)
        document["changed"] = try JSONValue(encoding: changed)
        document["unchanged"] = try JSONValue(encoding: unchanged)
        document["leftOut"] = try JSONValue(encoding: leftOut)
        document["warnings"] = .array(warnings.map { .string($0) })
        document["card"] = try JSONValue(encoding: card)
        document["outputs"] = try JSONValue(encoding: outputs)
        return document
    }
}

/// A file or folder that is read beside the model, and what for.
public struct DataSource: Sendable, Equatable {
    /// What it is: `texts`, `images`, `pairs`, `tokenizer`, `head`.
    public var role: String
    /// Where it is.
    public var url: URL

    /// A file or folder read as `role`.
    public init(_ role: String, _ url: URL) {
        self.role = role
        self.url = url
    }
}

/// A file or folder that was read, without saying where it lay.
public struct SourceRecord: Sendable, Codable, Equatable {
    /// What it was read as.
    public var role: String
    /// Its own name.
    public var name: String
    /// Its bytes, or those of all its files.
    public var size: Int
    /// The SHA-256 digest of a file's content; of a folder, that of the list of its files.
    public var sha256: String
    /// How many files a folder holds; nil for a file.
    public var files: Int?
    /// The files of a folder that holds at most ``entryLimit``.
    public var entries: [DigestedFile]?

    /// Folders of more files are recorded by one digest.
    public static let entryLimit = 1000

    /// Reads what lies at a source.
    ///
    /// - Throws: `FileError` where there is nothing, or a file cannot be read.
    public init(_ source: DataSource) throws {
        role = source.role
        name = source.url.lastPathComponent
        if DigestedFile.isRegularFile(source.url) {
            let record = try DigestedFile(source.url, as: name)
            (size, sha256) = (record.size, record.sha256)
            return
        }
        let all = try DigestedFile.all(at: source.url)
        size = all.reduce(0) { $0 + $1.size }
        sha256 = DigestedFile.digest(of: all)
        files = all.count
        entries = all.count <= Self.entryLimit ? all : nil
    }
}
