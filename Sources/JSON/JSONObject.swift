/// The members of a JSON object in their order.
///
/// Keys are told apart by their scalars. Swift's `==` on strings, and so its dictionaries, would
/// merge a composed and a decomposed letter, which are two tokens of a vocabulary.
public struct JSONObject: Sendable {
    /// A key and its value.
    public typealias Member = (key: String, value: JSONValue)

    /// The members; no two have the same key.
    public private(set) var members: [Member]

    /// No members.
    public init() { members = [] }

    /// `members` whose keys are known to differ.
    init(distinct members: [Member]) { self.members = members }

    /// `members` in their order; of several with the same key the first counts.
    public init(_ members: some Sequence<Member>) {
        var keys = Set<ExactKey>()
        self.members = members.filter { keys.insert(ExactKey(text: $0.key)).inserted }
    }

    /// Whether there are no members.
    public var isEmpty: Bool { members.isEmpty }
    /// Number of members.
    public var count: Int { members.count }
    /// The keys in their order.
    public var keys: [String] { members.map(\.key) }

    /// The value of `key`. A new key is added at the end; setting nil takes the member away.
    public subscript(key: String) -> JSONValue? {
        get { index(of: key).map { members[$0].value } }
        set {
            switch (index(of: key), newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append((key, value))
            case (nil, nil): break
            }
        }
    }

    private func index(of key: String) -> Int? {
        members.firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
    }

    /// Sets each of `others`' members.
    public mutating func merge(_ others: JSONObject) {
        for (key, value) in others.members { self[key] = value }
    }

    /// This with each of `others`' members set.
    public func merging(_ others: JSONObject) -> JSONObject {
        var merged = self
        merged.merge(others)
        return merged
    }
}

extension JSONObject: Equatable {
    /// Whether both have the same keys with the same values, in whatever order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        func sorted(_ object: JSONObject) -> [Member] {
            object.members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        }
        guard left.count == right.count else { return false }
        return zip(sorted(left), sorted(right)).allSatisfy {
            $0.key.utf8.elementsEqual($1.key.utf8) && $0.value == $1.value
        }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// The pairs of the literal in their order; of several with the same key the first counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements.map { (key: $0, value: $1) })
    }
}

/// A text that equals another of the same bytes only.
struct ExactKey: Hashable {
    let text: String

    static func == (left: ExactKey, right: ExactKey) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
