import Torch

/// The type of activations and frozen weights; trained weights are always float32.
public enum Precision: String, Sendable, Codable, CaseIterable {
    /// bfloat16 where the hardware multiplies it fast, else float32.
    case auto
    /// float32.
    case fp32
    /// bfloat16.
    case bf16

    /// The type on `device`.
    public func computeType(on device: Device) -> DType {
        switch self {
        case .fp32: .float32
        case .bf16: .bfloat16
        case .auto:
            switch device {
            case .cuda: .bfloat16
            case .cpu, .meta: Hardware.hasFastBFloat16 ? .bfloat16 : .float32
            }
        }
    }
}
