import Files
import Foundation

/// Writes state dictionaries as `torch.save` does, for `torch.load(weights_only=True)`.
public enum TorchZipWriter {
    /// Writes `tensors` to `url` as an `OrderedDict` in the given order.
    ///
    /// `wrapper` are keys of dictionaries around it, the outermost first. Tensors with equal `storageIdentity` are written over one storage, so that tied weights stay
    /// tied. The file appears under its name only when it is complete.
    /// - Throws: `FormatError` when a name is taken twice, tensors of one storage contradict each
    ///   other, or the file cannot be written.
    public static func write(
        _ tensors: [StoredTensor], wrapper: [String] = [], to url: URL
    ) throws {
        try SafetensorsWriter.checkNames(tensors, for: url)
        var plan = StoragePlan(file: url.path)
        try plan.add(tensors)
        var pickle = PickleWriter(wrapper: wrapper)
        for tensor in plan.tensors { pickle.append(tensor) }
        var zip = ZipWriter()
        try zip.add("archive/data.pkl", ByteRegion(pickle.finished()), for: url)
        try zip.add("archive/byteorder", ByteRegion(Array("little".utf8)), for: url)
        for (index, storage) in plan.storages.enumerated() {
            try zip.add("archive/data/\(index)", storage.bytes, for: url)
        }
        try zip.add("archive/version", ByteRegion(Array("3\n".utf8)), for: url)
        try AtomicFile.write(to: url) { try zip.write(to: $0) }
    }
}

/// Decides which storages a file has and how each tensor lies in its own.
private struct StoragePlan {
    struct Storage {
        let type: ScalarType
        let bytes: ByteRegion
    }

    let file: String
    private(set) var storages: [Storage] = []
    private(set) var tensors: [PickleWriter.Tensor] = []

    init(file: String) {
        self.file = file
    }

    mutating func add(_ all: [StoredTensor]) throws {
        let groups = Dictionary(grouping: all, by: \.storageIdentity)
        var indices: [StorageIdentity: Int] = [:]
        for tensor in all {
            let group = groups[tensor.storageIdentity] ?? [tensor]
            let isWhole = group.allSatisfy {
                $0.scalarType == tensor.scalarType && $0.bytes.count == tensor.bytes.count
            }
            let sharesViews = !isWhole || group.contains { $0.view != tensor.view }
            let index = try indices[tensor.storageIdentity] ?? addStorage(of: group, sharesViews)
            indices[tensor.storageIdentity] = index
            if sharesViews, let view = tensor.view {
                append(tensor, index, offset: view.offset, strides: view.strides)
            } else {
                append(tensor, index, offset: 0, strides: Self.strides(of: tensor.shape))
            }
        }
    }

    private mutating func addStorage(of group: [StoredTensor], _ sharesViews: Bool) throws -> Int {
        let first = group[0]
        func failure(_ tensor: StoredTensor) -> FormatError {
            FormatError(
                file: file,
                what: "shares a storage with \(first.name.quotedForMessage) but not its"
                    + " dtype and bytes", where: "tensor \(tensor.name.quotedForMessage)",
                advice: "give it a storage identity of its own")
        }
        for tensor in group.dropFirst() {
            let agrees =
                if sharesViews, let view = tensor.view, let storage = first.view?.storage {
                    view.storage.hasSameBytes(as: storage)
                } else {
                    tensor.bytes.hasSameBytes(as: first.bytes)
                }
            guard agrees, tensor.scalarType == first.scalarType else { throw failure(tensor) }
        }
        let bytes = sharesViews ? first.view?.storage ?? first.bytes : first.bytes
        storages.append(Storage(type: first.scalarType, bytes: bytes))
        return storages.count - 1
    }

    private mutating func append(
        _ tensor: StoredTensor, _ storage: Int, offset: Int, strides: [Int]
    ) {
        tensors.append(
            PickleWriter.Tensor(
                name: tensor.name, type: tensor.scalarType, storage: storage,
                storageCount: storages[storage].bytes.count / tensor.scalarType.byteCount,
                offset: offset, shape: tensor.shape, strides: strides))
    }

    private static func strides(of shape: [Int]) -> [Int] {
        var strides: [Int] = []
        var next = 1
        for size in shape.reversed() {
            strides.append(next)
            next = next.multipliedReportingOverflow(by: max(size, 1)).partialValue
        }
        return strides.reversed()
    }
}
