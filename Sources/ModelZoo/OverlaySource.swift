import Torch
import TorchNN

/// Takes some parameters from one source and all others from another.
final class OverlaySource: ParameterSource {
    private let upper: any ParameterSource
    private let pattern: ParameterPattern
    private let lower: any ParameterSource

    init(
        _ upper: any ParameterSource, where pattern: ParameterPattern,
        over lower: any ParameterSource
    ) {
        self.upper = upper
        self.pattern = pattern
        self.lower = lower
    }

    private func source(of name: String) -> any ParameterSource {
        pattern.matches(name) ? upper : lower
    }

    func tensor(named name: String, shape: [Int], initializer: Initializer) throws -> Tensor {
        try source(of: name).tensor(named: name, shape: shape, initializer: initializer)
    }

    func buffer(
        named name: String, shape: [Int], dtype: DType, initializer: Initializer
    ) throws -> Tensor {
        try source(of: name).buffer(
            named: name, shape: shape, dtype: dtype, initializer: initializer)
    }

    func holds(_ name: String) -> Bool { source(of: name).holds(name) }
}
