import DataPipeline
import Documents
import Evaluation
import Experiments
import Foundation
import JSON
import Training

/// What a run of many stages came to, as far as it has come.
public struct GridResults: Sendable {
    /// What the run is called.
    public var title: String
    /// What it is about.
    public var about: String?
    /// How the plan wants it laid out, if it says so.
    public var plan: ReportPlan?
    /// The stages, in the plan's order.
    public var stages: [StageResult]

    /// A run of these stages.
    public init(title: String, about: String? = nil, plan: ReportPlan? = nil, stages: [StageResult])
    {
        self.title = title
        self.about = about
        self.plan = plan
        self.stages = stages
    }

    /// Reads the record of the run in `folder`, and the report of each stage that is done.
    ///
    /// A stage's report that is missing or damaged is an outcome of that stage and no error.
    ///
    /// - Throws: ``DataError`` where the record is missing or damaged.
    public init(folder: URL) throws {
        let file = folder.appendingPathComponent(GridRecord.fileName)
        guard let data = try? Data(contentsOf: file) else {
            throw DataError(
                file: file, "no such file; expected the folder that `recipe run -o` wrote")
        }
        let record: GridRecord
        do {
            record = try JSONDecoder().decodeStrictly(GridRecord.self, from: data)
        } catch {
            throw DataError(
                file: file, "is not the record of a run: \(StageReader.reason(error))")
        }
        title = record.title
        about = record.about
        plan = record.report
        stages = record.stages.flatMap { StageReader.results(of: $0, in: folder) }
    }

    /// Stages that are done.
    var finishedCount: Int { stages.count { $0.state.isFinished } }
}

/// Reads the reports of stages.
private enum StageReader {
    /// The stage with its outcome; a stage for each pooler where it tried both.
    static func results(of stage: GridRecord.Stage, in run: URL) -> [StageResult] {
        var result = StageResult(
            name: stage.name, command: stage.command, labels: stage.labels,
            state: stage.state, seconds: stage.seconds)
        guard stage.state.isFinished else { return [result] }
        let folder = stage.folder
        // A record from elsewhere must not lead out of its folder.
        guard !folder.hasPrefix("/"), !folder.split(separator: "/").contains("..") else {
            result.outcome = .unreadable("its folder ‘\(folder)’ is not within the run")
            return [result]
        }
        let file = run.appendingPathComponent(folder)
            .appendingPathComponent(RunDirectory.File.report.rawValue)
        guard let data = try? Data(contentsOf: file) else {
            // A stage that writes a model alone has no report, but an evaluation without one is lost.
            let isNeeded = result.isEvaluation || result.isAnalysis
            result.outcome = isNeeded ? .unreadable("\(folder)/report.json is missing") : .other
            return [result]
        }
        if let comparison = try? decoder.decode(EvaluationComparison.self, from: data) {
            return comparison.entries.map { entry in
                var one = result
                one.name += ", \(entry.name)"
                one.labels["pooler"] = entry.report.poolerPolicy?.rawValue
                one.outcome = .evaluation(entry.report)
                return one
            }
        }
        result.outcome = outcome(of: data, for: result, file: "\(folder)/report.json")
        return [result]
    }

    private static func outcome(
        of data: Data, for stage: StageResult, file: String
    ) -> StageResult.Outcome {
        do {
            try JSONValue.check(data)
            if stage.isEvaluation {
                return .evaluation(try decoder.decode(EvaluationReport.self, from: data))
            }
            if stage.isAnalysis {
                let report = try decoder.decode(NeuronReport.self, from: data)
                return NeuronCounts(report).map(StageResult.Outcome.neurons)
                    ?? .unreadable("\(file): no trigger was analyzed")
            }
        } catch {
            return .unreadable("\(file): \(reason(error))")
        }
        let summary =
            (try? decoder.decode(Purified.self, from: data))?.training
            ?? (try? decoder.decode(RunSummary.self, from: data))
        return summary.map(StageResult.Outcome.training) ?? .other
    }

    /// What reports of purifications have in common.
    private struct Purified: Decodable { var training: RunSummary }

    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return decoder
    }

    /// Which key is wrong, and how.
    static func reason(_ error: any Error) -> String {
        let (context, words): (DecodingError.Context, String?)
        switch error as? DecodingError {
        case .keyNotFound(let key, let where_)?:
            (context, words) = (where_, "the key ‘\(key.stringValue)’ is missing")
        case .typeMismatch(_, let where_)?, .valueNotFound(_, let where_)?:
            (context, words) = (where_, "a value is of another type than expected")
        case .dataCorrupted(let where_)?: (context, words) = (where_, nil)
        default: return (error as? JSONError).map { "\($0)" } ?? "it is no valid JSON"
        }
        let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
        let place = path.isEmpty ? "" : " at ‘\(path.joined(separator: "."))’"
        return (words ?? context.debugDescription) + place
    }
}

extension StageResult {
    /// The command's own name, without what is before or after it.
    var verb: String {
        command.split(separator: " ").first { $0 != "recipe" }.map(String.init) ?? ""
    }

    var isEvaluation: Bool { verb == "evaluate" }
    var isAnalysis: Bool { verb == "analyze" }
}
