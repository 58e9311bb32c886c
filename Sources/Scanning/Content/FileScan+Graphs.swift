extension FileScan {
    // MARK: - TensorFlow

    private static let fileOperations = [
        "ReadFile", "WriteFile", "MatchingFiles", "PyFunc", "PyFuncStateless", "EagerPyFunc",
        "PrintV2", "ShellExecute", "LoadLibrary", "SaveV2Slices", "DebugIdentity",
        "DebugGradientIdentity", "LMDBReader",
        "WholeFileReaderV2", "ImportEvent", "WriteRawProtoSummary", "WriteGraphSummary",
        "CreateSummaryFileWriter",
    ]

    /// Looks for operations that touch files or run Python: their names stand in the graph as they are.
    func examineTensorFlow(_ bytes: UnsafeRawBufferPointer, at place: Place) {
        for operation in Self.fileOperations where operation != "PrintV2" {
            // A text of a protocol buffer has its length before it.
            let needle = [UInt8(operation.utf8.count)] + Array(operation.utf8)
            let quoted = Array("\"\(operation)\"".utf8)
            if let offset = bytes.first(needle) ?? bytes.first(quoted) {
                report(.codeTensorFlowOperation, at: place, offset: offset, "uses ‘\(operation)’")
            }
        }
        if let offset = bytes.first(Array("\"class_name\": \"Lambda\"".utf8)) {
            report(.codeKerasLambda, at: place, offset: offset, "holds a Lambda layer")
        }
    }

    // MARK: - HDF5

    /// Looks for the JSON that Keras leaves in the file.
    func examineHDF5(_ bytes: UnsafeRawBufferPointer, at place: Place) {
        examined += 1
        var position = 0
        var count = 0
        while count < 64, let offset = bytes.first(Array("\"class_name\"".utf8), from: position) {
            count += 1
            // The text begins with the brace before it; what is nested comes with it.
            var start = offset
            while start > 0, offset - start < 64, bytes[start] != UInt8(ascii: "{") { start -= 1 }
            let tree = JSONTree(bytes.rest(from: start, atMost: 32 << 20))
            if let root = tree.root { checkKeras(root, at: place, offset: start) }
            position = max(offset + 1, tree.fault.map { start + $0.offset } ?? offset + 1)
        }
        for (text, what) in [
            ("__lambda__", "a Lambda’s bytecode"), ("\"Lambda\"", "a Lambda layer"),
        ] {
            if let offset = bytes.first(Array(text.utf8)), count == 0 || text == "__lambda__" {
                report(.codeKerasLambda, at: place, offset: offset, "holds \(what)")
            }
        }
        searchPickles(bytes, from: 0, at: place)
    }

    // MARK: - Keras

    /// Reports layers that carry code and objects of foreign modules in a Keras config.
    func checkKeras(_ root: JSONTree.Value, at place: Place, offset: Int? = nil) {
        root.eachObject { path, object in
            guard let name = object["class_name"]?.string else { return }
            if name == "Lambda" || name == "__lambda__"
                || name == "TFOpLambda" && object["config"]?["function"] != nil
            {
                report(.codeKerasLambda, at: place, offset: offset, "holds ‘\(harmless(name))’")
                return
            }
            guard let module = object["module"]?.string else { return }
            let known = [
                "keras", "tensorflow.keras", "tf_keras", "keras_hub", "keras_nlp", "keras_cv",
                "builtins",
            ]
            let isKnown = known.contains { module == $0 || module.hasPrefix($0 + ".") }
            let function = object["config"]?.string ?? name
            if isKnown, module != "builtins", !module.contains("utils"), !module.contains("saving"),
                !module.contains("config"), !module.contains("_legacy")
            {
                return
            }
            if module == "builtins",
                ["int", "float", "str", "bool", "list", "dict", "tuple", "set", "slice"].contains(
                    function)
                    || object["config"]?.string == nil && name != "function"
            {
                return
            }
            let (grade, reason) = GlobalGrades.grade(module, function)
            report(
                .codeKerasModule, grade == .dangerous || module == "builtins" ? .error : .warning,
                at: place, offset: offset,
                "names \(harmless(module)).\(harmless(function)): \(reason)")
        }
    }

    // MARK: - ONNX

    /// Walks an ONNX model for data that it takes from other files, and foreign operators.
    func examineONNX(_ bytes: UnsafeRawBufferPointer, at place: Place) {
        var domains: Set<String> = []
        var seen = false
        for field in ProtocolFields(bytes) where field.number == 7 {
            guard let graph = field.bytes else { continue }
            seen = true
            examineONNXGraph(graph, &domains, depth: 0, at: place)
        }
        guard seen else {
            report(.formatDamaged, at: place, "has no graph: it is no ONNX model, or is cut short")
            return
        }
        let known: Set<String> = [
            "", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training",
            "com.microsoft",
            "com.microsoft.nchwc", "com.ms.internal.nhwc", "org.pytorch.aten",
            "pkg.onnxscript.torch_lib",
            "pkg.onnxscript.torch_lib.common", "ai.onnx.contrib", "com.microsoft.experimental",
            "pkg.torch",
        ]
        for domain in domains.subtracting(known).sorted() {
            report(.codeOnnxOperator, at: place, "uses operators of ‘\(harmless(domain))’")
        }
        if domains.contains("ai.onnx.contrib"),
            bytes.contains("PyOp") || bytes.contains("PyCustomOp")
        {
            report(.codeOnnxOperator, .error, at: place, "calls into Python")
        }
    }

    private func examineONNXGraph(
        _ graph: UnsafeRawBufferPointer, _ domains: inout Set<String>, depth: Int, at place: Place
    ) {
        guard depth < 16 else { return }
        for field in ProtocolFields(graph) {
            guard let inner = field.bytes else { continue }
            switch field.number {
            case 1:
                for part in ProtocolFields(inner) {
                    if part.number == 7, let text = part.bytes { domains.insert(text.text) }
                    if part.number == 5, let attribute = part.bytes {
                        for value in ProtocolFields(attribute) {
                            if value.number == 6, let subgraph = value.bytes {
                                examineONNXGraph(subgraph, &domains, depth: depth + 1, at: place)
                            }
                            if value.number == 5, let tensor = value.bytes {
                                checkExternal(tensor, at: place)
                            }
                        }
                    }
                }
            case 5: checkExternal(inner, at: place)
            default: break
            }
        }
    }

    private func checkExternal(_ tensor: UnsafeRawBufferPointer, at place: Place) {
        for field in ProtocolFields(tensor) where field.number == 13 {
            guard let pair = field.bytes else { continue }
            var (key, value) = ("", "")
            for part in ProtocolFields(pair) {
                if part.number == 1 { key = part.bytes?.text ?? "" }
                if part.number == 2 { value = part.bytes?.text ?? "" }
            }
            guard key == "location", let fault = Self.fault(ofName: value) else { continue }
            report(
                .configExternalData, at: place,
                "a tensor's data lie in ‘\(harmless(value))’, which \(fault)")
        }
    }
}

/// The fields of a protocol buffer's message, until they make no sense.
struct ProtocolFields: Sequence, IteratorProtocol {
    struct Field {
        let number: Int
        /// The content of a field with a length.
        let bytes: UnsafeRawBufferPointer?
    }

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func next() -> Field? {
        guard let key = number() else { return nil }
        switch key & 7 {
        case 0: return number().map { _ in Field(number: key >> 3, bytes: nil) }
        case 1: position += 8
        case 5: position += 4
        case 2:
            guard let count = number(), let part = bytes.part(position, count) else { return nil }
            position += count
            return Field(number: key >> 3, bytes: part)
        default: return nil
        }
        return position <= bytes.count ? Field(number: key >> 3, bytes: nil) : nil
    }

    private mutating func number() -> Int? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard position < bytes.count else { return nil }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return Int(exactly: value) ?? .max }
        }
        return nil
    }
}
