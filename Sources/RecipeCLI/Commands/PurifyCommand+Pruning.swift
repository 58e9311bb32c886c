import DataPipeline
import Defenses
import Foundation
import ModelZoo
import Provenance
import Reports
import Torch
import Training

extension PurifyCommand {
    private func pruning(
        _ method: FinePruning.Method, of family: FinePruning.Family
    ) -> FinePruning {
        var pruning = FinePruning(method, for: family)
        pruning.count = choice.prune
        pruning.statistic = choice.statistic ?? pruning.statistic
        pruning.mask = choice.mask ?? pruning.mask
        pruning.batchSize = batchSize ?? pruning.batchSize
        pruning.maximumLength = maxLength ?? pruning.maximumLength
        pruning.precision = compute.precision
        return pruning
    }

    /// Prunes the neurons that the data activate least.
    func prune(_ method: FinePruning.Method) throws {
        let device = try compute.prepare()
        let claim = try out.claim(reading: inputs)
        defer { claim.release() }
        if let data = pairOptions.pairs ?? images {
            try prune(method, with: data, device, claim)
        } else {
            try pruneTexts(method, device, claim)
        }
    }

    private func pruneTexts(
        _ method: FinePruning.Method, _ device: Device, _ claim: OutputClaim
    ) throws {
        let folder = try BERTFolder(model, for: out.examination)
        let pruning = pruning(method, of: .bert)
        try folder.checkLength(pruning.maximumLength)
        _ = try folder.tokenizer()
        let corpus = try readTexts()
        try prune(
            pruning, Caveat.of(corpus), reading: texts.sources, device, claim, unit: "text"
        ) { job, progress, finish in
            try job.run(
                folder, texts: corpus.texts, output: out.output, observe: progress, finish: finish)
        } summary: { report in
            PurificationSummary(report, sources: corpus.sources, command: Invocation.text)
        }
    }

    /// Prunes an image model by the images at `url`, or by those of the pairs there; captions say
    /// nothing of the tower of images.
    private func prune(
        _ method: FinePruning.Method, with url: URL, _ device: Device, _ claim: OutputClaim
    ) throws {
        let folder = try ImageModelFolder(model, for: out.examination)
        let pruning = pruning(method, of: folder.configuration.pruningFamily)
        let set = try auxiliaryImages(url)
        try claim.add([URL(fileURLWithPath: set.folder)])
        let prepared = try imageOptions(drawing: samples).prepare(
            set, for: folder, seed: Seed(seed))
        let sources =
            pairOptions.pairs == nil
            ? [DataSource("images", url)] : pairOptions.sources(images: images)
        try prune(
            pruning, Caveat.of(set), reading: sources, device, claim, unit: "image"
        ) { job, progress, finish in
            try job.run(
                folder, images: prepared, output: out.output, observe: progress, finish: finish)
        } summary: { report in
            PurificationSummary(report, images: url.path, command: Invocation.text)
        }
    }

    private func auxiliaryImages(_ url: URL) throws -> ImageSet {
        guard pairOptions.pairs != nil else {
            return try imageOptions.read(url, part: nil, labels: ImageLabels.none)
        }
        return try CaptionedImages.read(
            url, images: images, maximumSkipped: imageOptions.maxSkipped ?? 0.01
        ).imageSet
    }

    private func prune(
        _ pruning: FinePruning, _ caveats: [Caveat], reading sources: [DataSource],
        _ device: Device,
        _ claim: OutputClaim,
        unit: String,
        run: (
            NeuronPruning, NeuronPruning.Progress, (NeuronPruning.Report, URL) throws -> Void
        ) throws -> NeuronPruning.Report,
        summary: @escaping (NeuronPruning.Report) -> PurificationSummary
    ) throws {
        var job = NeuronPruning(pruning)
        job.inputs = claim.inputs
        job.device = device
        job.force = out.force
        job.proof = card.proof(reading: sources)
        job.caveats = caveats
        let records = try out.records(
            of: "purify", inputs: ([model] + sources.map(\.url)).map(\.path), settings: pruning,
            snapshots: snapshots, device: device)
        var reporter: ProgressReporter?
        let report = try records.removedIfNothingHappens {
            func show(_ done: Int, _ total: Int) {
                let shown =
                    reporter
                    ?? ProgressReporter("read neurons", total: total, unit: unit, on: .standard)
                reporter = shown
                shown.update(completed: done)
                if done == total { shown.finish() }
            }
            return try run(job, show) { report, folder in
                try report.pruned.write(to: records.url)
                try record(summary(report), of: report, at: folder, in: records)
            }
        }
        Console.standard.telling(report.warnings)
        try show(report, as: text(report, unit: unit))
    }

    private func text(_ report: NeuronPruning.Report, unit: String) -> String {
        let pruning = report.pruning
        let later = pruning.mask == .frozen ? "held at zero from now on" : "free to grow back"
        return """
            \(report.output)
              \(report.pruned.count) of \(report.neurons) neurons pruned by \
            \(pruning.method.rawValue) (\(pruning.statistic.rawValue)), \(later)
              \(report.changed.count) of \(report.tensorCount) tensors changed, everything else is \
            the same to the bit
              \(HumanFormat.rate(report.samplesPerSecond)) \(unit)s, \
            \(HumanFormat.duration(report.seconds)); records in \(out.runFolder.path)\
            \(caveats(report.warnings))
            """
    }
}
