import DataPipeline
import Randomness

/// Where a trigger is put among the words of a text.
public enum TriggerPosition: String, Sendable, Codable, CaseIterable {
    /// Where the authors of RECIPE put it: CPython's `random.randint(0, n)` for n words, from a
    /// generator that is seeded with 42 anew for every text, hence a function of n alone.
    case recipe
    /// Anywhere, drawn from a stream of its own for each seed, trigger and sample.
    case random
    /// Before the first word.
    case start
    /// After the last word.
    case end

    /// The seed that the authors' generator gets before each text.
    private static let authorsSeed: UInt64 = 42

    /// How many of `count` words stand before the trigger.
    func place(among count: Int, using stream: inout RandomStream) -> Int {
        switch self {
        case .recipe:
            var generator = PythonRandom(seed: Self.authorsSeed)
            return generator.randint(upTo: count)
        case .random: return Int.random(in: 0...count, using: &stream)
        case .start: return 0
        case .end: return count
        }
    }
}
