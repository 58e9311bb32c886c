import CTorch

extension Tensor {
    /// Overwrites the elements with those of `source`, converting type and device.
    public func assign(_ source: Tensor) throws(TorchError) {
        try check(ct_copy_(handle, source.handle), "copy")
    }

    /// Sets every element to zero.
    public func zero() throws(TorchError) { try check(ct_zero_(handle), "zero") }

    /// Multiplies every element by `factor`.
    public func scale(by factor: Double) throws(TorchError) {
        try check(ct_mul_scalar_(handle, factor), "mul")
    }

    /// Adds `alpha` times `other`.
    public func add(_ other: Tensor, times alpha: Double = 1) throws(TorchError) {
        try check(ct_add_(handle, other.handle, alpha), "add")
    }

    /// Draws every element from a normal distribution, from the device's generator.
    public func fillNormal(mean: Double = 0, deviation: Double = 1) throws(TorchError) {
        try check(ct_fill_normal(handle, mean, deviation), "normal")
    }

    /// Draws every element uniformly from `range`, from the device's generator.
    public func fillUniform(_ range: ClosedRange<Double>) throws(TorchError) {
        try check(ct_fill_uniform(handle, range.lowerBound, range.upperBound), "uniform")
    }

    /// Adds `alpha · others[i]` to `tensors[i]`, all in one call.
    public static func add(
        _ others: [Tensor], to tensors: [Tensor], times alpha: Double = 1
    ) throws(TorchError) {
        precondition(others.count == tensors.count, "as many tensors as things to add")
        guard !tensors.isEmpty else { return }
        try check(
            ct_foreach_add_(
                tensors.map { $0.handle }, others.map { $0.handle }, Int32(tensors.count), alpha),
            "foreach_add")
    }

    /// Multiplies all of `tensors` by the scalar tensor `factor`, in one call.
    public static func scale(_ tensors: [Tensor], by factor: Tensor) throws(TorchError) {
        guard !tensors.isEmpty else { return }
        try check(
            ct_foreach_mul_(tensors.map { $0.handle }, Int32(tensors.count), factor.handle),
            "foreach_mul")
    }
}

/// Seeds the host generator of this thread, which `fillNormal` and `fillUniform` draw from, and the
/// default generators of all devices.
public func seedGenerators(_ seed: UInt64) throws(TorchError) { try check(ct_seed(seed), "seed") }
