import Files
import Foundation
import JSON

/// Whether the files of an output, and of its input, are those that its proof tells of.
public struct ProofCheck: Sendable, Encodable {
    /// What came of it.
    public enum State: String, Sendable, Codable {
        /// There is no proof.
        case none
        /// Every file is as the proof says.
        case matches
        /// Something is not.
        case differs
    }

    /// What came of it.
    public var state: State
    /// The SHA-256 digest of the proof; nil where there is none that can be read.
    public var digest: String?
    /// Whether the input was compared too.
    public var comparedInput: Bool
    /// What is not as the proof says.
    public var differences: [String] = []
    /// The files of the output that are what they should be although the input has them not, or
    /// otherwise: the proof itself and the card.
    public var accounted: Set<String> = []

    private var claims: Proof.Claims?

    /// A hub adds this one to whatever is put there, and no loader reads it.
    private static let hubFile = ".gitattributes"

    private enum CodingKeys: String, CodingKey {
        case state, digest, comparedInput, differences
    }

    /// Compares `after`, and `before` where it is given, with the proof in `after`.
    ///
    /// - Parameters:
    ///   - before: The input: a folder, or a file alone.
    ///   - after: The output folder, or the weights file in it.
    ///   - attestation: A statement about the output, to be compared too.
    /// - Throws: `FileError` where files cannot be read, and where an attestation is given but there
    ///   is no proof.
    public init(before: URL?, after: URL, attestation: URL? = nil) throws {
        let folder = DigestedFile.isRegularFile(after) ? after.deletingLastPathComponent() : after
        comparedInput = before != nil
        state = .none
        let proof: Proof?
        do { proof = try Proof(in: folder) } catch let error as FileError {
            (state, differences) = (.differs, ["\(Proof.file) \(error.problem)"])
            return
        }
        guard let proof else {
            if let attestation {
                throw FileError(
                    path: attestation.path, "cannot be checked: \(folder.path) has no \(Proof.file)"
                )
            }
            return
        }
        digest = proof.digest
        claims = proof.claims
        try compareOutput(folder, proof)
        if let before { try compareInput(before, proof) }
        if let attestation { try compare(attestation, with: folder, proof) }
        settle()
    }

    /// Compares what the proof says of tensors with what a comparison found.
    public mutating func compare(changed: [Proof.TensorChange], unchanged: Int) {
        guard let claims else { return }
        func names(_ changes: [Proof.TensorChange]) -> Set<String> {
            Set(changes.map { "\($0.file)/\($0.name)" })
        }
        let (found, claimed) = (names(changed), names(claims.changed))
        for name in found.symmetricDifference(claimed).sorted() {
            differences.append(
                "\(name.quotedForMessage) "
                    + (found.contains(name)
                        ? "changed, the proof does not say so"
                        : "did not change, the proof says so"))
        }
        if unchanged != claims.unchanged.tensors {
            differences.append(
                "\(unchanged) tensors are the same, the proof says \(claims.unchanged.tensors)")
        }
        let measured = Dictionary(changed.map { ("\($0.file)/\($0.name)", $0) }) { first, _ in first
        }
        for claim in claims.changed {
            guard let change = measured["\(claim.file)/\(claim.name)"] else { continue }
            let pairs = [(change.difference, claim.difference), (change.norm, claim.norm)]
            // Sums of other lengths on another machine differ in their last digits.
            if pairs.contains(where: { abs($0 - $1) > 1e-6 * max(1, abs($0)) }) {
                differences.append(
                    "\(claim.name.quotedForMessage) changed by another amount than the proof says")
            }
        }
        settle()
    }

    private mutating func settle() {
        state = differences.isEmpty ? .matches : .differs
        if state == .differs { accounted = [] }
    }

    /// What came of it, a line each.
    public var lines: [String] {
        switch state {
        case .none: ["proof: none"]
        case .matches: ["proof: matches" + (comparedInput ? "" : "; the input was not compared")]
        case .differs: ["proof: differs"] + differences.map { "✗ " + $0 }
        }
    }

    private mutating func compareOutput(_ folder: URL, _ proof: Proof) throws {
        var found = try DigestedFile.all(at: folder)
        found.removeAll { $0.name == Proof.file }
        accounted.insert(Proof.file)
        if proof.claims.card.state != .left {
            let isThere = found.contains { $0.name == ModelCard.file }
            found.removeAll { $0.name == ModelCard.file }
            if !isThere {
                differences.append("the card \(ModelCard.file) is missing")
            } else if let problem = try Self.cardProblem(in: folder, proof) {
                differences.append("the card \(ModelCard.file) \(problem)")
            } else {
                accounted.insert(ModelCard.file)
            }
        }
        compare(found, with: proof.claims.outputs, of: "the output")
        let manifest = folder.appendingPathComponent(OutputFolder.manifestName)
        if DigestedFile.isRegularFile(manifest) {
            let data = try BoundedRead.data(of: manifest, atMost: Proof.maximumBytes)
            if data != (try OutputFolder.manifest(of: folder)) {
                differences.append(
                    "\(OutputFolder.manifestName) is not the list of the output’s files")
            }
            accounted.insert(OutputFolder.manifestName)
        }
    }

    private static func cardProblem(in folder: URL, _ proof: Proof) throws -> String? {
        let data = try ProofDraft.card(of: folder) ?? Data()
        do { return try ModelCard(data).contradiction(of: proof) } catch { return "\(error)" }
    }

    private mutating func compareInput(_ before: URL, _ proof: Proof) throws {
        var found = try DigestedFile.all(ofModel: before)
        // A file alone may have been renamed.
        if DigestedFile.isRegularFile(before), let recorded = proof.claims.inputs.model.first,
            proof.claims.inputs.model.count == 1
        {
            found[0].name = recorded.name
        }
        compare(found, with: proof.claims.inputs.model, of: "the input")
        guard accounted.contains(ModelCard.file) else { return }
        let card = proof.claims.card
        let input = DigestedFile.isRegularFile(before) ? nil : try ProofDraft.card(of: before)
        let expected = ModelCard.prepared(
            from: input, ModelCard.Edit(baseModel: card.baseModel))
        if expected.record != card {
            differences.append(
                "the card \(ModelCard.file) is not the input's with what a purification adds")
        }
    }

    private mutating func compare(
        _ found: [DigestedFile], with recorded: [DigestedFile], of side: String
    ) {
        let files = Dictionary(found.map { ($0.name, $0) }) { first, _ in first }
        let names = Set(recorded.map(\.name))
        for record in recorded {
            guard let file = files[record.name] else {
                differences.append("\(side)’s \(record.name.quotedForMessage) is missing")
                continue
            }
            if file != record {
                differences.append(
                    "\(side)’s \(record.name.quotedForMessage) has the SHA-256 \(file.sha256), the "
                        + "proof says \(record.sha256)")
            }
        }
        for file in found where !names.contains(file.name) && file.name != Self.hubFile {
            differences.append("\(side)’s \(file.name.quotedForMessage) is not in the proof")
        }
    }

    private mutating func compare(_ url: URL, with folder: URL, _ proof: Proof) throws {
        let found = try Attestation(reading: url), expected = try Attestation(of: folder, proof)
        guard found.document != expected.document else { return }
        let before = differences.count
        for (name, digests) in [
            ("_type", "its type"), ("subject", "its subjects"), ("predicate", "its predicate"),
        ] where found.document[name] != expected.document[name] {
            differences.append("the attestation: \(digests) are not those of the output")
        }
        if differences.count == before {
            differences.append("the attestation says more than recipe writes")
        }
    }
}
