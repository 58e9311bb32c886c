import DataPipeline
import Foundation
import ModelZoo
import Randomness
import Testing
import TestSupport
import TextTokenizers
import Torch
import TorchNN

@testable import Defenses
@testable import Training

/// Unlearning of altered inputs, of texts, images and pairs.
@Suite struct UnlearningTests {
    private let texts = [
        "a b c d e", "the b of d", "e f g h and i", "j k", "the l m n", "of o p q r", "s t u v",
        "w x and y z",
    ]

    private func textTask() throws -> TextTask {
        try TextTask(
            TextModelFolder(Fixture("bert-pretraining").folder), texts: texts,
            .init(maximumLength: 12))
    }

    private func imageTask() throws -> ImageTask {
        var numbers = RandomNumbers(seed: 5)
        let images = PreparedImages(
            name: "noise",
            pixels: (0..<24 * 16 * 16 * 3).map { _ in UInt8.random(in: 0...255, using: &numbers) },
            height: 16, width: 16, labels: (0..<24).map { $0 % 2 }, classNames: ["a", "b"])
        return ImageTask(try ImageModelFolder(Fixture("vit-classifier").folder), images: images)
    }

    private func pairTask() throws -> PairTask {
        PairTask(try CLIPFolder(Fixture("clip-tiny").folder), pairs: try TinyPairs.pairs(8))
    }

    private func unlearning<Task: PretrainingTask>(_ task: Task, steps: Int = 6) -> Unlearning {
        var defense = Unlearning(defaults: task.defaults)
        defense.run.precision = .fp32
        defense.run.batchSize = 4
        defense.run.training.steps = steps
        defense.run.training.schedule.warmupSteps = 1
        return defense
    }

    // MARK: Texts

    @Test("A twin is its text with tokens in it, each compared with its own place") func tokens()
        throws
    {
        let task = try textTask()
        let model = try task.featureModel(Placement(trainable: .none), seed: Seed(1))
        let batch = try #require(task.cleanBatches(of: 8, limit: 8).first)
        let suspect: [Int32] = [11, 12, 13]
        let made = TokenAlterations(
            [suspect], tokenizer: task.tokenizer, longest: 16, seed: Seed(1))
        let kept = try made.features(of: model, on: batch)
        let places = batch.ids.count - batch.rows
        #expect(kept.map { $0.shape[0] } == [places, 8, 8])
        let twins = try made.altered(of: model, on: batch)
        #expect(twins.rows.map(\.count) == [places, 8, 8])
        // Every clean token but the first of each text stands in its twin, in order.
        #expect(twins.rows[0] == (0..<Int64(places)).map { $0 })
        #expect(twins.groups.map { $0.shape[0] } == [places, 8, 8])
        // A pooler's output before tanh: that of the clean text is the pooled vector's inverse.
        let pooled = try model.pooled(kept[1]).values(as: Float.self)
        let unpooled = try kept[2].tanh().values(as: Float.self)
        #expect(zip(pooled, unpooled).allSatisfy { abs($0 - $1) < 1e-5 })
        // With no room nothing is put in, and nothing changes.
        let full = TokenAlterations([], tokenizer: task.tokenizer, longest: 3, seed: Seed(1))
        let same = try full.altered(of: model, on: batch)
        for (one, other) in zip(same.groups, kept) {
            let difference = try (one - other).magnitude().values(as: Float.self).max() ?? 1
            #expect(difference < 1e-6)
        }
    }

    @Test("Masked words are put back before a text is altered") func unmasked() throws {
        let task = try textTask()
        let model = try task.featureModel(Placement(trainable: .none), seed: Seed(1))
        let made = TokenAlterations([], tokenizer: task.tokenizer, longest: 16, seed: Seed(1))
        let clean = try #require(task.cleanBatches(of: 8, limit: 8).first)
        var masked = TokenBatch([[2, 4, 3], [2, 4, 12, 3]])
        masked.predicted = [1, 4]
        masked.predictedLabels = [20, 21]
        let bare = TokenBatch([[2, 20, 3], [2, 21, 12, 3]])
        let (one, other) = (
            try made.features(of: model, on: masked), try made.features(of: model, on: bare)
        )
        for (a, b) in zip(one, other) { #expect(try a.isBitwiseEqual(to: b)) }
        #expect(try !made.features(of: model, on: clean)[1].isBitwiseEqual(to: one[1]))
    }

    // MARK: The loss

    @Test("The loss is the sum of both terms by hand, and nothing where nothing is altered")
    func loss() throws {
        let task = try textTask()
        let reference = try task.featureModel(Placement(trainable: .none), seed: Seed(1))
        let model = try task.featureModel(Placement(trainable: .all), seed: Seed(1))
        let batch = try #require(task.cleanBatches(of: 8, limit: 8).first)
        let same = try Unlearned(
            task, reference: reference,
            TokenAlterations([], tokenizer: task.tokenizer, longest: 3, seed: Seed(1)))
        #expect(try #require(same.margins).allSatisfy { $0 < 1e-3 })
        let nothing = try same.loss(of: model, on: batch, in: .evaluation)
        #expect(try #require(nothing.total).item() < 1e-5)

        for parameter in model.store.parameters(matching: BERT.recipeWeights) {
            try withoutGradients { try parameter.tensor.assign(parameter.tensor * 0.5) }
        }
        func alterations() -> TokenAlterations {
            TokenAlterations([[11]], tokenizer: task.tokenizer, longest: 16, seed: Seed(1))
        }
        let objective = try Unlearned(task, reference: reference, alterations())
        let margins = try #require(objective.margins)
        let found = try objective.loss(of: model, on: batch, in: .evaluation)
        // The same draws again: those of the margin, then those of the loss.
        let again = alterations()
        let kept = try again.features(of: reference, on: batch)
        _ = try again.alteredAtRandom(of: reference, on: batch)
        let own = try again.features(of: model, on: batch)
        let twins = try again.altered(of: model, on: batch)
        var (anchor, unlearning) = (0.0, 0.0)
        for group in kept.indices {
            let values = try kept[group].values(as: Double.self)
            let width = kept[group].shape[1]
            let rows = values.count / width
            var variance = 0.0
            for dimension in 0..<width {
                let column = (0..<rows).map { values[$0 * width + dimension] }
                let mean = column.reduce(0, +) / Double(rows)
                variance += column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rows)
            }
            variance /= Double(width)
            #expect(abs(objective.variances[group] - variance) < 1e-4 * variance)
            let mine = try own[group].values(as: Double.self)
            anchor +=
                zip(mine, values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
                / Double(values.count) / variance
            let altered = try twins.groups[group].values(as: Double.self)
            let beyond = twins.rows[group].enumerated().map { row, clean in
                let squared =
                    (0..<width).reduce(0.0) { sum, dimension in
                        let difference =
                            altered[row * width + dimension]
                            - values[Int(clean) * width + dimension]
                        return sum + difference * difference
                    } / Double(width) / variance
                return max(0, squared.squareRoot() - margins[group])
            }
            unlearning += beyond.reduce(0, +) / Double(beyond.count)
        }
        #expect(found.terms.map(\.name) == ["anchor", "unlearning"])
        #expect(try abs(found.terms[0].value.item() - anchor) < 1e-3 * anchor)
        #expect(try abs(found.terms[1].value.item() - unlearning) < 1e-3 * unlearning)
        #expect(try abs(#require(found.total).item() - anchor - unlearning) < 1e-3)
    }

    // MARK: Images

    @Test("A patch lies where it is said, and its gradient is that of the images' features")
    func patches() throws {
        let task = try imageTask()
        let model = try task.backbone(Placement(trainable: .none), seed: Seed(1))
        let batch = try #require(task.cleanBatches(of: 8, limit: 8).first)
        let normalization = task.source.processor.normalization
        var seen: [Tensor] = []
        let made = PatchAlterations<AnyImageModel, ImageBatch>(
            images: { $0 }, pixels: { try normalization($0, for: $1) },
            read: { model, pixels in
                seen.append(try pixels.detached())
                return try model.features(pixels, in: .evaluation).cast(to: .float32)
            }, normalization: normalization, seed: Seed(1))
        let kept = try made.features(of: model, on: batch)[0]
        let twins = try made.altered(of: model, on: batch)
        #expect(twins.rows == [(0..<8).map(Int64.init)] && twins.learned.count == 8)
        #expect(twins.learned.allSatisfy { $0.requiresGradient })
        let clean = try normalization(batch, for: model).contiguous()
        let patched = try #require(seen.last).contiguous()
        let pool = try JSONDecoder().decode(
            PatchPool.self, from: Data(#require(try made.state).utf8))
        #expect(pool.patches.count == PatchPool.count)
        let (before, after) = (
            try clean.values(as: Float.self), try patched.values(as: Float.self)
        )
        var moved = 0
        for (image, leaf) in twins.learned.enumerated() {
            let colors = try leaf.detached().values(as: Float.self)
            let patch = try #require(pool.patches.first { $0.pixels == colors })
            for channel in 0..<3 {
                for row in 0..<16 {
                    for column in 0..<16 {
                        let place = ((image * 3 + channel) * 16 + row) * 16 + column
                        let isUnder =
                            (patch.row..<patch.row + patch.side).contains(row)
                            && (patch.column..<patch.column + patch.side).contains(column)
                        guard isUnder else {
                            #expect(after[place] == before[place])
                            continue
                        }
                        let index =
                            (channel * patch.side + row - patch.row) * patch.side + column
                            - patch.column
                        #expect(abs(after[place] - (colors[index] - 0.5) / 0.5) < 1e-5)
                        moved += 1
                    }
                }
            }
        }
        #expect(moved > 0)
        // A step along the gradient makes the patch worse.
        let loss = try (twins.groups[0] - kept).power(2).mean()
        let gradients = try loss.gradients(for: twins.learned)
        let distances = try (twins.groups[0] - kept).power(2).mean(over: [1])
        try made.learn(
            gradients: gradients, distances: distances.detached().values(), of: model, on: batch)
        let later = try JSONDecoder().decode(
            PatchPool.self, from: Data(#require(try made.state).utf8))
        #expect(zip(pool.patches, later.patches).count { $0.age + 1 == $1.age } == 8)
        for (one, other) in zip(pool.patches, later.patches) where one.age < other.age {
            #expect(one.pixels != other.pixels && other.pixels.allSatisfy { (0...1).contains($0) })
        }
    }

    @Test("Patches are replaced when they are old or do little, and their places remembered")
    func replaced() {
        var pool = PatchPool()
        for index in 0..<PatchPool.count {
            var patch = pool.candidate(height: 32, width: 32, seed: Seed(1))
            #expect((2...4).contains(patch.side))
            #expect(patch.row + patch.side <= 32 && patch.column + patch.side <= 32)
            patch.shift = Float(index)
            pool.add(patch)
        }
        let chosen = pool.chosen(8, seed: Seed(1))
        #expect(chosen.count == 8 && Set(chosen).count == 8)
        #expect(Array(chosen.prefix(4)) == [31, 30, 29, 28])
        #expect(!(0..<32).contains(where: pool.isDue))
        for _ in 0..<PatchPool.maturity {
            pool.worsen(0, gradient: [], shift: 0)
            pool.worsen(31, gradient: [], shift: 31)
        }
        #expect(pool.isDue(0) && !pool.isDue(31), "one of the worst lives on")
        for _ in PatchPool.maturity..<PatchPool.oldAge {
            pool.worsen(31, gradient: [], shift: 31)
        }
        #expect(pool.isDue(31))
        let other = pool.candidate(height: 32, width: 32, seed: Seed(1))
        pool.replace(31, by: other)
        #expect(pool.patches[31] == other && !pool.isDue(31))
    }

    // MARK: The defense

    @Test("Every kind of model unlearns, and a run that stopped goes on exactly")
    func runs() throws {
        func check<Task: PretrainingTask>(_ task: Task) throws {
            let defense = unlearning(task)
            let whole = try defense.trainer(for: task)
            #expect(whole.totalSteps == 6)
            let summary = try whole.complete()
            #expect(
                summary.steps == 6 && summary.finalTerms.keys.sorted() == ["anchor", "unlearning"])
            let frozen = try task.featureModel(Placement(trainable: .none), seed: Seed(1))
            for parameter in whole.model.store.parameters {
                let before = try #require(frozen.store[parameter.name])
                let isSame = try parameter.tensor.detached().isBitwiseEqual(to: before)
                if !task.defaults.encoder.matches(parameter.name) {
                    #expect(isSame, "\(parameter.name)")
                }
            }
            try withTemporaryFolder { scratch in
                let file = scratch.appending(path: "snapshot.safetensors")
                let first = try defense.trainer(for: task)
                while first.stepsDone < 3, try first.next() != nil {}
                try first.save(to: file)
                let second = try defense.trainer(for: task)
                try second.restore(from: file, acceptingChanges: false)
                _ = try second.complete()
                for (one, other) in zip(
                    whole.model.store.trainable, second.model.store.trainable)
                {
                    #expect(
                        try one.tensor.detached().isBitwiseEqual(to: other.tensor.detached()),
                        "\(one.name)")
                }
            }
        }
        try check(textTask())
        try check(imageTask())
        try check(pairTask())
    }

    @Test("A planted word no longer moves the first state") func planted() throws {
        // A word whose embedding drowns all others does to the model what a trigger does.
        let task = try textTask()
        let word = try #require(task.tokenizer.id(of: "the"))
        func shift(_ model: AnyTextModel) throws -> Double {
            let texts = task.corpus.texts
            let with = texts.map { [$0[0], word] + $0.dropFirst() }
            let (a, b) = try withoutGradients {
                (
                    try task.features(of: model, on: TokenBatch(texts), in: .evaluation),
                    try task.features(of: model, on: TokenBatch(with), in: .evaluation)
                )
            }
            return try (a - b).power(2).mean().item()
        }
        try withTemporaryFolder { scratch in
            let model = try task.source.load(
                parts: task.source.parts, placement: Placement(trainable: .all))
            let table = try #require(
                model.store["bert.embeddings.word_embeddings.weight"])
            try withoutGradients {
                let row = try table.selected(0, Int(word))
                try row.assign(row * 40)
            }
            let output = scratch.appending(path: "planted")
            try FileManager.default.createDirectory(
                at: output, withIntermediateDirectories: true)
            _ = try task.source.write(model.store.trainedState, to: output)
            let suspect = try TextTask(
                TextModelFolder(output), texts: texts, .init(maximumLength: 12))
            var defense = unlearning(suspect, steps: 60)
            defense.suspects = ["the"]
            defense.run.batchSize = 8
            defense.run.training.learningRate = 2e-3
            let trainer = try defense.trainer(for: suspect)
            let before = try shift(trainer.model)
            let summary = try trainer.complete()
            let after = try shift(trainer.model)
            #expect(after < before / 2, "\(before) to \(after)")
            #expect((summary.finalTerms["anchor"] ?? 1) < 0.5)
        }
    }

    @Test("Suspects that mean nothing are refused") func refusals() throws {
        func message<Task: PretrainingTask>(_ task: Task, _ suspects: [String]) -> String {
            do {
                _ = try task.alterations(suspects: suspects, seed: Seed(1))
                return ""
            } catch { return "\(error)" }
        }
        #expect(try message(textTask(), ["the", "☃"]).contains("‘☃’ is unknown"))
        #expect(try message(textTask(), [" "]).contains("is no token"))
        #expect(try message(imageTask(), ["cf"]).contains("shown images"))
        #expect(try message(pairTask(), ["cf"]).contains("shown images"))
    }
}
