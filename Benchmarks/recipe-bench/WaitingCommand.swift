import ArgumentParser
import Foundation
import Host
import RecipeKit

struct WaitingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "waiting",
        abstract: "Measure what waiting threads cost, alone and beside other work.",
        discussion: """
            Each round trains the same small BERT beside 0, 1, … spinning neighbours: with libgomp's \
            threads asleep while they wait (as recipe has it), spinning (libgomp's own choice), and \
            on one thread, each in a process of its own.
            """)

    @Option(help: "How often each way is measured.")
    var rounds = 3
    @Option(help: "Optimizer steps of each process, warm-up included.")
    var steps = 24
    @Option(parsing: .upToNextOption, help: "Numbers of neighbours that spin.")
    var neighbours = [0, 1, 2]
    @Option(help: "Seconds after which a process is not waited for any longer.")
    var patience = 120
    @Option(help: "base (the paper's sizes) or tiny.")
    var modelSize = ModelSize.tiny
    @OptionGroup var places: PlaceOptions

    func validate() throws {
        guard rounds > 0, steps > 2, patience > 0, neighbours.allSatisfy((0...64).contains) else {
            throw ValidationError(
                "expected --rounds and --patience of at least 1, --steps of at least 3, "
                    + "--neighbours of at most 64")
        }
    }

    /// How threads wait, and how many there are.
    enum Way: String, CaseIterable, Codable {
        case passive, active, single

        var variables: [String: String] {
            self == .active
                ? ["OMP_WAIT_POLICY": "active"]
                : ["OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "10000"]
        }

        var arguments: [String] { self == .single ? ["--threads", "1"] : [] }
    }

    /// Rates of one number of neighbours, in sequences a second.
    struct Row: Codable {
        var neighbours: Int
        var rates: [String: [Double]] = [:]

        func median(_ way: Way) -> Double { (rates[way.rawValue] ?? []).median }
    }

    struct Report: Codable, BenchmarkResults {
        var rows: [Row]
        var steps: Int
        var version = RecipeKit.version
        var machine = Machine()

        var markdown: String {
            let lines = rows.map { row in
                let base = row.median(.passive)
                let cells = Way.allCases.map { String(format: "%.1f", row.median($0)) }
                let ratios = [Way.active, .single].map {
                    String(format: "%.2f", base / max(row.median($0), 1e-9))
                }
                return "| \(row.neighbours) | \((cells + ratios).joined(separator: " | ")) |"
            }
            return """
                | Neighbours | asleep | spinning | one thread | asleep / spinning | asleep / one thread |
                | ---: | ---: | ---: | ---: | ---: | ---: |
                \(lines.joined(separator: "\n"))

                Sequences a second in RECIPE's loop over texts (\(steps) steps), medians of \
                \(rows.first?.rates.values.first?.count ?? 0) round(s) in alternation. \(machine.processor).
                """
        }
    }

    func run() throws {
        let output = try places.makeOutput()
        let model = output.appendingPathComponent("waiting-model-\(modelSize.rawValue)")
        let texts = output.appendingPathComponent("waiting.txt")
        try GeneratedTexts.write(
            max(2_000, steps * BERT.paperDefaults.batchSize),
            vocabulary: MakeModelCommand.vocabularySize,
            to: texts, seed: RunSettings(BERT.paperDefaults).seed)
        try MakeModelCommand.make(modelSize, vocabulary: nil, at: model)
        var rows = neighbours.map { Row(neighbours: $0) }
        for round in 1...rounds {
            for index in rows.indices {
                let spinning = try Neighbours(rows[index].neighbours)
                defer { spinning.stop() }
                for way in Way.allCases {
                    let rate = try rate(way, model: model, texts: texts)
                    rows[index].rates[way.rawValue, default: []].append(rate)
                    RecipeBench.report(
                        String(
                            format: "round %d, %d neighbours, %@: %.1f sequences/s", round,
                            rows[index].neighbours, way.rawValue, rate))
                }
            }
        }
        let report = Report(rows: rows, steps: steps)
        try report.write(as: "waiting", to: output)
        print(report.markdown)
    }

    /// Sequences a second; 0 where patience ended first.
    private func rate(_ way: Way, model: URL, texts: URL) throws -> Double {
        var child = try ChildProcess.ourselves(
            ["ours", model.path, texts.path, "--steps", "\(steps)"] + way.arguments)
        child.variables = way.variables
        child.patience = .seconds(patience)
        guard let found: LoopMeasurement = try child.resultInTime() else { return 0 }
        return found.samplesPerSecond
    }
}

/// Processes that keep a processor busy each.
private final class Neighbours {
    private let processes: [Process]

    init(_ count: Int) throws {
        processes = try (0..<count).map { _ in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", "while :; do :; done"]
            try process.run()
            return process
        }
    }

    func stop() {
        for process in processes where process.isRunning {
            process.terminate()
            process.waitUntilExit()
        }
    }

    deinit { stop() }
}
