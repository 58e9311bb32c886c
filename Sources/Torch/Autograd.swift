import CTorch

extension Tensor {
    /// Whether operations on this tensor are recorded for its gradient.
    public var requiresGradient: Bool { ct_requires_grad(handle) }

    /// Starts or stops recording; only floating-point leaves can be recorded.
    public func setRequiresGradient(_ value: Bool) throws(TorchError) {
        try check(ct_set_requires_grad(handle, value), "requires_grad")
    }

    /// The same memory, outside the recorded graph.
    public func detached() throws(TorchError) -> Tensor {
        try Tensor.make("detach") { ct_detach(handle, &$0) }
    }

    /// The gradients of this scalar with respect to `inputs`, nil where it does not depend on one.
    ///
    /// The backward pass goes no lower than the lowest of `inputs`, and the graph is freed after.
    public func gradients(for inputs: [Tensor]) throws(TorchError) -> [Tensor?] {
        try Tensor.many("gradients", inputs.count) { result in
            ct_gradients(handle, inputs.map { $0.handle }, Int32(inputs.count), result)
        }
    }
}

/// Runs `body` without recording gradients on this thread.
public func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
    let before = ct_grad_is_enabled()
    ct_set_grad_enabled(false)
    defer { ct_set_grad_enabled(before) }
    return try body()
}

/// Runs `body` in libtorch's inference mode: no graph, no version counters. Tensors made inside
/// cannot be recorded later.
public func withInferenceMode<Result>(_ body: () throws -> Result) throws -> Result {
    var guardHandle: OpaquePointer?
    try check(ct_inference_enter(&guardHandle), "inference_mode")
    defer { ct_inference_leave(guardHandle) }
    return try body()
}
