/// The names a pickle may refer to: those of state dictionaries, none of which has side effects.
///
/// They stand for themselves. No code is looked up or run for any of them.
enum PickleGlobal: Equatable {
    case orderedDictionary
    case rebuildTensor
    case rebuildTensorV2
    case rebuildTensorV3
    case rebuildParameter
    case size
    /// A storage class, by its full name.
    case storage(String)
    /// A dtype, by its name in module `torch`.
    case scalarType(String)
    /// Something that makes a value which is not a tensor, and what to call that value.
    case other(String)

    /// What a NumPy dtype is called.
    static let numpyType = "NumPy dtype"

    /// The name's meaning, or nil where it is not allowed.
    static func named(_ module: String, _ name: String) -> PickleGlobal? {
        switch module {
        case "collections":
            ["OrderedDict": .orderedDictionary, "Counter": .other("counter")][name]
        case "torch._utils":
            [
                "_rebuild_tensor": .rebuildTensor, "_rebuild_tensor_v2": .rebuildTensorV2,
                "_rebuild_tensor_v3": .rebuildTensorV3, "_rebuild_parameter": .rebuildParameter,
            ][name]
        case "torch": inTorch(name)
        case "torch.cuda": storageClasses.contains(name) ? .storage("torch.cuda." + name) : nil
        case "torch.storage":
            ["UntypedStorage", "TypedStorage"].contains(name)
                ? .storage("torch.storage." + name) : nil
        case "_codecs": name == "encode" ? .other("bytes") : nil
        case "numpy": name == "dtype" ? .other(numpyType) : nil
        case "numpy.core.multiarray", "numpy._core.multiarray":
            name == "scalar" ? .other("NumPy scalar") : nil
        case "builtins", "__builtin__":
            ["set", "frozenset", "bytearray", "complex"].contains(name) ? .other(name) : nil
        default: nil
        }
    }

    private static func inTorch(_ name: String) -> PickleGlobal? {
        if storageClasses.contains(name) { return .storage("torch." + name) }
        if scalarTypes.contains(name) { return .scalarType(name) }
        switch name {
        case "Size": return .size
        case "device": return .other("device")
        default: return nil
        }
    }

    // Names that we know but cannot read are allowed here, so that the error can name the tensor.
    private static let storageClasses = Set(
        ScalarType.allCases.map(\.storageClass) + [
            "ComplexFloatStorage", "ComplexDoubleStorage", "QInt8Storage", "QUInt8Storage",
            "QInt32Storage", "QUInt4x2Storage", "QUInt2x4Storage", "UntypedStorage",
        ])
    private static let scalarTypes = Set(
        ScalarType.allCases.map(\.torchName) + [
            "complex32", "complex64", "complex128", "uint16", "uint32", "uint64", "float8_e4m3fn",
            "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu",
        ])
}
