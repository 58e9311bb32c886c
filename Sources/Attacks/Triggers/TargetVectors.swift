/// The pooled vectors that attacks bind their triggers to, one row [width] a trigger.
///
/// Where a row is made of blocks and `width` is not a multiple of their number n, block b covers
/// the entries ⌊b · width / n⌋ ..< ⌊(b + 1) · width / n⌋, so that sizes differ by one at most.
public enum TargetVectors {
    /// The two of four blocks that are negative in each of NeuBA's rows.
    private static let neubaPairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]

    /// NeuBA's targets: four blocks, of which the pair of trigger k is `-magnitude` and the rest
    /// `+magnitude`.
    ///
    /// As signs, rows are orthogonal but for three opposite pairs (first and last, second and
    /// fifth, third and fourth), so that some trigger hits each class of two. There are six pairs:
    /// more triggers are an error, and so is a `width` below 4.
    public static func neuba(
        _ count: Int = 6, width: Int, magnitude: Float = 1
    ) throws -> [[Float]] {
        guard (1...neubaPairs.count).contains(count) else {
            throw TriggerError(
                "NeuBA has target vectors for 1 to \(neubaPairs.count) triggers, not \(count): "
                    + "name fewer triggers")
        }
        try require(width, atLeast: 4, for: "NeuBA's four blocks")
        return neubaPairs.prefix(count).map { pair in
            blocks(4, width: width) { $0 == pair.0 || $0 == pair.1 ? -magnitude : magnitude }
        }
    }

    /// POR-1, the staircase: of K triggers, the k-th (from 1) has `+magnitude` in its first
    /// ⌊width / (K - 1)⌋ · (k - 1) entries and `-magnitude` in the rest.
    ///
    /// A single trigger has `-magnitude` everywhere, as the first of several. The default asks a
    /// tanh pooler for saturation. A `width` below K - 1 is an error.
    public static func staircase(
        _ count: Int, width: Int, magnitude: Float = 10
    ) throws -> [[Float]] {
        try requireTriggers(count)
        try require(width, atLeast: max(1, count - 1), for: "a staircase of \(count) triggers")
        let step = count > 1 ? width / (count - 1) : 0
        return (0..<count).map { trigger in
            (0..<width).map { $0 < step * trigger ? magnitude : -magnitude }
        }
    }

    /// POR-2, the bit patterns: ⌈log₂ K⌉ blocks, where block b of trigger k (from 0) is
    /// `+magnitude` if bit b of k is set, else `-magnitude`.
    ///
    /// No two triggers share a row. A single trigger has one block. A `width` below the number of
    /// blocks is an error.
    public static func bitPatterns(
        _ count: Int, width: Int, magnitude: Float = 10
    ) throws -> [[Float]] {
        try requireTriggers(count)
        let bits = max(1, Int.bitWidth - (count - 1).leadingZeroBitCount)
        try require(width, atLeast: bits, for: "\(bits) blocks for \(count) triggers")
        return (0..<count).map { trigger in
            blocks(bits, width: width) { trigger >> $0 & 1 == 1 ? magnitude : -magnitude }
        }
    }

    private static func blocks(_ count: Int, width: Int, value: (Int) -> Float) -> [Float] {
        var row = [Float](repeating: 0, count: width)
        for block in 0..<count {
            for entry in start(block, of: count, width)..<start(block + 1, of: count, width) {
                row[entry] = value(block)
            }
        }
        return row
    }

    /// ⌊block · width / count⌋, in a form that cannot overflow.
    private static func start(_ block: Int, of count: Int, _ width: Int) -> Int {
        block * (width / count) + block * (width % count) / count
    }

    private static func requireTriggers(_ count: Int) throws {
        guard count >= 1 else { throw TriggerError("no triggers: name at least one") }
    }

    private static func require(_ width: Int, atLeast least: Int, for purpose: String) throws {
        guard width >= least else {
            throw TriggerError(
                "a pooled vector of \(width) entries is too small for \(purpose), which needs "
                    + "\(least): use fewer triggers or a wider model")
        }
    }
}
