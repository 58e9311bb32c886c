import Files

extension PickleWalker {
    /// Opcodes that import and call; false for others.
    mutating func callStep(_ opcode: UInt8, at offset: Int) -> Bool {
        switch opcode {
        case UInt8(ascii: "c"):
            guard let module = line(at: offset), let name = line(at: offset) else { return true }
            push(imported(shortened(module), shortened(name), at: offset))
        case UInt8(ascii: "i"):
            guard let module = line(at: offset), let name = line(at: offset) else { return true }
            let callee = imported(shortened(module), shortened(name), at: offset)
            let arguments = Array(popMarked(at: offset))
            push(called(callee, tuple(of: arguments), at: offset))
        case 0x93: stackGlobal(at: offset)
        case 0x82, 0x83, 0x84:
            extensionCode(opcode == 0x82 ? 1 : opcode == 0x83 ? 2 : 4, at: offset)
        case UInt8(ascii: "R"), 0x81:
            let arguments = pop(at: offset)
            let callee = pop(at: offset)
            push(called(callee, arguments, at: offset))
        case 0x92:
            let keywords = pop(at: offset)
            let arguments = pop(at: offset)
            let callee = pop(at: offset)
            noteEscapes(in: [keywords])
            push(called(callee, arguments, at: offset))
        case UInt8(ascii: "o"):
            var taken = Array(popMarked(at: offset))
            guard !taken.isEmpty else {
                tolerate("makes an object of nothing", at: offset)
                push(.other)
                return true
            }
            let callee = taken.removeFirst()
            push(called(callee, tuple(of: taken), at: offset))
        case UInt8(ascii: "b"): build(at: offset)
        default: return false
        }
        return true
    }

    private mutating func stackGlobal(at offset: Int) {
        let name = pop(at: offset)
        let module = pop(at: offset)
        if let module = text(module), let name = text(name) {
            push(imported(module, name, at: offset))
            return
        }
        func said(_ value: Value) -> String {
            text(value).map { "'\(harmless($0, atMost: 60))'" } ?? "something computed"
        }
        // Bytes or a number there is an error to CPython; the result of a call may be a string.
        note(
            .pickleComputedGlobal, at: offset,
            "imports \(said(name)) from \(said(module)): the name is not written in the pickle")
        push(.call(call(nil, nil)))
    }

    private func shortened(_ line: UnsafeRawBufferPointer) -> String {
        line.rest(from: 0, atMost: 1024).text
    }

    private mutating func imported(_ module: String, _ name: String, at offset: Int) -> Value {
        let key = module + "\n" + name
        if let index = globalPositions[key] {
            globals[index].count += 1
            return .global(index)
        }
        globalPositions[key] = globals.count
        globals.append(Global(module: module, name: name, offset: offset))
        if globals.count > limits.maximumGlobals { end = .limit }
        return .global(globals.count - 1)
    }

    private mutating func extensionCode(_ size: Int, at offset: Int) {
        guard let code = number(size, at: offset) else { return }
        note(
            .pickleExtensionCode, at: offset,
            "imports whatever the loading program registered under the extension code \(code)")
        push(.call(call(nil, nil)))
    }

    private mutating func call(_ global: Int?, _ arguments: Int?) -> Int {
        calls.append(Call(global: global, arguments: arguments))
        return calls.count - 1
    }

    private mutating func called(_ callee: Value, _ arguments: Value, at offset: Int) -> Value {
        var tuple: Int?
        if case .tuple(let index) = arguments { tuple = index }
        switch callee {
        case .global(let index):
            if isAttributeGetter(index) { return attribute(tuple, at: offset) }
            globals[index].isCalled = true
            if globals[index].arguments == nil { globals[index].arguments = shown(tuple) }
            noteBytes(of: index, tuple, at: offset)
            return .call(call(index, tuple))
        case .call:
            callsComputed = true
            note(.pickleComputedGlobal, at: offset, "calls the result of a call")
            return .call(call(nil, tuple))
        default:
            tolerate("calls what cannot be called", at: offset)
            return .other
        }
    }

    /// `getattr(Class, 'MEMBER')`, which is how some versions of Python pickle an enumeration's
    /// member, is the import of `Class.MEMBER`; any other `getattr` stands as it is.
    private mutating func attribute(_ arguments: Int?, at offset: Int) -> Value {
        let values = Array(values(of: arguments))
        guard values.count == 2, case .global(let index) = values[0], let name = text(values[1]),
            !name.hasPrefix("_"), !name.contains("."),
            GlobalGrades.isEnumeration(globals[index].module, globals[index].name)
        else {
            attributeUses.odd += 1
            return .call(call(nil, arguments))
        }
        attributeUses.plain += 1
        return .call(call(index, arguments))
    }

    private static let plainEncodings: Set<String> = [
        "latin1", "latin-1", "iso-8859-1", "ascii", "utf-8", "utf8", "latin_1",
    ]

    /// Bytes may hold a pickle of their own, so it must be seen what they are.
    private mutating func noteBytes(of index: Int, _ arguments: Int?, at offset: Int) {
        let values = Array(values(of: arguments))
        switch (globals[index].module, globals[index].name) {
        case ("_codecs", "encode"):
            let encoding = values.count > 1 ? text(values[1]) : "utf-8"
            if case .text(let literal)? = values.first,
                Self.plainEncodings.contains(encoding?.lowercased() ?? "")
            {
                if literals[literal].count >= 8, encoded.count < 1000 {
                    encoded.append(literals[literal])
                }
            } else {
                note(
                    .pickleComputedGlobal, at: offset,
                    "decodes something with ‘\(harmless(encoding ?? "?", atMost: 40))’, as if to hide it"
                )
            }
        case ("torch.storage", "_load_from_bytes"):
            switch values.first {
            case .data: break
            case .call(let call) where isEncoding(call): break
            default:
                note(.pickleComputedGlobal, at: offset, "loads a pickle out of computed bytes")
            }
        default: break
        }
    }

    private func isEncoding(_ call: Int) -> Bool {
        calls[call].global.map { globals[$0].module == "_codecs" && globals[$0].name == "encode" }
            ?? false
    }

    private mutating func build(at offset: Int) {
        let state = pop(at: offset)
        noteEscapes(in: [state])
        noteAlteration("set the state of", at: offset)
        guard case .call(let index)? = stack.last, let global = calls[index].global,
            globals[global].module.hasPrefix("joblib."),
            globals[global].name == "NumpyArrayWrapper", case .dictionary(let dictionary) = state
        else { return }
        skipArray(described: members[dictionary] ?? [:], at: offset)
    }

    /// The literals of a call's arguments, for people.
    private func shown(_ tuple: Int?) -> String? {
        guard let tuple else { return nil }
        let texts = values(of: tuple).prefix(4).compactMap { value -> String? in
            switch value {
            case .text(let index), .data(let index):
                let text = text(literals[index])
                let isReadable = text.unicodeScalars.prefix(60).allSatisfy { !$0.isHidden }
                return isReadable ? "'\(harmless(text, atMost: 60))'" : nil
            case .integer(let value): return "\(value)"
            default: return nil
            }
        }
        return texts.isEmpty ? nil : texts.joined(separator: ", ")
    }

    // MARK: - joblib

    /// joblib writes an array's bytes into the pickle, behind the object that describes it.
    private mutating func skipArray(described: [String: Value], at offset: Int) {
        guard case .tuple(let shape)? = described["shape"],
            let code = typeCode(described["dtype"])
        else { return }
        var elements = 1
        for value in values(of: shape) {
            guard case .integer(let size) = value, size >= 0,
                case let (product, overflow) = elements.multipliedReportingOverflow(by: size),
                !overflow
            else { return }
            elements = product
        }
        // Objects follow as a pickle of their own, which the search behind this one walks.
        if code.hasPrefix("O") {
            nestedWalk()
            return
        }
        guard let size = Int(code.drop { !$0.isNumber }),
            case let (total, overflow) = elements.multipliedReportingOverflow(by: size), !overflow
        else { return }
        var start = position
        if case .integer? = described["numpy_array_alignment_bytes"] {
            guard let padding = bytes.size(1, at: start) else { return }
            start += 1 + padding
        }
        guard start <= bytes.count, total <= bytes.count - start else {
            position = bytes.count
            end = .truncated
            return
        }
        position = start + total
    }

    /// The type's code in `numpy.dtype('f8', False, True)`.
    private func typeCode(_ value: Value?) -> String? {
        guard case .call(let index)? = value, let first = values(of: calls[index].arguments).first
        else { return nil }
        return text(first)
    }

    /// Walks the pickle that begins here and takes over what it imports.
    private mutating func nestedWalk() {
        guard depth < 8 else {
            end = .limit
            return
        }
        var inner = PickleWalker(bytes, at: position, limits: limits)
        inner.depth = depth + 1
        let ended = inner.run(atMost: limits.maximumOpcodes - opcodeCount)
        opcodeCount += inner.opcodeCount
        globals += inner.globals
        oddities += inner.oddities
        nested += inner.nested
        encoded += inner.encoded
        attributeUses.odd += inner.attributeUses.odd
        attributeUses.plain += inner.attributeUses.plain
        position = inner.position
        if ended != .stop { end = ended }
    }
}
