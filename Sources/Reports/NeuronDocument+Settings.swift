import Attacks
import DataPipeline
import Documents
import Evaluation
import Randomness
import Torch

extension NeuronDocument {
    /// How neurons were watched, and the command that did it.
    static func settings(of report: NeuronReport) -> [ReportBlock] {
        let (settings, samples) = (report.settings, report.samples)
        var pairs = [KeyValue("Model", .code(report.model))]
        if let after = report.after { pairs.append(KeyValue("Model after", .code(after))) }
        let drawn = samples.count < samples.available ? " of \(samples.available), drawn" : ""
        let damaged = samples.skipped.map { ", \($0) more damaged" } ?? ""
        pairs.append(
            KeyValue("Clean samples", "\(code: samples.path), \(samples.count)\(drawn)\(damaged)"))
        if let labels = samples.labels {
            pairs.append(KeyValue("Labels", InlineText(labels.joined(separator: ", "))))
        }
        pairs += [
            KeyValue("Triggers", .code(settings.triggers.joined(separator: ","))),
            KeyValue("Aggregation", InlineText(settings.aggregation.rawValue)),
            KeyValue("Precision", InlineText(settings.computeType.rawValue)),
            KeyValue("Batch size", "\(settings.batchSize)"),
            KeyValue("Seed", "\(settings.seed.value)"),
        ]
        if let length = settings.maximumLength {
            pairs.append(KeyValue("Maximum length", "\(length) tokens"))
        }
        if let position = settings.position {
            pairs.append(KeyValue("Trigger position", InlineText(position.rawValue)))
        }
        if let insertions = settings.insertions {
            pairs.append(KeyValue("Insertions a text", "\(insertions)"))
        }
        if let preparation = settings.preparation {
            pairs.append(KeyValue("Images", EvaluationDocument.images(preparation)))
        }
        pairs.append(
            KeyValue("Time", "\(NumberText.fixed(report.seconds, decimals: 1)) s"))
        return [.keyValues(pairs)] + (report.command.map { [.code(CodeBlock($0))] } ?? [])
    }

    /// What a reader must know to read the tables.
    static func meaning(of report: NeuronReport) -> [ReportBlock] {
        var notes: [InlineText] = [
            """
            A neuron is a row of a feed-forward part's first matrix (\(code: "intermediate.dense") \
            or \(code: "fc1")); its value is what it has at the first token before the activation \
            function, and it is activated where that is above zero.
            """
        ]
        if report.settings.preparation != nil {
            notes.append(
                """
                In a VGG a neuron is a channel of a convolution, and its value is the mean of its \
                map before ReLU. The paper watches no VGG.
                """)
        }
        notes.append(
            """
            Clean and Poisoned count the neurons that clean samples activate, and that the same \
            samples with the trigger in them do. Overlap is the share of the neurons activated by \
            poisoned samples that clean ones activate too (the paper's A/B, figure 2); Only \
            poisoned are the rest (its table 10). Jaccard is the share that both activate of what \
            either does. Without a backdoor overlap is high, but not 100 %: \(emphasis: "any") \
            change of the samples moves some neurons. Compare with a word that is no trigger, or \
            with a clean model.
            """)
        notes.append(
            """
            The paper does not say how samples together activate a neuron. \(code: "mean"): the \
            mean of its values is above zero. \(code: "union"): any sample activates it. \
            \(code: "half"): at least half of the samples do. \(code: "pairs"): each sample is \
            compared with its own poisoned twin, counts are means over these pairs, and ratios \
            those of the mean counts.
            """)
        return notes.map { .paragraph($0) }
    }
}
