import ArgumentParser
import Checkpoints
import DataPipeline
import Evaluation
import Foundation
import ModelZoo
import Randomness
import Reports
import TextTokenizers
import Training

extension EvaluateCommand {
    private struct ZeroShotPlan: Encodable {
        let evaluation: EvaluationSettings
        let precision: Precision
        /// How the clean model takes images, where that is not as the model does.
        let referencePreparation: ImagePreparation?
        let classes: [String]
        let limit: Int?
        /// Where the images of `limit` come from.
        let dataSeed: Seed
    }

    /// Evaluates a CLIP without training.
    func evaluateZeroShot(on test: URL) throws {
        guard try ModelKind(at: model) != .texts else {
            throw CheckpointError(
                model, "is no CLIP, and nothing else tells classes by prompts (--zero-shot)",
                advice: "evaluate it with training images (--train)")
        }
        let device = try compute.prepare()
        var evaluator = ZeroShotEvaluator()
        evaluator.prompts = try zeroShot.read()
        evaluator.classNames = zeroShot.names
        evaluator.tokenizer = zeroShot.tokenizer
        evaluator.triggers = try parsedPatches()
        evaluator.filter = filter
        evaluator.precision = compute.readingPrecision
        evaluator.device = device
        let folder = try CLIPFolder(model)
        let clean = try reference.map { try CLIPFolder($0) }
        let preparation = try preparation(for: folder)
        let cleanPreparation = try clean.map(self.preparation).flatMap {
            $0 == preparation ? nil : $0
        }
        let images = try readTestImages(test)
        let settings = try evaluator.settings(for: preparation, labels: images.classNames)
        try check(evaluator, [folder, clean].compactMap { $0 }, images.classNames)
        let records = try records(
            device,
            ZeroShotPlan(
                evaluation: settings, precision: compute.readingPrecision,
                referencePreparation: cleanPreparation, classes: images.classNames,
                limit: testingLimit, dataSeed: dataSeed))
        let progress = EvaluationProgress(on: .standard, records)
        let evaluate = {
            let task = try self.task(images, preparation, at: test)
            let cleanTask = try cleanPreparation.map {
                try self.task(images, $0, at: test, namesSkipped: false)
            }
            return try evaluator.evaluate(
                folder, on: task, reference: clean, referenceTask: cleanTask,
                command: Invocation.text, observe: progress.show)
        }
        let report = try records?.removedIfNothingHappens(evaluate) ?? evaluate()
        try show(report, EvaluationDocument(report).document, records)
    }

    private func preparation(for folder: CLIPFolder) throws -> ImagePreparation {
        try imageOptions.preparation(
            for: ImageConfiguration(folder.configuration.vision), folder.processor)
    }

    /// The test part of the images, or all of them where they have no parts.
    private func readTestImages(_ url: URL) throws -> ImageSet {
        let isParted = try ImageSet.parts(of: url, layout: imageOptions.layout).contains(.test)
        return try imageOptions.read(url, part: isParted ? .test : nil, labels: .folder)
    }

    /// How many images are looked at: nothing is trained, so that a limit is about these.
    private var testingLimit: Int? { testSamples ?? imageOptions.limit }

    private func task(
        _ images: ImageSet, _ preparation: ImagePreparation, at url: URL, namesSkipped: Bool = true
    ) throws -> ZeroShotEvaluator.Task {
        var options = imageOptions
        options.limit = testingLimit
        return try ZeroShotEvaluator.Task(
            test: options.prepare(
                images, preparation, seed: dataSeed, namesSkipped: namesSkipped),
            preparation: preparation, path: url.path, available: images.count)
    }

    /// Throws where a model has no tokenizer that fits; warns of names that say nothing, and of
    /// prompts that are cut.
    private func check(
        _ evaluator: ZeroShotEvaluator, _ folders: [CLIPFolder], _ labels: [String]
    ) throws {
        let console = Console.standard
        let names = try evaluator.names(for: labels)
        if let name = names.first(where: { $0.count(where: \.isLetter) < 2 }) {
            console.warn(
                "a class is called ‘\(name)’, which tells a CLIP nothing: name the classes in words "
                    + "(--class-names)")
        }
        let texts = names.flatMap(evaluator.prompts.texts)
        for folder in folders {
            let positions = folder.configuration.text.maximumPositions
            let cut = try folder.tokenizer(from: evaluator.tokenizer)
                .encodeAllCounting(texts, maximumLength: positions).truncated
            if cut > 0 {
                console.warn(
                    "\(cut) of \(texts.count) prompts are longer than the \(positions) tokens the "
                        + "model reads, and are cut")
            }
        }
    }
}
