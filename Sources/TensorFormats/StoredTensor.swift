import Files

/// Says which tensors are views of one storage: tied weights have equal identities.
public struct StorageIdentity: Hashable, Sendable {
    private final class Token: Sendable {}
    private let token = Token()

    /// Makes an identity equal to no other.
    public init() {}

    /// Whether both stand for the same storage.
    public static func == (left: StorageIdentity, right: StorageIdentity) -> Bool {
        left.token === right.token
    }

    /// Feeds the identity to a hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(token))
    }
}

/// A named tensor in a file or in memory.
public struct StoredTensor: Sendable {
    /// The name on disk.
    public let name: String
    /// Type of the elements.
    public let scalarType: ScalarType
    /// Sizes of the dimensions; empty for a scalar.
    public let shape: [Int]
    /// The elements: contiguous, row-major, little-endian.
    public let bytes: ByteRegion
    /// Which storage the elements lie in.
    public let storageIdentity: StorageIdentity
    /// How the elements lie in a shared PyTorch storage, for tensors read from one.
    let view: StorageView?

    /// Number of elements.
    public var elementCount: Int { bytes.count / scalarType.byteCount }

    /// A tensor over `bytes`; tensors given one `storageIdentity` are written as one storage.
    ///
    /// - Throws: `FormatError` when `bytes` is not as long as the shape and type say.
    public init(
        name: String, scalarType: ScalarType, shape: [Int], bytes: ByteRegion,
        storageIdentity: StorageIdentity = StorageIdentity()
    ) throws {
        guard let elements = TensorFormats.elementCount(of: shape),
            case let (expected, overflow) =
                elements.multipliedReportingOverflow(by: scalarType.byteCount), !overflow,
            expected == bytes.count
        else {
            throw FormatError(
                file: "(memory)",
                what: "\(bytes.count) bytes do not fill \(scalarType.rawValue) \(shape)",
                where: "tensor \(name.quotedForMessage)")
        }
        self.init(
            name: name, scalarType: scalarType, shape: shape, checked: bytes,
            storageIdentity: storageIdentity, view: nil)
    }

    /// A tensor that owns `bytes`.
    ///
    /// - Throws: `FormatError` when `bytes` is not as long as the shape and type say.
    public init(
        name: String, scalarType: ScalarType, shape: [Int], bytes: [UInt8],
        storageIdentity: StorageIdentity = StorageIdentity()
    ) throws {
        try self.init(
            name: name, scalarType: scalarType, shape: shape, bytes: ByteRegion(bytes),
            storageIdentity: storageIdentity)
    }

    init(
        name: String, scalarType: ScalarType, shape: [Int], checked bytes: ByteRegion,
        storageIdentity: StorageIdentity, view: StorageView?
    ) {
        self.name = name
        self.scalarType = scalarType
        self.shape = shape
        self.bytes = bytes
        self.storageIdentity = storageIdentity
        self.view = view
    }

    /// The same tensor under another name.
    public func renamed(_ name: String) -> StoredTensor {
        StoredTensor(
            name: name, scalarType: scalarType, shape: shape, checked: bytes,
            storageIdentity: storageIdentity, view: view)
    }
}
