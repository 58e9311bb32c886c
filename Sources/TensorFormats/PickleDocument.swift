/// A value of an unpickled document. Containers are indices into the document, so that cycles and
/// deep nesting cost nothing to hold and nothing to free.
enum PickleValue: Equatable {
    case none
    case bool(Bool)
    case integer(Int)
    case float(Double)
    case string(String)
    case tuple(Int)
    case list(Int)
    case set(Int)
    case dictionary(Int)
    case global(PickleGlobal)
    case storage(Int)
    case tensor(Int)
    /// A value that state dictionaries may hold but that we have no use for, by its kind.
    case other(String)
    /// The integer that opens a file of the legacy format.
    case legacyMagic
}

/// The view of a storage that a persistent identifier stands for; counts are elements.
struct PickleStorage {
    let key: String
    /// Full name of the storage class.
    let className: String
    /// Elements of the whole storage (bytes for an untyped one).
    let count: Int
    /// Part of the storage that a legacy view is about.
    let viewOffset: Int
    let viewCount: Int
}

/// The arguments of a tensor, as written; nothing is checked against the storage yet.
struct PickleTensor {
    let storage: Int
    let offset: Int
    let shape: [Int]
    let strides: [Int]
    /// Name of the dtype where the call names one.
    let scalarType: String?
}

/// What a pickle describes.
struct PickleDocument {
    typealias Pair = (key: Int, value: Int)

    var values: [PickleValue] = []
    var sequences: [[Int]] = []
    var dictionaries: [[Pair]] = []
    var storages: [PickleStorage] = []
    var tensors: [PickleTensor] = []
    /// Index of the value that the pickle is.
    var root = 0
    /// Position of the first byte after the pickle.
    var end = 0

    /// Elements of a tuple or list.
    func elements(of value: PickleValue) -> [Int]? {
        switch value {
        case .tuple(let index), .list(let index): sequences[index]
        default: nil
        }
    }

    /// Integers of a tuple or list of integers.
    func integers(of value: PickleValue) -> [Int]? {
        guard let elements = elements(of: value), elements.count <= maximumRank else { return nil }
        var integers: [Int] = []
        for element in elements {
            guard case .integer(let integer) = values[element] else { return nil }
            integers.append(integer)
        }
        return integers
    }

    /// Pairs of a dictionary with string keys.
    func members(of value: PickleValue) -> [(key: String, value: PickleValue)]? {
        guard case .dictionary(let index) = value else { return nil }
        return dictionaries[index].compactMap { pair in
            guard case .string(let key) = values[pair.key] else { return nil }
            return (key, values[pair.value])
        }
    }

    /// What a value is, in words for a list of skipped entries.
    func summary(of value: PickleValue) -> String {
        switch value {
        case .none: "None"
        case .bool(let value): value ? "True" : "False"
        case .integer(let value): "integer \(value)"
        case .float(let value): "number \(value)"
        case .string(let text): "text of \(text.utf8.count) bytes"
        case .tuple(let index): "tuple of \(sequences[index].count)"
        case .list(let index): "list of \(sequences[index].count)"
        case .set(let index): "set of \(sequences[index].count)"
        case .dictionary(let index): "dictionary of \(dictionaries[index].count)"
        case .global(.scalarType(let name)): "dtype \(name)"
        case .global: "a class"
        case .storage: "storage"
        case .tensor(let index): "tensor \(tensors[index].shape)"
        case .other(let kind): kind
        case .legacyMagic: "large integer"
        }
    }
}
