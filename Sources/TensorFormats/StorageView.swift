/// Where a tensor's elements lie in a PyTorch storage: offset and strides count elements.
struct StorageView: Sendable, Equatable {
    let storage: ByteRegion
    let offset: Int
    let strides: [Int]

    static func == (left: StorageView, right: StorageView) -> Bool {
        left.offset == right.offset && left.strides == right.strides
            && left.storage.count == right.storage.count
    }

    /// Whether `shape` walks the storage in row-major order without gaps.
    func isContiguous(_ shape: [Int]) -> Bool {
        var expected = 1
        for (size, stride) in zip(shape, strides).reversed() where size != 1 {
            guard stride == expected else { return false }
            expected &*= size
        }
        return true
    }

    /// Index of the last element that `shape` reaches, or nil where that overflows.
    /// `shape` has no zero.
    func lastIndex(_ shape: [Int]) -> Int? {
        var last = offset
        for (size, stride) in zip(shape, strides) {
            let (span, tooFar) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, overflow) = last.addingReportingOverflow(span)
            guard !tooFar, !overflow else { return nil }
            last = sum
        }
        return last
    }

    /// The elements in row-major order. The caller has checked the bounds with `lastIndex`.
    func gathered(_ shape: [Int], elementBytes: Int, elementCount: Int) -> [UInt8] {
        let total = elementCount * elementBytes
        return storage.withUnsafeBytes { source in
            [UInt8](unsafeUninitializedCapacity: total) { target, written in
                var index = [Int](repeating: 0, count: shape.count)
                var position = offset
                var cursor = 0
                while cursor < total {
                    for byte in 0..<elementBytes {
                        target[cursor + byte] = source[position * elementBytes + byte]
                    }
                    cursor += elementBytes
                    advance(&index, &position, shape)
                }
                written = total
            }
        }
    }

    /// Moves to the next element in row-major order, as an odometer does. Wrapping arithmetic,
    /// because a dimension of size 1 may have any stride and the step over its end is undone.
    private func advance(_ index: inout [Int], _ position: inout Int, _ shape: [Int]) {
        var axis = shape.count - 1
        while axis >= 0 {
            index[axis] += 1
            position &+= strides[axis]
            if index[axis] < shape[axis] { return }
            position &-= strides[axis] &* shape[axis]
            index[axis] = 0
            axis -= 1
        }
    }
}
