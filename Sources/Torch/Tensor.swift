import CTorch

/// A multi-dimensional array that libtorch holds and autograd records.
///
/// A tensor is a handle: copying the reference copies no memory, and an update in place is seen
/// through every reference. It is not `Sendable`, for libtorch's modes are per thread.
public final class Tensor {
    let handle: OpaquePointer

    init(taking handle: OpaquePointer) { self.handle = handle }

    deinit { ct_free(handle) }

    /// Runs a function of the shim that makes one tensor.
    static func make(
        _ operation: String, _ body: (inout OpaquePointer?) -> ct_status
    ) throws(TorchError) -> Tensor {
        var result: OpaquePointer?
        try check(body(&result), operation)
        guard let result else {
            throw TorchError(.invalidArgument, in: operation, "no tensor came back")
        }
        return Tensor(taking: result)
    }

    // MARK: Facts

    /// The number of dimensions.
    public var rank: Int { Int(ct_rank(handle)) }

    /// The size of each dimension.
    public var shape: [Int] { (0..<ct_rank(handle)).map { Int(ct_size(handle, $0)) } }

    /// The number of elements.
    public var elementCount: Int { Int(ct_element_count(handle)) }

    /// The element type.
    public var dtype: DType {
        var raw = CT_FLOAT32
        guard ct_get_dtype(handle, &raw) == CT_OK, let dtype = DType(raw) else {
            preconditionFailure("a tensor of ours has a scalar type that this module never makes")
        }
        return dtype
    }

    /// Where it lives.
    public var device: Device { Device(ct_get_device(handle)) }

    /// Whether its elements lie in row-major order without gaps.
    public var isContiguous: Bool { ct_is_contiguous(handle) }

    // MARK: Making

    /// A tensor of `shape` from values in row-major order.
    public convenience init<Scalar: TensorScalar>(
        _ values: [Scalar], shape: [Int], device: Device = .cpu
    ) throws(TorchError) {
        let made: Result<OpaquePointer, TorchError> = values.withUnsafeBytes { bytes in
            Tensor.fromBytes(bytes, shape: shape, dtype: Scalar.dtype, device: device)
        }
        self.init(taking: try made.get())
    }

    /// A one-dimensional tensor of `values`.
    public convenience init<Scalar: TensorScalar>(
        _ values: [Scalar], device: Device = .cpu
    ) throws(TorchError) {
        try self.init(values, shape: [values.count], device: device)
    }

    /// A tensor whose memory is a copy of `bytes`: row-major, in the machine's byte order.
    public convenience init(
        bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, device: Device = .cpu
    ) throws(TorchError) {
        self.init(
            taking: try Tensor.fromBytes(bytes, shape: shape, dtype: dtype, device: device).get())
    }

    private static func fromBytes(
        _ bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, device: Device
    ) -> Result<OpaquePointer, TorchError> {
        var result: OpaquePointer?
        let status = ct_from_bytes(
            bytes.baseAddress, bytes.count, dtype.raw, shape.map(Int64.init), Int32(shape.count),
            device.raw, &result)
        guard status == CT_OK, let result else { return .failure(TorchError(status, in: "tensor")) }
        return .success(result)
    }

    /// A tensor whose memory holds whatever it held.
    public static func empty(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try make("empty") {
            ct_empty(shape.map(Int64.init), Int32(shape.count), dtype.raw, device.raw, &$0)
        }
    }

    /// A tensor of one repeated value.
    public static func full(
        _ shape: [Int], _ value: Double, dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try make("full") {
            ct_full(shape.map(Int64.init), Int32(shape.count), value, dtype.raw, device.raw, &$0)
        }
    }

    /// A tensor of zeros.
    public static func zeros(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try full(shape, 0, dtype: dtype, device: device)
    }

    /// A tensor of ones.
    public static func ones(
        _ shape: [Int], dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try full(shape, 1, dtype: dtype, device: device)
    }

    /// The 64-bit integers of `range`, in order.
    public static func arange(
        _ range: Range<Int>, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try make("arange") {
            ct_arange(Int64(range.lowerBound), Int64(range.upperBound), device.raw, &$0)
        }
    }

    // MARK: Reading

    /// The single element, as a `Double`.
    public func item() throws(TorchError) -> Double {
        var value = 0.0
        try check(ct_item(handle, &value), "item")
        return value
    }

    /// All elements in row-major order, converted to `Scalar`'s element type.
    public func values<Scalar: TensorScalar>(
        as _: Scalar.Type = Scalar.self
    ) throws(TorchError) -> [Scalar] {
        let source = try onHost("values", as: Scalar.dtype)
        let count = elementCount
        var status = CT_OK
        let values = [Scalar](unsafeUninitializedCapacity: count) { buffer, initialized in
            status = ct_copy_bytes(
                source.handle, buffer.baseAddress, count * MemoryLayout<Scalar>.stride)
            initialized = status == CT_OK ? count : 0
        }
        try check(status, "values")
        return values
    }

    /// The elements' bytes in row-major order.
    public func bytes() throws(TorchError) -> [UInt8] {
        let source = try onHost("bytes", as: dtype)
        let count = elementCount * dtype.byteCount
        var status = CT_OK
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            status = ct_copy_bytes(source.handle, buffer.baseAddress, count)
            initialized = status == CT_OK ? count : 0
        }
        try check(status, "bytes")
        return bytes
    }

    /// The elements in row-major memory of the host. libtorch reports where there is not enough of
    /// it, or nothing to read; a Swift array of so many elements would end the process instead.
    private func onHost(_ operation: String, as dtype: DType) throws(TorchError) -> Tensor {
        guard device != .meta else {
            throw TorchError(.invalidArgument, in: operation, "a tensor on meta has no elements")
        }
        let typed = try Tensor.make(operation) { ct_to_dtype(handle, dtype.raw, &$0) }
        let host = try Tensor.make(operation) { ct_to_device(typed.handle, Device.cpu.raw, &$0) }
        return try Tensor.make(operation) { ct_contiguous(host.handle, &$0) }
    }

    /// Whether type, shape and every bit of every element are the same.
    public func isBitwiseEqual(to other: Tensor) throws(TorchError) -> Bool {
        var equal = false
        try check(ct_is_bitwise_equal(handle, other.handle, &equal), "isBitwiseEqual")
        return equal
    }

    /// Whether no element of any of `tensors` is infinite or not a number.
    public static func areFinite(_ tensors: [Tensor]) throws(TorchError) -> Bool {
        var finite = true
        try check(
            ct_all_finite(tensors.map { $0.handle }, Int32(tensors.count), &finite), "areFinite")
        return finite
    }
}

extension Tensor: CustomStringConvertible {
    /// Type, shape and place, without the elements.
    public var description: String { "Tensor(\(dtype.rawValue) \(shape) on \(device))" }
}
