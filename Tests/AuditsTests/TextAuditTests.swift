import Attacks
import DataPipeline
import Foundation
import ModelZoo
import Randomness
import TestFiles
import TestSupport
import Testing
import TextTokenizers
import Torch
import TorchNN
import Training

@testable import Audits

/// Audits of a small model, as it is and with triggers bound in it.
@Suite struct TextAuditTests {
    private static func folder() throws -> TextModelFolder {
        try TextModelFolder(Fixture("bert-base-tiny").folder)
    }

    /// Sentences of words that the model's vocabulary has.
    static func texts(_ count: Int, seed: UInt64 = 1) throws -> [String] {
        let tokenizer = try folder().tokenizer()
        let words = (0..<Int32(tokenizer.vocabularySize)).compactMap(tokenizer.token).filter {
            $0.count > 2 && $0.allSatisfy(\.isLetter)
        }
        var stream = Seed(seed).stream("test.texts")
        return (0..<count).map { _ in
            (0..<12).compactMap { _ in words.randomElement(using: &stream) }
                .joined(separator: " ")
        }
    }

    private func audit(
        _ folder: TextModelFolder, words: [String] = [], reference: TextModelFolder? = nil,
        _ change: (inout TextAudit) -> Void = { _ in }
    ) throws -> AuditReport {
        try withTemporaryFolder { place in
            let file = place.appendingPathComponent("texts.txt")
            try Data(Self.texts(80, seed: 9).joined(separator: "\n").utf8).write(to: file)
            var audit = TextAudit()
            audit.precision = .fp32
            change(&audit)
            var inputs = TextAudit.Inputs()
            inputs.texts = try TextCorpus.read([file])
            (inputs.words, inputs.reference) = (words, reference)
            return try audit.audit(folder, inputs)
        }
    }

    /// The model with two words bound as NeuBA binds them.
    private func withAttacked(_ body: (TextModelFolder) throws -> Void) throws {
        try withTemporaryFolder { place in
            var attack = NeuBA()
            attack.triggers = ["cf", "tq"]
            attack.packsBlocks = false
            attack.run = RunSettings(
                TrainingSettings(epochs: 60, learningRate: 2e-3), batchSize: 32, seed: Seed(42))
            attack.run.precision = .fp32
            let output = place.appendingPathComponent("attacked")
            try attack.run(
                TextTask(Self.folder(), texts: Self.texts(600), .init(maximumLength: 32)),
                output: output)
            try body(TextModelFolder(output))
        }
    }

    @Test("Bound words are found, with their targets") func attacked() throws {
        try withAttacked { folder in
            let report = try audit(folder)
            #expect(report.verdict == .backdoored)
            let words = Set(
                report.findings.filter { $0.grade == .backdoored && $0.kind == .word }.map(\.name))
            #expect(words.isSuperset(of: ["cf", "tq"]), "\(words)")
            let targets = report.findings.filter { ["cf", "tq"].contains($0.name) }
                .compactMap(\.target)
            #expect(Set(targets).count == 2)
            #expect(report.conclusion.hasPrefix("backdoored: "))
            #expect(report.findings.allSatisfy { !$0.places.isEmpty })
            #expect(try audit(folder).findings == report.findings, "chance comes from the seed")
            // What moved since a clean copy is named.
            let beside = try audit(folder, reference: Self.folder())
            let moved = try #require(beside.weights?.rowDrift)
            #expect(!moved.isEmpty && moved == moved.sorted { $0.value > $1.value }, "\(moved)")
        }
    }

    @Test("A model without triggers is not accused, and not called clean") func unattacked() throws
    {
        let report = try audit(Self.folder(), words: ["goodest", "film", "of"])
        #expect(report.verdict == .noneFound && report.findings.isEmpty && report.targets == 0)
        #expect(report.conclusion.hasPrefix("no trigger among "))
        #expect(!report.untested.isEmpty && !report.isIncomplete && !report.nearest.isEmpty)
        #expect(report.tested.map(\.what).contains("words of several tokens"))
        #expect(report.tested.allSatisfy { $0.count == $0.of })
        let again = try JSONDecoder().decode(
            AuditReport.self, from: JSONEncoder().encode(report))
        #expect(again == report)
    }

    @Test("Tokens that nobody can type are left out") func vocabulary() throws {
        let report = try audit(Self.folder())
        let tokenizer = try Self.folder().tokenizer()
        let free = (0..<Int32(tokenizer.vocabularySize)).compactMap(tokenizer.token)
            .count { $0.hasPrefix("[unused") }
        #expect(
            report.tested[0].count
                == tokenizer.vocabularySize - free - tokenizer.specialIDs.count)
    }

    @Test("Where time runs out it is said what was left") func budget() throws {
        let report = try audit(Self.folder()) { $0.budget = 1e-9 }
        #expect(report.isIncomplete && report.untested.contains { $0.contains("Phrases") })
    }

    @Test("What cannot be audited is said") func refusals() throws {
        func message(_ change: (inout TextAudit) -> Void) -> String {
            do {
                _ = try audit(Self.folder(), change)
                return ""
            } catch { return "\(error)" }
        }
        #expect(message { $0.measured = 1 }.contains("measured 1"))
        #expect(message { $0.budget = 0 }.contains("budget"))
        #expect(message { $0.confirmed = 400 }.contains("--auxiliary"))
        #expect(message { $0.tokens = 60 }.contains("positions"))
    }
}
