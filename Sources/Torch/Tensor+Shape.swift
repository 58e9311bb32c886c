import CTorch

extension Tensor {
    /// The same elements as `dtype`.
    public func cast(to dtype: DType) throws(TorchError) -> Tensor {
        try Tensor.make("cast") { ct_to_dtype(handle, dtype.raw, &$0) }
    }

    /// The same elements on `device`.
    public func moved(to device: Device) throws(TorchError) -> Tensor {
        try Tensor.make("move") { ct_to_device(handle, device.raw, &$0) }
    }

    /// The same elements, row-major without gaps.
    public func contiguous() throws(TorchError) -> Tensor {
        try Tensor.make("contiguous") { ct_contiguous(handle, &$0) }
    }

    /// A copy with memory of its own.
    public func copied() throws(TorchError) -> Tensor {
        try Tensor.make("copy") { ct_clone(handle, &$0) }
    }

    /// The same elements in another shape; one size may be -1.
    public func reshaped(_ shape: [Int]) throws(TorchError) -> Tensor {
        try Tensor.make("reshape") {
            ct_reshape(handle, shape.map(Int64.init), Int32(shape.count), &$0)
        }
    }

    /// Two dimensions exchanged.
    public func transposed(_ a: Int, _ b: Int) throws(TorchError) -> Tensor {
        try Tensor.make("transpose") { ct_transpose(handle, Int64(a), Int64(b), &$0) }
    }

    /// The dimensions in another order.
    public func permuted(_ order: [Int]) throws(TorchError) -> Tensor {
        try Tensor.make("permute") {
            ct_permute(handle, order.map(Int64.init), Int32(order.count), &$0)
        }
    }

    /// A dimension of size one put in at `dimension`.
    public func unsqueezed(_ dimension: Int) throws(TorchError) -> Tensor {
        try Tensor.make("unsqueeze") { ct_unsqueeze(handle, Int64(dimension), &$0) }
    }

    /// A dimension of size one taken out.
    public func squeezed(_ dimension: Int) throws(TorchError) -> Tensor {
        try Tensor.make("squeeze") { ct_squeeze(handle, Int64(dimension), &$0) }
    }

    /// Dimensions of size one repeated to `shape` without copying; -1 keeps a size.
    public func expanded(_ shape: [Int]) throws(TorchError) -> Tensor {
        try Tensor.make("expand") {
            ct_expand(handle, shape.map(Int64.init), Int32(shape.count), &$0)
        }
    }

    /// `length` elements of `dimension` from `start` on, sharing this tensor's memory.
    public func narrowed(_ dimension: Int, from start: Int, length: Int) throws(TorchError)
        -> Tensor
    {
        try Tensor.make("narrow") {
            ct_narrow(handle, Int64(dimension), Int64(start), Int64(length), &$0)
        }
    }

    /// One element of `dimension`, which disappears; shares this tensor's memory.
    public func selected(_ dimension: Int, _ index: Int) throws(TorchError) -> Tensor {
        try Tensor.make("select") { ct_select(handle, Int64(dimension), Int64(index), &$0) }
    }

    /// The elements of `dimension` at `indices` (one-dimensional, 64-bit), in that order.
    public func gathered(_ dimension: Int, at indices: Tensor) throws(TorchError) -> Tensor {
        try Tensor.make("index_select") {
            ct_index_select(handle, Int64(dimension), indices.handle, &$0)
        }
    }

    /// `result[i][j] = self[i][indices[i][j]]` along `dimension`.
    public func gatheredElementwise(
        _ dimension: Int, at indices: Tensor
    ) throws(TorchError) -> Tensor {
        try Tensor.make("gather") { ct_gather(handle, Int64(dimension), indices.handle, &$0) }
    }

    /// Tensors joined along a dimension they have.
    public static func concatenated(
        _ tensors: [Tensor], along dimension: Int
    ) throws(TorchError) -> Tensor {
        try make("cat") {
            ct_cat(tensors.map { $0.handle }, Int32(tensors.count), Int64(dimension), &$0)
        }
    }

    /// Tensors of one shape joined along a new dimension.
    public static func stacked(
        _ tensors: [Tensor], along dimension: Int = 0
    ) throws(TorchError) -> Tensor {
        try make("stack") {
            ct_stack(tensors.map { $0.handle }, Int32(tensors.count), Int64(dimension), &$0)
        }
    }
}
