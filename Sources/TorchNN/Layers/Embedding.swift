import Torch

/// A table of vectors looked up by number.
public struct Embedding {
    /// [vocabulary, width].
    public let weight: Tensor
    /// A row that gets no gradient, or nil.
    public let padding: Int?

    /// A table named by `scope`.
    public init(
        _ count: Int, _ width: Int, padding: Int? = nil, weight initializer: Initializer,
        at scope: Scope
    ) throws {
        weight = try scope.parameter("weight", [count, width], initializer)
        self.padding = padding
    }

    /// Maps 64-bit numbers [...] to vectors [..., width].
    public func callAsFunction(_ ids: Tensor) throws -> Tensor {
        try weight.rows(at: ids, padding: padding)
    }
}
