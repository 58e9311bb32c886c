import ArgumentParser
import Foundation
import TestSupport
import Testing

@testable import RecipeCLI

/// Every option with a number has a bound, which the documentation names.
@Suite struct OptionBoundsTests {
    /// The options of all commands whose value is a whole number, with a command that has them.
    private static let commands = [
        "purify m -o o --auxiliary a": [
            "--epochs", "--batch-size", "--accumulation", "--samples", "--sentences",
            "--min-words", "--max-length", "--prune", "--threads", "--snapshot-every",
        ],
        "purify m -o o --images i": ["--image-size", "--limit"],
        "purify m -o o --pairs p": ["--chunk-size"],
        "pretrain m -o o --auxiliary a": ["--warmup-steps", "--epochs"],
        "attack --method por m -o o --auxiliary a": ["--insertions", "--accumulation"],
        "evaluate m --train t --test u": ["--train-samples", "--test-samples", "--batch-size"],
        "analyze m --clean c --trigger cf": ["--batch-size"],
        "run p -o o": ["--jobs"],
        "sample-data o": ["--sentences", "--train", "--test"],
    ]

    @Test("2⁶³−1 and what is above the bound are refused by name") func bounds() throws {
        for (command, options) in Self.commands {
            for option in options {
                let most = try #require(OptionBounds.counts[option])
                for value in [Int.max, most + 1, -1] {
                    let error = #expect(throws: (any Error).self, "\(command) \(option)") {
                        try RecipeCommand.parseAsRoot(
                            (command + " \(option)=\(value)").split(separator: " ").map(String.init)
                        )
                    }
                    let text = error.map { RecipeCommand.fullMessage(for: $0) } ?? ""
                    #expect(text.contains("\(option) \(value): expected"), "\(text)")
                }
            }
        }
    }

    @Test("Rates that are no number, or beyond all use, are written plainly") func rates() throws {
        for (value, shown) in [
            ("nan", "NaN"), ("-nan", "NaN"), ("inf", "∞"), ("-inf", "−∞"), ("1e300", "1e+300"),
            ("-1", "-1"),
        ] {
            for option in ["--weight", "--learning-rate"] {
                let error = #expect(throws: (any Error).self) {
                    try RecipeCommand.parseAsRoot([
                        "purify", "m", "-o", "o", "--auxiliary", "a", "\(option)=\(value)",
                    ])
                }
                let text = error.map { RecipeCommand.fullMessage(for: $0) } ?? ""
                #expect(text.contains("\(option) \(shown): expected"), "\(text)")
            }
        }
    }

    @Test("The page of limits has each of them") func documented() throws {
        let page = try String(
            contentsOf: PackageFolder.root.appending(components: "Documentation", "limits.md"),
            encoding: .utf8)
        for (option, most) in OptionBounds.counts {
            let row = page.split(separator: "\n").first { $0.contains("`\(option)`") }
            let digits = (row ?? "").filter { $0.isNumber || $0 == "|" }
            #expect(digits.contains("\(most)"), "\(option) \(most): \(row ?? "no row")")
        }
    }
}
