/// The caveats of a run, each told as soon as it is found.
public struct Findings {
    /// All that were found, in their order.
    public private(set) var all: [Caveat]
    private let tell: (Caveat) -> Void

    /// Begins, when nothing is refused any more, with what was found before.
    public init(_ before: [Caveat] = [], tell: @escaping (Caveat) -> Void = { _ in }) {
        all = []
        self.tell = tell
        add(before)
    }

    /// Takes note of some.
    public mutating func add(_ caveats: [Caveat]) {
        all += caveats
        caveats.forEach(tell)
    }

    /// Takes note of one, if it is one.
    public mutating func add(_ caveat: Caveat?) { add([caveat].compactMap { $0 }) }
}
