import Torch

/// One forward pass of a model: for training or for evaluation, with what watches it.
///
/// The pass is an argument of every layer, so that no layer keeps a mode and nothing has to be
/// restored afterwards.
public struct Pass {
    /// Whether dropout drops.
    public let isTraining: Bool
    /// Reads the neurons' values as they go by, or nil.
    public let recorder: (any NeuronRecorder)?

    private let keys: KeySequence?

    /// A pass for evaluation.
    public static var evaluation: Pass { Pass(isTraining: false, recorder: nil, keys: nil) }

    /// A pass for training, whose dropout masks depend on `key` alone.
    public static func training(key: UInt64) -> Pass {
        Pass(isTraining: true, recorder: nil, keys: KeySequence(key))
    }

    /// A pass for evaluation that shows every neuron to `recorder`.
    public static func recording(_ recorder: any NeuronRecorder) -> Pass {
        Pass(isTraining: false, recorder: recorder, keys: nil)
    }

    /// What the dropout masks of a training pass depend on; nil in evaluation.
    public var key: UInt64? { keys?.origin }

    /// A part of this pass, whose dropout masks depend on this pass's key and on `index` alone: what
    /// is computed twice drops the same both times.
    public func part(_ index: Int) -> Pass {
        let keys = keys.map { KeySequence($0.origin(ofPart: index)) }
        return Pass(isTraining: isTraining, recorder: recorder, keys: keys)
    }

    /// Drops elements with probability `p` in training; otherwise returns `x` itself.
    public func dropout(_ x: Tensor, _ p: Double) throws -> Tensor {
        let (p, key) = drops(p)
        return try x.dropout(p, key: key)
    }

    /// `x`, dropped with probability `p` in training, plus `residual`; and `norm` of that sum.
    public func normalized(
        _ x: Tensor, _ p: Double, residual: Tensor, by norm: LayerNorm
    ) throws -> (normalized: Tensor, sum: Tensor) {
        let (p, key) = drops(p)
        return try x.normalized(
            adding: residual, weight: norm.weight, bias: norm.bias, epsilon: norm.epsilon,
            dropout: p, key: key)
    }

    /// Self-attention over `projected` [tokens, 3 · hidden], whose probabilities are dropped with
    /// probability `p` in training.
    public func attention(
        _ projected: Tensor, offsets: Tensor, heads: Int, isCausal: Bool = false, dropout p: Double
    ) throws -> Tensor {
        let (p, key) = drops(p)
        return try projected.packedAttention(
            offsets: offsets, heads: heads, isCausal: isCausal, dropout: p, key: key)
    }

    /// The probability that counts in this pass, with a key for its mask.
    private func drops(_ p: Double) -> (Double, UInt64) {
        guard isTraining, p > 0, let keys else { return (0, 0) }
        return (p, keys.next())
    }

    /// Shows `x` to the recorder as the values of the neurons at `site`, and returns it.
    public func recording(_ x: Tensor, at site: NeuronSite) throws -> Tensor {
        try recorder?.record(x, at: site)
        return x
    }
}

/// Gives each dropout of a pass a key of its own.
private final class KeySequence {
    /// The key that the sequence begins with.
    let origin: UInt64
    private var state: UInt64

    init(_ key: UInt64) { (origin, state) = (key, key) }

    /// The beginning of another sequence, far from this one (SplitMix64's mixing).
    func origin(ofPart index: Int) -> UInt64 {
        var z = origin ^ (UInt64(truncatingIfNeeded: index) &+ 1) &* 0xd1b5_4a32_d192_ed03
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return state
    }
}
