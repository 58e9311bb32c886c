import Foundation
import Testing

@testable import Scanning

/// Files that torch.save and its like wrote, and files that were made to deceive.
@Suite struct FixtureTests {
    private static let fixtures = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures")

    private static func files(in folder: String) -> [URL] {
        let all = try? FileManager.default.contentsOfDirectory(
            at: fixtures.appendingPathComponent(folder), includingPropertiesForKeys: nil)
        return (all ?? []).sorted { $0.path < $1.path }
    }

    /// What others read as recipe does is no finding.
    @Test func passesWhatIsReadAlike() {
        let files = Self.files(in: "hostile/read")
        #expect(!files.isEmpty)
        for file in files {
            let report = Scanner().scan([file])
            #expect(report.status == .clean, "\(file.lastPathComponent): \(report.findings)")
        }
    }

    /// What runs when it is loaded is found. These build data only, or load bytes that are walked.
    @Test func findsWhatRuns() {
        let harmless = [
            "build", "load-from-bytes", "new-object-ex", "numpy-reconstruct", "persistent",
        ]
        let files = Self.files(in: "hostile/refused").filter { file in
            file.lastPathComponent.hasPrefix("code-")
                && !harmless.contains { file.lastPathComponent.hasPrefix("code-\($0).") }
        }
        #expect(!files.isEmpty)
        for file in files {
            #expect(Scanner().scan([file]).status == .findings, "\(file.lastPathComponent)")
        }
    }
}
