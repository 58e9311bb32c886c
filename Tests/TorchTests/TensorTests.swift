import TestSupport
import Testing
import Torch

@Suite struct TensorTests {
    @Test("Facts of a new tensor") func facts() throws {
        let x = try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
        #expect(x.shape == [2, 3] && x.rank == 2 && x.elementCount == 6)
        #expect(x.dtype == .float32 && x.device == .cpu && x.isContiguous)
        #expect(x.description == "Tensor(float32 [2, 3] on cpu)")
        #expect(try !x.transposed(0, 1).isContiguous)
        let scalar = try Tensor([2.5], shape: [])
        #expect(scalar.rank == 0 && scalar.elementCount == 1)
        #expect(try scalar.item() == 2.5)
    }

    @Test("Every element type has a size, and holds what it is given", arguments: DType.allCases)
    func types(dtype: DType) throws {
        let x = try Tensor.full([2, 2], 1, dtype: dtype)
        #expect(x.dtype == dtype)
        #expect(try x.bytes().count == 4 * dtype.byteCount)
        #expect(try x.values(as: Double.self) == [1, 1, 1, 1])
        #expect(try x.values(as: Bool.self) == [true, true, true, true])
        let copy = try x.bytes().withUnsafeBytes {
            try Tensor(bytes: $0, shape: [2, 2], dtype: dtype)
        }
        #expect(try copy.isBitwiseEqual(to: x))
        #expect(try x.cast(to: .float32).cast(to: dtype).isBitwiseEqual(to: x))
    }

    @Test("Swift numbers go in and come out") func scalars() throws {
        #expect(try Tensor([Int64.min, 7, .max]).values() == [Int64.min, 7, .max])
        #expect(try Tensor([Int32.min, .max]).values() == [Int32.min, .max])
        #expect(try Tensor([0, 128, 255] as [UInt8]).values() == [0, 128, 255] as [UInt8])
        #expect(try Tensor([true, false]).values() == [true, false])
        #expect(try Tensor([0.1, -.infinity]).values() == [0.1, -.infinity])
        let matrix = try Tensor((0..<6).map(Float.init), shape: [2, 3])
        #expect(try matrix.transposed(0, 1).values() == [0, 3, 1, 4, 2, 5] as [Float])
        #expect(try Tensor.arange(-1..<3).values() == [-1, 0, 1, 2] as [Int64])
        #expect(try Tensor.full([2], -0.5).values() == [-0.5, -0.5] as [Float])
    }

    @Test("Equality of bits tells apart what numbers cannot") func bitwise() throws {
        let zero = try Tensor([0] as [Float])
        #expect(try !zero.isBitwiseEqual(to: Tensor([-0.0] as [Float])))
        #expect(try !zero.isBitwiseEqual(to: Tensor([0] as [Double])))
        #expect(try !zero.isBitwiseEqual(to: Tensor([0] as [Float], shape: [1, 1])))
        let nan = try Tensor([Float.nan])
        #expect(try nan.isBitwiseEqual(to: nan.copied()))
        let matrix = try Tensor((0..<6).map(Float.init), shape: [2, 3])
        #expect(try matrix.transposed(0, 1).transposed(0, 1).isBitwiseEqual(to: matrix))
        #expect(try Tensor.zeros([0]).isBitwiseEqual(to: .zeros([0])))
    }

    @Test("Shapes") func shapes() throws {
        let x = try Tensor.arange(0..<24).reshaped([2, 3, 4])
        #expect(try x.unsqueezed(-1).shape == [2, 3, 4, 1])
        #expect(try x.unsqueezed(0).squeezed(0).shape == [2, 3, 4])
        #expect(try x.squeezed(1).shape == [2, 3, 4])
        #expect(try x.unsqueezed(1).expanded([-1, 5, -1, 4]).shape == [2, 5, 3, 4])
        #expect(try x.permuted([2, 0, 1]).shape == [4, 2, 3])
        #expect(try x.selected(-1, -1).values() == [3, 7, 11, 15, 19, 23] as [Int64])
        #expect(try x.narrowed(1, from: 1, length: 2).shape == [2, 2, 4])
        #expect(try x.permuted([2, 0, 1]).contiguous().isContiguous)
    }

    @Test("Comparisons and places") func comparisons() throws {
        let x = try Tensor([1, 5, 5, -2, 0, 3] as [Float], shape: [2, 3])
        #expect(try x.argmax(1).values() == [1, 2] as [Int64])
        #expect(try x.isGreater(than: 1).values() == [false, true, true, false, false, true])
        let y = try Tensor([1, 4, 5, 0, 0, 3] as [Float], shape: [2, 3])
        #expect(try x.equals(y).values() == [true, false, true, false, true, true])
        #expect(try x.equals(y).sum().item() == 4)
        #expect(
            try Tensor([-800, 0, 800] as [Float]).sigmoid().values() == [0, 0.5, 1] as [Float])
        let sigmoid = try x.cast(to: .float64).sigmoid()
        let one = try Tensor.ones([2, 3], dtype: .float64)
        #expect(try relativeDifference(sigmoid, one / ((-x.cast(to: .float64)).exp() + 1)) < 1e-15)
    }

    @Test("Updates in place are seen through every reference") func inPlace() throws {
        let x = try Tensor.ones([2, 2])
        let row = try x.selected(0, 1)
        try row.scale(by: 3)
        try x.add(.ones([2, 2]), times: -2)
        #expect(try x.values() == [-1, -1, 1, 1] as [Float])
        try x.assign(Tensor([1, 2, 3, 4] as [Int64], shape: [2, 2]))
        #expect(try row.values() == [3, 4] as [Float])
        let copy = try x.copied()
        try x.zero()
        #expect(try copy.sum().item() == 10)
        #expect(try x.sum().item() == 0)
    }

    @Test("Lists in one call") func lists() throws {
        let a = [try Tensor([3, 4] as [Float]), try Tensor([0, 0, 2] as [Float])]
        #expect(try Tensor.norms(of: a).map { try $0.item() } == [5, 2])
        try Tensor.add(a.map { try $0.copied() }, to: a, times: 2)
        #expect(try a[0].values() == [9, 12] as [Float])
        try Tensor.scale(a, by: .full([], 0.5))
        #expect(try a[1].values() == [0, 0, 3] as [Float])
        #expect(try Tensor.areFinite(a))
        #expect(try !Tensor.areFinite(a + [Tensor([Float.nan])]))
        #expect(try !Tensor.areFinite([Tensor([1, -Float.infinity])] + a))
        #expect(try Tensor.areFinite([.arange(0..<3)]))
    }

    @Test("Cross-entropy sums, and is not a number where every label is ignored")
    func crossEntropy() throws {
        let logits = try RandomNumbers.uniform([4, 3], seed: 2)
        let labels = try Tensor([0, 2, -100, 1] as [Int64])
        let sum = try logits.crossEntropy(labels, mean: false).item()
        let mean = try logits.crossEntropy(labels).item()
        #expect(abs(sum - 3 * mean) < 1e-6)
        let ignored = try Tensor([Int64](repeating: -100, count: 4))
        #expect(try logits.crossEntropy(ignored).item().isNaN)
        #expect(try logits.crossEntropy(ignored, mean: false).item() == 0)
    }
}
