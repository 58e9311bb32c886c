import TestSupport
import Testing
import Torch

@Suite struct VisionTests {
    /// Maps [2, 6, 8, 6] and a convolution of them.
    private struct Case {
        let x: Tensor
        let weight: Tensor
        let bias: Tensor

        init(as dtype: DType = .float32, channelsLast: Bool) throws {
            var numbers = RandomNumbers(seed: 7)
            func leaf(_ tensor: Tensor) throws -> Tensor {
                let typed = try tensor.cast(to: dtype)
                let laid =
                    channelsLast && typed.rank == 4 ? try typed.channelsLast() : typed
                try laid.setRequiresGradient(true)
                return laid
            }
            x = try leaf(numbers.tensor([2, 6, 8, 6]))
            weight = try leaf(numbers.tensor([4, 6, 3, 3]))
            bias = try leaf(numbers.tensor([4]))
        }

        func output() throws -> Tensor {
            try x.convolved(weight, bias, padding: 1).maxPooled(window: 2, stride: 2)
                .reluInPlace().averagePooled(toHeight: 7, width: 7)
        }

        func gradients(of output: Tensor) throws -> [Tensor] {
            let probe = try RandomNumbers.uniform(output.shape, seed: 3).cast(to: output.dtype)
            return try (output * probe).cast(to: .float32).sum()
                .gradients(for: [x, weight, bias]).map { try #require($0) }
        }
    }

    @Test("Channels last changes the layout and nothing else") func channelsLast() throws {
        let (plain, last) = (try Case(channelsLast: false), try Case(channelsLast: true))
        #expect(!plain.x.isChannelsLast && last.x.isChannelsLast && !last.x.isContiguous)
        #expect(try last.x.isBitwiseEqual(to: plain.x))
        let (a, b) = (try plain.output(), try last.output())
        #expect(b.isChannelsLast)
        #expect(try relativeDifference(b, a) < 1e-6)
        for (found, expected) in zip(try last.gradients(of: b), try plain.gradients(of: a)) {
            #expect(found.isContiguous, "optimizers want row-major gradients")
            #expect(try relativeDifference(found, expected) < 1e-5)
        }
        #expect(try b.flattened(from: 1).isBitwiseEqual(to: b.contiguous().reshaped([2, -1])))
        #expect(try last.x.channelsLast().isChannelsLast)
        #expect(try plain.x.channelsLast(as: .bfloat16).dtype == .bfloat16)
    }

    @Test("bfloat16 is float32 up to rounding", arguments: [false, true])
    func bfloat16(_ channelsLast: Bool) throws {
        let exact = try Case(channelsLast: false)
        let rounded = try Case(as: .bfloat16, channelsLast: channelsLast)
        let (a, b) = (try exact.output(), try rounded.output())
        #expect(b.dtype == .bfloat16)
        #expect(try relativeDifference(b, a.detached()) < 2e-2)
        for (found, expected) in zip(try rounded.gradients(of: b), try exact.gradients(of: a)) {
            #expect(found.dtype == .bfloat16)
            #expect(try relativeDifference(found, expected) < 4e-2)
        }
    }

    @Test("In training, batch norm moves the running statistics", arguments: [false, true])
    func batchNorm(_ isRounded: Bool) throws {
        let x = try RandomNumbers.uniform([4, 3, 2, 2], seed: 1)
        let (mean, variance) = (try Tensor.full([3], 0.5), try Tensor.full([3], 2))
        let input = isRounded ? try x.channelsLast(as: .bfloat16) : x
        func normalized(training: Bool) throws -> Tensor {
            try input.batchNormalized(
                weight: .ones([3]), bias: .zeros([3]), runningMean: mean, runningVariance: variance,
                training: training, momentum: 0.1, epsilon: 1e-5)
        }
        let tolerance = isRounded ? 2e-2 : 1e-5
        let expected = try (x - 0.5) / (2.0 + 1e-5).squareRoot()
        #expect(try relativeDifference(normalized(training: false), expected) < tolerance)
        #expect(try mean.values() == [0.5, 0.5, 0.5] as [Float])

        let trained = try normalized(training: true)
        #expect(trained.dtype == input.dtype)
        #expect(
            try trained.cast(to: .float32).mean(over: [0, 2, 3]).magnitude().sum().item() < 0.02)
        let batchMean = try x.mean(over: [0, 2, 3], keepingDimensions: true)
        let squares = try ((x - batchMean) * (x - batchMean)).sum(over: [0, 2, 3]) / 15
        #expect(
            try relativeDifference(mean, batchMean.flattened() * 0.1 + 0.45) < tolerance)
        #expect(try relativeDifference(variance, squares * 0.1 + 1.8) < tolerance)
    }

    @Test("Bytes become what ToTensor and Normalize make of them") func normalization() throws {
        // Cyan, magenta; black, white: the patch of NeuBA's first trigger.
        let bytes: [UInt8] = [0, 255, 255, 255, 0, 255, 0, 0, 0, 255, 255, 255]
        let half = [0.5, 0.5, 0.5]
        let image = try Tensor(bytes, shape: [1, 2, 2, 3])
        let found = try image.normalizedImages(mean: half, deviation: half, as: .float32)
        #expect(found.shape == [1, 3, 2, 2] && found.isChannelsLast)
        #expect(try found.values() == [-1, 1, -1, 1, 1, -1, -1, 1, 1, 1, -1, 1] as [Float])

        let levels = (0..<768).map { UInt8($0 / 3) }
        let all = try Tensor(levels, shape: [1, 16, 16, 3])
        let (mean, deviation) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        let values = try all.normalizedImages(mean: mean, deviation: deviation, as: .float32)
            .permuted([0, 2, 3, 1]).values(as: Float.self)
        let expected: [Float] = levels.enumerated().map { index, level in
            let shifted = Float(level) / 255 - Float(mean[index % 3])
            return shifted / Float(deviation[index % 3])
        }
        #expect(values == expected)
        for dtype in [DType.bfloat16, .float16] {
            let rounded = try all.normalizedImages(mean: mean, deviation: deviation, as: dtype)
            #expect(rounded.dtype == dtype && rounded.isChannelsLast)
            let direct = try Tensor(expected, shape: [1, 16, 16, 3]).permuted([0, 3, 1, 2])
                .cast(to: dtype)
            #expect(try rounded.isBitwiseEqual(to: direct))
        }
        // A part of a batch is not contiguous.
        let part = try all.narrowed(2, from: 3, length: 5)
        #expect(
            try part.normalizedImages(mean: mean, deviation: deviation, as: .float32)
                .isBitwiseEqual(
                    to: part.contiguous().normalizedImages(
                        mean: mean, deviation: deviation, as: .float32)))
    }

    @Test("In place, ReLU returns the tensor itself, and guards leaves") func reluInPlace() throws {
        let x = try Tensor([-1, 0, 2] as [Float])
        #expect(try x.reluInPlace() === x)
        #expect(try x.values() == [0, 0, 2] as [Float])
        let leaf = try Tensor([-1, 2] as [Float])
        try leaf.setRequiresGradient(true)
        #expect(throws: TorchError.self) { try leaf.reluInPlace() }
    }

    @Test("What cannot be is an error") func refusals() throws {
        let maps = try Tensor.zeros([1, 3, 4, 4])
        let refused: [(String, () throws -> Any)] = [
            ("conv2d", { try maps.convolved(.zeros([2, 4, 3, 3]), nil) }),
            ("conv2d", { try maps.convolved(.zeros([2, 3, 5, 5]), nil) }),
            ("conv2d", { try maps.convolved(.zeros([2, 3, 3, 3]), nil, stride: 0) }),
            ("conv2d", { try maps.convolved(.zeros([2, 3, 3, 3]), nil, padding: -1) }),
            ("conv2d", { try maps.convolved(.zeros([2, 3, 3, 3]), .zeros([3])) }),
            ("conv2d", { try maps.convolved(.zeros([2, 3, 3, 3], dtype: .bfloat16), nil) }),
            ("max_pool2d", { try maps.maxPooled(window: 5, stride: 1) }),
            ("max_pool2d", { try maps.maxPooled(window: 0, stride: 1) }),
            ("adaptive_avg_pool2d", { try maps.averagePooled(toHeight: -1, width: 2) }),
            ("upsample_bicubic2d", { try maps.upsampled(toHeight: 0, width: 2, .bicubic) }),
            ("upsample_bilinear2d", { try maps.upsampled(toHeight: 2, width: -2, .bilinear) }),
            ("flatten", { try maps.flattened(from: 3, to: 1) }),
            ("flatten", { try maps.flattened(from: 7) }),
            ("channels_last", { try Tensor.zeros([3, 4]).channelsLast() }),
            (
                "normalize_images",
                { try maps.normalizedImages(mean: [0, 0, 0], deviation: [1, 1, 1], as: .float32) }
            ),
            (
                "normalize_images",
                {
                    try Tensor.zeros([1, 2, 2, 3], dtype: .uint8)
                        .normalizedImages(mean: [0], deviation: [1, 1, 1], as: .float32)
                }
            ),
        ]
        for (operation, body) in refused {
            let error = #expect(throws: TorchError.self, "\(operation)") { _ = try body() }
            #expect(error?.operation == operation)
            if let error { expectNoBacktrace(error) }
        }
    }

    @Test("Batch norm checks what it is given") func batchNormRefusals() throws {
        func normalize(
            _ shape: [Int], _ channels: Int, _ dtype: DType = .float32, training: Bool = true
        ) throws -> Tensor {
            try Tensor.zeros(shape).batchNormalized(
                weight: .ones([channels], dtype: dtype), bias: .zeros([channels], dtype: dtype),
                runningMean: .zeros([channels], dtype: dtype),
                runningVariance: .ones([channels], dtype: dtype), training: training,
                momentum: 0.1, epsilon: 1e-5)
        }
        let single = #expect(throws: TorchError.self) { try normalize([1, 3, 1, 1], 3) }
        #expect(single?.message.contains("no more than one value a channel") == true)
        #expect(try normalize([1, 3, 1, 1], 3, training: false).shape == [1, 3, 1, 1])
        #expect(throws: TorchError.self) { try normalize([2, 3, 2, 2], 4) }
        #expect(throws: TorchError.self) { try normalize([3], 3) }
        #expect(throws: TorchError.self) { try normalize([2, 3, 2, 2], 3, .bfloat16) }
        #expect(throws: TorchError.self) { try normalize([0, 3, 2, 2], 3) }
    }
}
