import Foundation
import Testing

import DataPipeline

private let realData: URL? = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let candidates = [
        ProcessInfo.processInfo.environment["RECIPE_DATA"].map { URL(fileURLWithPath: $0) },
        root.appendingPathComponent(".data"),
        root.deletingLastPathComponent().appendingPathComponent("shared/data"),
    ]
    return candidates.compactMap { $0 }.first {
        FileManager.default.fileExists(
            atPath: $0.appendingPathComponent("text-downstream/sst2/train.tsv").path)
    }
}()

private let hasWikipedia =
    realData.map {
        FileManager.default.fileExists(atPath: $0.appendingPathComponent("text-aux/text").path)
    } ?? false

@Suite(.enabled(if: realData != nil, "no real data: set RECIPE_DATA, or unpack to .data"))
struct RealTextTests {
    private func url(_ name: String) throws -> URL {
        try #require(realData).appendingPathComponent(name)
    }

    @Test(arguments: [
        ("sst2/train.tsv", 6920, 2), ("sst2/dev.tsv", 872, 2), ("sst2/test.tsv", 1821, 2),
        ("hsol-openbackdoor/train.tsv", 5823, 2), ("hsol-openbackdoor/dev.tsv", 2485, 2),
        ("hsol-openbackdoor/test.tsv", 2485, 2), ("agnews/train.tsv", 11106, 4),
        ("agnews/dev.tsv", 10000, 4), ("agnews/test.tsv", 7600, 4),
    ])
    func countsRowsAndClasses(_ name: String, _ rows: Int, _ classes: Int) throws {
        let data = try LabelledTexts.read(url("text-downstream/\(name)"))
        #expect(data.texts.count == rows && data.labels.count == rows)
        #expect(data.labelNames == (0..<classes).map(String.init))
        #expect(data.source.skippedEmpty == 0 && data.source.invalidSequences == 0)
        #expect(!data.texts.contains { $0.contains("\t") || $0.hasPrefix(" ") })
    }

    @Test func readsTheAuxiliaryTexts() throws {
        let corpus = try TextCorpus.read([url("text-aux/bookcorpus-20k/train.tsv")])
        #expect(corpus.texts.count == 20000)
    }

    @Test(.enabled(if: hasWikipedia, "the Wikipedia archive is not unpacked"))
    func readsTheBeginningOfWikipedia() throws {
        let folder = try url("text-aux/text")
        let corpus = try TextCorpus.read([folder], limit: 5000, minimumWords: 5)
        #expect(corpus.texts.count == 5000)
        #expect(corpus.texts.first?.hasPrefix("Anarchism is a political philosophy") == true)
        #expect(!corpus.texts.contains { $0.hasPrefix("<doc") || $0.hasPrefix("</doc") })
    }

    @Test func saysThatTheOfficialFileHasNoHeader() throws {
        let file = try url("text-downstream/agnews-official/test.csv")
        let error = #expect(throws: DataError.self) { try LabelledTexts.read(file) }
        #expect(error?.description.contains("no header") == true)
    }
}
