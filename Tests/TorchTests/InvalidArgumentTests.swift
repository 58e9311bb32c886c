import TestSupport
import Testing
import Torch

/// What cannot be done is a thrown error that says why, and never the end of the process.
@Suite struct InvalidArgumentTests {
    /// Expects `body` to be refused, as `operation`, with `words` in the message.
    func expectRefusal(
        _ operation: String, saying words: String = "",
        sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> some Any
    ) {
        do {
            _ = try body()
            Issue.record("\(operation) was not refused", sourceLocation: sourceLocation)
        } catch let error as TorchError {
            #expect(error.kind == .invalidArgument, sourceLocation: sourceLocation)
            #expect(error.operation == operation, sourceLocation: sourceLocation)
            #expect(
                words.isEmpty || error.message.contains(words),
                "message: \(error.message)", sourceLocation: sourceLocation)
            expectNoBacktrace(error, sourceLocation: sourceLocation)
        } catch {
            Issue.record(error, sourceLocation: sourceLocation)
        }
    }

    @Test("Shapes that do not go together") func shapeMismatch() throws {
        let a = try Tensor.zeros([2, 3])
        let b = try Tensor.zeros([2, 4])
        expectRefusal("add", saying: "size") { try a + b }
        expectRefusal("matmul", saying: "2x3 and 2x4") { try a.matmul(b) }
        expectRefusal("linear") { try a.linear(b, nil) }
        expectRefusal("linear") { try a.linear(.zeros([5, 3]), .zeros([4])) }
        expectRefusal("layer_norm") {
            try a.layerNormalized(weight: .ones([4]), bias: nil, epsilon: 1e-5)
        }
        expectRefusal("layer_norm") {
            try a.layerNormalized(weight: .ones([]), bias: nil, epsilon: 1e-5)
        }
        expectRefusal("mse_loss") { try a.meanSquaredError(b) }
        expectRefusal("cat") { try Tensor.concatenated([a, b], along: 0) }
        expectRefusal("stack") { try Tensor.stacked([a, b]) }
        expectRefusal("copy") { try a.assign(b) }
        expectRefusal("add") { try a.add(b) }
        expectRefusal("attention") {
            let q = try Tensor.zeros([1, 1, 2, 3])
            let k = try Tensor.zeros([1, 1, 2, 4])
            return try Tensor.attention(query: q, key: k, value: k, mask: nil, scale: 1)
        }
    }

    @Test("Shapes that cannot be") func impossibleShapes() throws {
        let x = try Tensor.zeros([2, 3])
        expectRefusal("reshape", saying: "[4, 2]") { try x.reshaped([4, 2]) }
        expectRefusal("reshape") { try x.reshaped([-1, -1]) }
        expectRefusal("reshape") { try x.reshaped([-2, 3]) }
        expectRefusal("expand") { try x.expanded([2, 4]) }
        expectRefusal("permute") { try x.permuted([0, 0]) }
        expectRefusal("permute") { try x.permuted([0]) }
        expectRefusal("transpose") { try x.transposed(0, 2) }
        expectRefusal("unsqueeze") { try x.unsqueezed(5) }
        expectRefusal("squeeze") { try x.squeezed(2) }
        expectRefusal("sum") { try x.sum(over: [2]) }
        expectRefusal("mean") { try x.mean(over: [0, 0]) }
        expectRefusal("softmax") { try x.softmax(2) }
        expectRefusal("argmax") { try x.argmax(2) }
        expectRefusal("argmax") { try Tensor.zeros([2, 0]).argmax(1) }
        expectRefusal("tensor", saying: "bytes") { try Tensor([1, 2, 3] as [Float], shape: [2]) }
        expectRefusal("tensor", saying: "bytes") { try Tensor([] as [Float], shape: []) }
    }

    @Test(
        "Sizes that are negative or overflow",
        arguments: [Device.cpu, .meta],
        [
            [-1], [2, -3], [Int.min], [Int.max, 2], [1 << 40, 1 << 40], [Int.max], [1 << 62, 4, 1],
        ])
    func absurdSizes(device: Device, shape: [Int]) {
        expectRefusal("empty") { try Tensor.empty(shape, device: device) }
        expectRefusal("full") { try Tensor.full(shape, 1, device: device) }
    }

    @Test("More memory than there is is an error of its own kind") func outOfMemory() throws {
        let error = try #require(throws: TorchError.self) { try Tensor.empty([1 << 46]) }
        #expect(error.kind == .outOfMemory)
        #expect(error.description.hasPrefix("empty: out of memory: "))
        expectNoBacktrace(error)
        // What a small tensor becomes when it is spread out.
        let wide = try Tensor.zeros([1]).expanded([1 << 46])
        for body in [
            { _ = try wide.contiguous() }, { _ = try wide.values(as: Float.self) },
            { _ = try wide.bytes() }, { _ = try wide.values(as: Double.self) },
        ] as [() throws -> Void] {
            #expect(try #require(throws: TorchError.self, performing: body).kind == .outOfMemory)
        }
        // The process goes on as before.
        #expect(try Tensor.ones([3]).sum().item() == 3)
    }

    @Test("Places outside of a tensor") func indicesOutOfRange() throws {
        let table = try Tensor.zeros([4, 3])
        for bad in [-1, 4, Int64.max, .min] {
            let index = try Tensor([0, bad])
            expectRefusal("embedding") { try table.rows(at: index) }
            expectRefusal("index_select") { try table.gathered(0, at: index) }
            expectRefusal("gather") {
                try table.gatheredElementwise(1, at: index.reshaped([2, 1]))
            }
            expectRefusal("cross_entropy") {
                try Tensor.zeros([2, 4]).crossEntropy(index, ignoring: -100)
            }
        }
        expectRefusal("select", saying: "out of range") { try table.selected(0, 4) }
        expectRefusal("select") { try table.selected(2, 0) }
        expectRefusal("narrow") { try table.narrowed(0, from: 2, length: 3) }
        expectRefusal("narrow") { try table.narrowed(0, from: 5, length: 0) }
        expectRefusal("narrow") { try table.narrowed(0, from: 0, length: -1) }
        expectRefusal("narrow") { try table.narrowed(0, from: .max, length: .max) }
        expectRefusal("narrow") { try table.narrowed(7, from: 0, length: 1) }
    }

    @Test("Types that an operation does not take") func wrongTypes() throws {
        let integers = try Tensor.arange(0..<4)
        let floats = try Tensor.zeros([4])
        expectRefusal("embedding") { try Tensor.zeros([4, 2]).rows(at: floats) }
        expectRefusal("index_select") { try floats.gathered(0, at: floats) }
        expectRefusal("gather") { try floats.gatheredElementwise(0, at: floats) }
        expectRefusal("norm") { try integers.norm() }
        expectRefusal("mean") { try integers.mean() }
        expectRefusal("softmax") { try integers.softmax() }
        expectRefusal("gelu") { try integers.gelu() }
        expectRefusal("linear") { try integers.reshaped([1, 4]).linear(.zeros([2, 4]), nil) }
        expectRefusal("matmul") {
            try floats.cast(to: .bfloat16).reshaped([1, 4]).matmul(floats.reshaped([4, 1]))
        }
        expectRefusal("masked_fill") { try floats.filled(where: integers, with: 1) }
        expectRefusal("requires_grad") { try integers.setRequiresGradient(true) }
        expectRefusal("normal") { try integers.fillNormal() }
        expectRefusal("mul") { try integers.scale(by: 0.5) }
        expectRefusal("full") { try Tensor.full([1], 1e300, dtype: .int64) }
        expectRefusal("cross_entropy") { try Tensor.zeros([4, 2]).crossEntropy(floats) }
    }

    @Test("Values that an operation does not take") func wrongValues() throws {
        let x = try Tensor.zeros([4])
        for p in [1, 1.5, -0.1, Double.nan, .infinity] {
            expectRefusal("dropout", saying: "probability") { try x.dropout(p, key: 1) }
        }
        expectRefusal("normal") { try x.fillNormal(deviation: -1) }
        expectRefusal("item") { try x.item() }
        expectRefusal("item") { try Tensor.zeros([0]).item() }
        expectRefusal("arange") { try Tensor.arange(Int.min..<Int.max) }
    }

    @Test("Lists of nothing") func emptyLists() throws {
        expectRefusal("cat") { try Tensor.concatenated([], along: 0) }
        expectRefusal("stack") { try Tensor.stacked([]) }
        #expect(try Tensor.norms(of: []).isEmpty)
        #expect(try Tensor.areFinite([]))
        #expect(try Tensor.areFinite([.zeros([0])]))
        #expect(try Tensor.ones([]).gradients(for: []).isEmpty)
        try Tensor.add([], to: [])
        try Tensor.scale([], by: .ones([]))
        #expect(try Tensor.zeros([0, 3]).values(as: Float.self).isEmpty)
        #expect(try Tensor([] as [Int64]).bytes().isEmpty)
        #expect(try Tensor.zeros([0, 3]).sum().item() == 0)
    }

    @Test("Tensors without memory have no values") func metaTensors() throws {
        let x = try Tensor.empty([1 << 30, 1 << 20], device: .meta)
        #expect(x.shape == [1 << 30, 1 << 20])
        #expect(x.device == .meta)
        expectRefusal("values") { try x.values(as: Float.self) }
        expectRefusal("bytes") { try x.bytes() }
        expectRefusal("item") { try Tensor.empty([], device: .meta).item() }
        expectRefusal("move") { try Tensor.empty([2], device: .meta).moved(to: .cpu) }
        expectRefusal("areFinite") { try Tensor.areFinite([Tensor.empty([2], device: .meta)]) }
        expectRefusal("isBitwiseEqual") {
            try Tensor.empty([2], device: .meta).isBitwiseEqual(to: .zeros([2]))
        }
    }

    @Test("Optimizer kernels check what they are given") func fusedKernels() throws {
        func tensors(_ count: Int, _ type: DType = .float32) throws -> [Tensor] {
            [try .zeros([count], dtype: type)]
        }
        func adamW(
            _ gradients: [Tensor], _ first: [Tensor], _ second: [Tensor], _ steps: [Tensor]
        ) throws {
            try FusedKernels.adamW(
                parameters: tensors(1000), gradients: gradients, firstMoments: first,
                secondMoments: second, steps: steps, learningRate: 0.1, beta1: 0.9, beta2: 0.999,
                weightDecay: 0, epsilon: 1e-8)
        }
        let right = try tensors(1000)
        let wrong = [try tensors(1), try tensors(1000, .float64), try tensors(1000, .bfloat16), []]
        let counter = [try Tensor.zeros([])]
        try adamW(right, right, right, counter)
        for wrong in wrong {
            expectRefusal("fused_adamw") { try adamW(wrong, right, right, counter) }
            expectRefusal("fused_adamw") { try adamW(right, wrong, right, counter) }
            expectRefusal("fused_adamw") { try adamW(right, right, wrong, counter) }
            expectRefusal("fused_sgd") {
                try FusedKernels.sgd(
                    parameters: right, gradients: wrong, momenta: nil, learningRate: 1,
                    momentum: 0, weightDecay: 0, isFirstStep: false)
            }
            expectRefusal("fused_sgd") {
                try FusedKernels.sgd(
                    parameters: right, gradients: right, momenta: wrong, learningRate: 1,
                    momentum: 0.9, weightDecay: 0, isFirstStep: false)
            }
        }
        expectRefusal("fused_adamw") { try adamW(right, right, right, []) }
        expectRefusal("fused_adamw") { try adamW(right, right, right, tensors(0)) }
    }
}
