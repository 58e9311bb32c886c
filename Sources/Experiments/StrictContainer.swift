extension Decoder {
    /// The keyed values here; an error that names a key which is none of `Keys`, where there is one.
    func strictContainer<Keys: CodingKey & CaseIterable>(
        keyedBy keys: Keys.Type
    ) throws -> KeyedDecodingContainer<Keys> {
        let known = keys.allCases.map(\.stringValue)
        let all = try container(keyedBy: AnyKey.self).allKeys
        if let unknown = all.first(where: { !known.contains($0.stringValue) }) {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: codingPath + [unknown],
                    debugDescription: "unknown key ‘\(unknown.stringValue)’: expected one of "
                        + known.joined(separator: ", ")))
        }
        return try container(keyedBy: keys)
    }
}

extension RawRepresentable where Self: CaseIterable, RawValue == String {
    /// The case that `decoder` names; an error that lists all cases where it names none.
    static func named(by decoder: any Decoder) throws -> Self {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let found = Self(rawValue: name) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "‘\(name)’ is not known: expected one of "
                    + allCases.map(\.rawValue).joined(separator: ", "))
        }
        return found
    }
}

/// A key of any name.
private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
