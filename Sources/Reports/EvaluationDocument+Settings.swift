import Attacks
import DataPipeline
import Documents
import Evaluation
import ModelZoo
import Randomness
import Torch
import TorchNN

extension EvaluationDocument {
    /// How a model was fine-tuned and tested, and the command that did it.
    static func settings(of report: EvaluationReport) -> [ReportBlock] {
        let settings = report.settings
        var pairs = [KeyValue("Model", .code(report.model))]
        if let reference = report.reference {
            pairs.append(KeyValue("Clean model", .code(reference.model)))
        }
        pairs += report.data.map(data)
        pairs.append(KeyValue("Labels", InlineText(report.labelNames.joined(separator: ", "))))
        if let policy = report.poolerPolicy {
            pairs.append(KeyValue("Pooler", InlineText(policy.rawValue)))
        }
        pairs += training(settings)
        if let type = settings.computeType {
            pairs.append(KeyValue("Precision", InlineText(type.rawValue)))
        }
        pairs += self.settings(of: settings.samples)
        if let preparation = report.reference?.preparation {
            pairs.append(KeyValue("Images, clean model", images(preparation)))
        }
        pairs += [
            KeyValue("Triggers", .code(settings.triggers.joined(separator: ","))),
            KeyValue("Samples counted", settings.filter == .none ? "all" : "clean-correct"),
        ]
        let seeds = report.seeds.compactMap(\.seed).map { "\($0.value)" }
        if !seeds.isEmpty {
            pairs.append(KeyValue("Seeds", InlineText(seeds.joined(separator: ", "))))
        }
        return [.keyValues(pairs)] + (report.command.map { [.code(CodeBlock($0))] } ?? [])
    }

    /// What goes with training, where there is any.
    private static func training(_ settings: EvaluationSettings) -> [KeyValue] {
        [
            settings.epochs.map { KeyValue("Epochs", "\($0)") },
            settings.learningRate.map {
                KeyValue("Learning rate", InlineText(NumberText.short($0)))
            },
            settings.batchSize.map { KeyValue("Batch size", "\($0)") },
        ].compactMap { $0 }
    }

    private static func data(_ file: DatasetFile) -> KeyValue {
        let drawn = file.available.map { "\(file.samples) of \($0)" } ?? "\(file.samples)"
        let damaged = file.skipped.map { ", \($0) more damaged" } ?? ""
        return KeyValue(
            file.role == .train ? "Training data" : "Test data",
            "\(code: file.path), \(drawn) samples\(damaged)")
    }

    /// What goes with texts alone, or with images.
    private static func settings(of samples: EvaluationSettings.Samples) -> [KeyValue] {
        switch samples {
        case .texts(let texts):
            [
                KeyValue("Maximum length", "\(texts.maximumLength) tokens"),
                KeyValue("Trigger position", InlineText(texts.position.rawValue)),
                KeyValue("Insertions a text", "\(texts.insertions)"),
            ]
        case .images(let images):
            [
                KeyValue("Optimizer", InlineText(optimizer(images))),
                KeyValue("Images", self.images(images.preparation)),
            ]
        case .zeroShot(let zeroShot):
            [
                KeyValue("Training", "none: classes are told by prompts"),
                KeyValue("Prompts", prompts(zeroShot.prompts)),
                KeyValue(
                    "Classes in prompts",
                    InlineText(zeroShot.classNames.joined(separator: ", "))),
                KeyValue("Images", images(zeroShot.preparation)),
            ]
        }
    }

    private static func optimizer(_ images: EvaluationSettings.Images) -> String {
        switch images.schedule ?? .constant {
        case .constant: "\(images.optimizer.name), at a constant rate"
        case .linear: "\(images.optimizer.name), the rate falling to 0"
        case .cosine: "\(images.optimizer.name), the rate falling to 0 along a cosine"
        case .trapezoid: "\(images.optimizer.name), the rate falling to 0 in the second half"
        }
    }

    private static func prompts(_ prompts: ClassPrompts) -> InlineText {
        InlineText(prompts.templates.map { "‘\($0)’" }.joined(separator: ", "))
    }

    static func images(_ preparation: ImagePreparation) -> InlineText {
        let mode =
            switch preparation.mode {
            case .stretch, .stretchRoundingDown: "stretch"
            // Which of two places a middle begins at is no setting that a reader needs.
            case .crop, .cropRoundingDown: "crop"
            }
        return InlineText(
            "\(preparation.size) pixels a side, \(preparation.filter.rawValue), \(mode)")
    }

    /// What a reader must know to read the table.
    static func meaning(of rows: [EvaluationRow], in reports: [EvaluationReport]) -> [ReportBlock] {
        var notes: [InlineText] = [
            """
            ACC is the share of test samples classified correctly without a trigger. For a trigger \
            and a label, ASR is the share of samples that get the label once the trigger is in \
            them, \(emphasis: "of those whose true label is another"). A trigger's ASR is its \
            largest over labels; AASR is the mean over triggers and MASR the largest. All are \
            percentages.
            """
        ]
        if rows.contains(where: { $0.filter == .cleanCorrect }) {
            notes.append(
                """
                Where it says clean-correct, ASR counts only samples that the model gets right \
                without a trigger. Such numbers are not comparable with the paper's.
                """)
        }
        notes.append(
            """
            Attack success does not fall to 0 without a backdoor: it also counts the ordinary \
            mistakes of a classifier. The clean model's AASR is the floor, and excess AASR is what \
            lies above it.
            """)
        notes.append(
            """
            Of several seeds the tables show mean ± sample standard deviation. Of one seed, \
            brackets hold Wilson's 95 % interval of a proportion; that of MASR belongs to the \
            strongest trigger and label and does not allow for their having been picked. AASR, a \
            mean over the same samples with different triggers, has no such interval.
            """)
        if !reports.allSatisfy(\.isTrained) {
            notes.append(
                """
                Where it says zero-shot, nothing was trained: a class is the mean of its prompts' \
                embeddings, and an image is of the class whose embedding is closest to its own. \
                Such a row has no seed, for nothing is drawn.
                """)
        }
        let poolers = Set(rows.compactMap(\.pooler))
        if poolers.count > 1 || poolers.contains(.reset) {
            notes.append(
                """
                With the pooler reset, fine-tuning starts from a fresh pooler; backdoors bound to \
                the pooled vector then weaken without any purification. Compare rows of the same \
                pooler only.
                """)
        }
        return notes.map { .paragraph($0) }
    }
}

extension EvaluationReport {
    /// Whether classifiers were trained; otherwise a CLIP was asked about prompts.
    var isTrained: Bool {
        if case .zeroShot = settings.samples { false } else { true }
    }
}
