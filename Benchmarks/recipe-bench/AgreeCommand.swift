import ArgumentParser
import Foundation
import RecipeKit

struct AgreeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agree",
        abstract: "Train on prepared rows without dropout; print the losses as a line of JSON.",
        discussion: """
            The rows are taken in their order and at their full width, as the authors' loop takes \
            them, so that its losses with --dropout 0 must be the same.
            """)

    @Argument(help: "The model's folder.", transform: URL.init(fileURLWithPath:))
    var model: URL
    @Argument(help: "Rows that `prepare` wrote.", transform: URL.init(fileURLWithPath:))
    var batches: URL
    @Option(help: "Optimizer steps.")
    var steps = 3
    @Option(help: "Type of activations and frozen weights: auto, fp32 or bf16.")
    var precision = Precision.fp32
    @Option(help: "Processor threads; by default libtorch's own choice.")
    var threads: Int?

    func validate() throws {
        guard steps > 0 else { throw ValidationError("--steps \(steps): expected at least 1") }
    }

    func run() throws {
        if let threads { try Hardware.setThreadCount(threads) }
        var recipe = RECIPE(defaults: BERT.paperDefaults)
        recipe.run.training.epochs = 1
        recipe.run.precision = precision
        let folder = try TextModelFolder(model)
        let prepared = try PreparedRows(reading: batches)
        guard prepared.rows.count >= steps * recipe.run.batchSize else {
            throw BenchmarkError(
                "\(batches.path): \(prepared.rows.count) rows, \(steps * recipe.run.batchSize) are "
                    + "wanted; prepare more, or take fewer steps")
        }
        try folder.checkLength(prepared.width)
        let source = PreparedSource(
            prepared: prepared, batchSize: recipe.run.batchSize, batchesPerEpoch: steps)
        print(try measure(recipe, folder, source).line())
    }

    private func measure(
        _ recipe: RECIPE, _ folder: TextModelFolder, _ source: PreparedSource
    ) throws -> LoopMeasurement {
        let began = ContinuousClock.now
        let trainer = try Trainer(
            Self.load(folder, recipe),
            objective: NormRegularized(
                MaskedLanguageModeling(), layers: BERT.recipeWeights, weight: recipe.weight),
            source: source, settings: recipe.run.training, seed: recipe.run.seed)
        let loadSeconds = (ContinuousClock.now - began) / .seconds(1)
        return try LoopMeasurement(
            MeasuredRun(trainer, steps: steps), warmupSteps: 0, batchSize: recipe.run.batchSize,
            loadSeconds: loadSeconds, dropout: 0)
    }

    /// The folder's model as RECIPE places it, but without dropout, which a folder's
    /// `config.json` decides.
    private static func load(_ folder: TextModelFolder, _ recipe: RECIPE) throws -> AnyTextModel {
        guard var configuration = folder.configuration.base as? BERTConfiguration else {
            throw ValidationError("\(folder.folder.url.path): expected a BERT")
        }
        configuration.hiddenDropout = 0
        configuration.attentionDropout = 0
        let source = CheckpointSource(
            folder.folder.weights, dialect: folder.dialect, at: folder.folder.url)
        let placement = Placement(
            computeType: recipe.run.precision.computeType(on: .cpu), trainable: BERT.recipeWeights)
        return AnyTextModel(
            try BERT(
                configuration, parts: .maskedLMHead,
                in: ParameterStore(source: source, placement: placement)))
    }
}
