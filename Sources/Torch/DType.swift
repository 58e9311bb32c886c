import CTorch

/// The type of a tensor's elements.
public enum DType: String, Sendable, Codable, CaseIterable {
    case uint8, int8, int16, int32, int64, float16, float32, float64, bool, bfloat16

    /// Bytes one element takes.
    public var byteCount: Int {
        switch self {
        case .uint8, .int8, .bool: 1
        case .int16, .float16, .bfloat16: 2
        case .int32, .float32: 4
        case .int64, .float64: 8
        }
    }

    /// Whether gradients can flow through it.
    public var isFloatingPoint: Bool {
        switch self {
        case .float16, .float32, .float64, .bfloat16: true
        default: false
        }
    }

    var raw: ct_dtype {
        switch self {
        case .uint8: CT_UINT8
        case .int8: CT_INT8
        case .int16: CT_INT16
        case .int32: CT_INT32
        case .int64: CT_INT64
        case .float16: CT_FLOAT16
        case .float32: CT_FLOAT32
        case .float64: CT_FLOAT64
        case .bool: CT_BOOL
        case .bfloat16: CT_BFLOAT16
        }
    }

    init?(_ raw: ct_dtype) {
        guard let found = DType.allCases.first(where: { $0.raw == raw }) else { return nil }
        self = found
    }
}

/// A Swift number that a tensor's elements can be read as or made from.
public protocol TensorScalar: Sendable {
    /// The element type whose memory layout is this number's.
    static var dtype: DType { get }
}

extension Float: TensorScalar {
    /// 32-bit floating point.
    public static var dtype: DType { .float32 }
}
extension Double: TensorScalar {
    /// 64-bit floating point.
    public static var dtype: DType { .float64 }
}
extension Int64: TensorScalar {
    /// 64-bit signed integer.
    public static var dtype: DType { .int64 }
}
extension Int32: TensorScalar {
    /// 32-bit signed integer.
    public static var dtype: DType { .int32 }
}
extension UInt8: TensorScalar {
    /// 8-bit unsigned integer.
    public static var dtype: DType { .uint8 }
}
extension Bool: TensorScalar {
    /// One byte, 0 or 1.
    public static var dtype: DType { .bool }
}
