extension WordPieceTokenizer {
    /// An uncased vocabulary of at most `size` tokens for `texts`.
    ///
    /// It holds the five special tokens, the characters alone and as continuations (the most
    /// frequent where there is no room for all), the most frequent words, and in an eighth of the
    /// room word endings for the words left out. Equal texts give equal vocabularies.
    public static func trainVocabulary(from texts: [String], size: Int) -> [String] {
        var counts: [[UInt8]: Int] = [:]
        let normalizer = BertNormalizer(Configuration())
        let words = BertWords()
        var scratch: [UInt8] = []
        for var text in texts {
            text.withUTF8 { normalizer.normalize($0, into: &scratch) }
            scratch.withUnsafeBufferPointer { bytes in
                words.forEach(in: bytes) { counts[Array(bytes[$0..<$1]), default: 0] += 1 }
            }
        }
        let ranked = ranking(counts)
        var vocabulary = Array(Configuration().roleTokens.prefix(max(size, 0)))
        let characters = characters(of: counts)
        let share = max(0, (size - vocabulary.count) / 2)
        vocabulary += characters.initial.prefix(share)
        vocabulary += characters.following.prefix(share).map { "##" + $0 }
        let long = ranked.filter { $0.unicodeScalars.count > 1 }
        let room = max(0, size - vocabulary.count)
        let wholeWords = long.prefix(long.count > room ? room - room / 8 : room)
        vocabulary += wholeWords
        let endings = endings(of: long.dropFirst(wholeWords.count), counts)
        vocabulary += endings.prefix(max(0, size - vocabulary.count)).map { "##" + $0 }
        return vocabulary
    }

    /// Most frequent first, ties in byte order.
    private static func ranking(_ counts: [[UInt8]: Int]) -> [String] {
        counts.sorted { one, other in
            one.value != other.value
                ? one.value > other.value : one.key.lexicographicallyPrecedes(other.key)
        }
        .map { String(decoding: $0.key, as: UTF8.self) }
    }

    private static func characters(
        of counts: [[UInt8]: Int]
    ) -> (initial: [String], following: [String]) {
        var initial: [[UInt8]: Int] = [:]
        var following: [[UInt8]: Int] = [:]
        for (word, count) in counts {
            for (position, scalar) in scalars(of: word).enumerated() {
                // Every character can begin a word that was not seen.
                initial[scalar, default: 0] += count
                if position > 0 {
                    following[scalar, default: 0] += count
                }
            }
        }
        return (ranking(initial), ranking(following))
    }

    private static func endings(
        of words: ArraySlice<String>, _ counts: [[UInt8]: Int]
    ) -> [String] {
        var endings: [[UInt8]: Int] = [:]
        for word in words {
            let bytes = Array(word.utf8)
            let scalars = scalars(of: bytes)
            for length in 2..<max(3, min(6, scalars.count)) where length < scalars.count {
                endings[Array(scalars.suffix(length).joined()), default: 0] += counts[bytes] ?? 0
            }
        }
        return ranking(endings)
    }

    private static func scalars(of word: [UInt8]) -> [[UInt8]] {
        String(decoding: word, as: UTF8.self).unicodeScalars.map { Array(String($0).utf8) }
    }
}
