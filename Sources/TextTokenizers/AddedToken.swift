/// A token that is matched in the text before it is split into words.
public struct AddedToken: Hashable, Sendable {
    /// The text that matches.
    public var content: String
    /// The token's id; nil for the id that the vocabulary gives it, or the next free one.
    public var id: Int32?
    /// Whether it matches only where it is no part of a longer word.
    public var isSingleWord: Bool
    /// Whether it swallows the whitespace on its left.
    public var stripsLeft: Bool
    /// Whether it swallows the whitespace on its right.
    public var stripsRight: Bool
    /// Whether it is normalized, and matched in normalized text.
    public var isNormalized: Bool
    /// Whether it stands for something else than text, as `[MASK]` does.
    public var isSpecial: Bool

    /// A special token matched as it is written, unless told otherwise.
    public init(
        _ content: String, id: Int32? = nil, isSingleWord: Bool = false, stripsLeft: Bool = false,
        stripsRight: Bool = false, isNormalized: Bool = false, isSpecial: Bool = true
    ) {
        self.content = content
        self.id = id
        self.isSingleWord = isSingleWord
        self.stripsLeft = stripsLeft
        self.stripsRight = stripsRight
        self.isNormalized = isNormalized
        self.isSpecial = isSpecial
    }
}
