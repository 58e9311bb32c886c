import Dispatch
import Foundation

extension CLIPTokenizer {
    /// The ids of `text`, without those of the start and the end.
    public func encode(_ text: String) -> [Int32] {
        var text = text
        return text.withUTF8 { encode(utf8: $0) }
    }

    /// The ids of UTF-8 bytes; what is invalid counts as U+FFFD.
    public func encode(utf8 bytes: [UInt8]) -> [Int32] {
        bytes.withUnsafeBufferPointer { encode(utf8: $0) }
    }

    /// The ids of UTF-8 bytes; what is invalid counts as U+FFFD.
    public func encode(utf8 bytes: UnsafeBufferPointer<UInt8>) -> [Int32] {
        memories.lend { encode(utf8: bytes, text: &$0.text, words: &$0.words) }
    }

    /// Start, text, end: what a model takes, without padding.
    ///
    /// The text's end is cut so that at most `maximumLength` ids remain, by default as many as the
    /// configuration says. The start and the end are always there, also where that is below 2.
    public func encodeWithSpecials(_ text: String, maximumLength: Int? = nil) -> [Int32] {
        memories.lend { encodeWithSpecials(text, maximumLength, &$0).ids }
    }

    /// `encodeWithSpecials` of every text, in order, on all cores.
    public func encodeAll(_ texts: [String], maximumLength: Int? = nil) -> [[Int32]] {
        encodeAllCounting(texts, maximumLength: maximumLength).ids
    }

    /// `encodeAll`, and how many texts were cut.
    public func encodeAllCounting(
        _ texts: [String], maximumLength: Int? = nil
    ) -> (ids: [[Int32]], truncated: Int) {
        var results = [[Int32]](repeating: [], count: texts.count)
        let chunk = 64
        let parts = (texts.count + chunk - 1) / chunk
        var truncated = [Int](repeating: 0, count: parts)
        results.withUnsafeMutableBufferPointer { buffer in
            truncated.withUnsafeMutableBufferPointer { counts in
                // Each iteration writes ranges of its own.
                nonisolated(unsafe) let (output, counts) = (buffer, counts)
                DispatchQueue.concurrentPerform(iterations: parts) { part in
                    memories.lend { memory in
                        for index in part * chunk..<min((part + 1) * chunk, texts.count) {
                            let encoded = encodeWithSpecials(texts[index], maximumLength, &memory)
                            output[index] = encoded.ids
                            counts[part] += encoded.isTruncated ? 1 : 0
                        }
                    }
                }
            }
        }
        return (results, truncated.reduce(0, +))
    }

    /// The texts as one batch, each padded to `length`: what Hugging Face gives with
    /// `padding="max_length", truncation=True`. By default as long as the configuration says.
    public func encodePadded(_ texts: [String], length: Int? = nil) -> PaddedTokens {
        let length = max(length ?? configuration.maximumLength, 2)
        let (rows, truncated) = encodeAllCounting(texts, maximumLength: length)
        return PaddedTokens(rows, length: length, padding: paddingID, truncated: truncated)
    }

    /// The tokens of `text`, without the start and the end.
    public func tokens(of text: String) -> [String] {
        encode(text).map { vocabulary[Int($0)] }
    }

    // MARK: - Parts

    private func encodeWithSpecials(
        _ text: String, _ maximumLength: Int?, _ memory: inout Memory
    ) -> (ids: [Int32], isTruncated: Bool) {
        let room = max(maximumLength ?? configuration.maximumLength, 2) - 2
        var text = text
        let ids = text.withUTF8 { encode(utf8: $0, text: &memory.text, words: &memory.words) }
        return ([startID] + ids.prefix(room) + [endID], ids.count > room)
    }

    private func encode(
        utf8 bytes: UnsafeBufferPointer<UInt8>, text: inout [UInt8], words: inout WordMemory
    ) -> [Int32] {
        var ids: [Int32] = []
        ids.reserveCapacity(bytes.count / 4 + 1)
        rawMatcher.forEachPart(of: bytes) { id, range in
            if let id {
                ids.append(id)
                return
            }
            normalizer.normalize(UnsafeBufferPointer(rebasing: bytes[range]), into: &text)
            text.withUnsafeBufferPointer { appendNormalized($0, to: &ids, &words) }
        }
        return ids
    }

    private func appendNormalized(
        _ text: UnsafeBufferPointer<UInt8>, to ids: inout [Int32], _ memory: inout WordMemory
    ) {
        guard !normalizedMatcher.isEmpty else {
            appendWords(of: text, to: &ids, &memory)
            return
        }
        normalizedMatcher.forEachPart(of: text) { id, range in
            if let id {
                ids.append(id)
            } else {
                appendWords(of: UnsafeBufferPointer(rebasing: text[range]), to: &ids, &memory)
            }
        }
    }

    private func appendWords(
        of text: UnsafeBufferPointer<UInt8>, to ids: inout [Int32], _ memory: inout WordMemory
    ) {
        words.forEach(in: text) { start, end in
            let word = UnsafeBufferPointer(rebasing: text[start..<end])
            guard word.count <= WordCache.maximumWordBytes else {
                appendMerged(word, to: &ids, &memory.chain)
                return
            }
            let hash = WordCache.hash(word)
            if memory.cache.appendTokens(of: word, hash: hash, to: &ids) { return }
            let count = ids.count
            appendMerged(word, to: &ids, &memory.chain)
            memory.cache.insert(word, hash: hash, tokens: ids[count...])
        }
    }

    private func appendMerged(
        _ word: UnsafeBufferPointer<UInt8>, to ids: inout [Int32], _ chain: inout BytePairChain
    ) {
        chain.start()
        for byte in word.dropLast() { chain.append(bytes.inner[Int(byte)]) }
        if let byte = word.last { chain.append(bytes.last[Int(byte)]) }
        chain.merge(by: table, into: &ids)
    }
}

/// Token sequences of one length, as models take them.
public struct PaddedTokens: Sendable, Hashable {
    /// Token ids, [rows, length].
    public let ids: [Int32]
    /// Ids of each row before its padding, those of the start and the end included.
    public let lengths: [Int]
    /// Ids of a row.
    public let length: Int
    /// Rows whose text was cut.
    public let truncated: Int

    /// How many rows there are.
    public var rows: Int { lengths.count }
    /// 1 for each id of a text, 0 for padding: [rows, length].
    public var mask: [Int32] {
        lengths.flatMap { count in (0..<length).map { $0 < count ? 1 : 0 } }
    }

    /// Rows of at most `length` ids, filled up with `padding`.
    public init(_ rows: [some Collection<Int32>], length: Int, padding: Int32, truncated: Int = 0) {
        var ids: [Int32] = []
        ids.reserveCapacity(rows.count * length)
        for row in rows {
            precondition(row.count <= length, "a row of at most \(length) ids")
            ids.append(contentsOf: row)
            ids.append(contentsOf: repeatElement(padding, count: length - row.count))
        }
        self.ids = ids
        lengths = rows.map(\.count)
        self.length = length
        self.truncated = truncated
    }
}

extension PaddedTokens {
    /// Where `id` stands first in each row, or 0 where it does not: what CLIP pools by
    /// `eos_token_id`.
    public func firstPositions(of id: Int32) -> [Int] {
        positions { row in row.firstIndex(of: id).map { $0 - row.startIndex } ?? 0 }
    }

    /// Where the highest id stands first in each row: what CLIP pools where its configuration's
    /// `eos_token_id` is 2, as OpenAI's is.
    public func highestPositions() -> [Int] {
        positions { row in
            row.indices.reduce(row.startIndex) { row[$1] > row[$0] ? $1 : $0 } - row.startIndex
        }
    }

    private func positions(_ position: (ArraySlice<Int32>) -> Int) -> [Int] {
        (0..<rows).map { position(ids[$0 * length..<($0 + 1) * length]) }
    }
}

/// What encoding keeps from one word to the next.
struct WordMemory: Sendable {
    var chain = BytePairChain()
    var cache = WordCache()
}

/// What encoding keeps from one text to the next.
struct Memory: Sendable {
    var text: [UInt8] = []
    var words = WordMemory()

    var capacity: Int { max(text.capacity, words.chain.capacity) }
}

/// Lends memory to whoever encodes, so that all threads learn words, each at its own speed.
final class MemoryPool: @unchecked Sendable {
    // Unchecked because the lock guards the only thing that changes.
    private static let maximumKept = 32

    private let lock = NSLock()
    private var free: [Memory] = []

    func lend<Result>(_ body: (inout Memory) throws -> Result) rethrows -> Result {
        var memory = lock.withLock { free.popLast() } ?? Memory()
        defer {
            // The memory of a very long text is not kept.
            if memory.capacity > 1 << 20 { memory = Memory() }
            lock.withLock { if free.count < Self.maximumKept { free.append(memory) } }
        }
        return try body(&memory)
    }
}
