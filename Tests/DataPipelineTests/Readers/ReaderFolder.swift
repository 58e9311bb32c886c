import Foundation
import Testing

import DataPipeline

/// A temporary folder that files are written into; gone with the instance.
final class ReaderFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("readers-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ name: String, _ text: String) throws -> URL { try write(name, Array(text.utf8)) }

    func write(_ name: String, _ bytes: [UInt8]) throws -> URL {
        let file = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
        return file
    }

    /// The error that reading a corpus from a new file ends with.
    func corpusError(_ name: String, _ text: String, column: String? = nil) throws -> String {
        let file = try write(name, text)
        let error = #expect(throws: DataError.self) {
            try TextCorpus.read([file], textColumn: column)
        }
        return error?.description ?? ""
    }

    func labelError(_ name: String, _ text: String, names: [String]? = nil) throws -> String {
        let file = try write(name, text)
        let error = #expect(throws: DataError.self) {
            try LabelledTexts.read(file, labelNames: names)
        }
        return error?.description ?? ""
    }
}
