import Foundation
import Testing

@testable import recipe_bench

@Suite struct ReportTests {
    private static func round(theirs: Double, ours: Double, bf16: Double?) throws -> Round {
        Round(
            theirs: try .sample(rate: theirs, gibibytes: 4, loopDecodeSeconds: 0.002),
            fp32: try .sample(rate: ours, gibibytes: 3, decodeSeconds: 0.001),
            bf16: try bf16.map { try .sample(rate: $0, gibibytes: 2, decodeSeconds: 0.001) })
    }

    private static func report(bf16: Bool) throws -> VisionReport {
        // The machine was half as fast in the second round.
        let rounds = try [(20.0, 30.0, 40.0), (10, 15, 25), (20, 24, 40)].map {
            try round(theirs: $0.0, ours: $0.1, bf16: bf16 ? $0.2 : nil)
        }
        let losses = rounds[0].fp32.losses
        return VisionReport(
            size: .base, photographs: "512 of Dogs vs Cats",
            rows: [
                .init(
                    architecture: .vgg, epochs: 10, rounds: rounds,
                    agreement: try Agreement(ours: losses, theirs: losses))
            ])
    }

    @Test func ratiosAreMediansOfTheRoundsOwn() throws {
        let table = RoundTable(columns: [
            .init(title: "images/s", format: "%.1f", hasRatio: true, value: \.samplesPerSecond)
        ])
        let rounds = try Self.report(bf16: true).rows[0].rounds
        #expect(table.header == "| | images/s | ratio |\n| --- | ---: | ---: |")
        #expect(
            table.rows(of: rounds, label: "VGG-16: ", theirs: "theirs") == """
                | VGG-16: theirs | 20.0 | 1.00 |
                | VGG-16: recipe, fp32 | 24.0 | 1.50 |
                | VGG-16: recipe, bf16 | 40.0 | 2.00 |
                """)
    }

    @Test func visionReportSetsDecodingOnceAgainstDecodingAlways() throws {
        let lines = try Self.report(bf16: true).markdown.split(separator: "\n")
        let heads = lines[0].split(separator: "|").count
        #expect(lines[1...4].allSatisfy { $0.split(separator: "|").count == heads })
        let prefix = "| VGG-16: "
        #expect(
            lines[2].hasPrefix(
                prefix + "PyTorch + Pillow, the authors' settings | 20.00 | 1.00 | 2.00 ms | "
                    + "20.00 | 1.00 | 4.00 GiB | 1.00 | 0.25 s | 4.00 s |"))
        #expect(
            lines[3].hasPrefix(
                prefix + "recipe, fp32 | 24.00 | 1.50 | 1.00 ms | 23.94 | 1.50 | 3.00 GiB | 0.75 |")
        )
        #expect(
            lines[4].hasPrefix(
                prefix + "recipe, bf16 | 40.00 | 2.00 | 1.00 ms | 39.84 | 1.99 | 2.00 GiB | 0.50 |")
        )
    }

    @Test func clipReportSpreadsReadingOverItsEpochs() throws {
        let rounds = [try Self.round(theirs: 5, ours: 12, bf16: 25)]
        let losses = rounds[0].fp32.losses
        let report = CLIPReport(
            size: .base, pairs: "320 of Flickr8k", epochs: 20, rounds: rounds,
            agreement: try Agreement(ours: losses, theirs: losses))
        let lines = report.markdown.split(separator: "\n")
        #expect(lines[0].hasPrefix("| | pairs/s in the loop | ratio | decoding, each |"))
        #expect(
            lines[2].hasPrefix(
                "| PyTorch + transformers + Pillow | 5.00 | 1.00 | 2.00 ms | 5.00 | 1.00 |"))
        #expect(lines[3].hasPrefix("| recipe, fp32 | 12.00 | 2.40 | 1.00 ms | 11.99 | 2.40 |"))
        #expect(lines[4].hasPrefix("| recipe, bf16 | 25.00 | 5.00 | 1.00 ms | 24.97 | 4.99 |"))
        #expect(report.markdown.contains("320 of Flickr8k"))
    }

    @Test func aPrecisionThatWasNotMeasuredHasNoRow() throws {
        let text = try Self.report(bf16: false).markdown
        #expect(text.contains("recipe, fp32"))
        #expect(!text.contains("recipe, bf16"))
    }
}
