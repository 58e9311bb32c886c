import ArgumentParser
import Foundation
import RecipeKit

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Measure both sides on texts in turn and print a table.",
        discussion: """
            Each round runs the authors' loop, then ours in fp32, then ours in bf16, each in a \
            process of its own. Exit status 1 where the losses of the two sides disagree.
            """)

    @Option(help: "Steps of ours in a round, warm-up included.")
    var steps = 34
    @Option(help: "Steps of the authors' loop in a round, warm-up included.")
    var theirSteps = 5
    @Option(
        help: "The texts; by default BookCorpus-20k, else generated ones.",
        transform: URL.init(fileURLWithPath:))
    var texts: URL?
    @Option(
        help: "A vocabulary, a token a line; by default bert-base-uncased's.",
        transform: URL.init(fileURLWithPath:))
    var vocabulary: URL?
    @OptionGroup var options: RoundOptions
    @OptionGroup var places: PlaceOptions

    func validate() throws { try options.check(steps: steps, theirSteps: theirSteps) }

    func run() throws {
        let output = try places.makeOutput()
        let material = try BenchmarkMaterial(
            self,
            rows: max(steps, theirSteps, options.agreementSteps) * BERT.paperDefaults.batchSize,
            in: output)
        let sides = SideBySide(
            places: places, options: options, steps: steps, theirSteps: theirSteps,
            script: "authors_loop.py", inputs: [material.model.path, material.rows.path],
            ours: ["ours", material.model.path, material.texts.path],
            agree: ["agree", material.model.path, material.rows.path], samples: "sequences")
        let agreement = try sides.agreement()
        let report = BenchmarkReport(
            size: options.modelSize, texts: material.description, rounds: try sides.rounds(),
            agreement: agreement)
        try report.write(as: "bench", to: output)
        print(report.markdown)
        if !agreement.holds { throw ExitCode(1) }
    }
}
