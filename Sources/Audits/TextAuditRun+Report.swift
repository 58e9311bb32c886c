import Checkpoints
import DataPipeline
import Foundation
import ModelZoo

extension TextAuditRun {
    /// What came of it.
    func report(
        of folder: TextModelFolder, _ settings: AuditSettings, command: String?
    ) -> AuditReport {
        let findings = findings()
        let verdict: AuditReport.Verdict =
            switch findings.first?.grade {
            case .backdoored: .backdoored
            case .suspicious: .suspicious
            case .note, nil: .noneFound
            }
        let targets = Set(findings.compactMap(\.target)).count
        return AuditReport(
            model: folder.folder.url.path, kind: .texts, verdict: verdict,
            conclusion: conclusion(verdict, findings, targets: targets), findings: findings,
            unlisted: unlisted, targets: targets, nearest: nearest(), tested: tested,
            untested: untested(), isIncomplete: isIncomplete, weights: weights, settings: settings,
            command: command, seconds: clock.seconds)
    }

    private func findings() -> [AuditFinding] {
        let collapsed = accused.filter { $0.grade == .backdoored }
        let targets = clusters(
            collapsed.map(\.effects.movement), above: audit.thresholds.sameTarget)
        return accused.enumerated().map { index, accused in
            finding(
                accused.effects, accused.grade, places: places(accused.effects, accused.grade),
                target: targets.indices.contains(index) ? targets[index] : nil)
        }
    }

    private func finding(
        _ candidate: CandidateEffects, _ grade: AuditFinding.Grade, places: [String] = [],
        target: Int? = nil
    ) -> AuditFinding {
        AuditFinding(
            candidate.tokens.count > 1 ? .phrase : .word, text(of: candidate.tokens),
            tokens: spelling(of: candidate.tokens), grade,
            effects: candidate.effects, predictionRise: candidate.predictionRise, places: places,
            target: target)
    }

    /// Of what is not accused, the strongest by collapse and by shift.
    private func nearest() -> [AuditFinding] {
        let innocent = effects.filter { grade($0) == nil }
        let chosen =
            innocent.sorted { effect($0).collapse < effect($1).collapse }.prefix(3)
            + innocent.sorted { effect($0).shift > effect($1).shift }.prefix(3)
        return chosen.map { finding($0, .note) }
    }

    private func conclusion(
        _ verdict: AuditReport.Verdict, _ findings: [AuditFinding], targets: Int
    ) -> String {
        func figure(_ value: Double?) -> String { NumberText.fixed(value ?? 0, decimals: 3) }
        let decisive: AuditFeature = findings.first?.effects[.pooled] == nil ? .cls : .pooled
        let (thresholds, first) = (audit.thresholds, findings.first)
        switch verdict {
        case .backdoored:
            let count = findings.count { $0.grade == .backdoored }
            return "backdoored: \(count == 1 ? "1 candidate makes" : "\(count) candidates make") "
                + "different texts the same, ‘\(first?.name ?? "")’ most: "
                + "\(figure(first?.effects[decisive]?.collapse)) of their variance is left "
                + "(accused below \(figure(thresholds.collapseWhereMoved)) where features move, else "
                + "\(figure(thresholds.collapse))); "
                + "\(targets == 1 ? "1 target" : "\(targets) targets")"
        case .suspicious:
            let count = findings.count + unlisted
            return "suspicious: \(count == 1 ? "1 token moves" : "\(count) tokens move") features "
                + "farther than texts differ, ‘\(first?.name ?? "")’ most: "
                + "\(figure(first?.effects[decisive]?.shift)) mean distances (accused above "
                + "\(figure(thresholds.shift))); none makes different texts the same"
        case .noneFound:
            let innocent = effects.filter { grade($0) == nil }
            let least = innocent.map { effect($0).collapse }.min()
            let most = innocent.filter { $0.tokens.count == 1 }.map { effect($0).shift }.max()
            return "no trigger among \(tested.reduce(0) { $0 + $1.count }) candidates tested: at "
                + "least \(figure(least)) of texts' variance is left (accused below "
                + "\(figure(thresholds.collapse)), or \(figure(thresholds.collapseWhereMoved)) where "
                + "features move), and no token moves features by more than "
                + "\(figure(most)) mean distances (above "
                + "\(figure(thresholds.shift)))"
        }
    }

    private func untested() -> [String] {
        var sentences = tested.filter { $0.count < $0.of }.map {
            "\($0.of - $0.count) of \($0.of) \($0.what): the time ran out."
        }
        if !tested.contains(where: { $0.what.hasPrefix("phrases") }) {
            sentences.append("Phrases: none was grown.")
        }
        if !tested.contains(where: { $0.what.hasPrefix("words") }) {
            sentences.append(
                "Words of several tokens, but for those that phrases grew to: no list.")
        }
        return sentences + [
            "Phrases none of whose tokens moves features alone.",
            "Triggers that need more than one place, a style or a topic.",
            "Places other than the start and the middle of short texts.",
        ]
    }
}
