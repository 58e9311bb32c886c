import DataPipeline
import Files
import Foundation
import Training

/// The curves of training runs, out of the events that they left in `events.jsonl`.
public struct TrainingScalars: Sendable {
    /// One run each, such as one fine-tuning a seed.
    public let runs: [[ScalarRecord]]

    /// The curves of the runs that `events` tell of, of which the first began at `start`.
    ///
    /// A run that was taken up again from a snapshot is one run: what it had done after the snapshot
    /// and did once more is left out.
    public init(_ events: [TrainingEvent], start: Date = Date(timeIntervalSince1970: 0)) {
        var runs: [[ScalarRecord]] = []
        var clock = start.timeIntervalSince1970
        var last = (step: 0, seconds: 0.0)
        for event in events {
            if case .started(let begin) = event {
                clock += last.seconds
                last = (begin.firstStep, 0)
                if begin.firstStep == 0 || runs.isEmpty {
                    runs.append([])
                } else {
                    runs[runs.count - 1].removeAll { $0.step > begin.firstStep }
                }
                continue
            }
            if runs.isEmpty { runs.append([]) }
            if case .step(let step) = event { last = (step.step, step.seconds) }
            let scalars = Self.scalars(of: event)
            guard !scalars.isEmpty else { continue }
            runs[runs.count - 1].append(
                ScalarRecord(time: clock + last.seconds, step: last.step, scalars))
        }
        self.runs = runs.filter { !$0.isEmpty }
    }

    /// The curves of an `events.jsonl`; lines that are no training events, and a last line that was
    /// cut off, are left out.
    ///
    /// - Throws: ``DataError`` where the file cannot be read or tells of no training.
    public init(file: URL, start: Date? = nil) throws {
        let data: Data
        do {
            data = try Data(contentsOf: file)
        } catch {
            throw DataError(file: file, "cannot be read; expected the events.jsonl of a run")
        }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        let events = data.split(separator: UInt8(ascii: "\n")).compactMap {
            try? decoder.decode(TrainingEvent.self, from: $0)
        }
        self.init(events, start: start ?? Date(timeIntervalSince1970: 0))
        guard !runs.isEmpty else {
            throw DataError(
                file: file, "tells of no training step; expected the events.jsonl of a run")
        }
    }

    /// Writes an event file a run into `folder`: straight into it where there is one run, into
    /// folders named by number where there are more.
    public func write(to folder: URL) throws {
        for (index, run) in runs.enumerated() {
            let own = runs.count == 1 ? folder : folder.appendingPathComponent("\(index + 1)")
            try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
            try atomicWrite(
                EventFile.data(run), to: own.appendingPathComponent(EventFile.name))
        }
    }

    private static func scalars(of event: TrainingEvent) -> [ScalarRecord.Scalar] {
        switch event {
        case .started: []
        case .step(let step):
            [
                .init(tag: "loss", value: step.loss),
                .init(tag: "learning-rate", value: step.learningRate),
                .init(tag: "gradient-norm", value: step.gradientNorm),
            ] + named("terms", step.terms)
        case .epoch(let epoch):
            named("epoch", epoch.terms) + named("norm-ratio", epoch.normRatios)
        case .finished(let finish):
            [.init(tag: "samples-per-second", value: finish.samplesPerSecond)]
        }
    }

    private static func named(
        _ group: String, _ values: [String: Double]
    ) -> [ScalarRecord.Scalar] {
        values.sorted { $0.key < $1.key }.map { .init(tag: "\(group)/\($0.key)", value: $0.value) }
    }
}
