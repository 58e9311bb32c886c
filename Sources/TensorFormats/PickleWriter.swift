/// Writes the pickle of a state dictionary, in protocol 2 as `torch.save` does.
struct PickleWriter {
    struct Tensor {
        let name: String
        let type: ScalarType
        let storage: Int
        /// Elements of the whole storage.
        let storageCount: Int
        let offset: Int
        let shape: [Int]
        let strides: [Int]
    }

    private var bytes: [UInt8] = []
    private let wrapper: [String]

    /// `wrapper` are keys of dictionaries around the one of tensors, the outermost first.
    init(wrapper: [String] = []) {
        self.wrapper = wrapper
        emit(.proto)
        bytes.append(2)
        for key in wrapper {
            emit(.emptyDict)
            text(key)
        }
        emptyOrderedDictionary()
        emit(.mark)
    }

    /// Adds one entry of the dictionary.
    mutating func append(_ tensor: Tensor) {
        text(tensor.name)
        global("torch._utils", "_rebuild_tensor_v2")
        emit(.mark)
        emit(.mark)
        text("storage")
        global("torch", tensor.type.storageClass)
        text(String(tensor.storage))
        text("cpu")
        integer(tensor.storageCount)
        emit(.tuple)
        emit(.binPersistentID)
        integer(tensor.offset)
        tuple(tensor.shape)
        tuple(tensor.strides)
        emit(.newFalse)
        emptyOrderedDictionary()
        emit(.tuple)
        emit(.reduce)
    }

    /// The whole pickle.
    mutating func finished() -> [UInt8] {
        emit(.setItems)
        for _ in wrapper { emit(.setItem) }
        emit(.stop)
        return bytes
    }

    private mutating func emit(_ opcode: PickleOpcode) {
        bytes.append(opcode.rawValue)
    }

    private mutating func emptyOrderedDictionary() {
        global("collections", "OrderedDict")
        emit(.emptyTuple)
        emit(.reduce)
    }

    private mutating func global(_ module: String, _ name: String) {
        emit(.global)
        bytes.append(contentsOf: "\(module)\n\(name)\n".utf8)
    }

    private mutating func text(_ text: String) {
        emit(.binUnicode)
        bytes.append(contentsOf: littleEndianBytes(UInt32(truncatingIfNeeded: text.utf8.count)))
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func tuple(_ sizes: [Int]) {
        emit(.mark)
        for size in sizes { integer(size) }
        emit(.tuple)
    }

    private mutating func integer(_ value: Int) {
        if let small = Int32(exactly: value) {
            emit(.binInt)
            bytes.append(contentsOf: littleEndianBytes(small))
        } else {
            emit(.long1)
            bytes.append(8)
            bytes.append(contentsOf: littleEndianBytes(Int64(value)))
        }
    }
}
