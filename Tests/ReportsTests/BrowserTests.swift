import Foundation
import Documents
import TestDocuments
import TestSupport
import Testing

@testable import Reports

@Suite(
    .serialized,
    .enabled(
        if: Browser.executable != nil,
        "no Chromium in the path; install the package chromium, or set RECIPE_BROWSER"))
struct BrowserTests {
    private func withBrowser<Result>(_ body: (Browser) throws -> Result) throws -> Result {
        let executable = try #require(Browser.executable)
        return try withTemporaryFolder { folder in
            try body(Browser(executable: executable, folder: folder))
        }
    }

    private let report = HTMLRenderer().render(GridReport(GridSample.results).document)
    private let sample = HTMLRenderer().render(SampleReport.document)

    @Test func laysOutReportsAndAsksNothingOfTheNetwork() throws {
        let outcome = try withBrowser {
            try $0.open([(report, 1000), (report, 400), (sample, 1000)])
        }
        #expect(outcome.console == [])
        #expect(outcome.requests == [])
        let wide = outcome.pages[0]
        #expect(wide.title == "Table 1 at home")
        #expect(wide.headings.first == "Table 1 at home" && wide.headings.contains("Figure 3"))
        #expect(wide.drawings.count == 8)
        for page in outcome.pages {
            #expect(page.drawings.allSatisfy { $0[0] > 250 && $0[1] > 30 }, "\(page.drawings)")
            #expect(page.tables.filter { $0[0] > 50 && $0[1] > 20 }.count >= 2)
            // A wide table scrolls in its own place, and never the page.
            #expect(page.overflow == 0)
            #expect(page.outside == [], "labels outside of their drawings")
            #expect(page.background == "rgb(255, 255, 255)")
        }
    }

    @Test func followsTheDarkSchemeAndSeesRequests() throws {
        let asking = """
            <!DOCTYPE html><html><body><h1>x</h1><script>console.log("spoke")</script>
            <img src="https://recipe.invalid/pixel.png"></body></html>
            """
        let outcome = try withBrowser { try $0.open([(report, 1000), (asking, 300)], dark: true) }
        #expect(outcome.pages[0].background == "rgb(18, 22, 28)")
        #expect(outcome.pages[0].ink == "rgb(228, 233, 240)")
        // What the other test finds none of is found where it is.
        #expect(outcome.requests == ["https://recipe.invalid/pixel.png"])
        #expect(outcome.console.contains { $0.contains("spoke") })
    }
}
