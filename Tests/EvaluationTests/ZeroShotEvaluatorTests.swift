import Attacks
import DataPipeline
import Foundation
import ModelZoo
import TestSupport
import Testing
import TextTokenizers
import Torch
import TorchNN

@testable import Evaluation

@Suite struct ZeroShotEvaluatorTests {
    private static func images(_ count: Int, size: Int = 16) -> PreparedImages {
        var numbers = RandomNumbers(seed: 3)
        return PreparedImages(
            name: "noise",
            pixels: (0..<count * size * size * 3).map { _ in
                UInt8.random(in: 0...255, using: &numbers)
            }, height: size, width: size, labels: (0..<count).map { $0 % 3 },
            classNames: ["a", "b", "c"])
    }

    private static func task(_ images: PreparedImages) throws -> DownstreamImages {
        try DownstreamImages(
            train: nil, test: images, preparation: ImagePreparation(size: 16), paths: (nil, "test"))
    }

    /// The fixtures' small CLIP with a tokenizer.
    private func withModel(_ body: (CLIPFolder) throws -> Void) throws {
        try withTemporaryFolder { scratch in
            try Fixture("clip-tiny").copyModel(to: scratch)
            try TinyPairs.tokenizer().save(to: scratch)
            try body(CLIPFolder(scratch))
        }
    }

    private func evaluator() throws -> ZeroShotEvaluator {
        var evaluator = ZeroShotEvaluator()
        evaluator.prompts = try ClassPrompts(["a {}", "{} b"])
        evaluator.classNames = ["d", "e f", "gh"]
        evaluator.triggers = [PatchTrigger.neuba[0], PatchTrigger.neuba[4]]
        evaluator.precision = .fp32
        return evaluator
    }

    @Test("Rates are what counting by hand gives, and a model is its own floor") func byHand()
        throws
    {
        try withModel { folder in
            let (evaluator, images) = (try evaluator(), Self.images(25))
            var measured: [Int] = []
            let report = try evaluator.evaluate(folder, on: Self.task(images), reference: folder) {
                guard case .measuring(let seed, let done, of: 3) = $0 else { return }
                #expect(seed == nil)
                measured.append(done)
            }
            #expect(measured == [1, 2, 3, 1, 2, 3])
            #expect(report.excessAASR == 0 && report.labelNames == ["a", "b", "c"])
            #expect(report.data.map(\.role) == [.test] && report.data[0].samples == 25)
            #expect(report.sharedSamples == nil && report.seeds.count == 1)
            let result = report.seeds[0]
            #expect(result.seed == nil && result.finalLoss == nil && result.trainSeconds == 0)

            let classifier = try ZeroShotClassifier(
                folder.load(), classNames: ["d", "e f", "gh"], prompts: evaluator.prompts,
                tokenizer: TinyPairs.tokenizer())
            func answers(_ trigger: PatchTrigger?) throws -> [Int] {
                try images.labels.indices.map { index in
                    var batch = images.batch([index])
                    if let trigger { batch = batch.poisoned(by: trigger, number: 0) }
                    let pixels = try folder.processor.normalization(batch, for: classifier)
                    let logits = try classifier.classLogits(pixels, in: .evaluation)
                    return Int(try logits.argmax(-1).values(as: Int64.self)[0])
                }
            }
            let clean = try answers(nil)
            #expect(Set(clean).count > 1, "the model tells some apart")
            #expect(result.accuracy.count == zip(clean, images.labels).count { $0 == $1 })
            for (trigger, found) in zip(evaluator.triggers, result.triggers) {
                let turned = try answers(trigger)
                for label in 0..<3 {
                    let others = images.labels.indices.filter { images.labels[$0] != label }
                    #expect(
                        found.perLabel[label].proportion
                            == Proportion(others.count { turned[$0] == label }, of: others.count))
                }
                #expect(found.flip.count == zip(turned, clean).count { $0 != $1 })
            }
            let data = try JSONEncoder().encode(report)
            #expect(try JSONDecoder().decode(EvaluationReport.self, from: data) == report)
            let text = String(decoding: data, as: UTF8.self)
            #expect(!text.contains("epochs") && !text.contains(#""seed""#))
        }
    }

    @Test("Other names and prompts make other classifiers") func names() throws {
        try withModel { folder in
            var evaluator = try evaluator()
            let task = try Self.task(Self.images(25))
            let before = try evaluator.evaluate(folder, on: task)
            evaluator.classNames = nil
            let after = try evaluator.evaluate(folder, on: task)
            #expect(before.seeds[0].triggers != after.seeds[0].triggers)
            #expect(
                after.settings.samples
                    == .zeroShot(
                        .init(
                            preparation: task.prepared, prompts: evaluator.prompts,
                            classNames: ["a", "b", "c"])))
            evaluator.classNames = ["d", "e"]
            let error = #expect(throws: (any Error).self) {
                try evaluator.evaluate(folder, on: task)
            }
            #expect("\(String(describing: error))".contains("2 names were given for 3 classes"))
        }
    }

    @Test("What is no task is refused") func refusals() throws {
        let unlabelled = PreparedImages(
            name: "plain", pixels: [UInt8](repeating: 0, count: 768), height: 16, width: 16)
        #expect(throws: (any Error).self) { try Self.task(unlabelled) }
        #expect(throws: (any Error).self) { try Self.task(Self.images(3, size: 8)) }
        try withModel { folder in
            let error = #expect(throws: (any Error).self) {
                try evaluator().evaluate(
                    folder, on: Self.task(Self.images(6)), reference: folder,
                    referenceTask: Self.task(Self.images(5)))
            }
            #expect("\(String(describing: error))".contains("give both the same"))
        }
    }
}
