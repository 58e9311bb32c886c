import JSON

/// A `tokenizer.json`.
struct TokenizerDocument {
    let document: JSONValue
    let path: String

    init(_ document: JSONValue, path: String) {
        self.document = document
        self.path = path
    }

    func problem(_ message: String) -> TokenizerError {
        TokenizerError(path: path, message)
    }

    /// The tokens of the model by their ids, an empty one where an id has none.
    func vocabulary(of model: JSONValue) throws -> [String] {
        guard let members = model["vocab"]?.object?.members else {
            throw problem("model.vocab is no object; expected token: id")
        }
        return try Self.vocabulary(members, named: " in model.vocab", path: path)
    }

    /// The tokens of an object `token: id` by their ids, an empty one where an id has none.
    static func vocabulary(
        _ members: [JSONObject.Member], named place: String = "", path: String
    ) throws -> [String] {
        // Ids may have gaps (a token listed twice), but not room for a hostile allocation.
        let limit = members.count * 4 + 1024
        var tokens = [String](repeating: "", count: limit)
        var count = 0
        for (token, value) in members {
            guard let id = value.integer, (0..<limit).contains(id), tokens[id].isEmpty else {
                throw TokenizerError(
                    path: path,
                    "the id of \(token)\(place) is not a free number from 0 on; expected"
                        + " ids without large gaps or duplicates")
            }
            tokens[id] = token
            count = max(count, id + 1)
        }
        return Array(tokens.prefix(count))
    }

    /// The tokens added to the model's own.
    func addedTokens() throws -> [AddedToken] {
        try (document["added_tokens"]?.array ?? []).map { value in
            guard let number = value["id"]?.integer, let id = Int32(exactly: number) else {
                throw problem("an entry of added_tokens has no id")
            }
            return try AddedToken(value, id: id, path: path)
        }
    }

    /// The value, or the only member of a sequence; nil for null.
    func single(_ value: JSONValue?, of key: String) -> JSONValue? {
        guard let value, !value.isNull else { return nil }
        if value["type"]?.string == "Sequence", let list = value[key]?.array, list.count == 1 {
            return list[0]
        }
        return value
    }
}
