import Dispatch

extension WordPieceTokenizer {
    /// The ids of `text`, without `[CLS]` and `[SEP]`.
    public func encode(_ text: String) -> [Int32] {
        var scratch: [UInt8] = []
        return encode(text, scratch: &scratch)
    }

    /// The ids of UTF-8 bytes; what is invalid counts as U+FFFD.
    public func encode(utf8 bytes: [UInt8]) -> [Int32] {
        bytes.withUnsafeBufferPointer { encode(utf8: $0) }
    }

    /// The ids of UTF-8 bytes; what is invalid counts as U+FFFD.
    public func encode(utf8 bytes: UnsafeBufferPointer<UInt8>) -> [Int32] {
        var scratch: [UInt8] = []
        return encode(utf8: bytes, scratch: &scratch)
    }

    /// `[CLS] text [SEP]`, where the text's end is cut so that at most `maximumLength` ids remain.
    ///
    /// The two special tokens are always there, also where `maximumLength` is below 2.
    public func encodeWithSpecials(_ text: String, maximumLength: Int) -> [Int32] {
        var scratch: [UInt8] = []
        return encodeWithSpecials(text, maximumLength: maximumLength, scratch: &scratch).ids
    }

    /// `encodeWithSpecials` of every text, in order, on all cores, and how many tokens were cut off.
    public func encodeAllCounting(
        _ texts: [String], maximumLength: Int
    ) -> (ids: [[Int32]], cut: Int) {
        var results = [[Int32]](repeating: [], count: texts.count)
        let chunk = 64
        let parts = (texts.count + chunk - 1) / chunk
        var cut = [Int](repeating: 0, count: parts)
        results.withUnsafeMutableBufferPointer { buffer in
            cut.withUnsafeMutableBufferPointer { counts in
                // Each iteration writes ranges of its own.
                nonisolated(unsafe) let (output, counts) = (buffer, counts)
                DispatchQueue.concurrentPerform(iterations: parts) { part in
                    var scratch: [UInt8] = []
                    for index in part * chunk..<min((part + 1) * chunk, texts.count) {
                        let encoded = encodeWithSpecials(
                            texts[index], maximumLength: maximumLength, scratch: &scratch)
                        output[index] = encoded.ids
                        counts[part] += encoded.cut
                    }
                }
            }
        }
        return (results, cut.reduce(0, +))
    }

    /// The tokens of `text`, without `[CLS]` and `[SEP]`.
    public func tokens(of text: String) -> [String] {
        encode(text).map { vocabulary[Int($0)] }
    }

    // MARK: - Parts

    private func encodeWithSpecials(
        _ text: String, maximumLength: Int, scratch: inout [UInt8]
    ) -> (ids: [Int32], cut: Int) {
        let room = max(maximumLength, 2) - 2
        let ids = encode(text, scratch: &scratch)
        return ([classificationID] + ids.prefix(room) + [separatorID], max(0, ids.count - room))
    }

    private func encode(_ text: String, scratch: inout [UInt8]) -> [Int32] {
        var text = text
        return text.withUTF8 { encode(utf8: $0, scratch: &scratch) }
    }

    private func encode(
        utf8 bytes: UnsafeBufferPointer<UInt8>, scratch: inout [UInt8]
    ) -> [Int32] {
        var ids: [Int32] = []
        ids.reserveCapacity(bytes.count / 4 + 1)
        rawMatcher.forEachPart(of: bytes) { id, range in
            if let id {
                ids.append(id)
                return
            }
            normalizer.normalize(UnsafeBufferPointer(rebasing: bytes[range]), into: &scratch)
            scratch.withUnsafeBufferPointer { appendNormalized($0, to: &ids) }
        }
        return ids
    }

    private func appendNormalized(_ text: UnsafeBufferPointer<UInt8>, to ids: inout [Int32]) {
        guard !normalizedMatcher.isEmpty else {
            appendWords(of: text, to: &ids)
            return
        }
        normalizedMatcher.forEachPart(of: text) { id, range in
            if let id {
                ids.append(id)
            } else {
                appendWords(of: UnsafeBufferPointer(rebasing: text[range]), to: &ids)
            }
        }
    }

    private func appendWords(of text: UnsafeBufferPointer<UInt8>, to ids: inout [Int32]) {
        words.forEach(in: text) { start, end in
            let count = ids.count
            if !appendPieces(of: text, start, end, to: &ids) {
                ids.removeSubrange(count...)
                ids.append(unknownID)
            }
        }
    }

    /// Appends the longest pieces that spell a word; false where the vocabulary cannot.
    @inline(__always)
    private func appendPieces(
        of text: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int, to ids: inout [Int32]
    ) -> Bool {
        if end - start > configuration.maximumWordLength {
            let scalars = text[start..<end].reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
            if scalars > configuration.maximumWordLength { return false }
        }
        var position = start
        var root: UInt32? = TokenTrie.root
        while position < end {
            guard var node = root else { return false }
            var best: Int32 = -1
            var bestEnd = position
            var index = position
            while index < end, let next = trie.child(of: node, text[index]) {
                node = next
                index += 1
                let token = trie.token(at: node)
                if token >= 0 {
                    best = token
                    bestEnd = index
                }
            }
            if best < 0 { return false }
            ids.append(best)
            position = bestEnd
            root = continuation
        }
        return true
    }
}
