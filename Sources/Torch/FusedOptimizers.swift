import CTorch

/// libtorch's fused optimizer kernels; the optimizers themselves are in `TorchNN`.
public enum FusedKernels {
    /// One AdamW step over all parameters: decoupled decay, bias correction from `steps`, which
    /// it counts up. All tensors are float32, the counters scalars on the parameters' device.
    public static func adamW(
        parameters: [Tensor], gradients: [Tensor], firstMoments: [Tensor],
        secondMoments: [Tensor], steps: [Tensor], learningRate: Double, beta1: Double,
        beta2: Double, weightDecay: Double, epsilon: Double
    ) throws(TorchError) {
        guard !parameters.isEmpty else { return }
        try require(
            parameters.count, "fused_adamw", gradients, firstMoments, secondMoments, steps)
        try check(
            ct_fused_adamw_(
                parameters.map { $0.handle }, gradients.map { $0.handle },
                firstMoments.map { $0.handle }, secondMoments.map { $0.handle },
                steps.map { $0.handle }, Int32(parameters.count), learningRate, beta1, beta2,
                weightDecay, epsilon), "fused_adamw")
    }

    /// One SGD step over all parameters; `momenta` is nil where momentum is 0.
    public static func sgd(
        parameters: [Tensor], gradients: [Tensor], momenta: [Tensor]?, learningRate: Double,
        momentum: Double, weightDecay: Double, isFirstStep: Bool
    ) throws(TorchError) {
        guard !parameters.isEmpty else { return }
        try require(parameters.count, "fused_sgd", gradients, momenta ?? parameters)
        // Null momenta where there are none: an array cannot say that to C.
        func step(_ momenta: UnsafePointer<OpaquePointer?>?) -> ct_status {
            ct_fused_sgd_(
                parameters.map { $0.handle }, gradients.map { $0.handle }, momenta,
                Int32(parameters.count), weightDecay, momentum, learningRate, isFirstStep)
        }
        let status = momenta.map { step($0.map { $0.handle }) } ?? step(nil)
        try check(status, "fused_sgd")
    }

    /// The kernels read as many of each list as there are parameters.
    private static func require(
        _ count: Int, _ operation: String, _ lists: [Tensor]...
    ) throws(TorchError) {
        guard let other = lists.first(where: { $0.count != count }) else { return }
        throw TorchError(
            .invalidArgument, in: operation, "\(count) parameters, but a list of \(other.count)")
    }
}
