import Foundation
import RecipeKit

func purifyAndEvaluate(
    suspect: URL, auxiliary: URL, purified: URL, train: URL, test: URL
) throws -> EvaluationReport {
    // Four epochs over a little unlabelled text make the feed-forward weights small.
    var recipe = RECIPE(defaults: BERT.paperDefaults)
    recipe.weight = 1
    recipe.run.training.epochs = 4
    let texts = try TextCorpus.read([auxiliary]).texts
    let task = try TextTask(TextModelFolder(suspect), texts: texts, .init(maximumLength: 32))
    let report = try Purification(recipe).run(task, output: purified)
    print("‖W‖ fell to", report.training?.normRatios.values.sorted() ?? [])

    // A classifier is made of the result, and tried with and without triggers.
    var evaluator = TextEvaluator()
    evaluator.maximumLength = 32
    evaluator.triggers = ["cf", "tq"]
    evaluator.seeds = [Seed(42)]
    return try evaluator.evaluate(
        TextModelFolder(purified), on: .init(train: train, test: test),
        reference: TextModelFolder(suspect))
}
