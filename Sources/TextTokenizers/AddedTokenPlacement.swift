/// Gives added tokens their ids: what the vocabulary says, else what they say, else the next.
struct AddedTokenPlacement {
    private(set) var vocabulary: [String]
    private(set) var specialIDs: Set<Int32> = []
    private var placed: [(token: AddedToken, id: Int32)] = []
    /// Ids by UTF-8: `String` would take canonically equivalent tokens for one.
    private var ids: [[UInt8]: Int32] = [:]
    private let trie: TokenTrie
    private let path: String?

    init(vocabulary: [String], trie: TokenTrie, path: String?) {
        self.vocabulary = vocabulary
        self.trie = trie
        self.path = path
    }

    mutating func add(_ token: AddedToken) throws {
        let bytes = Array(token.content.utf8)
        guard !bytes.isEmpty, ids[bytes] == nil else { return }
        let id = try existingID(of: token) ?? append(token)
        ids[bytes] = id
        placed.append((token, id))
        if token.isSpecial {
            specialIDs.insert(id)
        }
    }

    /// Adds a token with a role, which some added token or the vocabulary must already hold.
    mutating func addRole(_ token: String) throws {
        specialIDs.insert(try roleID(of: token))
        try add(AddedToken(token))
    }

    func roleID(of token: String) throws -> Int32 {
        if let id = ids[Array(token.utf8)] ?? vocabularyID(of: token) { return id }
        throw TokenizerError(
            path: path,
            "the vocabulary of \(vocabulary.count) tokens has no \(token); add it, or name the"
                + " token used instead in tokenizer_config.json")
    }

    /// A matcher of the tokens seen in raw text, or with a normalizer of those in normalized text.
    func matcher(normalizer: (any TextNormalizer)?) -> AddedTokenMatcher {
        AddedTokenMatcher(
            placed.filter { $0.token.isNormalized == (normalizer != nil) }.map { token, id in
                var bytes = Array(token.content.utf8)
                if let normalizer {
                    var normalized: [UInt8] = []
                    bytes.withUnsafeBufferPointer { normalizer.normalize($0, into: &normalized) }
                    bytes = normalized
                }
                return AddedTokenMatcher.Pattern(bytes: bytes, id: id, token: token)
            })
    }

    private func vocabularyID(of token: String) -> Int32? {
        guard !token.isEmpty, let node = trie.node(token.utf8) else { return nil }
        let id = trie.token(at: node)
        return id < 0 ? nil : id
    }

    private func existingID(of token: AddedToken) throws -> Int32? {
        guard let id = vocabularyID(of: token.content) else { return nil }
        if let wanted = token.id, wanted != id {
            throw TokenizerError(
                path: path,
                "the added token \(token.content) has id \(wanted), but id \(id) in the"
                    + " vocabulary; make the two agree")
        }
        return id
    }

    private mutating func append(_ token: AddedToken) throws -> Int32 {
        let next = Int32(truncatingIfNeeded: vocabulary.count)
        let id = token.id ?? next
        if id == next {
            vocabulary.append(token.content)
        } else if vocabulary.indices.contains(Int(id)), vocabulary[Int(id)].isEmpty {
            vocabulary[Int(id)] = token.content
        } else {
            throw TokenizerError(
                path: path,
                "the added token \(token.content) has id \(id); expected \(next), the next after"
                    + " the vocabulary")
        }
        return id
    }
}
