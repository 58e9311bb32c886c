import Foundation

/// Both sides of one training loop, each in processes of its own.
struct SideBySide {
    /// Where things are.
    let places: PlaceOptions
    /// How to measure.
    let options: RoundOptions
    /// Steps of ours in a round.
    let steps: Int
    /// Steps of theirs in a round.
    let theirSteps: Int
    /// The script under Oracle/ that is their loop.
    let script: String
    /// Its arguments: the model and what it is trained on.
    let inputs: [String]
    /// Our command with its arguments, which measures.
    let ours: [String]
    /// Our command with its arguments, which trains on the batches of theirs without dropout.
    let agree: [String]
    /// What a sample is called, as in `images`.
    let samples: String

    /// Compares the losses of both sides without dropout.
    func agreement() throws -> Agreement {
        let count = options.agreementSteps
        let ours = try ourselves(agree + ["--steps", "\(count)"])
        let theirs = try theirs(steps: count, warmup: 1, ["--dropout", "0"])
        let agreement = try Agreement(ours: ours.losses, theirs: theirs.losses)
        RecipeBench.report("losses: \(agreement.summary)")
        return agreement
    }

    /// Measures both sides as often as asked for, one after the other.
    func rounds() throws -> [Round] {
        try (1...options.rounds).map { number in
            RecipeBench.report("round \(number) of \(options.rounds)")
            return try round()
        }
    }

    private func round() throws -> Round {
        func reported(_ name: String, _ measurement: LoopMeasurement) -> LoopMeasurement {
            RecipeBench.report("  \(name) \(measurement.summary(of: samples))")
            return measurement
        }
        return Round(
            theirs: reported(
                "theirs", try theirs(steps: theirSteps, warmup: options.theirWarmupSteps)),
            fp32: reported("fp32  ", try measured("fp32")),
            bf16: options.bf16 ? reported("bf16  ", try measured("bf16")) : nil)
    }

    private func theirs(
        steps: Int, warmup: Int, _ more: [String] = []
    ) throws -> LoopMeasurement {
        try places.script(
            script,
            inputs + ["--steps", "\(steps)", "--warmup-steps", "\(warmup)"] + threadArguments + more
        ).result()
    }

    private func measured(_ precision: String) throws -> LoopMeasurement {
        try ourselves(
            ours + [
                "--precision", precision, "--steps", "\(steps)", "--warmup-steps",
                "\(options.warmupSteps)",
            ])
    }

    private func ourselves(_ arguments: [String]) throws -> LoopMeasurement {
        try ChildProcess.ourselves(arguments + threadArguments).result()
    }

    private var threadArguments: [String] { options.threads.map { ["--threads", "\($0)"] } ?? [] }
}
