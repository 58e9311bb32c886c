import ArgumentParser
import DataPipeline
import Training

/// The most that each option with a number may be: far above any use, far below what sums and
/// products of them could not hold. `Documentation/limits.md` lists them.
enum OptionBounds {
    /// Options that count something, from 1 or 0 on.
    static let counts: [String: Int] = [
        "--epochs": RunSettings.Most.epochs, "--batch-size": RunSettings.Most.batchSize,
        "--accumulation": RunSettings.Most.accumulation,
        "--chunk-size": 1 << 20, "--samples": 1 << 31, "--sentences": 1 << 31, "--limit": 1 << 31,
        "--train-samples": 1 << 31, "--test-samples": 1 << 31, "--train": 1 << 31,
        "--test": 1 << 31, "--min-words": 1 << 20, "--max-length": 1 << 20, "--insertions": 1000,
        "--prune": 1 << 31, "--image-size": 4096, "--threads": 4096, "--jobs": 1024,
        "--snapshot-every": 1 << 40, "--warmup-steps": RunSettings.Most.warmupSteps,
    ]

    /// The most that a rate or a weight may be.
    static let rate = RunSettings.Most.rate

    /// The seeds that one evaluation may have.
    static let seeds = 1000

    /// Throws where the value of an option is not in `least...` its bound.
    static func check(_ name: String, _ value: Int, least: Int) throws {
        guard let most = counts[name] else {
            preconditionFailure("\(name) has no bound: add it to the table")
        }
        guard value >= least else {
            throw ValidationError(
                "\(name) \(value): expected " + (least == 0 ? "0 or more" : "at least \(least)"))
        }
        guard value <= most else {
            throw ValidationError("\(name) \(value): expected at most \(most)")
        }
    }
}

/// Refuses options that count something and are below one, or above what any use needs.
func validatePositive(_ options: (name: String, value: Int)...) throws {
    for option in options { try OptionBounds.check(option.name, option.value, least: 1) }
}

/// Refuses an option that counts something, maybe nothing, and is above what any use needs.
func validateCount(_ name: String, _ value: Int) throws {
    try OptionBounds.check(name, value, least: 0)
}

/// Refuses rates and weights that are no finite number above zero, or at zero where that is allowed.
func validateRate(_ name: String, _ value: Double, allowsZero: Bool = false) throws {
    let shown = NumberText.exact(value)
    guard value.isFinite, value > 0 || (allowsZero && value == 0) else {
        throw ValidationError(
            "\(name) \(shown): expected \(allowsZero ? "0 or more" : "more than 0")")
    }
    guard value <= OptionBounds.rate else {
        throw ValidationError(
            "\(name) \(shown): expected at most \(NumberText.short(OptionBounds.rate))")
    }
}

/// Refuses lengths that leave no place for a word between the special tokens.
func validateLength(_ value: Int) throws {
    try OptionBounds.check("--max-length", value, least: 3)
}
