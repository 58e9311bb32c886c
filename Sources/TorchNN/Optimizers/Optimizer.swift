import Torch

/// Which optimizer, with its constants.
public enum OptimizerConfiguration: Sendable, Codable, Equatable {
    /// AdamW with decoupled weight decay; Hugging Face's defaults (decay 0).
    case adamW(
        beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        weightDecay: Double = 0)
    /// Stochastic gradient descent; the decay is added to the gradient, as in PyTorch.
    case sgd(momentum: Double = 0, weightDecay: Double = 0)

    /// What it is called.
    public var name: String {
        switch self {
        case .adamW: "AdamW"
        case .sgd: "SGD"
        }
    }

    /// The same with another weight decay.
    public func decayed(by weightDecay: Double) -> OptimizerConfiguration {
        switch self {
        case .adamW(let beta1, let beta2, let epsilon, _):
            .adamW(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay)
        case .sgd(let momentum, _): .sgd(momentum: momentum, weightDecay: weightDecay)
        }
    }
}

/// Updates parameters in place from their gradients.
///
/// State exists only for the parameters given, which are the trained ones. A parameter whose
/// gradient is nil at a step is left as it is at that step.
public final class Optimizer {
    /// What the optimizer updates.
    public let parameters: [Parameter]
    /// Which optimizer it is.
    public let configuration: OptimizerConfiguration

    /// First and second moments (AdamW), or momentum in `first` (SGD), and steps counted; absent
    /// until a parameter's first gradient.
    private struct State {
        var first: Tensor
        var second: Tensor?
        var steps: Tensor
    }
    private var states: [State?]

    /// Groups parameters whose name matches `undecayed` apart, with weight decay 0.
    private let isDecayed: [Bool]

    /// An optimizer of `parameters`; those that `undecayed` selects have no weight decay.
    public init(
        _ configuration: OptimizerConfiguration, of parameters: [Parameter],
        undecayed: ParameterPattern = .none
    ) {
        self.configuration = configuration
        self.parameters = parameters
        states = Array(repeating: nil, count: parameters.count)
        isDecayed = parameters.map { !undecayed.matches($0.name) }
    }

    /// Moves each parameter against its gradient by the rule, at `learningRate`.
    public func step(_ gradients: [Tensor?], learningRate: Double) throws {
        precondition(gradients.count == parameters.count, "a gradient or nil for each parameter")
        try withoutGradients {
            for decayed in [true, false] {
                let group = parameters.indices.filter {
                    isDecayed[$0] == decayed && gradients[$0] != nil
                }
                try step(group, gradients, learningRate, decayed: decayed)
            }
        }
    }

    private func step(
        _ group: [Int], _ gradients: [Tensor?], _ learningRate: Double, decayed: Bool
    ) throws {
        guard !group.isEmpty else { return }
        let tensors = group.map { parameters[$0].tensor }
        let present = group.compactMap { gradients[$0] }
        switch configuration {
        case .adamW(let beta1, let beta2, let epsilon, let weightDecay):
            let states = try group.map { try state($0, hasSecond: true) }
            try FusedKernels.adamW(
                parameters: tensors, gradients: present, firstMoments: states.map { $0.first },
                secondMoments: states.compactMap { $0.second }, steps: states.map { $0.steps },
                learningRate: learningRate, beta1: beta1, beta2: beta2,
                weightDecay: decayed ? weightDecay : 0, epsilon: epsilon)
        case .sgd(let momentum, let weightDecay):
            // A buffer of zeros makes the first step what PyTorch's is: the gradient itself.
            let momenta =
                momentum == 0 ? nil : try group.map { try state($0, hasSecond: false).first }
            try FusedKernels.sgd(
                parameters: tensors, gradients: present, momenta: momenta,
                learningRate: learningRate, momentum: momentum,
                weightDecay: decayed ? weightDecay : 0, isFirstStep: false)
        }
    }

    private func state(_ index: Int, hasSecond: Bool) throws -> State {
        if let state = states[index] { return state }
        let tensor = parameters[index].tensor
        let state = State(
            first: try .zeros(tensor.shape, device: tensor.device),
            second: hasSecond ? try .zeros(tensor.shape, device: tensor.device) : nil,
            steps: try .zeros([], device: tensor.device))
        states[index] = state
        return state
    }

    // MARK: Saving and resuming

    /// The state by name (`NAME.first`, `NAME.second`, `NAME.steps`), for a snapshot.
    public var stateTensors: [(name: String, tensor: Tensor)] {
        zip(parameters, states).flatMap { parameter, state -> [(name: String, tensor: Tensor)] in
            guard let state else { return [] }
            return [
                (parameter.name + ".first", state.first), (parameter.name + ".steps", state.steps),
            ]
                + (state.second.map { [(parameter.name + ".second", $0)] } ?? [])
        }
    }

    /// Takes the state of a snapshot back; parameters it does not name begin afresh.
    public func restore(_ tensor: (String) throws -> Tensor?) throws {
        for (index, parameter) in parameters.enumerated() {
            let device = parameter.tensor.device
            guard let first = try tensor(parameter.name + ".first")?.moved(to: device),
                let steps = try tensor(parameter.name + ".steps")?.moved(to: device)
            else {
                states[index] = nil
                continue
            }
            let second = try tensor(parameter.name + ".second")?.moved(to: device)
            for moment in [first, second].compactMap({ $0 })
            where moment.shape != parameter.tensor.shape {
                throw ParameterError.shape(
                    name: parameter.name + " (optimizer state)", expected: parameter.tensor.shape,
                    found: moment.shape)
            }
            states[index] = State(first: first, second: second, steps: steps)
        }
    }
}

/// The global norm of gradients, and their clipping to it.
public enum GradientClipping {
    /// Scales `gradients` in place so that the norm of them all is at most `maximum`; returns the
    /// norm before, a scalar tensor. Nothing waits for the device.
    @discardableResult
    public static func clip(_ gradients: [Tensor], to maximum: Double?) throws -> Tensor {
        try withoutGradients {
            guard !gradients.isEmpty else { return try .zeros([]) }
            let norm = try Tensor.stacked(Tensor.norms(of: gradients)).norm()
            if let maximum {
                let factor = try ((norm + 1e-6).power(-1) * maximum).clamped(to: 0...1)
                try Tensor.scale(gradients, by: factor)
            }
            return norm
        }
    }
}
