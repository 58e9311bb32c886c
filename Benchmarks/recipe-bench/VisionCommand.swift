import ArgumentParser
import Foundation
import RecipeKit

struct VisionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vision",
        abstract: "Measure purification of VGG-16 and ViT-B/16 beside a PyTorch loop with Pillow.",
        discussion: """
            For each model, rounds of the authors' loop, then ours in fp32, then ours in bf16, each \
            in a process of its own. Exit status 1 where the losses of the two sides disagree.
            """)

    @Option(help: "vgg or vit, may be given again; by default both.")
    var model: [Architecture] = []
    @Option(help: "Steps of ours in a round, warm-up included.")
    var steps = 8
    @Option(help: "Steps of the authors' loop in a round, warm-up included.")
    var theirSteps = 4
    @Option(help: "Dropout of the ViT on both sides, attention probabilities included.")
    var dropout = 0.1
    @OptionGroup var options: RoundOptions
    @OptionGroup var places: PlaceOptions

    func validate() throws {
        try options.check(steps: steps, theirSteps: theirSteps)
        guard 0..<1 ~= dropout else {
            throw ValidationError("--dropout \(dropout): expected at least 0, below 1")
        }
    }

    func run() throws {
        let output = try places.makeOutput()
        let batchSize = ImageConfiguration(VGGConfiguration()).paperDefaults.batchSize
        let (photographs, description) = try Photographs.gather(
            max(steps, theirSteps, options.agreementSteps) * batchSize, batchSize: batchSize,
            classes: 1000, places: places, in: output)
        let architectures = Architecture.allCases.filter { model.isEmpty || model.contains($0) }
        let report = VisionReport(
            size: options.modelSize, photographs: description,
            rows: try architectures.map { try row($0, photographs, in: output) })
        try report.write(as: "vision", to: output)
        print(report.markdown)
        if !report.rows.allSatisfy(\.agreement.holds) { throw ExitCode(1) }
    }

    private func row(
        _ architecture: Architecture, _ photographs: Photographs, in output: URL
    ) throws -> VisionReport.Row {
        let size = options.modelSize
        let folder = output.appendingPathComponent("\(architecture.rawValue)-\(size.rawValue)")
        RecipeBench.report("\(architecture.title(size)) in \(folder.path)")
        try architecture.make(size, dropout: dropout, at: folder)
        let inputs = [folder.path, photographs.list.path]
        let sides = SideBySide(
            places: places, options: options, steps: steps, theirSteps: theirSteps,
            script: "vision_loop.py", inputs: inputs, ours: ["vision-ours"] + inputs,
            agree: ["vision-ours"] + inputs + ["--agree", "--warmup-steps", "0"],
            samples: "images")
        let agreement = try sides.agreement()
        return VisionReport.Row(
            architecture: architecture,
            epochs: architecture.configuration(size, dropout: dropout).paperDefaults.training
                .epochs,
            rounds: try sides.rounds(), agreement: agreement)
    }
}
