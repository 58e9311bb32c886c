/// Which two tokens become one, and which pair goes first.
///
/// One flat open-addressing table, so a look-up is a multiplication and a probe.
struct BytePairMerges: Sendable {
    struct Merge: Sendable {
        /// Pairs of lower rank are merged first.
        let rank: UInt32
        let id: Int32
    }

    /// Both ids, plus 1; 0 is free.
    private var keys: [UInt64]
    private var merges: [Merge]
    private let shift: UInt64

    /// Merges in the order of their ranks; a later one replaces an equal earlier one.
    init(_ pairs: [(left: Int32, right: Int32, id: Int32)]) {
        var bits: UInt64 = 4
        while 1 << Int(bits) < pairs.count * 2 { bits += 1 }
        keys = [UInt64](repeating: 0, count: 1 << Int(bits))
        merges = [Merge](repeating: Merge(rank: 0, id: 0), count: 1 << Int(bits))
        shift = 64 - bits
        for (rank, pair) in pairs.enumerated() {
            let key = Self.key(pair.left, pair.right)
            var slot = firstSlot(key)
            while keys[slot] != 0, keys[slot] != key { slot = (slot + 1) & (keys.count - 1) }
            keys[slot] = key
            merges[slot] = Merge(rank: UInt32(truncatingIfNeeded: rank), id: pair.id)
        }
    }

    @inline(__always)
    func merge(_ left: Int32, _ right: Int32) -> Merge? {
        let key = Self.key(left, right)
        var slot = firstSlot(key)
        while keys[slot] != 0 {
            if keys[slot] == key { return merges[slot] }
            slot = (slot + 1) & (keys.count - 1)
        }
        return nil
    }

    @inline(__always)
    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        (UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))) + 1
    }

    @inline(__always)
    private func firstSlot(_ key: UInt64) -> Int {
        Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
    }
}

/// A word while pairs of it are merged: a chain of tokens, and the merges that are possible, the
/// next one first. A word of n bytes takes n log n steps.
struct BytePairChain: Sendable {
    private struct Link {
        /// -1 where another link has taken it over.
        var id: Int32
        var previous: Int
        var next: Int
    }

    private struct Candidate {
        let merge: BytePairMerges.Merge
        /// The link that takes over its neighbour.
        let position: Int

        static func < (one: Candidate, other: Candidate) -> Bool {
            (one.merge.rank, one.position) < (other.merge.rank, other.position)
        }
    }

    private var links: [Link] = []
    private var heap: [Candidate] = []

    var capacity: Int { max(links.capacity, heap.capacity) }

    /// Starts a word; its tokens are appended one by one.
    mutating func start() {
        links.removeAll(keepingCapacity: true)
        heap.removeAll(keepingCapacity: true)
    }

    mutating func append(_ id: Int32) {
        links.append(Link(id: id, previous: links.count - 1, next: links.count + 1))
    }

    /// Merges all that can be, and appends what is left to `ids`.
    mutating func merge(by merges: BytePairMerges, into ids: inout [Int32]) {
        for position in links.indices.dropLast() { consider(position, merges) }
        while let candidate = popFirst() {
            let (left, right) = (candidate.position, links[candidate.position].next)
            guard links[left].id >= 0, right < links.count,
                // The pair may have become another one, which has an entry of its own.
                merges.merge(links[left].id, links[right].id)?.id == candidate.merge.id
            else { continue }
            links[left].id = candidate.merge.id
            links[left].next = links[right].next
            links[right].id = -1
            if links[left].next < links.count { links[links[left].next].previous = left }
            if links[left].previous >= 0 { consider(links[left].previous, merges) }
            consider(left, merges)
        }
        for link in links where link.id >= 0 { ids.append(link.id) }
    }

    private mutating func consider(_ position: Int, _ merges: BytePairMerges) {
        let next = links[position].next
        guard next < links.count,
            let merge = merges.merge(links[position].id, links[next].id)
        else { return }
        push(Candidate(merge: merge, position: position))
    }

    private mutating func push(_ candidate: Candidate) {
        heap.append(candidate)
        var child = heap.count - 1
        while child > 0, heap[child] < heap[(child - 1) / 2] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func popFirst() -> Candidate? {
        guard let last = heap.popLast() else { return nil }
        guard let first = heap.first else { return last }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child] < heap[least] { least = child }
            }
            guard least != parent else { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
