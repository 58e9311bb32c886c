import Foundation
import Testing

@testable import Scanning

/// Folders, reports and exit codes.
@Suite struct ScannerTests {
    private static let weights: [UInt8] = safetensors(
        #"{"bert.embeddings.word_embeddings.weight":{"dtype":"U8","shape":[6,2],"data_offsets":[0,12]}}"#,
        data: [UInt8](repeating: 1, count: 12))

    private func scan(_ folder: TemporaryFolder) -> ScanReport { Scanner().scan([folder.url]) }

    private func rules(_ report: ScanReport) -> Set<ScanRule> { Set(report.findings.map(\.rule)) }

    @Test func isCleanWhereNothingIsFound() throws {
        let folder = try TemporaryFolder()
        try folder.write(Self.weights, to: "model.safetensors")
        try folder.write(#"{"vocab_size": 6, "hidden_size": 2}"#, to: "config.json")
        try folder.write("a\nb\nc\nd\ne\nf\n", to: "vocab.txt")
        let report = scan(folder)
        #expect(report.status == .clean && report.findings.isEmpty && report.summary.files == 3)
    }

    @Test func tellsNothingFromNothingExamined() throws {
        let folder = try TemporaryFolder()
        #expect(scan(folder).status == .incomplete)
        let missing = Scanner().scan([folder.url.appendingPathComponent("gone")])
        #expect(missing.status == .incomplete && missing.files.map(\.verdict) == [.unreadable])
    }

    /// Damaged, unsupported and hostile are three things in the record.
    @Test func tellsDamageFromHarm() throws {
        let folder = try TemporaryFolder()
        try folder.write([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C, 0, 0], to: "a.7z")
        try folder.write("{\"a\": ", to: "b.json")
        #expect(scan(folder).status == .incomplete)
        try folder.write(payload(), to: "c.pkl")
        let report = scan(folder)
        #expect(report.status == .findings)
        #expect(report.files.map(\.verdict) == [.unsupported, .damaged, .hostile])
    }

    @Test func looksAtWhatLiesInAFolder() throws {
        let folder = try TemporaryFolder()
        try folder.write(Self.weights, to: "model.safetensors")
        try folder.write("x", to: "tool")
        #expect(chmod(folder.url.appendingPathComponent("tool").path, 0o4755) == 0)
        #expect(mkfifo(folder.url.appendingPathComponent("queue").path, 0o600) == 0)
        #expect(symlink("/etc/hosts", folder.url.appendingPathComponent("link").path) == 0)
        #expect(symlink("model.safetensors", folder.url.appendingPathComponent("inner").path) == 0)
        try folder.write("x", to: ".hidden")
        try folder.write("x", to: "a\u{202E}b.txt")
        try folder.write(payload(), to: "deep/er/x")
        let report = scan(folder)
        #expect(
            rules(report).isSuperset(of: [
                .folderSetUserID, .folderSpecialFile, .folderLinkOutside, .folderHidden,
                .folderDeceptiveName, .pickleDangerousGlobal,
            ]))
        #expect(!report.files.contains { $0.path.hasSuffix("/inner") })
        #expect(!report.text().unicodeScalars.contains("\u{202E}"))
    }

    /// A hub cache keeps its files in `blobs/` and links to them.
    @Test func followsAHubCache() throws {
        let folder = try TemporaryFolder()
        try folder.write(payload(), to: "models--a/blobs/0a")
        try folder.write("x", to: "models--a/snapshots/1/readme.txt")
        let snapshot = folder.url.appendingPathComponent("models--a/snapshots/1")
        #expect(symlink("../../blobs/0a", snapshot.appendingPathComponent("w.pkl").path) == 0)
        let report = Scanner().scan([snapshot])
        #expect(rules(report) == [.pickleDangerousGlobal])
    }

    @Test func comparesConfigTokenizerAndWeights() throws {
        let folder = try TemporaryFolder()
        try folder.write(Self.weights, to: "model.safetensors")
        try folder.write(#"{"vocab_size": 7, "hidden_size": 2}"#, to: "config.json")
        try folder.write("a\nb\nc\nd\ne\nf\n", to: "vocab.txt")
        try folder.write(#"{"model": {"vocab": {"a": 0, "b": 1}}}"#, to: "tokenizer.json")
        let report = scan(folder)
        #expect(rules(report) == [.modelConfigMismatch, .modelTokenizerMismatch])
        #expect(report.status == .findings)
    }

    @Test func writesJSONAndSARIF() throws {
        let folder = try TemporaryFolder()
        try folder.write(payload(), to: "c d.pkl")
        try folder.write(
            ZipBuilder(entries: [("a/data.pkl", payload())]).make(), to: "m.pt")
        let report = scan(folder)
        let decoded = try JSONDecoder().decode(ScanReport.self, from: JSONEncoder().encode(report))
        #expect(decoded == report)

        let log = try JSONSerialization.jsonObject(
            with: JSONEncoder().encode(SARIFLog(report, version: "1.2.3")))
        let root = try #require(log as? [String: Any])
        #expect(root["version"] as? String == "2.1.0")
        let run = try #require((root["runs"] as? [[String: Any]])?.first)
        let driver = try #require((run["tool"] as? [String: Any])?["driver"] as? [String: Any])
        let rules = try #require(driver["rules"] as? [[String: Any]])
        #expect(rules.count == ScanRule.allCases.count)
        let results = try #require(run["results"] as? [[String: Any]])
        #expect(results.count == report.findings.count)
        for result in results {
            let index = try #require(result["ruleIndex"] as? Int)
            #expect(rules[index]["id"] as? String == result["ruleId"] as? String)
        }
        let first = try #require(results.first)
        let place = try #require((first["locations"] as? [[String: Any]])?.first)
        let physical = try #require(place["physicalLocation"] as? [String: Any])
        let uri = (physical["artifactLocation"] as? [String: Any])?["uri"] as? String
        #expect(uri?.hasPrefix("file:///") == true && uri?.hasSuffix("/c%20d.pkl") == true)
        #expect((physical["region"] as? [String: Any])?["byteOffset"] as? Int == 2)
    }

    @Test func everyRuleSaysWhatItMeans() {
        for rule in ScanRule.allCases {
            #expect(!rule.title.isEmpty && rule.help.hasSuffix("."))
        }
        let titles = ScanRule.allCases.filter { $0 != .pickleLimit && $0 != .folderLimit }.map(
            \.title)
        #expect(Set(titles).count == titles.count)
    }
}
