import Torch
import TorchNN

/// A source of tensors that the test chose.
final class GivenSource: ParameterSource {
    private let tensors: [String: Tensor]

    init(_ tensors: [String: Tensor]) { self.tensors = tensors }

    func tensor(named name: String, shape: [Int], initializer: Initializer) throws -> Tensor {
        try tensors[name] ?? .zeros(shape)
    }

    func holds(_ name: String) -> Bool { tensors[name] != nil }

    /// Parameters of these tensors themselves, in this order.
    static func parameters(_ tensors: [(name: String, tensor: Tensor)]) throws -> [Parameter] {
        let source = GivenSource(Dictionary(uniqueKeysWithValues: tensors.map { ($0, $1) }))
        let store = ParameterStore(source: source)
        for (name, tensor) in tensors { _ = try store.root.parameter(name, tensor.shape, .zeros) }
        return store.parameters
    }
}
