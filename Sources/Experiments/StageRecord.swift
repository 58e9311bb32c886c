import DataPipeline
import Files
import Foundation
import JSON

/// What a stage is made of; where two are equal, so are their outputs.
public struct StageIngredients: Sendable, Codable, Equatable {
    /// The version of the tool.
    public var version: String
    /// The command.
    public var command: String
    /// The options, in which data and stages stand by name.
    public var settings: [String: [String]]
    /// The digests of the content of the data that it reads, by what the options call it.
    public var data: [String: String]
    /// The digests of the stages whose output it reads.
    public var stages: [String: String]

    /// One digest of it all.
    public var digest: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return ContentDigest.hex(of: (try? encoder.encode(self)) ?? Data())
    }
}

/// The record in a stage's folder, `stage.json`.
struct StageRecord: Codable {
    static let fileName = "stage.json"

    var name: String
    var state: StageState
    var digest: String
    var madeOf: StageIngredients
    var arguments: [String]
    var seconds: Double?

    /// The record in `folder`, or nil where there is none that can be read.
    static func read(in folder: URL) -> StageRecord? {
        let file = folder.appendingPathComponent(fileName)
        return (try? Data(contentsOf: file))
            .flatMap { try? JSONDecoder().decodeStrictly(StageRecord.self, from: $0) }
    }

    func write(in folder: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try atomicWrite(
            try encoder.encode(self), to: folder.appendingPathComponent(Self.fileName))
    }
}
