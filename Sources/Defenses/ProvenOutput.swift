import Checkpoints
import DataPipeline
import Files
import Foundation
import JSON
import ModelZoo
import Provenance
import Randomness
import TensorFormats
import Torch
import TorchNN
import Training

/// The proof of a purification, from what is known before it to the file beside the output.
///
/// Every defense seals its staged output with one, the last thing before the output gets its name.
struct ProvenOutput {
    private let model: ModelFolder
    private let options: ProofOptions
    private let statement: URL
    /// What is known before the first step.
    let draft: ProofDraft

    /// Reads the model's files and all sources.
    ///
    /// - Throws: `FileError` where one cannot be read, ``OutputError`` where a statement stands already
    ///   that may not be replaced.
    init(
        of model: ModelFolder, at output: URL, method: String, settings: some Encodable,
        seed: Seed?, placement: Placement, force: Bool, inputs: Inputs, _ options: ProofOptions
    ) throws {
        self.model = model
        self.options = options
        statement = Attestation.file(of: output.standardizedFileURL)
        if options.attests { try inputs.refuse(output: statement) }
        // What stands there may only be a statement of an output that is replaced.
        if options.attests, FileManager.default.fileExists(atPath: statement.path),
            !force || (try? Attestation(reading: statement)) == nil
        {
            throw OutputError.destinationExists(path: statement.path)
        }
        var draft = try ProofDraft(
            method: method, settings: settings, seed: seed?.value, model: model.root,
            sources: options.sources)
        draft.machine = [
            "device": .string("\(placement.device)"),
            "computeType": .string("\(placement.computeType)"),
            "threads": .integer(Hardware.threadCount),
            "instructionSet": .string(Hardware.instructionSet),
            "libtorch": .string(Hardware.libtorchVersion),
        ]
        draft.card = ModelCard.Edit(
            baseModel: options.baseModel ?? ProofOptions.modelName(inCache: model.root),
            isWanted: options.editsCard)
        draft.warnings = options.warnings
        self.draft = draft
    }

    /// The files that are read, for snapshots.
    var inputs: RunInputs { RunInputs(model: draft.model, sources: draft.sources) }

    /// Writes proof and card into a staged output.
    func seal(
        _ staging: URL, _ written: ModelFolder.WriteReport, data: DataDigest?, metrics: JSONObject,
        warnings: [String] = []
    ) throws -> Proof {
        var draft = draft
        (draft.changed, draft.unchanged) = try compare(with: staging)
        // What was made of them is in their places anew.
        draft.leftOut = written.omitted.filter { $0.kind != .record }.map {
            ProofDraft.LeftOut(name: $0.file, reason: $0.reason)
        }
        if let data { draft.data = try JSONValue(encoding: data).object ?? [:] }
        draft.metrics = metrics
        draft.warnings += written.remarks.map(\.description) + warnings
        return try draft.seal(staging)
    }

    /// Gives the output its name and writes the statement beside it, where one is asked for; else
    /// takes away one of the output that was replaced.
    func commit(_ output: OutputFolder, _ proof: Proof) throws {
        let data = options.attests ? try Attestation(of: output.staging, proof).data() : nil
        // Written before, for a disk that is full is better found while nothing stands yet.
        let file = try data.map { data in
            let file = try AtomicFile(statement)
            try data.withUnsafeBytes { try file.write($0) }
            return file
        }
        try output.commit()
        if let file {
            try file.commit()
        } else if (try? Attestation(reading: statement)) != nil {
            try FileManager.default.removeItem(at: statement)
        }
    }

    // MARK: What changed

    /// Each tensor whose bytes differ, and the digest of all others.
    private func compare(
        with staging: URL
    ) throws -> ([Proof.TensorChange], Proof.Claims.Unchanged) {
        var changed: [Proof.TensorChange] = []
        var unchanged: [DigestedFile] = []
        for before in ([model.weights] + model.twins).flatMap(\.archives) {
            let file = model.path(of: before.url)
            let after = try TensorArchive.open(staging.appendingPathComponent(file))
            for old in before.tensors {
                guard let new = after[old.name] else {
                    throw CheckpointError(after.url, "has no ‘\(old.name)’, which its input has")
                }
                if old.bytes.hasSameBytes(as: new.bytes) {
                    unchanged.append(DigestedFile(name: "\(file)/\(old.name)", tensor: new))
                } else {
                    changed.append(try Proof.TensorChange(old, new, in: file))
                }
            }
        }
        return (
            changed.sorted {
                DigestedFile.precedes("\($0.file)/\($0.name)", "\($1.file)/\($1.name)")
            },
            Proof.Claims.Unchanged(
                tensors: unchanged.count, sha256: DigestedFile.digest(of: unchanged))
        )
    }
}

extension DigestedFile {
    fileprivate init(name: String, tensor: StoredTensor) {
        var digest = ContentDigest()
        tensor.bytes.withUnsafeBytes { digest.update($0) }
        self.init(name: name, size: tensor.bytes.count, sha256: digest.finish())
    }
}

extension Proof.TensorChange {
    fileprivate init(_ old: StoredTensor, _ new: StoredTensor, in file: String) throws {
        let before = try old.tensor().cast(to: .float64)
        let after = try new.tensor().cast(to: .float64)
        let size = try before.norm().item()
        let norm = size == 0 ? 1 : size
        let difference = try (after - before).norm().item() / norm
        let ratio = try after.norm().item() / norm
        guard difference.isFinite, ratio.isFinite else {
            throw TrainingError("‘\(old.name)’ in \(file) holds values that are not finite")
        }
        self.init(file: file, name: old.name, difference: difference, norm: ratio)
    }
}

extension Caveat {
    /// The caveat without what differs from one machine's folders to another's.
    var forProof: String {
        id == .filesPassedOver
            ? "\(id.rawValue): \(figure.map { String(format: "%.0f", $0) } ?? "some")"
            : "\(id.rawValue): \(text)"
    }
}

extension TrainingRun {
    /// How a run has gone so far, as a proof says it.
    func metrics() throws -> JSONObject {
        var metrics: JSONObject = [
            "steps": .integer(stepsDone), "plannedSteps": .integer(totalSteps),
            "stoppedAt": try stoppedAt.map { try JSONValue(encoding: $0) } ?? .null,
            "firstStep": try JSONValue(encoding: history.first ?? [:]),
            "lastStep": try JSONValue(encoding: history.last ?? [:]),
            "norms": try JSONValue(encoding: watchedNorms()),
        ]
        if !acceptedChanges.isEmpty {
            metrics["acceptedChanges"] = try JSONValue(encoding: acceptedChanges)
        }
        return metrics
    }
}
