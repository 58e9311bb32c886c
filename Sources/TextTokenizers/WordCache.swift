/// The tokens of words that were seen before: at most so many, after which it begins anew.
struct WordCache: Sendable {
    /// Longer words are seldom seen twice.
    static let maximumWordBytes = 64
    static let maximumWords = 1 << 14
    /// A word is looked for in so many slots, so that no choice of words makes it slow.
    private static let maximumProbes = 16

    private struct Entry {
        var hash: UInt64 = 0
        /// Where the word and its tokens lie in `bytes` and `ids`; no word has 0 bytes.
        var start: Int32 = 0
        var count: Int32 = 0
        var idStart: Int32 = 0
        var idCount: Int32 = 0
    }

    private var entries: [Entry] = []
    private var bytes: [UInt8] = []
    private var ids: [Int32] = []
    private var words = 0

    static func hash(_ word: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in word { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash ^ hash >> 32
    }

    /// Appends the tokens of `word` to `output`; false where it is not known.
    @inline(__always)
    func appendTokens(
        of word: UnsafeBufferPointer<UInt8>, hash: UInt64, to output: inout [Int32]
    ) -> Bool {
        guard !entries.isEmpty else { return false }
        for probe in 0..<Self.maximumProbes {
            let entry = entries[slot(hash, probe)]
            if entry.count == 0 { return false }
            guard entry.hash == hash, Int(entry.count) == word.count else { continue }
            let start = Int(entry.start)
            guard word.indices.allSatisfy({ bytes[start + $0] == word[$0] }) else { continue }
            for index in Int(entry.idStart)..<Int(entry.idStart + entry.idCount) {
                output.append(ids[index])
            }
            return true
        }
        return false
    }

    /// Keeps the tokens of a word that is not known.
    mutating func insert(
        _ word: UnsafeBufferPointer<UInt8>, hash: UInt64, tokens: ArraySlice<Int32>
    ) {
        if entries.isEmpty || words == Self.maximumWords { clear() }
        for probe in 0..<Self.maximumProbes {
            let slot = slot(hash, probe)
            guard entries[slot].count == 0 else { continue }
            // At most 64 bytes and as many tokens a word: far from what 32 bits hold.
            entries[slot] = Entry(
                hash: hash, start: Int32(bytes.count), count: Int32(word.count),
                idStart: Int32(ids.count), idCount: Int32(tokens.count))
            bytes.append(contentsOf: word)
            ids.append(contentsOf: tokens)
            words += 1
            return
        }
    }

    private mutating func clear() {
        entries = [Entry](repeating: Entry(), count: Self.maximumWords * 2)
        bytes.removeAll(keepingCapacity: true)
        ids.removeAll(keepingCapacity: true)
        words = 0
    }

    @inline(__always)
    private func slot(_ hash: UInt64, _ probe: Int) -> Int {
        (Int(truncatingIfNeeded: hash >> 1) + probe) & (Self.maximumWords * 2 - 1)
    }
}
