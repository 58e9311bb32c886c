import CTorch

extension Tensor {
    /// Elementwise sum, with broadcasting.
    public static func + (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
        try make("add") { ct_add(a.handle, b.handle, &$0) }
    }

    /// Elementwise difference, with broadcasting.
    public static func - (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
        try make("sub") { ct_sub(a.handle, b.handle, &$0) }
    }

    /// Elementwise product, with broadcasting.
    public static func * (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
        try make("mul") { ct_mul(a.handle, b.handle, &$0) }
    }

    /// Elementwise quotient, with broadcasting.
    public static func / (a: Tensor, b: Tensor) throws(TorchError) -> Tensor {
        try make("div") { ct_div(a.handle, b.handle, &$0) }
    }

    /// Every element plus a number.
    public static func + (a: Tensor, b: Double) throws(TorchError) -> Tensor {
        try make("add") { ct_add_scalar(a.handle, b, &$0) }
    }

    /// Every element less a number.
    public static func - (a: Tensor, b: Double) throws(TorchError) -> Tensor { try a + (-b) }

    /// Every element times a number.
    public static func * (a: Tensor, b: Double) throws(TorchError) -> Tensor {
        try make("mul") { ct_mul_scalar(a.handle, b, &$0) }
    }

    /// Every element times a number.
    public static func * (a: Double, b: Tensor) throws(TorchError) -> Tensor { try b * a }

    /// Every element divided by a number.
    public static func / (a: Tensor, b: Double) throws(TorchError) -> Tensor { try a * (1 / b) }

    /// Every element with its sign changed.
    public static prefix func - (x: Tensor) throws(TorchError) -> Tensor {
        try make("neg") { ct_neg(x.handle, &$0) }
    }

    /// Elementwise power.
    public func power(_ exponent: Double) throws(TorchError) -> Tensor {
        try Tensor.make("pow") { ct_pow_scalar(handle, exponent, &$0) }
    }

    /// Elementwise natural exponential.
    public func exp() throws(TorchError) -> Tensor {
        try Tensor.make("exp") { ct_exp(handle, &$0) }
    }

    /// Elementwise natural logarithm.
    public func log() throws(TorchError) -> Tensor {
        try Tensor.make("log") { ct_log(handle, &$0) }
    }

    /// Elementwise square root.
    public func squareRoot() throws(TorchError) -> Tensor {
        try Tensor.make("sqrt") { ct_sqrt(handle, &$0) }
    }

    /// Elementwise magnitude.
    public func magnitude() throws(TorchError) -> Tensor {
        try Tensor.make("abs") { ct_abs(handle, &$0) }
    }

    /// Elementwise hyperbolic tangent.
    public func tanh() throws(TorchError) -> Tensor {
        try Tensor.make("tanh") { ct_tanh(handle, &$0) }
    }

    /// Elementwise max(0, x).
    public func relu() throws(TorchError) -> Tensor {
        try Tensor.make("relu") { ct_relu(handle, &$0) }
    }

    /// Elementwise logistic function.
    public func sigmoid() throws(TorchError) -> Tensor {
        try Tensor.make("sigmoid") { ct_sigmoid(handle, &$0) }
    }

    /// Every element kept within `range`.
    public func clamped(to range: ClosedRange<Double>) throws(TorchError) -> Tensor {
        try Tensor.make("clamp") { ct_clamp(handle, range.lowerBound, range.upperBound, &$0) }
    }

    /// Where the elements are equal, as booleans.
    public func equals(_ other: Tensor) throws(TorchError) -> Tensor {
        try Tensor.make("eq") { ct_equal(handle, other.handle, &$0) }
    }

    /// Where the elements are greater than a number, as booleans.
    public func isGreater(than value: Double) throws(TorchError) -> Tensor {
        try Tensor.make("gt") { ct_greater_scalar(handle, value, &$0) }
    }

    /// `a` where `condition` holds, else `b`.
    public static func choosing(
        _ a: Tensor, where condition: Tensor, else b: Tensor
    ) throws(TorchError) -> Tensor {
        try make("where") { ct_where(condition.handle, a.handle, b.handle, &$0) }
    }

    /// `value` where `mask` holds.
    public func filled(where mask: Tensor, with value: Double) throws(TorchError) -> Tensor {
        try Tensor.make("masked_fill") { ct_masked_fill(handle, mask.handle, value, &$0) }
    }

    /// Matrix product over the last two dimensions, batched over the others.
    public func matmul(_ other: Tensor) throws(TorchError) -> Tensor {
        try Tensor.make("matmul") { ct_matmul(handle, other.handle, &$0) }
    }

    /// The sum of all elements, a scalar.
    public func sum() throws(TorchError) -> Tensor {
        try Tensor.make("sum") { ct_sum_all(handle, &$0) }
    }

    /// The mean of all elements, a scalar.
    public func mean() throws(TorchError) -> Tensor {
        try Tensor.make("mean") { ct_mean_all(handle, &$0) }
    }

    /// Sums over `dimensions`, which disappear unless `keepingDimensions`.
    public func sum(
        over dimensions: [Int], keepingDimensions: Bool = false
    ) throws(TorchError) -> Tensor {
        try Tensor.make("sum") {
            ct_sum(
                handle, dimensions.map(Int64.init), Int32(dimensions.count), keepingDimensions, &$0)
        }
    }

    /// Means over `dimensions`, which disappear unless `keepingDimensions`.
    public func mean(
        over dimensions: [Int], keepingDimensions: Bool = false
    ) throws(TorchError) -> Tensor {
        try Tensor.make("mean") {
            ct_mean(
                handle, dimensions.map(Int64.init), Int32(dimensions.count), keepingDimensions, &$0)
        }
    }

    /// The place of the greatest element along `dimension`, 64-bit.
    public func argmax(_ dimension: Int) throws(TorchError) -> Tensor {
        try Tensor.make("argmax") { ct_argmax(handle, Int64(dimension), &$0) }
    }

    /// The square root of the sum of squares of all elements (for a matrix, Frobenius), a scalar.
    ///
    /// Its gradient at zero is zero, so that a pruned matrix stays as it is.
    public func norm() throws(TorchError) -> Tensor {
        try Tensor.make("norm") { ct_norm(handle, &$0) }
    }

    /// The norm of each tensor, in one call.
    public static func norms(of tensors: [Tensor]) throws(TorchError) -> [Tensor] {
        try several("norms", tensors.count) { result in
            ct_norms(tensors.map { $0.handle }, Int32(tensors.count), result)
        }
    }

    /// Runs a function of the shim that makes `count` tensors.
    static func several(
        _ operation: String, _ count: Int,
        _ body: (UnsafeMutablePointer<OpaquePointer?>) -> ct_status
    ) throws(TorchError) -> [Tensor] {
        try many(operation, count, body).map { tensor throws(TorchError) in
            guard let tensor else {
                throw TorchError(.invalidArgument, in: operation, "a result is missing")
            }
            return tensor
        }
    }

    /// Runs a function of the shim that makes `count` tensors, some perhaps absent.
    static func many(
        _ operation: String, _ count: Int,
        _ body: (UnsafeMutablePointer<OpaquePointer?>) -> ct_status
    ) throws(TorchError) -> [Tensor?] {
        guard count > 0 else { return [] }
        var handles = [OpaquePointer?](repeating: nil, count: count)
        let status = handles.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.map(body) ?? CT_ERROR
        }
        try check(status, operation)
        return handles.map { $0.map(Tensor.init(taking:)) }
    }
}
