import Files

/// Turns the tensors that a pickle describes into tensors over the storages of the file.
struct PickledTensors {
    let document: PickleDocument
    let file: MappedFile
    let limits: ReadLimits
    /// Bytes of each storage that the pickle names, by key.
    let storages: [String: ByteRegion]
    private var identities: [String: StorageIdentity] = [:]
    private var copiedBytes = 0
    private var tensorBytes = 0

    init(
        document: PickleDocument, file: MappedFile, limits: ReadLimits,
        storages: [String: ByteRegion]
    ) {
        self.document = document
        self.file = file
        self.limits = limits
        self.storages = storages
    }

    /// How many times the size of a file its tensors may take, beside a megabyte.
    private static let maximumSharing = 4
    private static let advice = "the file is damaged; download or copy it again"

    /// The state dictionary in the document: the one there is, or the one that was chosen.
    mutating func contents(weights: String?) throws -> ArchiveContents {
        let dictionary = try StateDictionary(document, weights: weights, file: file.path)
        var contents = ArchiveContents()
        contents.otherEntries = dictionary.otherEntries()
        contents.wrapper = dictionary.wrapper
        contents.dictionaries = dictionary.dictionaries
        contents.isChosen = weights != nil
        contents.tensors = try tensors(of: dictionary.main)
        for group in dictionary.others {
            let copy = try tensors(of: group)
            if let difference = Self.difference(copy, contents.tensors) {
                throw dictionary.ambiguity(difference)
            }
            contents.copies.append(copy)
        }
        return contents
    }

    private mutating func tensors(of group: TensorTree.Group?) throws -> [StoredTensor] {
        try (group?.members ?? []).map { name, index in
            try tensor(document.tensors[index], name: name)
        }
    }

    /// What two dictionaries do not have in common, or nil where they hold the same.
    private static func difference(_ copy: [StoredTensor], _ original: [StoredTensor]) -> String? {
        let known = Dictionary(
            original.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        guard copy.count == original.count else { return "they do not hold the same names" }
        for tensor in copy {
            guard let other = known[tensor.name] else { return "they do not hold the same names" }
            guard other.scalarType == tensor.scalarType, other.shape == tensor.shape,
                other.bytes.hasSameBytes(as: tensor.bytes)
            else {
                return "they differ in \(tensor.name.quotedForMessage)"
            }
        }
        return nil
    }

    private mutating func tensor(_ tensor: PickleTensor, name: String) throws -> StoredTensor {
        let place = "tensor \(name.quotedForMessage)"
        func failure(_ what: String) -> FormatError {
            FormatError(file: file.path, what: what, where: place, advice: Self.advice)
        }
        let storage = document.storages[tensor.storage]
        let type = try scalarType(of: tensor, in: storage, name: name)
        guard let region = storages[storage.key] else {
            throw failure("storage \(storage.key.quotedForMessage) is not in the file")
        }
        let (first, capacity) = try bounds(of: storage, in: region, type: type, place: place)
        guard tensor.strides.count == tensor.shape.count, tensor.offset >= 0,
            tensor.strides.allSatisfy({ $0 >= 0 })
        else {
            throw failure("offset \(tensor.offset), strides \(tensor.strides) are not possible")
        }
        guard let count = elementCount(of: tensor.shape) else {
            throw failure("shape \(tensor.shape) is negative or too large to count")
        }
        let (offset, overflow) = first.addingReportingOverflow(tensor.offset)
        let view = StorageView(storage: region, offset: offset, strides: tensor.strides)
        if count > 0 {
            guard !overflow, let last = view.lastIndex(tensor.shape), last < capacity else {
                throw failure(
                    "shape \(tensor.shape), strides \(tensor.strides), offset \(tensor.offset) reach"
                        + " outside a storage of \(capacity) elements")
            }
        }
        let bytes = try bytes(view, tensor.shape, count: count, type: type, place: place)
        let identity = identities[storage.key] ?? StorageIdentity()
        identities[storage.key] = identity
        return StoredTensor(
            name: name, scalarType: type, shape: tensor.shape, checked: bytes,
            storageIdentity: identity, view: view)
    }

    private func scalarType(
        of tensor: PickleTensor, in storage: PickleStorage, name: String
    ) throws -> ScalarType {
        let found =
            tensor.scalarType.map { ScalarType(torchName: $0) }
            ?? ScalarType(storageClass: String(storage.className.split(separator: ".").last ?? ""))
        guard let found else {
            let typeName = tensor.scalarType.map { "torch." + $0 } ?? storage.className
            throw FormatError(
                file: file.path,
                what: "unsupported dtype \(typeName) of tensor \(name.quotedForMessage)",
                advice: "supported: "
                    + ScalarType.allCases.map(\.torchName).joined(separator: ", "))
        }
        return found
    }

    /// The first element that a storage, or the view of one, has in `whole`, and the end of them.
    private func bounds(
        of storage: PickleStorage, in whole: ByteRegion, type: ScalarType, place: String
    ) throws -> (first: Int, end: Int) {
        guard let size = storage.elementBytes,
            case let (total, overflow) = storage.count.multipliedReportingOverflow(by: size),
            !overflow, total == whole.count,
            // Within `total`, so that the products cannot overflow.
            (storage.viewOffset * size).isMultiple(of: type.byteCount)
        else {
            throw FormatError(
                file: file.path,
                what: "storage \(storage.key.quotedForMessage) has \(whole.count) bytes, not"
                    + " \(storage.count) elements of \(storage.className)",
                where: place, advice: Self.advice)
        }
        let end = (storage.viewOffset + storage.viewCount) * size
        return (storage.viewOffset * size / type.byteCount, end / type.byteCount)
    }

    private mutating func bytes(
        _ view: StorageView, _ shape: [Int], count: Int, type: ScalarType, place: String
    ) throws -> ByteRegion {
        func failure(_ what: String) -> FormatError {
            FormatError(file: file.path, what: what, where: place, advice: Self.advice)
        }
        guard count > 0 else { return ByteRegion([]) }
        let size = type.byteCount
        let (total, overflow) = count.multipliedReportingOverflow(by: size)
        let (sum, tooMany) = tensorBytes.addingReportingOverflow(total)
        // Tied weights take their storage twice or thrice; a loader holds every name once.
        guard !overflow, !tooMany, sum - 1 << 20 <= Self.maximumSharing &* file.count else {
            throw FormatError(
                file: file.path,
                what: "its tensors take more than \(Self.maximumSharing) times the file: many"
                    + " names stand for one storage, or repeat its elements",
                where: place, advice: "save a state_dict that holds each parameter once",
                kind: .hostile)
        }
        tensorBytes = sum
        if view.isContiguous(shape) {
            let slice = view.storage.slice(from: view.offset * size, count: count * size)
            guard let slice else { throw failure("elements are not within the storage") }
            return slice
        }
        copiedBytes += count * size
        guard copiedBytes <= limits.maximumCopiedBytes else {
            throw failure("strided tensors take more than \(limits.maximumCopiedBytes) bytes")
        }
        return ByteRegion(view.gathered(shape, elementBytes: size, elementCount: count))
    }
}

extension PickleStorage {
    /// Size of one element in bytes, or nil where the class is not supported.
    var elementBytes: Int? {
        let name = String(className.split(separator: ".").last ?? "")
        return name == "UntypedStorage" ? 1 : ScalarType(storageClass: name)?.byteCount
    }
}
