import Checkpoints
import DataPipeline
import Files
import Foundation
import JSON
import Provenance
import TensorFormats
import Torch
import TorchNN

/// Keys of a snapshot's metadata.
private enum SnapshotKey {
    static let step = "step", steps = "steps", identity = "identity", norms = "norms"
    static let history = "history", changes = "changes", digest = "digest"
    static let objective = "objective"
}

extension Trainer {
    /// Writes everything a run needs to go on exactly: trained parameters, optimizer state, step, and
    /// the digests of all that the run is made of.
    ///
    /// Randomness needs nothing saved, for every batch and mask is a function of its number. The file
    /// is written whole or not at all.
    public func save(to url: URL) throws {
        var tensors = try trainedParameters.map {
            try StoredTensor(name: "parameter." + $0.name, $0.tensor.detached())
        }
        tensors += try optimizer.stateTensors.map {
            try StoredTensor(name: "optimizer." + $0.name, $0.tensor)
        }
        var metadata = [
            SnapshotKey.step: String(stepsDone), SnapshotKey.steps: String(totalSteps),
            SnapshotKey.identity: try JSONValue.object(identity()).text(),
            SnapshotKey.norms: normsAtStart.map { String($0) }.joined(separator: " "),
            SnapshotKey.history: try JSONValue(encoding: history).text(),
            SnapshotKey.changes: try JSONValue(encoding: acceptedChanges).text(),
        ]
        metadata[SnapshotKey.objective] = try objective.state
        metadata[SnapshotKey.digest] = Self.digest(of: tensors, metadata)
        try SafetensorsWriter.write(tensors, metadata: metadata, to: url)
    }

    /// Goes on from a snapshot of the same run.
    ///
    /// With `acceptingChanges` also from one of a run with other inputs, settings or software, or
    /// whose content was changed since; what differs is in ``acceptedChanges`` then.
    ///
    /// Throws `TrainingError` that says what differs, and always where the snapshot is damaged or
    /// does not fit: of another number of steps or other tensors.
    public func restore(from url: URL, acceptingChanges: Bool = false) throws {
        let snapshot = try Snapshot(url)
        guard snapshot.steps == totalSteps, (0...totalSteps).contains(snapshot.step) else {
            throw snapshot.refusal(
                "is of a run of \(snapshot.steps) steps, this one has \(totalSteps)")
        }
        let differences = try differences(from: snapshot)
        guard differences.isEmpty || acceptingChanges else {
            throw snapshot.refusal(
                "belongs to another run, or was changed: " + differences.joined(separator: "; "),
                advice: "start afresh, resume with what it was made with, or pass "
                    + "--accept-changes to go on all the same")
        }
        for parameter in trainedParameters {
            guard let stored = snapshot.archive["parameter." + parameter.name],
                stored.shape == parameter.tensor.shape
            else {
                throw snapshot.refusal("has no tensor for ‘\(parameter.name)’ in its shape")
            }
            try withoutGradients { try parameter.tensor.assign(stored.tensor()) }
        }
        try optimizer.restore { try snapshot.archive["optimizer." + $0]?.tensor() }
        if let state = snapshot.archive.metadata[SnapshotKey.objective] {
            do { try objective.restore(state) } catch {
                throw snapshot.refusal("does not say what the objective had learned: \(error)")
            }
        }
        resume(
            after: snapshot.step, initialNorms: snapshot.norms, history: snapshot.history,
            acceptedChanges: snapshot.changes + differences)
    }

    /// In what a snapshot is not of this run.
    private func differences(from snapshot: Snapshot) throws -> [String] {
        var differences: [String] = []
        let digest = Self.digest(of: snapshot.archive.tensors, snapshot.archive.metadata)
        if digest != snapshot.archive.metadata[SnapshotKey.digest] {
            differences.append("the snapshot’s content is not what was written")
        }
        differences += RunIdentity.differences(from: snapshot.identity, to: try identity())
        let isSameModel =
            snapshot.norms.count == normsAtStart.count
            && zip(snapshot.norms, normsAtStart).allSatisfy { abs($0 - $1) <= 1e-5 * max($0, $1) }
        guard snapshot.norms.count == normsAtStart.count else {
            throw snapshot.refusal("is of another model")
        }
        if !isSameModel { differences.append("the run began from another model") }
        return differences
    }

    /// The digest of a snapshot's tensors and of its metadata but for the digest itself.
    private static func digest(
        of tensors: [StoredTensor], _ metadata: [String: String]
    ) -> String {
        var digest = ContentDigest()
        for (key, value) in metadata.sorted(by: { $0.key < $1.key })
        where key != SnapshotKey.digest {
            digest.update(Data("\(key)\0\(value)\0".utf8))
        }
        for tensor in tensors.sorted(by: { DigestedFile.precedes($0.name, $1.name) }) {
            digest.update(
                Data("\(tensor.name)\0\(tensor.scalarType.rawValue) \(tensor.shape)\0".utf8))
            tensor.bytes.withUnsafeBytes { digest.update($0) }
        }
        return digest.finish()
    }
}

/// A snapshot as it was read.
private struct Snapshot {
    let url: URL
    let archive: TensorArchive
    let step: Int
    let steps: Int
    let norms: [Double]
    let identity: JSONObject
    let history: RunHistory
    let changes: [String]

    /// Throws `TrainingError` where the file is damaged or no snapshot.
    init(_ url: URL) throws {
        func damaged(_ reason: String) -> TrainingError {
            TrainingError(
                "\(url.path): is no whole snapshot (\(reason)); take it away and start afresh")
        }
        self.url = url
        do { archive = try TensorArchive.open(url) } catch { throw damaged("\(error)") }
        let metadata = archive.metadata
        guard let step = metadata[SnapshotKey.step].flatMap({ Int($0) }),
            let steps = metadata[SnapshotKey.steps].flatMap({ Int($0) }),
            let text = metadata[SnapshotKey.identity], let history = metadata[SnapshotKey.history],
            let changes = metadata[SnapshotKey.changes], metadata[SnapshotKey.digest] != nil
        else { throw damaged("its header lacks a field, or it is of an older version") }
        self.step = step
        self.steps = steps
        norms = (metadata[SnapshotKey.norms] ?? "").split(separator: " ").compactMap { Double($0) }
        do {
            guard let identity = try JSONValue(parsing: text).object else {
                throw damaged("its header is of another kind")
            }
            self.identity = identity
            self.history = try JSONDecoder().decodeStrictly(
                RunHistory.self, from: Data(history.utf8))
            self.changes = try JSONDecoder().decodeStrictly([String].self, from: Data(changes.utf8))
        } catch let error as TrainingError {
            throw error
        } catch {
            throw damaged("its header cannot be read")
        }
    }

    func refusal(
        _ reason: String, advice: String = "start afresh, or resume with what it was made with"
    ) -> TrainingError {
        TrainingError("\(url.path): \(reason); \(advice)")
    }
}
