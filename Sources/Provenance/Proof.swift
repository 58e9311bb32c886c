import Files
import Foundation
import JSON

/// The record of a purification, `purification.json`: what went in, what was done, what came out.
///
/// It holds no dates, durations, names of machines or places in their file systems, so that the same
/// inputs, plan and machine give the same bytes. It is one JSON document in one spelling: other bytes
/// that say the same are refused.
public struct Proof: Sendable {
    /// The name of the file.
    public static let file = "purification.json"
    /// The layout that this package writes and reads.
    public static let schema = "recipe.purification/1"
    /// A proof larger than this is none.
    static let maximumBytes = 64 << 20

    /// The file's content.
    public let data: Data
    /// The same as a value.
    public let document: JSONObject
    /// What of it is checked.
    public let claims: Claims

    /// The SHA-256 digest of the file.
    public var digest: String { ContentDigest.hex(of: data) }

    /// What a proof says that can be compared with files.
    public struct Claims: Sendable, Decodable {
        var schema: String
        /// What did it.
        public var tool: Tool
        /// How.
        public var plan: Plan
        /// The files that went in.
        public var inputs: Inputs
        /// Tensors whose bytes differ from the input's.
        public var changed: [TensorChange]
        /// The others.
        public var unchanged: Unchanged
        /// What became of the card.
        public var card: CardRecord
        /// Every file that came out, but for the proof and a card with a paragraph.
        public var outputs: [DigestedFile]

        /// How a model was purified.
        public struct Plan: Sendable, Decodable {
            /// The method's name on the command line.
            public var method: String
        }

        /// What went in.
        public struct Inputs: Sendable, Decodable {
            /// The files of the model.
            public var model: [DigestedFile]
        }

        /// Tensors that are the input's to the bit.
        public struct Unchanged: Sendable, Codable, Equatable {
            /// How many.
            public var tensors: Int
            /// The digest of their digests and names.
            public var sha256: String

            /// So many tensors with a digest.
            public init(tensors: Int, sha256: String) {
                self.tensors = tensors
                self.sha256 = sha256
            }
        }
    }

    /// How one tensor changed.
    public struct TensorChange: Sendable, Codable, Equatable {
        /// The file it is in.
        public var file: String
        /// Its name there.
        public var name: String
        /// ‖W′ − W‖ / ‖W‖, or ‖W′ − W‖ where W is all zeros.
        public var difference: Double
        /// ‖W′‖ / ‖W‖, or ‖W′‖ where W is all zeros.
        public var norm: Double

        /// A tensor in a file and how it changed.
        public init(file: String, name: String, difference: Double, norm: Double) {
            self.file = file
            self.name = name
            self.difference = difference
            self.norm = norm
        }
    }

    /// What became of the card.
    public struct CardRecord: Sendable, Codable, Equatable {
        /// What was done to it.
        public enum State: String, Sendable, Codable {
            /// The input's, with a paragraph and edited front matter.
            case patched
            /// A new one, for the input had none.
            case written
            /// Left as it was, as asked for or because it cannot be edited.
            case left
        }

        /// What was done to it.
        public var state: State
        /// The model that the card says this one was made of, where it was given.
        public var baseModel: String?
        /// Why it was left.
        public var reason: String?
        /// The bytes of the card without what stands between the markers; nil where it was left.
        public var size: Int?
        /// The SHA-256 digest of those bytes.
        public var sha256: String?
    }

    /// A proof of these members, in this order.
    ///
    /// Throws `JSONError` where a number is not finite, and `DecodingError` where a member is
    /// missing that is checked later.
    public init(_ document: JSONObject) throws {
        self.document = document
        data = Data((try JSONValue.object(document).text(isIndented: true) + "\n").utf8)
        claims = try JSONDecoder().decodeStrictly(Claims.self, from: data)
    }

    /// The proof in a folder; nil where there is none.
    ///
    /// Throws `FileError` where there is one that this package does not read, or would not have
    /// written like this.
    public init?(in folder: URL) throws {
        let url = folder.appendingPathComponent(Self.file)
        guard (try? url.checkResourceIsReachable()) == true else { return nil }
        let content = try BoundedRead.data(of: url, atMost: Self.maximumBytes)
        func refused(_ problem: String) -> FileError { FileError(path: url.path, problem) }
        let value: JSONValue
        do { value = try JSONValue(parsing: content) } catch {
            throw refused("is no proof of a purification: \(error)")
        }
        guard let document = value.object, let schema = document["schema"]?.string else {
            throw refused("is no proof of a purification: it names no schema")
        }
        guard schema == Self.schema else {
            throw refused(
                "has the layout \(schema.quotedForMessage), this version reads '\(Self.schema)'")
        }
        do { try self.init(document) } catch {
            throw refused("is no proof of a purification: a field is missing or of another kind")
        }
        guard data == content else {
            throw refused("was changed: recipe writes the same facts in other bytes")
        }
    }
}

extension JSONValue {
    /// What a value encodes as, its keys in order.
    ///
    /// Throws where it cannot be encoded, such as for a number that is not finite.
    public init(encoding value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try self.init(parsing: encoder.encode(value))
    }
}
