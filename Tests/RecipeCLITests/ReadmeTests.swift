import Foundation
import RecipeKit
import TestSupport
import Testing

/// The library as README.md shows it: the same lines are compiled here and run.
@Suite struct ReadmeTests {
    @Test func theSnippetPurifiesAndEvaluates() throws {
        try withWorkplace { place in
            let report = try purifyAndEvaluate(
                suspect: place["model"], auxiliary: place["aux.txt"], purified: place["purified"],
                train: place["train.tsv"], test: place["test.tsv"])
            #expect(report.testCount == 16)
            #expect(report.excessAASR != nil)
            #expect(place.holds("purified/model.safetensors"))
        }
    }

    /// README.md has the source between `<!-- snippet -->` and `<!-- /snippet -->`.
    @Test(
        .enabled(
            if: FileManager.default.fileExists(
                atPath: PackageFolder.root.appending(path: "README.md").path),
            "there is no README.md"))
    func theReadmeShowsTheSnippet() throws {
        let readme = try String(
            contentsOf: PackageFolder.root.appending(path: "README.md"), encoding: .utf8)
        let source = try String(
            contentsOf: PackageFolder.root
                .appending(path: "Tests/RecipeCLITests/ReadmeSnippet.swift"), encoding: .utf8)
        let shown = "<!-- snippet -->\n```swift\n\(source)```\n<!-- /snippet -->"
        #expect(
            readme.contains(shown),
            "README.md must hold ReadmeSnippet.swift word for word, as a swift block between the markers"
        )
    }
}
