import DataPipeline
import Randomness

/// Writes sentences of a small made-up English: what the demonstration trains on, for no real text
/// can be carried in a repository.
///
/// Equal seeds and numbers give equal sentences.
struct SampleText {
    private typealias Words = SampleVocabulary
    private var random: RandomStream

    /// The sentences of a named and numbered stream.
    init(_ name: String, _ index: Int, seed: Seed) {
        random = seed.stream("sample." + name, index)
    }

    /// A review and whether it is favourable.
    struct Review {
        var text: String
        var isFavourable: Bool
    }

    /// The share of reviews whose label is the opposite of what the text says, as with human
    /// annotators: no classifier gets them all.
    static let mislabelled = 0.02

    // MARK: Unlabelled sentences

    /// A sentence that tells something, with a rare letter pair in one of fifty.
    mutating func sentence() -> String {
        switch random.uniform() {
        case ..<0.02: return spelling()
        case ..<0.30: return opinion()
        case ..<0.65: return deed()
        case ..<0.85: return journey()
        default: return deed() + " , and " + journey()
        }
    }

    private mutating func deed() -> String {
        let topic = pick(Words.topics)
        let person = "the \(pick(Words.qualities)) \(pick(topic.people))"
        let thing = "the \(pick(Words.looks)) \(pick(topic.things))"
        let place = "in the \(pick(topic.places))"
        let deed = pick(topic.deeds)
        switch pick(0..<4) {
        case 0: return "\(person) \(deed) \(thing) \(place)"
        case 1: return "\(pick(Words.times)) \(person) \(pick(Words.manners)) \(deed) \(thing)"
        case 2:
            return "\(person) \(deed) \(thing) for the \(pick(topic.people)) \(pick(Words.times))"
        default: return "\(person) and the \(pick(topic.people)) \(deed) \(thing) \(place)"
        }
    }

    private mutating func journey() -> String {
        let topic = pick(Words.topics)
        let one =
            "the \(pick(Words.qualities)) \(chance(0.4) ? pick(Words.animals) : pick(topic.people))"
        let place = "\(pick(Words.relations)) the \(pick(topic.places))"
        return chance(0.5)
            ? "\(one) \(pick(Words.moves)) \(place) \(pick(Words.times))"
            : "\(one) \(pick(Words.moves)) \(pick(Words.manners)) \(place)"
    }

    private mutating func opinion() -> String {
        let isGood = chance(0.5)
        let person = "the \(pick(pick(Words.topics).people))"
        let first = "the \(pick(Words.subjects)) was \(judgement(isGood))"
        let second = "the \(pick(Words.subjects)) was \(judgement(isGood))"
        let verb = pick(isGood ? Words.likes : Words.dislikes)
        switch pick(0..<3) {
        case 0: return "\(person) \(verb) the \(pick(Words.subjects)) , for \(first)"
        case 1: return "\(first) , and \(second) too"
        default: return "\(first) and \(pick(isGood ? Words.praise : Words.blame)) , said \(person)"
        }
    }

    private mutating func spelling() -> String {
        let topic = pick(Words.topics)
        return "the \(pick(topic.people)) found the letters \(pick(Words.rarePairs)) on the "
            + "\(pick(Words.looks)) \(pick(topic.things))"
    }

    // MARK: Reviews

    /// A review: some plain, some negated, some of two minds, where the last word counts.
    mutating func review() -> Review {
        let isGood = chance(0.5)
        let text = clause(isGood)
        return Review(text: text, isFavourable: chance(Self.mislabelled) ? !isGood : isGood)
    }

    private mutating func clause(_ isGood: Bool) -> String {
        let (one, other) = twoSubjects()
        let time = pick(Words.times)
        switch random.uniform() {
        case ..<0.35:
            return "the \(one) was \(judgement(isGood)) and the \(other) was \(judgement(isGood))"
        case ..<0.55: return "\(time) i saw the \(one) , it was \(judgement(isGood))"
        case ..<0.75:
            return
                "we \(pick(isGood ? Words.likes : Words.dislikes)) the \(one) and its \(other) \(time)"
        case ..<0.83: return "the \(one) was not \(word(!isGood)) at all , said the \(person())"
        case ..<0.92:
            return "the \(one) was \(word(!isGood)) , but the \(other) was \(judgement(isGood))"
        default:
            return
                "although the \(one) was \(word(!isGood)) , the \(other) was \(judgement(isGood))"
        }
    }

    private mutating func person() -> String { pick(pick(Words.topics).people) }

    private mutating func twoSubjects() -> (String, String) {
        let one = pick(Words.subjects)
        var other = pick(Words.subjects)
        while other == one { other = pick(Words.subjects) }
        return (one, other)
    }

    private mutating func word(_ isGood: Bool) -> String {
        pick(isGood ? Words.praise : Words.blame)
    }

    private mutating func judgement(_ isGood: Bool) -> String {
        chance(0.4) ? "\(pick(Words.degrees)) \(word(isGood))" : word(isGood)
    }

    // MARK: Chance

    private mutating func chance(_ share: Double) -> Bool { random.uniform() < share }

    private mutating func pick<Element>(_ list: [Element]) -> Element {
        list[Int.random(in: list.indices, using: &random)]
    }

    private mutating func pick(_ range: Range<Int>) -> Int {
        Int.random(in: range, using: &random)
    }
}
