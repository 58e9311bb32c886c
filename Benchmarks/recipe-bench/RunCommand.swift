import ArgumentParser
import Foundation
import RecipeKit

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Measure both sides in turn and print a table.",
        discussion: """
            Each round runs the authors' loop, then ours in fp32, then ours in bf16, each in a \
            process of its own. Exit status 1 where the losses of the two sides disagree.
            """)

    @Option(help: "How often each side is measured.")
    var rounds = 3
    @Option(help: "Steps of ours in a round, warm-up included.")
    var steps = 34
    @Option(help: "Steps of the authors' loop in a round, warm-up included.")
    var theirSteps = 5
    @Option(help: "First steps of ours that the rates leave out.")
    var warmupSteps = 2
    @Option(help: "First steps of the authors' loop that the rates leave out.")
    var theirWarmupSteps = 1
    @Option(help: "Steps over which the losses of the two sides are compared.")
    var agreementSteps = 3
    @Flag(inversion: .prefixedNo, help: "Measure bf16 too.")
    var bf16 = true
    @Option(help: "base (bert-base-uncased's sizes) or tiny, to try the harness out.")
    var modelSize = ModelSize.base
    @Option(
        help: "The texts; by default BookCorpus-20k, else generated ones.",
        transform: URL.init(fileURLWithPath:))
    var texts: URL?
    @Option(
        help: "A vocabulary, a token a line; by default bert-base-uncased's.",
        transform: URL.init(fileURLWithPath:))
    var vocabulary: URL?
    @Option(help: "Processor threads of both sides; by default libtorch's own choice.")
    var threads: Int?
    @Option(help: "The package's folder.", transform: URL.init(fileURLWithPath:))
    var packageFolder = URL(fileURLWithPath: ".")
    @Option(
        help: "A Python with what Oracle/requirements.txt names; by default .recipe/oracle's.",
        transform: URL.init(fileURLWithPath:))
    var python: URL?
    @Option(
        name: .shortAndLong,
        help: "Folder for the model and the results; by default .recipe/bench.",
        transform: URL.init(fileURLWithPath:))
    var output: URL?

    func validate() throws {
        guard rounds > 0, agreementSteps > 1 else {
            throw ValidationError(
                "expected --rounds of at least 1, --agreement-steps of at least 2")
        }
        guard 0..<steps ~= warmupSteps, 0..<theirSteps ~= theirWarmupSteps else {
            throw ValidationError("warm-up steps must be fewer than steps")
        }
    }

    func run() throws {
        let folder = output ?? packageFolder.appendingPathComponent(".recipe/bench")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let material = try BenchmarkMaterial(
            self, rows: max(steps, theirSteps, agreementSteps) * RECIPE().batchSize, in: folder)
        let agreement = try agreement(material)
        RecipeBench.report("losses: \(agreement.summary)")
        var results: [Round] = []
        for number in 1...rounds {
            RecipeBench.report("round \(number) of \(rounds)")
            results.append(try round(material))
        }
        let report = BenchmarkReport(
            size: modelSize, texts: material.description, rounds: results, agreement: agreement)
        try report.write(to: folder)
        print(report.markdown)
        if !agreement.holds { throw ExitCode(1) }
    }

    /// Both sides once.
    private func round(_ material: BenchmarkMaterial) throws -> Round {
        let theirs = try theirs(material, steps: theirSteps, warmup: theirWarmupSteps)
        RecipeBench.report("  theirs " + theirs.summary)
        let fp32 = try ours(material, .fp32)
        RecipeBench.report("  fp32   " + fp32.summary)
        let bf16 = bf16 ? try ours(material, .bf16) : nil
        if let bf16 { RecipeBench.report("  bf16   " + bf16.summary) }
        return Round(theirs: theirs, fp32: fp32, bf16: bf16)
    }

    private func theirs(
        _ material: BenchmarkMaterial, steps: Int, warmup: Int, _ more: [String] = []
    ) throws -> Measurement {
        let loop = packageFolder.appendingPathComponent("Oracle/authors_loop.py")
        let python = python ?? packageFolder.appendingPathComponent(".recipe/oracle/bin/python")
        return try ChildProcess(
            program: python,
            arguments: [
                loop.path, material.model.path, material.rows.path, "--steps", "\(steps)",
                "--warmup-steps", "\(warmup)",
            ] + threadArguments + more
        ).measurement()
    }

    private func ours(_ material: BenchmarkMaterial, _ precision: Precision) throws -> Measurement {
        try ourselves(
            [
                "ours", material.model.path, material.texts.path, "--precision",
                precision.rawValue, "--steps", "\(steps)", "--warmup-steps", "\(warmupSteps)",
            ])
    }

    private func agreement(_ material: BenchmarkMaterial) throws -> Agreement {
        let ours = try ourselves(
            ["agree", material.model.path, material.rows.path, "--steps", "\(agreementSteps)"])
        let theirs = try theirs(
            material, steps: agreementSteps, warmup: 1, ["--dropout", "0"])
        return try Agreement(ours: ours.losses, theirs: theirs.losses)
    }

    private func ourselves(_ arguments: [String]) throws -> Measurement {
        guard let program = Bundle.main.executableURL else {
            throw BenchmarkError("this program's own file cannot be found")
        }
        return try ChildProcess(program: program, arguments: arguments + threadArguments)
            .measurement()
    }

    private var threadArguments: [String] { threads.map { ["--threads", "\($0)"] } ?? [] }
}
