extension FileScan {
    /// Reads the table of a GGUF for texts that are templates.
    func examineGGUF(_ bytes: UnsafeRawBufferPointer, at place: Place) {
        examined += 1
        guard let version = bytes.size(4, at: 4), (2...3).contains(version),
            let count = bytes.size(8, at: 16), count <= 100_000
        else {
            report(.formatDamaged, at: place, "the header is not one of GGUF 2 or 3")
            return
        }
        var position = 24
        for _ in 0..<count {
            guard let key = Self.ggufText(bytes, &position), let type = bytes.size(4, at: position)
            else {
                report(.formatDamaged, at: place, offset: position, "the table is cut short")
                return
            }
            position += 4
            if type == 8 {
                guard let text = Self.ggufText(bytes, &position) else {
                    report(.formatDamaged, at: place, offset: position, "the table is cut short")
                    return
                }
                checkTemplate(text, named: "‘\(harmless(key))’", at: place)
                continue
            }
            guard Self.skipGGUF(bytes, type: type, &position, depth: 0) else {
                report(
                    .formatDamaged, at: place, offset: position,
                    "a value of ‘\(harmless(key))’ makes no sense")
                return
            }
        }
    }

    private static func ggufText(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> String?
    {
        guard let count = bytes.size(8, at: position), let part = bytes.part(position + 8, count)
        else { return nil }
        position += 8 + count
        return part.text
    }

    private static func skipGGUF(
        _ bytes: UnsafeRawBufferPointer, type: Int, _ position: inout Int, depth: Int
    ) -> Bool {
        let sizes = [1, 1, 2, 2, 4, 4, 4, 1, -1, -1, 8, 8, 8]
        guard sizes.indices.contains(type), depth < 4 else { return false }
        if type == 8 { return ggufText(bytes, &position) != nil }
        if type == 9 {
            guard let inner = bytes.size(4, at: position),
                let count = bytes.size(8, at: position + 4),
                sizes.indices.contains(inner)
            else { return false }
            position += 12
            if sizes[inner] > 0 {
                let (size, overflow) = count.multipliedReportingOverflow(by: sizes[inner])
                guard !overflow, size <= bytes.count - position else { return false }
                position += size
                return true
            }
            guard count <= bytes.count else { return false }
            for _ in 0..<count {
                guard skipGGUF(bytes, type: inner, &position, depth: depth + 1) else {
                    return false
                }
            }
            return true
        }
        position += sizes[type]
        return position <= bytes.count
    }
}
