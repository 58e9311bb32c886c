import DataPipeline
import Randomness

/// Puts trigger words into texts.
public enum TextTrigger {
    /// `text` with `trigger` put in `count` times, its words joined by single spaces.
    ///
    /// Words are what Python's `split()` gives. A trigger stands as a word of its own, and one of
    /// several words stays whole: no later insertion falls inside it. Each of several insertions
    /// draws its place on its own, in the text as the earlier ones left it; a `count` below 1 puts
    /// none in.
    ///
    /// - Parameters:
    ///   - position: where the trigger goes.
    ///   - seed: the seed of random places; the other positions do not read it.
    ///   - sample: the text's index in its data set, so that each text gets a place of its own.
    public static func insert(
        _ trigger: String, into text: String, position: TriggerPosition = .random, count: Int = 1,
        seed: Seed = Seed(42), sample: Int = 0
    ) -> String {
        var stream = seed.stream("trigger.position." + trigger, sample)
        var words = words(of: text)
        for _ in 0..<max(0, count) {
            words.insert(trigger, at: position.place(among: words.count, using: &stream))
        }
        return words.joined(separator: " ")
    }

    /// The words of `text`, as Python's `str.split()` gives them.
    public static func words(of text: String) -> [String] {
        // By scalars: as a `Character`, a space under a combining mark would be no space.
        text.unicodeScalars.split(whereSeparator: isSeparator).map(String.init)
    }

    private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // Python counts the four information separators, which are not Unicode white space.
        case 0x09...0x0d, 0x1c...0x20: true
        case ..<0x80: false
        default: scalar.properties.isWhitespace
        }
    }
}
