/// CLIP's text normalization over UTF-8: canonical composition (NFC), a space for each run of white
/// space, lower case.
struct CLIPNormalizer: TextNormalizer {
    private let table = ScalarTable.shared
    /// What an ASCII byte becomes.
    private let ascii: [UInt8] = (0..<128 as Range<UInt32>).map { byte in
        if ScalarTable.shared[byte].flags.contains(.separator) { return UInt8(ascii: " ") }
        return UInt8(byte) + ((0x41...0x5A).contains(byte) ? 0x20 : 0)
    }

    /// Text that is being written.
    private struct Output {
        var bytes: [UInt8]
        var endsInSpace = false
    }

    /// Where the last scalar that a mark may change begins, and what there was before it.
    private struct Base {
        var start: Int
        var count: Int
        var followsSpace: Bool
    }

    func normalize(_ bytes: UnsafeBufferPointer<UInt8>, into output: inout [UInt8]) {
        var text = Output(bytes: output)
        // One owner, so that appending copies nothing.
        output = []
        text.bytes.removeAll(keepingCapacity: true)
        text.bytes.reserveCapacity(bytes.count)
        var base = Base(start: 0, count: 0, followsSpace: false)
        var index = 0
        ascii.withUnsafeBufferPointer { ascii in
            while index < bytes.count {
                let byte = bytes[index]
                if byte < 0x80 {
                    base = Base(
                        start: index, count: text.bytes.count, followsSpace: text.endsInSpace)
                    let folded = ascii[Int(byte)]
                    let isSpace = folded == UInt8(ascii: " ")
                    if !isSpace || !text.endsInSpace { text.bytes.append(folded) }
                    text.endsInSpace = isSpace
                    index += 1
                    continue
                }
                let (scalar, length) = UTF8Scalar.decode(bytes, at: index)
                let entry = table[scalar]
                if entry.flags.contains(.recomposes) {
                    index = compose(bytes, at: index, from: base, into: &text)
                    base.start = index
                } else {
                    base = Base(
                        start: index, count: text.bytes.count, followsSpace: text.endsInSpace)
                    append(scalar, entry, to: &text)
                    index += length
                }
            }
        }
        output = text.bytes
    }

    private func append(_ scalar: UInt32, _ entry: ScalarTable.Entry, to text: inout Output) {
        if entry.flags.contains(.separator) {
            if !text.endsInSpace { text.bytes.append(UInt8(ascii: " ")) }
            text.endsInSpace = true
            return
        }
        text.endsInSpace = false
        if entry.lowercase != 0 {
            table.forEach(in: entry.lowercase) { UTF8Scalar.append($0, to: &text.bytes) }
        } else {
            UTF8Scalar.append(scalar, to: &text.bytes)
        }
    }

    // MARK: - Composition

    private struct Part {
        let scalar: UInt32
        let order: UInt8
    }

    /// Writes anew what `base` began, together with all that may change it; gives where that ends.
    private func compose(
        _ bytes: UnsafeBufferPointer<UInt8>, at index: Int, from base: Base,
        into text: inout Output
    ) -> Int {
        var parts: [Part] = []
        var position = index
        if base.start < index {
            text.bytes.removeSubrange(base.count...)
            text.endsInSpace = base.followsSpace
            decompose(UTF8Scalar.decode(bytes, at: base.start).scalar, into: &parts)
        }
        while position < bytes.count, bytes[position] >= 0x80 {
            let (scalar, length) = UTF8Scalar.decode(bytes, at: position)
            guard table[scalar].flags.contains(.recomposes) else { break }
            decompose(scalar, into: &parts)
            position += length
        }
        for scalar in composed(ordered(parts)) { append(scalar, table[scalar], to: &text) }
        return position
    }

    private func decompose(_ scalar: UInt32, into parts: inout [Part]) {
        let entry = table[scalar]
        if (0xAC00...0xD7A3).contains(scalar) {
            // Hangul syllables decompose by arithmetic (Unicode, section 3.12).
            let number = scalar - 0xAC00
            parts.append(Part(scalar: 0x1100 + number / 588, order: 0))
            parts.append(Part(scalar: 0x1161 + number % 588 / 28, order: 0))
            if number % 28 != 0 { parts.append(Part(scalar: 0x11A7 + number % 28, order: 0)) }
        } else if entry.decomposition != 0 {
            table.forEach(in: entry.decomposition) {
                parts.append(Part(scalar: $0, order: table[$0].combining))
            }
        } else {
            parts.append(Part(scalar: scalar, order: entry.combining))
        }
    }

    /// Marks that follow one another sorted by their class, those of one class as they come.
    private func ordered(_ parts: [Part]) -> [Part] {
        var parts = parts
        var start = 0
        while start < parts.count {
            guard parts[start].order != 0 else {
                start += 1
                continue
            }
            let end = parts[start...].firstIndex { $0.order == 0 } ?? parts.count
            let sorted = parts[start..<end].enumerated().sorted {
                ($0.element.order, $0.offset) < ($1.element.order, $1.offset)
            }
            parts.replaceSubrange(start..<end, with: sorted.map(\.element))
            start = end
        }
        return parts
    }

    /// Joins what composes, as section 3.11 of the Unicode standard defines it.
    private func composed(_ parts: [Part]) -> [UInt32] {
        var scalars: [UInt32] = []
        var starter: Int?
        var last: UInt8?
        for part in parts {
            if let starter, last.map({ $0 < part.order }) ?? true,
                let joined = table.composition(scalars[starter], part.scalar)
            {
                scalars[starter] = joined
                continue
            }
            if part.order == 0 { starter = scalars.count }
            last = part.order == 0 ? nil : part.order
            scalars.append(part.scalar)
        }
        return scalars
    }
}
