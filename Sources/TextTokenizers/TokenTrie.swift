/// A byte trie over a vocabulary: the longest token that a text continues with is one walk.
///
/// Edges live in one flat open-addressing table, so a step is a multiplication and a probe.
struct TokenTrie: Sendable {
    static let root: UInt32 = 0
    /// The most bytes a vocabulary may hold: a node number shares 32 bits with a byte.
    static let maximumBytes = 1 << 23

    /// `(node, byte) + 1` in the high half, the child in the low half; 0 is free.
    private var slots: [UInt64]
    private let shift: UInt64
    private var tokenOfNode: [Int32] = [-1]

    /// A trie where a later token replaces an equal earlier one; `maximumBytes` must hold.
    init(_ tokens: some Sequence<(bytes: [UInt8], id: Int32)>, byteCount: Int) {
        precondition(byteCount <= Self.maximumBytes, "the trie's node numbers would overflow")
        var bits: UInt64 = 4
        while 1 << Int(bits) < byteCount * 2 {
            bits += 1
        }
        slots = [UInt64](repeating: 0, count: 1 << Int(bits))
        shift = 64 - bits
        for (bytes, id) in tokens {
            var node = Self.root
            for byte in bytes {
                node = insertChild(of: node, byte)
            }
            tokenOfNode[Int(node)] = id
        }
    }

    /// A trie of the tokens of a vocabulary, empty ones left out; throws where there are too many.
    init(vocabulary: [String], path: String?) throws {
        let byteCount = vocabulary.reduce(0) { $0 + $1.utf8.count }
        guard byteCount <= Self.maximumBytes else {
            throw TokenizerError(
                path: path,
                "the vocabulary has \(byteCount) bytes; at most \(Self.maximumBytes) are supported")
        }
        self.init(
            vocabulary.enumerated().lazy.filter { !$0.element.isEmpty }
                .map { (bytes: Array($0.element.utf8), id: Int32(truncatingIfNeeded: $0.offset)) },
            byteCount: byteCount)
    }

    /// The node that `bytes` lead to.
    func node(_ bytes: some Sequence<UInt8>) -> UInt32? {
        var node = Self.root
        for byte in bytes {
            guard let next = child(of: node, byte) else { return nil }
            node = next
        }
        return node
    }

    /// The token that ends at `node`, or -1.
    @inline(__always)
    func token(at node: UInt32) -> Int32 { tokenOfNode[Int(node)] }

    @inline(__always)
    func child(of node: UInt32, _ byte: UInt8) -> UInt32? {
        let key = UInt64(node << 8 | UInt32(byte)) + 1
        var slot = firstSlot(key)
        while true {
            let value = slots[slot]
            if value >> 32 == key { return UInt32(truncatingIfNeeded: value) }
            if value == 0 { return nil }
            slot = (slot + 1) & (slots.count - 1)
        }
    }

    @inline(__always)
    private func firstSlot(_ key: UInt64) -> Int {
        Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
    }

    private mutating func insertChild(of node: UInt32, _ byte: UInt8) -> UInt32 {
        if let child = child(of: node, byte) { return child }
        let key = UInt64(node << 8 | UInt32(byte)) + 1
        var slot = firstSlot(key)
        while slots[slot] != 0 {
            slot = (slot + 1) & (slots.count - 1)
        }
        let created = UInt32(tokenOfNode.count)
        tokenOfNode.append(-1)
        slots[slot] = key << 32 | UInt64(created)
        return created
    }
}
