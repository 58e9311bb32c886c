/// A byte-pair vocabulary as its files give it, with where it was read for messages.
struct BytePairVocabulary {
    /// Tokens by id; an empty one where an id has none.
    var tokens: [String]
    var merges: [BytePair]
    /// The file that an error about the vocabulary names, and the one about merges.
    var path: String?
    var mergesPath: String?

    /// What ends the last token of a word.
    static let wordEnd = "</w>"

    /// The character that stands for each byte: itself where it can be printed, else one from
    /// U+0100 on.
    static let byteCharacters: [Unicode.Scalar] = {
        var next: UInt8 = 0
        return (0...255 as ClosedRange<UInt8>).map { byte in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF:
                return Unicode.Scalar(byte)
            default:
                defer { next += 1 }
                // 0x100 + 67 at most, which is a scalar.
                return Unicode.Scalar(0x100 + UInt16(next)) ?? "\u{FFFD}"
            }
        }
    }()

    func trie() throws -> TokenTrie {
        guard !tokens.isEmpty else {
            throw TokenizerError(
                path: path, "the vocabulary is empty; expected a token for each id from 0 on")
        }
        return try TokenTrie(vocabulary: tokens, path: path)
    }

    /// Throws where an id has no token, though higher ones have.
    func checkComplete(_ tokens: [String]) throws {
        let missing = tokens.indices.filter { tokens[$0].isEmpty }
        guard let first = missing.first else { return }
        throw TokenizerError(
            path: path,
            "no token has the id \(first)"
                + (missing.count > 1 ? ", nor have \(missing.count - 1) more" : "")
                + "; expected a token for each id from 0 to \(tokens.count - 1)")
    }

    /// The ids of both tokens of each merge and of what they become.
    func mergedIDs(_ trie: TokenTrie) throws -> [(left: Int32, right: Int32, id: Int32)] {
        try merges.enumerated().map { number, merge in
            func id(_ token: String, _ role: String) throws -> Int32 {
                let id = token.isEmpty ? -1 : trie.node(token.utf8).map(trie.token) ?? -1
                guard id >= 0 else {
                    throw TokenizerError(
                        path: mergesPath ?? path,
                        "merge \(number + 1), ‘\(merge.left.prefix(40))"
                            + " \(merge.right.prefix(40))’, \(role) a token that the vocabulary of"
                            + " \(tokens.count) does not have; expected the two files of one model")
                }
                return id
            }
            return (
                try id(merge.left, "names"), try id(merge.right, "names"),
                try id(merge.left + merge.right, "makes")
            )
        }
    }
}

/// The token of each byte within a word, and of each byte at a word's end.
struct ByteTokens: Sendable {
    let inner: [Int32]
    let last: [Int32]

    init(_ trie: TokenTrie, unknown: Int32) {
        func id(_ token: String) -> Int32 {
            let id = trie.node(token.utf8).map(trie.token) ?? -1
            return id >= 0 ? id : unknown
        }
        inner = BytePairVocabulary.byteCharacters.map { id(String($0)) }
        last = BytePairVocabulary.byteCharacters.map { id(String($0) + BytePairVocabulary.wordEnd) }
    }
}
