import Files
import Foundation
import JSON

/// An in-toto Statement (v1) about an output, with SLSA provenance (v1) as its predicate: unsigned,
/// ready to be signed as it is.
public struct Attestation: Sendable {
    /// `_type` of the statement.
    public static let statementType = "https://in-toto.io/Statement/v1"
    /// What its predicate is.
    public static let predicateType = "https://slsa.dev/provenance/v1"
    /// How an output came to be, for readers of provenance: Documentation/proof.md.
    public static let buildType = "urn:recipe:purification:1"
    /// What made it.
    public static let builder = "urn:recipe:command-line"
    static let maximumBytes = 64 << 20

    /// The statement.
    public let document: JSONObject

    /// The name of an output's statement, beside it.
    public static func file(of output: URL) -> URL {
        output.deletingLastPathComponent()
            .appendingPathComponent(output.lastPathComponent + ".intoto.json")
    }

    /// The statement about the files in `folder`, the proof among them.
    ///
    /// - Throws: `FileError` where a file cannot be read.
    public init(of folder: URL, _ proof: Proof) throws {
        let subjects = try DigestedFile.all(at: folder).map { Self.resource($0.name, $0.sha256) }
        document = [
            "_type": .string(Self.statementType), "subject": .array(subjects),
            "predicateType": .string(Self.predicateType), "predicate": Self.predicate(of: proof),
        ]
    }

    private static func predicate(of proof: Proof) -> JSONValue {
        let tool = proof.claims.tool
        let model = proof.claims.inputs.model.map { resource("model/\($0.name)", $0.sha256) }
        let data = proof.document["inputs"]?["data"]?.array ?? []
        let sources = data.compactMap { source -> JSONValue? in
            guard let name = source["name"]?.string, let role = source["role"]?.string,
                let digest = source["sha256"]?.string
            else { return nil }
            // A folder's digest is of the list of its files, not of one file.
            return resource(
                "\(role)/\(name)", digest,
                algorithm: source["files"] == nil ? "sha256" : "sha256sums")
        }
        let internalParameters: JSONObject = [
            "seed": proof.document["seed"] ?? .null, "machine": proof.document["machine"] ?? .null,
        ]
        let definition: JSONObject = [
            "buildType": .string(buildType),
            "externalParameters": proof.document["plan"] ?? .null,
            "internalParameters": .object(internalParameters),
            "resolvedDependencies": .array(model + sources),
        ]
        let version: JSONObject = [
            tool.name: .string(tool.version), "commit": .string(tool.commit),
        ]
        let details: JSONObject = [
            "builder": .object(["id": .string(builder), "version": .object(version)]),
            "metadata": .object(["invocationId": .string("sha256:" + proof.digest)]),
        ]
        return .object(["buildDefinition": .object(definition), "runDetails": .object(details)])
    }

    private static func resource(
        _ name: String, _ digest: String, algorithm: String = "sha256"
    ) -> JSONValue {
        .object(["name": .string(name), "digest": .object([algorithm: .string(digest)])])
    }

    /// The statement as a file's content.
    public func data() throws -> Data {
        Data((try JSONValue.object(document).text(isIndented: true) + "\n").utf8)
    }

    /// The statement in a file.
    ///
    /// - Throws: `FileError` where it is none of a purification's output.
    public init(reading url: URL) throws {
        let value = try JSONValue(reading: url, atMost: Self.maximumBytes)
        guard let document = value.object, value["_type"]?.string == Self.statementType,
            value["predicateType"]?.string == Self.predicateType, value["subject"]?.array != nil
        else {
            throw FileError(
                path: url.path, "is no in-toto statement with SLSA provenance",
                advice: "name the file that --attest wrote, before it is signed")
        }
        self.document = document
    }
}
