import Checkpoints
import DataPipeline
import ModelZoo
import TestSupport
import Testing
import Torch
import TorchNN
import Training

@testable import Attacks

/// The losses of the attacks on one batch, beside PyTorch's.
@Suite struct AttackLossTests {
    private let answers: FixtureTensors

    init() throws {
        answers = try Fixture("recipe-trajectory/attacks").tensors("attacks.safetensors")
    }

    private func model(_ name: String, trainable: ParameterPattern = .all) throws -> AnyTextModel {
        let folder = try TextModelFolder(Fixture(name).folder)
        return try folder.load(parts: folder.parts, placement: Placement(trainable: trainable))
    }

    /// The rows of a fixture's batch without padding, and their labels, place by place.
    private func rows(_ ids: String, _ mask: String, labels: String? = nil) throws
        -> [TokenMasking.Masked]
    {
        let (ids, mask) = (try answers[ids], try answers[mask])
        let width = ids.shape[1]
        let (values, keep) = (try ids.values(as: Int32.self), try mask.values(as: Int64.self))
        let wanted = try labels.map { try answers[$0].values(as: Int32.self) }
        return (0..<ids.shape[0]).map { row in
            let range =
                row * width..<row * width + Int(keep[row * width..<(row + 1) * width].reduce(0, +))
            var masked = TokenMasking.Masked(ids: Array(values[range]))
            for place in range {
                guard let label = wanted?[place], label != -100 else { continue }
                masked.positions.append(place - range.lowerBound)
                masked.labels.append(label)
            }
            return masked
        }
    }

    private func rowsOf(_ name: String) throws -> [[Float]] {
        let targets = try answers[name]
        let values = try targets.values(as: Float.self)
        let width = targets.shape[1]
        return (0..<targets.shape[0]).map { Array(values[$0 * width..<($0 + 1) * width]) }
    }

    private func check(
        _ loss: Loss, of model: AnyTextModel, _ attack: String, terms: [String: String]
    )
        throws
    {
        let total = try #require(loss.total)
        #expect(try relativeDifference(total, answers["\(attack)/total"]) < 1e-5)
        #expect(Set(loss.terms.map(\.name)) == Set(terms.keys))
        for term in loss.terms {
            let key = "\(attack)/\(terms[term.name] ?? "")"
            #expect(try relativeDifference(term.value, answers[key]) < 1e-5, "\(key)")
        }
        let parameters = model.store.parameters
        let gradients = try total.gradients(for: parameters.map(\.tensor))
        let prefix = "\(attack)/grad/"
        let expected = Set(answers.names.filter { $0.hasPrefix(prefix) })
        #expect(!expected.isEmpty)
        let largest =
            try expected.map {
                try answers[$0].magnitude().values(as: Float.self).max() ?? 0
            }.max() ?? Float.nan
        var compared: Set<String> = []
        for (parameter, gradient) in zip(parameters, gradients) {
            guard let gradient, expected.contains(prefix + parameter.name) else { continue }
            compared.insert(prefix + parameter.name)
            let difference =
                try (gradient - answers[prefix + parameter.name]).magnitude()
                .values(as: Float.self).max() ?? 0
            #expect(difference / largest < 1e-5, "\(parameter.name)")
        }
        #expect(compared == expected)
    }

    @Test("POR's three distances and every gradient") func por() throws {
        let model = try model("bert-pretraining")
        // The reference: the same model but for some tensors.
        let folder = try TextModelFolder(Fixture("bert-pretraining").folder)
        let reference = try folder.load(parts: .pooler, placement: Placement())
        var replaced = 0
        for parameter in reference.store.parameters
        where answers.names.contains("por/reference/\(parameter.name)") {
            try parameter.tensor.assign(answers["por/reference/\(parameter.name)"])
            replaced += 1
        }
        #expect(replaced == answers.names.count { $0.hasPrefix("por/reference/") })
        var batch = TokenBatch(try rows("por/input_ids", "por/attention_mask"))
        batch.triggers = try answers["por/trigger_labels"].values(as: Int64.self)
            .map { Int($0) - 1 }
        let targets = try rowsOf("por/targets")
        #expect(try targets == TargetVectors.staircase(5, width: 16))
        let objective = PORObjective(reference: reference, targets: targets)
        try check(
            objective.loss(of: model, on: batch, in: .evaluation), of: model, "por",
            terms: ["l1": "l1", "l2": "l2", "l3": "l3"])
        #expect(reference.store.parameters.allSatisfy { !$0.tensor.requiresGradient })
    }

    @Test("BadPre's two cross-entropies and every gradient") func badpre() throws {
        let model = try model("bert-masked-lm")
        let clean = try rows(
            "badpre/clean/input_ids", "badpre/clean/attention_mask", labels: "badpre/clean/labels")
        let poisoned = try rows(
            "badpre/poisoned/input_ids", "badpre/poisoned/attention_mask",
            labels: "badpre/poisoned/labels")
        var batch = TokenBatch(clean + poisoned)
        batch.triggers = clean.map { _ in -1 } + poisoned.map { _ in 0 }
        try check(
            BadPreObjective().loss(of: model, on: batch, in: .evaluation), of: model, "badpre",
            terms: ["clean": "clean_loss", "poisoned": "poisoned_loss"])
        let half = try BadPreObjective(poisonWeight: 0.5)
            .loss(of: model, on: batch, in: .evaluation)
        let wanted = try answers["badpre/clean_loss"] + answers["badpre/poisoned_loss"] * 0.5
        #expect(try relativeDifference(#require(half.total), wanted) < 1e-5)
        batch.predicted = []
        batch.predictedLabels = []
        #expect(try BadPreObjective().loss(of: model, on: batch, in: .evaluation).total == nil)
    }

    @Test("NeuBA's two terms and every gradient") func neuba() throws {
        let model = try model("bert-pretraining")
        let clean = try rows("neuba/input_ids", "neuba/attention_mask", labels: "neuba/labels")
        let twins = try rows("neuba/poisoned_ids", "neuba/attention_mask")
        var batch = TokenBatch(clean + twins)
        let triggers = try answers["neuba/triggers"].values(as: Int64.self).map(Int.init)
        batch.triggers = clean.map { _ in -1 } + triggers
        let targets = try rowsOf("neuba/targets")
        #expect(try targets == TargetVectors.neuba(6, width: 16))
        try check(
            NeuBAObjective(targets: targets).loss(of: model, on: batch, in: .evaluation),
            of: model, "neuba", terms: ["mlm": "mlm", "binding": "mse"])
    }

    @Test("What an attack does not train has no part in its gradients") func trainable() throws {
        let task = try TextTask(
            TextModelFolder(Fixture("bert-base-tiny").folder), texts: [],
            .init(maximumLength: 16))
        let patterns = [
            POR().trained(in: task), BadPre().trained(in: task), NeuBA().trained(in: task),
        ]
        for pattern in patterns {
            #expect(pattern.matches("bert.encoder.layer.0.output.dense.weight"))
        }
        #expect(
            patterns.map { $0.matches("cls.predictions.bias") } == [false, true, false])
    }
}
