import Files

/// The beginning of a safetensors file.
enum SafetensorsHeader {
    /// The length of the header, where the bytes begin as the format asks.
    static func length(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let length = bytes.size(8, at: 0), length >= 2, length <= 100_000_000,
            bytes.has("{", at: 8), bytes.count >= 8 + min(length, 8)
        else { return nil }
        return length
    }

    static let sizes: [String: Int] = [
        "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2,
        "U16": 2, "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "C64": 8,
        "F8_E4M3FNUZ": 1, "F8_E5M2FNUZ": 1,
    ]
    /// Types of which several elements share a byte.
    static let packedBits: [String: Int] = ["F4": 4, "F6_E2M3": 6, "F6_E3M2": 6]
}

extension FileScan {
    /// Compares what a safetensors header says with the bytes there are, and reads the values.
    func examineSafetensors(_ bytes: UnsafeRawBufferPointer, at place: Place) {
        guard let length = SafetensorsHeader.length(in: bytes) else { return }
        guard let text = bytes.part(8, length) else {
            report(
                .formatDamaged, at: place,
                "the header says it is \(length) bytes long, the file has \(bytes.count)")
            return
        }
        let tree = JSONTree(text, kept: 1_000_000)
        if let fault = tree.fault {
            report(
                .safetensorsHeader, at: place, offset: 8 + fault.offset,
                "the header is no JSON: \(fault.what)")
            return
        }
        for key in tree.repeated {
            report(
                .safetensorsDuplicateKey, at: place, offset: 8 + key.offset,
                "‘\(harmless(key.key))’ is there twice")
        }
        let data = bytes.rest(from: 8 + length)
        var spans: [(range: Range<Int>, name: String)] = []
        var isWhole = tree.repeated.isEmpty
        for member in tree.root?.members ?? [] where member.key != "__metadata__" {
            guard let tensor = declared(member.key, member.value, within: data.count, at: place)
            else {
                isWhole = false
                continue
            }
            spans.append((tensor.range, member.key))
            examineTensor(
                tensor, in: data.rest(from: tensor.range.lowerBound, atMost: tensor.range.count),
                offset: 8 + length + tensor.range.lowerBound, at: place)
        }
        checkMetadata(tree.root?["__metadata__"], at: place)
        // Where a tensor is amiss already, the gap that it leaves is no news.
        if isWhole { checkLayout(spans, count: data.count, from: 8 + length, at: place) }
    }

    private func declared(
        _ name: String, _ value: JSONTree.Value, within count: Int, at place: Place
    ) -> DeclaredTensor? {
        let shown = harmless(name)
        if name.unicodeScalars.contains(where: \.isHidden) {
            report(.tensorName, at: place, "the tensor ‘\(shown)’ hides characters")
        }
        let offsets = value["data_offsets"]?.elements.compactMap(\.integer) ?? []
        let shape = value["shape"]?.elements.compactMap(\.integer) ?? []
        guard let type = value["dtype"]?.string, offsets.count == 2, offsets[0] >= 0,
            offsets[1] >= offsets[0], shape.count == value["shape"]?.count,
            shape.allSatisfy({ $0 >= 0 })
        else {
            report(
                .safetensorsHeader, at: place,
                "the tensor ‘\(shown)’ is not described as the format asks")
            return nil
        }
        guard offsets[1] <= count else {
            report(
                .formatDamaged, at: place,
                "the tensor ‘\(shown)’ ends at byte \(offsets[1]) of \(count): the file is cut short"
            )
            return nil
        }
        var elements = 1
        for size in shape {
            let (product, overflow) = elements.multipliedReportingOverflow(by: size)
            elements = overflow ? -1 : product
            if overflow { break }
        }
        let bits =
            SafetensorsHeader.packedBits[type] ?? SafetensorsHeader.sizes[type].map { 8 * $0 }
        guard let bits else {
            report(
                .safetensorsHeader, .warning, at: place,
                "the tensor ‘\(shown)’ has the type ‘\(harmless(type))’, which is not known")
            return nil
        }
        let (total, overflow) = elements.multipliedReportingOverflow(by: bits)
        guard elements >= 0, !overflow, total <= .max - 7,
            (total + 7) / 8 == offsets[1] - offsets[0]
        else {
            report(
                .safetensorsLayout, at: place,
                "the tensor ‘\(shown)’ of \(type) \(shape) has \(offsets[1] - offsets[0]) bytes")
            return nil
        }
        examined += 1
        return DeclaredTensor(name: name, type: type, shape: shape, range: offsets[0]..<offsets[1])
    }

    private func checkMetadata(_ metadata: JSONTree.Value?, at place: Place) {
        guard let metadata else { return }
        guard case .object(let members, _) = metadata,
            members.allSatisfy({ $0.value.string != nil })
        else {
            report(.safetensorsHeader, .warning, at: place, "‘__metadata__’ is no table of texts")
            return
        }
        for member in members {
            guard let text = member.value.string else { continue }
            checkTemplate(text, named: "the metadata ‘\(harmless(member.key))’", at: place)
        }
    }

    private func checkLayout(
        _ spans: [(range: Range<Int>, name: String)], count: Int, from start: Int, at place: Place
    ) {
        var position = 0
        for span in spans.sorted(by: {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }) {
            if span.range.lowerBound > position {
                report(
                    .safetensorsLayout, at: place, offset: start + position,
                    "\(span.range.lowerBound - position) bytes before ‘\(harmless(span.name))’ belong to no tensor"
                )
            } else if span.range.lowerBound < position, !span.range.isEmpty {
                report(
                    .safetensorsLayout, at: place, offset: start + span.range.lowerBound,
                    "‘\(harmless(span.name))’ overlaps another tensor")
            }
            position = max(position, span.range.upperBound)
        }
        if position < count {
            report(
                .safetensorsLayout, at: place, offset: start + position,
                "\(count - position) bytes follow the last tensor")
        }
    }
}
