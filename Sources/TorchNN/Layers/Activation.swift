import Torch

/// The nonlinearities that model configurations name.
public enum Activation: String, Sendable, Codable, CaseIterable {
    /// Exact GELU.
    case gelu
    /// GELU's tanh approximation, by its oldest name.
    case geluNew = "gelu_new"
    /// GELU's tanh approximation, by PyTorch's name.
    case geluTanh = "gelu_pytorch_tanh"
    /// max(0, x).
    case relu
    /// x · sigmoid(1.702 x), as OpenAI's CLIP has it.
    case quickGELU = "quick_gelu"
    /// x · sigmoid(x).
    case silu
    /// Hyperbolic tangent.
    case tanh

    /// Applies it to every element.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        switch self {
        case .gelu: try x.gelu()
        case .geluNew, .geluTanh: try x.gelu(tanhApproximation: true)
        case .relu: try x.relu()
        case .quickGELU: try x.quickGELU()
        case .silu: try x * x.sigmoid()
        case .tanh: try x.tanh()
        }
    }
}
