import ArgumentParser
import Foundation
import RecipeKit

struct CLIPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clip",
        abstract: "Measure purification of CLIP ViT-B/32 beside a PyTorch and transformers loop.",
        discussion: """
            Rounds of their loop, then ours in fp32, then ours in bf16, each in a process of its \
            own. Exit status 1 where the losses of the two sides disagree.
            """)

    @Option(help: "Steps of ours in a round, warm-up included.")
    var steps = 5
    @Option(help: "Steps of their loop in a round, warm-up included.")
    var theirSteps = 3
    @Option(help: "Pairs a step on both sides; by default a purification's.")
    var batchSize: Int?
    @OptionGroup var options: RoundOptions
    @OptionGroup var places: PlaceOptions

    func validate() throws {
        try options.check(steps: steps, theirSteps: theirSteps)
        guard batchSize ?? 2 > 1 else {
            throw ValidationError("--batch-size: a batch of one pair has no negatives")
        }
    }

    func run() throws {
        let output = try places.makeOutput()
        let recipe = RECIPE(defaults: CLIP.paperDefaults)
        let batchSize = batchSize ?? recipe.run.batchSize
        let pairs = try CaptionedPhotographs(
            gathering: max(steps, theirSteps, options.agreementSteps) * batchSize,
            batchSize: batchSize, places: places, in: output)
        let folder = output.appendingPathComponent("clip-\(options.modelSize.rawValue)")
        RecipeBench.report("a CLIP in \(folder.path)")
        try pairs.makeModel(options.modelSize, at: folder)
        let inputs = [folder.path, pairs.table.path, "--batch-size", "\(batchSize)"]
        let sides = SideBySide(
            places: places, options: options, steps: steps, theirSteps: theirSteps,
            script: "clip_loop.py", inputs: inputs, ours: ["clip-ours"] + inputs,
            agree: ["clip-ours"] + inputs + ["--agree", "--warmup-steps", "0"], samples: "pairs")
        let agreement = try sides.agreement()
        let report = CLIPReport(
            size: options.modelSize, pairs: pairs.description, epochs: recipe.run.training.epochs,
            rounds: try sides.rounds(), agreement: agreement)
        try report.write(as: "clip", to: output)
        print(report.markdown)
        if !agreement.holds { throw ExitCode(1) }
    }
}
