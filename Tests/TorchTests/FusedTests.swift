import TestSupport
import Testing
import Torch

/// The fused operations beside the same steps one by one.
@Suite struct FusedTests {
    /// Gradients of Σ result · probe, as one list for each input.
    private func gradients(
        of result: Tensor, for inputs: [Tensor], seed: UInt64 = 99
    ) throws -> [Tensor] {
        let probe = try RandomNumbers.uniform(result.shape, seed: seed)
        return try (result.cast(to: .float32) * probe).sum().gradients(for: inputs)
            .map { try #require($0) }
    }

    private func parameter(_ shape: [Int], seed: UInt64, dtype: DType = .float32) throws -> Tensor {
        let tensor = try RandomNumbers.uniform(shape, seed: seed).cast(to: dtype)
        try tensor.setRequiresGradient(true)
        return tensor
    }

    private func expect(
        _ found: [Tensor], _ expected: [Tensor], within tolerance: Double,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        #expect(found.count == expected.count, sourceLocation: location)
        for (index, pair) in zip(found, expected).enumerated() {
            #expect(
                try relativeDifference(pair.0, pair.1) < tolerance, "number \(index)",
                sourceLocation: location)
        }
    }

    // MARK: Residual and normalization

    @Test(
        "A normalized residual is its steps, with every gradient",
        arguments: [(1, 1), (3, 16), (5, 20), (70, 100), (300, 768)],
        [(DType.float32, 2e-6), (.bfloat16, 2e-2)])
    func residualNorm(_ size: (rows: Int, width: Int), _ type: (dtype: DType, tolerance: Double))
        throws
    {
        let shape = [size.rows, size.width]
        let x = try parameter(shape, seed: 1, dtype: type.dtype)
        let residual = try parameter(shape, seed: 2, dtype: type.dtype)
        let weight = try parameter([size.width], seed: 3)
        let bias = try parameter([size.width], seed: 4)
        let inputs = [x, residual, weight, bias]
        for p in [0, 0.3] where p == 0 || size.width.isMultiple(of: 4) {
            func fused() throws -> (normalized: Tensor, sum: Tensor) {
                try x.normalized(
                    adding: residual, weight: weight, bias: bias, epsilon: 1e-5, dropout: p,
                    key: 7)
            }
            func steps() throws -> (normalized: Tensor, sum: Tensor) {
                let sum = try (x.dropout(p, key: 7) + residual).cast(to: .float32)
                return (
                    try sum.layerNormalized(weight: weight, bias: bias, epsilon: 1e-5), sum
                )
            }
            let (found, expected) = (try fused(), try steps())
            #expect(found.normalized.dtype == type.dtype && found.sum.dtype == type.dtype)
            // One column has no variance: only the bias is left of it.
            try expect(
                [found.normalized, found.sum], [expected.normalized, expected.sum],
                within: type.tolerance)
            guard size.width > 1 else { continue }
            try expect(
                gradients(of: found.normalized, for: inputs),
                gradients(of: expected.normalized, for: inputs), within: type.tolerance)
            // Both results in use, and the sum alone.
            let (both, bothSteps) = (try fused(), try steps())
            try expect(
                gradients(of: both.normalized + both.sum * 2, for: inputs),
                gradients(of: bothSteps.normalized + bothSteps.sum * 2, for: inputs),
                within: type.tolerance)
            try expect(
                gradients(of: fused().sum, for: [x, residual]),
                gradients(of: steps().sum, for: [x, residual]), within: type.tolerance)
        }
    }

    @Test("Frozen weights get no gradient, and types of their own are served") func frozenNorm()
        throws
    {
        let x = try parameter([4, 8], seed: 1, dtype: .float64)
        let plain = try x.normalized(
            adding: .zeros([4, 8], dtype: .float64), weight: .ones([8]), bias: .zeros([8]),
            epsilon: 1e-12
        ).normalized
        #expect(plain.dtype == .float64)
        let single = try x.cast(to: .float32).normalized(
            adding: .zeros([4, 8]), weight: .ones([8]), bias: .zeros([8]), epsilon: 1e-12
        ).normalized
        #expect(try relativeDifference(plain, single) < 1e-5)
        #expect(throws: TorchError.self) {
            try x.normalized(
                adding: .zeros([4, 7], dtype: .float64), weight: .ones([8]), bias: .zeros([8]),
                epsilon: 1e-12)
        }
        #expect(throws: TorchError.self) {
            try x.normalized(
                adding: x, weight: .ones([7]), bias: .zeros([7]), epsilon: 1e-12)
        }
    }

    // MARK: Attention

    /// Attention of each sequence alone by libtorch's own operation.
    private func attentionByRows(
        _ projected: Tensor, _ lengths: [Int], heads: Int, isCausal: Bool = false,
        keep: [Tensor]? = nil
    ) throws -> Tensor {
        let hidden = projected.shape[1] / 3
        var start = 0
        let rows = try lengths.enumerated().filter { $0.element > 0 }.map { index, length in
            defer { start += length }
            let row = try projected.narrowed(0, from: start, length: length)
            func part(_ number: Int) throws -> Tensor {
                try row.narrowed(1, from: number * hidden, length: hidden)
                    .reshaped([1, length, heads, hidden / heads]).transposed(1, 2)
            }
            let scale = 1 / Double(hidden / heads).squareRoot()
            guard let keep else {
                let bias = try isCausal ? causalBias(length, projected.dtype) : nil
                return try Tensor.attention(
                    query: part(0), key: part(1), value: part(2), mask: bias, scale: scale
                ).transposed(1, 2).reshaped([length, hidden])
            }
            let chances = try (part(0).matmul(part(1).transposed(2, 3)) * scale).softmax()
            return try (chances * keep[index]).matmul(part(2)).transposed(1, 2)
                .reshaped([length, hidden])
        }
        return try Tensor.concatenated(rows, along: 0)
    }

    /// What hides later tokens [1, 1, length, length]: added to the scores.
    private func causalBias(_ length: Int, _ dtype: DType) throws -> Tensor {
        let values = (0..<length * length).map { place -> Float in
            place % length > place / length ? -1e9 : 0
        }
        return try Tensor(values, shape: [1, 1, length, length]).cast(to: dtype)
    }

    private func offsets(_ lengths: [Int]) throws -> Tensor {
        try Tensor(lengths.reduce(into: [Int64(0)]) { $0.append(($0.last ?? 0) + Int64($1)) })
    }

    @Test(
        "Attention over sequences in a row is attention over each",
        arguments: [(1, 1), (2, 4), (3, 17), (4, 64)],
        [(DType.float32, 3e-6), (.bfloat16, 2e-2), (.float64, 1e-12)])
    func attention(
        _ size: (heads: Int, size: Int), _ type: (dtype: DType, tolerance: Double)
    ) throws {
        // Of the second kind, all of one length, there is no padding on other devices.
        for lengths in [[5, 1, 0, 33, 16, 2, 100], [9, 9, 9]] {
            for isCausal in [false, true] {
                let projected = try parameter(
                    [lengths.reduce(0, +), 3 * size.heads * size.size], seed: 5,
                    dtype: type.dtype)
                let found = try projected.packedAttention(
                    offsets: offsets(lengths), heads: size.heads, isCausal: isCausal)
                let expected = try attentionByRows(
                    projected.cast(to: type.dtype == .float64 ? .float64 : .float32), lengths,
                    heads: size.heads, isCausal: isCausal)
                #expect(found.dtype == type.dtype)
                try expect([found], [expected], within: type.tolerance)
                try expect(
                    gradients(of: found, for: [projected]),
                    gradients(of: expected, for: [projected]), within: type.tolerance)
            }
        }
    }

    /// What dropout keeps of each probability, [1, heads, length, length] a sequence: values that
    /// are unit vectors show it.
    private func keptShares(_ lengths: [Int], heads: Int, size: Int, p: Double, key: UInt64) throws
        -> [Tensor]
    {
        let tokens = lengths.reduce(0, +)
        var numbers = [Float](repeating: 0, count: tokens * 3 * heads * size)
        var token = 0
        for length in lengths {
            for place in 0..<length {
                for head in 0..<heads {
                    numbers[(token * 3 + 2) * heads * size + head * size + place] = 1
                }
                token += 1
            }
        }
        let shown = try Tensor(numbers, shape: [tokens, 3 * heads * size])
            .packedAttention(offsets: offsets(lengths), heads: heads, dropout: p, key: key)
        var start = 0
        return try lengths.map { length in
            defer { start += length }
            // Queries and keys are zero, so that each probability was 1 / length.
            return try
                (shown.narrowed(0, from: start, length: length)
                .reshaped([1, length, heads, size]).transposed(1, 2)
                .narrowed(3, from: 0, length: length) * Double(length))
        }
    }

    @Test("Dropout on probabilities drops what its key says, and so do the gradients")
    func attentionDropout() throws {
        let (lengths, heads, size, p) = ([20, 7, 1, 31], 3, 32, 0.25)
        let keep = try keptShares(lengths, heads: heads, size: size, p: p, key: 11)
        let shares = try keep.flatMap { try $0.values(as: Float.self) }
        #expect(shares.allSatisfy { abs($0) < 1e-6 || abs($0 - 4.0 / 3) < 1e-5 })
        let rate = Double(shares.count { $0 == 0 }) / Double(shares.count)
        #expect(abs(rate - p) < 5 * (p * (1 - p) / Double(shares.count)).squareRoot())
        let projected = try parameter([59, 3 * heads * size], seed: 6)
        let found = try projected.packedAttention(
            offsets: offsets(lengths), heads: heads, dropout: p, key: 11)
        let expected = try attentionByRows(projected, lengths, heads: heads, keep: keep)
        try expect([found], [expected], within: 3e-6)
        try expect(
            gradients(of: found, for: [projected]), gradients(of: expected, for: [projected]),
            within: 3e-6)
    }

    @Test("Results depend on neither threads nor earlier calls") func threads() throws {
        let before = Hardware.threadCount
        defer { try? Hardware.setThreadCount(before) }
        let lengths = (0..<40).map { 1 + $0 * 7 % 50 }
        let projected = try parameter([lengths.reduce(0, +), 3 * 4 * 16], seed: 8)
        func run() throws -> [Tensor] {
            let attended = try projected.packedAttention(
                offsets: offsets(lengths), heads: 4, dropout: 0.1, key: 3)
            let result = try attended.normalized(
                adding: attended, weight: .ones([64]), bias: .zeros([64]), epsilon: 1e-5,
                dropout: 0.1, key: 4
            ).normalized
            return try [result] + gradients(of: result, for: [projected])
        }
        try Hardware.setThreadCount(1)
        let reference = try run()
        for threads in [2, 5] {
            try Hardware.setThreadCount(threads)
            for (found, expected) in try zip(run(), reference) {
                #expect(try found.isBitwiseEqual(to: expected))
            }
        }
    }

    @Test("Offsets that do not cover the tokens are errors") func badOffsets() throws {
        let projected = try Tensor.zeros([6, 3 * 8])
        let wrong: [[Int64]] = [[], [0], [0, 5], [0, 7], [1, 6], [0, 4, 3, 6]]
        for values in wrong {
            #expect(throws: TorchError.self) {
                try projected.packedAttention(offsets: Tensor(values), heads: 2)
            }
        }
        let right = try Tensor([Int64(0), 2, 6])
        for heads in [0, 3, -1] {
            #expect(throws: TorchError.self) {
                try projected.packedAttention(offsets: right, heads: heads)
            }
        }
        #expect(throws: TorchError.self) {
            try projected.packedAttention(
                offsets: right.cast(to: .int32), heads: 2)
        }
        #expect(throws: TorchError.self) {
            try projected.packedAttention(offsets: right, heads: 2, dropout: 1)
        }
        let none = try Tensor.zeros([0, 24]).packedAttention(offsets: Tensor([Int64(0)]), heads: 2)
        #expect(none.shape == [0, 8])
    }

    // MARK: Packed products and norms

    @Test("A packed product is the product", .enabled(if: Hardware.hasFastBFloat16))
    func packedLinear() throws {
        let weight = try RandomNumbers.uniform([48, 80], seed: 1).cast(to: .bfloat16)
        let bias = try RandomNumbers.uniform([48], seed: 2).cast(to: .bfloat16)
        for rows in [1, 7, 130] {
            let x = try parameter([rows, 80], seed: 3, dtype: .bfloat16)
            let found = try x.packedLinear(
                weight.packed(), transposed: weight.transposed(0, 1).packed(), bias)
            let expected = try x.linear(weight, bias)
            try expect([found], [expected], within: 1e-2)
            try expect(
                gradients(of: found, for: [x]), gradients(of: expected, for: [x]), within: 1e-2)
        }
    }

    @Test("Norms of many are the norms of each, with their gradients") func norms() throws {
        let tensors =
            try [[3, 4], [200, 300], [7]].enumerated().map {
                try parameter($1, seed: UInt64($0))
            } + [Tensor.zeros([2, 2])]
        try tensors[3].setRequiresGradient(true)
        let norms = try Tensor.norms(of: tensors)
        for (norm, tensor) in zip(norms, tensors) {
            #expect(try norm.isBitwiseEqual(to: tensor.norm()))
        }
        let found = try Tensor.stacked(norms).sum().gradients(for: tensors)
        for (gradient, tensor) in zip(found, tensors) {
            let expected = try #require(tensor.norm().gradients(for: [tensor])[0])
            #expect(try relativeDifference(#require(gradient), expected) < 1e-6)
        }
        #expect(try #require(found[3]).values(as: Float.self) == [0, 0, 0, 0])
    }
}
