import Torch

/// What a model's parameters are made of; chosen once, when its store is made.
public struct Placement: Sendable {
    /// Where the parameters live and the work is done.
    public var device: Device
    /// The type that activations and frozen parameters have; trained ones stay float32.
    public var computeType: DType
    /// Which parameters an optimizer will update; all others are frozen.
    public var trainable: ParameterPattern

    /// A placement; by default float32 on the host with nothing trained.
    public init(
        device: Device = .cpu, computeType: DType = .float32, trainable: ParameterPattern = .none
    ) {
        self.device = device
        self.computeType = computeType
        self.trainable = trainable
    }
}

/// A parameter was asked for in a way that cannot be right.
public enum ParameterError: Error, CustomStringConvertible {
    /// Two layers claim one name.
    case duplicate(String)
    /// The source gave another shape than the layer needs.
    case shape(name: String, expected: [Int], found: [Int])

    /// What happened, to which parameter.
    public var description: String {
        switch self {
        case .duplicate(let name): "the parameter ‘\(name)’ is claimed by two layers"
        case .shape(let name, let expected, let found):
            "the parameter ‘\(name)’ has shape \(found); expected \(expected)"
        }
    }
}

/// All parameters of a model by name, in the order of their birth, and its buffers.
public final class ParameterStore {
    /// What the parameters are made of.
    public let placement: Placement
    /// Every parameter, in the order in which layers asked for them.
    public private(set) var parameters: [Parameter] = []
    /// State that training moves without a gradient, such as running statistics: it has a name on
    /// disk, but no optimizer updates it and no count of parameters includes it.
    public private(set) var buffers: [Parameter] = []

    private let source: any ParameterSource
    private var tensors: [String: Tensor] = [:]

    /// A store that takes its values from `source`.
    public init(source: any ParameterSource, placement: Placement = Placement()) {
        self.source = source
        self.placement = placement
    }

    /// The scope of the model's outermost names.
    public var root: Scope { Scope(store: self, path: "") }

    /// The parameter or buffer of this name.
    public subscript(name: String) -> Tensor? { tensors[name] }

    /// Whether the source (say, the checkpoint) has a value for `name`.
    public func sourceHolds(_ name: String) -> Bool { source.holds(name) }

    /// The parameters that `pattern` selects, in order.
    public func parameters(matching pattern: ParameterPattern) -> [Parameter] {
        parameters.filter { pattern.matches($0.name) }
    }

    /// The parameters an optimizer updates.
    public var trainable: [Parameter] { parameters(matching: placement.trainable) }

    /// What training may have changed, and what is written back: the trained parameters, then all
    /// buffers.
    public var trainedState: [Parameter] { trainable + buffers }

    /// The number of numbers in all parameters; the greatest integer where they are more.
    public var elementCount: Int {
        parameters.reduce(0) {
            let (sum, overflows) = $0.addingReportingOverflow($1.tensor.elementCount)
            return overflows ? .max : sum
        }
    }

    func make(
        _ name: String, _ shape: [Int], _ initializer: Initializer, as dtype: DType?
    ) throws -> Tensor {
        var tensor = try claim(name, shape) {
            try source.tensor(named: name, shape: shape, initializer: initializer)
        }
        let isTrained = placement.trainable.matches(name)
        if tensor.device != .meta {
            let dtype = isTrained ? .float32 : dtype ?? placement.computeType
            if tensor.dtype != dtype { tensor = try tensor.cast(to: dtype) }
            if tensor.device != placement.device { tensor = try tensor.moved(to: placement.device) }
            // Optimizers want row-major memory, convolutions would lay a frozen weight out each time.
            if shape.count == 4, !isTrained { tensor = try tensor.channelsLast() }
            if isTrained { try tensor.setRequiresGradient(true) }
        }
        tensors[name] = tensor
        parameters.append(Parameter(name: name, tensor: tensor))
        return tensor
    }

    func makeBuffer(
        _ name: String, _ shape: [Int], _ initializer: Initializer, as dtype: DType
    ) throws -> Tensor {
        var tensor = try claim(name, shape) {
            try source.buffer(named: name, shape: shape, dtype: dtype, initializer: initializer)
        }
        if tensor.device != .meta, tensor.device != placement.device {
            tensor = try tensor.moved(to: placement.device)
        }
        tensors[name] = tensor
        buffers.append(Parameter(name: name, tensor: tensor))
        return tensor
    }

    /// A new name's value, in the shape it has to have.
    private func claim(
        _ name: String, _ shape: [Int], _ value: () throws -> Tensor
    ) throws -> Tensor {
        guard tensors[name] == nil else { throw ParameterError.duplicate(name) }
        let tensor = try value()
        guard tensor.shape == shape else {
            throw ParameterError.shape(name: name, expected: shape, found: tensor.shape)
        }
        return tensor
    }
}

/// A path into a store: where a layer names its parameters as it makes them.
public struct Scope {
    /// The store the parameters go to.
    public let store: ParameterStore
    /// The dotted name so far.
    public let path: String

    /// The scope of a named part.
    public subscript(_ part: String) -> Scope { Scope(store: store, path: name(part)) }

    /// The scope of a numbered part.
    public subscript(_ index: Int) -> Scope { self[String(index)] }

    /// Makes a parameter of this scope; `dtype` is what a frozen one has instead of the compute
    /// type, where its layer's kernels want that.
    public func parameter(
        _ part: String, _ shape: [Int], _ initializer: Initializer, as dtype: DType? = nil
    ) throws -> Tensor {
        try store.make(name(part), shape, initializer, as: dtype)
    }

    /// Makes a buffer of this scope, whatever the compute type is.
    public func buffer(
        _ part: String, _ shape: [Int], _ initializer: Initializer, as dtype: DType = .float32
    ) throws -> Tensor {
        try store.makeBuffer(name(part), shape, initializer, as: dtype)
    }

    /// Whether the store's source holds a value for this part.
    public func isHeld(_ part: String) -> Bool { store.sourceHolds(name(part)) }

    /// The full name of a part.
    public func name(_ part: String) -> String { path.isEmpty ? part : path + "." + part }
}
