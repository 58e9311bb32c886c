import TestSupport
import Testing
import Torch
import TorchNN

@Suite struct OptimizerTests {
    static let configurations: [OptimizerConfiguration] = [
        .adamW(weightDecay: 0.01), .adamW(), .sgd(), .sgd(momentum: 0.9, weightDecay: 0.01),
    ]

    private func parameters() throws -> [Parameter] {
        var numbers = RandomNumbers(seed: 1)
        return try GivenSource.parameters(
            [[4, 3], [5], []].enumerated().map { index, shape in
                ("layer.\(index).weight", try numbers.tensor(shape))
            })
    }

    private func gradients(step: Int) throws -> [Tensor] {
        var numbers = RandomNumbers(seed: 100 + UInt64(step))
        return try [[4, 3], [5], []].map { try numbers.tensor($0) }
    }

    @Test("A run stopped at step 10 and resumed ends at the same bits", arguments: configurations)
    func resumes(_ configuration: OptimizerConfiguration) throws {
        let whole = try parameters()
        let optimizer = Optimizer(configuration, of: whole)
        for step in 0..<20 { try optimizer.step(gradients(step: step), learningRate: 0.01) }

        let first = try parameters()
        let before = Optimizer(configuration, of: first)
        for step in 0..<10 { try before.step(gradients(step: step), learningRate: 0.01) }
        // Through bytes, as a snapshot on disk would be.
        let saved = try before.stateTensors.map {
            ($0.name, $0.tensor.shape, try $0.tensor.bytes())
        }
        #expect(Set(saved.map(\.0)).count == saved.count)
        let resumed = try GivenSource.parameters(
            first.map { ($0.name, try $0.tensor.copied()) })
        let after = Optimizer(configuration, of: resumed)
        try after.restore { name in
            try saved.first { $0.0 == name }.map { _, shape, bytes in
                try bytes.withUnsafeBytes { try Tensor(bytes: $0, shape: shape, dtype: .float32) }
            }
        }
        for step in 10..<20 { try after.step(gradients(step: step), learningRate: 0.01) }

        for (a, b) in zip(resumed, whole) { #expect(try a.tensor.isBitwiseEqual(to: b.tensor)) }
        for (a, b) in zip(after.stateTensors, optimizer.stateTensors) {
            #expect(a.name == b.name)
            #expect(try a.tensor.isBitwiseEqual(to: b.tensor))
        }
    }

    @Test("State is of the parameters that had gradients, and of no others") func stateTensors()
        throws
    {
        let parameters = try parameters()
        let adam = Optimizer(.adamW(), of: parameters)
        #expect(adam.stateTensors.isEmpty)
        let grads = try gradients(step: 0)
        let untouched = try parameters[1].tensor.copied()
        try adam.step([grads[0], nil, grads[2]], learningRate: 0.1)
        #expect(
            adam.stateTensors.map(\.name).sorted()
                == ["0", "2"].flatMap { index in
                    ["first", "second", "steps"].map { "layer.\(index).weight.\($0)" }
                })
        #expect(try parameters[1].tensor.isBitwiseEqual(to: untouched))
        // Its own first step, not the run's second: |update| = rate, where ε is small.
        try adam.step([nil, grads[1], nil], learningRate: 0.1)
        let update = try (untouched - parameters[1].tensor) / (grads[1] / grads[1].magnitude())
        #expect(try relativeDifference(update, .full([5], 0.1)) < 1e-5)

        let plain = Optimizer(.sgd(weightDecay: 0.1), of: parameters)
        try plain.step(grads, learningRate: 0.1)
        #expect(plain.stateTensors.isEmpty)
        let heavy = Optimizer(.sgd(momentum: 0.5), of: parameters)
        try heavy.step(grads, learningRate: 0.1)
        #expect(heavy.stateTensors.contains { $0.name == "layer.1.weight.first" })
        #expect(!heavy.stateTensors.contains { $0.name.hasSuffix(".second") })
    }

    @Test("Weight decay spares the parameters that are named") func undecayed() throws {
        for (configuration, factor) in [
            (OptimizerConfiguration.adamW(weightDecay: 0.5), 0.95), (.sgd(weightDecay: 0.5), 0.95),
        ] {
            let parameters = try GivenSource.parameters(
                ["a.weight", "a.bias"].map { ($0, try .ones([2])) })
            let optimizer = Optimizer(configuration, of: parameters, undecayed: "**.bias")
            try optimizer.step([Tensor.zeros([2]), Tensor.zeros([2])], learningRate: 0.1)
            let expected = try Tensor.full([2], factor)
            #expect(try relativeDifference(parameters[0].tensor, expected) < 1e-6)
            #expect(try parameters[1].tensor.isBitwiseEqual(to: .ones([2])))
        }
    }

    @Test("Recorded parameters are updated, and stay recorded leaves", arguments: configurations)
    func recordedLeaves(_ configuration: OptimizerConfiguration) throws {
        let tensor = try Tensor.ones([3])
        try tensor.setRequiresGradient(true)
        let optimizer = try Optimizer(configuration, of: GivenSource.parameters([("x", tensor)]))
        for _ in 0..<2 {
            let loss = try (tensor * tensor).sum()
            try optimizer.step(loss.gradients(for: [tensor]), learningRate: 0.1)
            #expect(tensor.requiresGradient)
        }
        #expect(try tensor.values(as: Float.self).allSatisfy { $0 < 0.9 })
        #expect(optimizer.stateTensors.allSatisfy { !$0.tensor.requiresGradient })
    }

    @Test(
        "A gradient with gaps or turned dimensions moves the right elements",
        arguments: configurations)
    func stridedGradients(_ configuration: OptimizerConfiguration) throws {
        func run(_ gradient: Tensor) throws -> Tensor {
            let tensor = try RandomNumbers.uniform([4, 3], seed: 5)
            let optimizer = try Optimizer(
                configuration, of: GivenSource.parameters([("x", tensor)]))
            for _ in 0..<3 { try optimizer.step([gradient], learningRate: 0.1) }
            return tensor
        }
        let turned = try RandomNumbers.uniform([3, 4], seed: 6).transposed(0, 1)
        #expect(!turned.isContiguous)
        #expect(try run(turned).isBitwiseEqual(to: run(turned.contiguous())))
        let spread = try Tensor.full([], 0.5).expanded([4, 3])
        #expect(try run(spread).isBitwiseEqual(to: run(spread.contiguous())))
    }

    @Test("A snapshot of another model is refused, not read past its end") func foreignSnapshot()
        throws
    {
        let tensor = try Tensor.ones([1000])
        let optimizer = try Optimizer(.adamW(), of: GivenSource.parameters([("x", tensor)]))
        #expect(throws: (any Error).self) {
            try optimizer.restore { $0.hasSuffix("steps") ? try .ones([]) : try .zeros([1]) }
            try optimizer.step([Tensor.ones([1000])], learningRate: 0.1)
        }
    }

    @Test("A step of SGD on the norm alone shortens the norm by rate times weight")
    func normPenalty()
        throws
    {
        let (rate, weight) = (0.05, 3.0)
        let matrix = try RandomNumbers.uniform([8, 6], seed: 4)
        try matrix.setRequiresGradient(true)
        let optimizer = try Optimizer(.sgd(), of: GivenSource.parameters([("w", matrix)]))
        let direction = try withoutGradients { try matrix / matrix.norm() }
        for _ in 0..<5 {
            let norm = try matrix.norm()
            let before = try norm.item()
            try optimizer.step((norm * weight).gradients(for: [matrix]), learningRate: rate)
            let expected = before - rate * weight
            #expect(abs(try matrix.norm().item() - expected) < 1e-6 * expected)
        }
        let after = try withoutGradients { try matrix / matrix.norm() }
        #expect(try relativeDifference(after, direction) < 1e-6)

        let zero = try Tensor.zeros([3, 3])
        try zero.setRequiresGradient(true)
        let still = try Optimizer(.sgd(), of: GivenSource.parameters([("zero", zero)]))
        try still.step((zero.norm() * weight).gradients(for: [zero]), learningRate: rate)
        #expect(try zero.isBitwiseEqual(to: .zeros([3, 3])))
    }

    @Test("Clipping leaves short gradients as they are, and survives none") func clipping() throws {
        let short = [try Tensor([0.3, 0.4] as [Float]), try Tensor([0] as [Float])]
        let copies = try short.map { try $0.copied() }
        #expect(abs(try GradientClipping.clip(short, to: 1).item() - 0.5) < 1e-7)
        for (a, b) in zip(short, copies) { #expect(try a.isBitwiseEqual(to: b)) }
        let long = [try Tensor([30, 0] as [Float]), try Tensor([40] as [Float])]
        #expect(try GradientClipping.clip(long, to: nil).item() == 50)
        #expect(try long[0].values() == [30, 0] as [Float])
        #expect(try GradientClipping.clip(long, to: 2).item() == 50)
        let clipped = try Tensor.stacked(Tensor.norms(of: long)).norm().item()
        #expect(abs(clipped - 2) < 1e-6)
        #expect(try GradientClipping.clip([], to: 1).item() == 0)
        let zeros = [try Tensor.zeros([3])]
        #expect(try GradientClipping.clip(zeros, to: 1).item() == 0)
        #expect(try Tensor.areFinite(zeros))
        let infinite = [try Tensor([Float.infinity])]
        #expect(try GradientClipping.clip(infinite, to: 1).item() == .infinity)
    }
}
