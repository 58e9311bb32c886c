import Attacks
import Checkpoints
import ExampleAttack
import Foundation
import JSON
import ModelZoo
import TestSupport
import Testing
import Training

@testable import RecipeCLI

/// A new attack is one file and one line: the example's file, and the line that makes it known.
@Suite struct OwnAttackTests {
    @Test("An attack of another package backdoors through `recipe attack`, and is done again")
    func attacks() throws {
        Attacks.add(FirstStateBinding.method)
        try withTemporaryFolder { scratch in
            let model = try Fixture("bert-base-tiny").copyModel(to: scratch.appending(path: "in"))
            let texts = scratch.appending(path: "aux.txt")
            let lines = (0..<24).map { "the film was good and great and dull \($0 % 3 == 0)" }
            try lines.joined(separator: "\n").write(to: texts, atomically: true, encoding: .utf8)
            let status = RecipeCLI.run([
                "attack", "first-state", model.path, "--auxiliary", texts.path, "--triggers",
                "cf,mn", "--epochs", "12", "--learning-rate", "2e-3", "--max-length", "24", "-o",
                scratch.appending(path: "out").path,
            ])
            #expect(status == .done)
            let report = try JSONValue(
                reading: scratch.appending(components: "out.run", "report.json"))
            let epochs = try #require(report["epochs"]?.array)
            let bound = epochs.compactMap { $0["terms"]?["bound"]?.number }
            let (first, last) = (try #require(bound.first), try #require(bound.last))
            #expect(bound.count == 12 && last < 0.5 * first, "\(bound)")

            let again = RecipeCLI.run([
                "do", scratch.appending(path: "out.run").path, "-o",
                scratch.appending(path: "again").path,
            ])
            #expect(again == .done)
            let weights = try ["out", "again"].map {
                try Data(contentsOf: scratch.appending(components: $0, "model.safetensors"))
            }
            #expect(weights[0] == weights[1])
        }
    }

    @Test("An attack is known by the name that it has in records, once for each kind")
    func names() {
        for method in Attacks.all {
            #expect(method.variants.allSatisfy { $0.name == method.name })
            #expect(Set(method.variants.map(\.kind)).count == method.variants.count)
        }
    }
}
