/// The 512 bytes before an entry of a tar.
struct TarHeader {
    let name: String
    let size: Int
    let type: UInt8
    let mode: Int
    let link: String
    /// Whether the checksum holds.
    let isPlausible: Bool

    init?(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard let block = bytes.part(offset, 512), !block.isZero else { return nil }
        func text(_ start: Int, _ count: Int) -> String {
            block.rest(from: start, atMost: count).prefix { $0 != 0 }.withText
        }
        func octal(_ start: Int, _ count: Int) -> Int? {
            let field = block.rest(from: start, atMost: count)
            // The first bit set: a binary number, for files above eight gigabytes.
            if let first = field.first, first & 0x80 != 0 {
                return field.dropFirst(count - 7).reduce(0) { $0 << 8 | Int($1) }
            }
            // As Python's reader takes it: what follows a zero byte does not count.
            let digits = field.prefix { $0 != 0 }.filter { $0 != 0x20 }
            return digits.isEmpty ? 0 : Int(String(decoding: digits, as: UTF8.self), radix: 8)
        }
        guard let size = octal(124, 12), size >= 0, size <= 1 << 60, let sum = octal(148, 8) else {
            return nil
        }
        // Old programs summed signed bytes.
        func total(_ value: (UInt8) -> Int) -> Int {
            block.enumerated().reduce(0) {
                $0 + ((148..<156).contains($1.offset) ? 32 : value($1.element))
            }
        }
        let prefix = block.has("ustar", at: 257) ? text(345, 155) : ""
        name = (prefix.isEmpty ? "" : prefix + "/") + text(0, 100)
        self.size = size
        type = block[156]
        mode = octal(100, 8) ?? 0
        link = text(157, 100)
        isPlausible =
            sum > 0 && (sum == total { Int($0) } || sum == total { Int(Int8(bitPattern: $0)) })
    }
}

extension Sequence<UInt8> {
    fileprivate var withText: String { String(decoding: Array(self), as: UTF8.self) }
}

extension FileScan {
    /// Looks at every entry of a tar.
    func examineTar(_ bytes: UnsafeRawBufferPointer, at place: Place) {
        var position = 0
        var names: [String] = []
        var longName: String?
        while let header = TarHeader(bytes, at: position) {
            guard header.isPlausible else {
                report(
                    .containerDamaged, at: place, offset: position, "an entry's header is damaged")
                break
            }
            guard names.count < limits.maximumEntries else {
                report(
                    .pickleLimit, at: place, offset: position,
                    "the entries from here on were not examined")
                return
            }
            let data = bytes.rest(from: position + 512, atMost: header.size)
            if data.count < header.size {
                report(.containerDamaged, at: place, offset: position, "an entry is cut short")
            }
            switch header.type {
            case UInt8(ascii: "L"): longName = data.prefix { $0 != 0 }.withText
            case UInt8(ascii: "x"), UInt8(ascii: "g"): longName = Self.paxPath(data) ?? longName
            case UInt8(ascii: "K"): break
            default:
                let name = longName ?? header.name
                longName = nil
                names.append(name)
                examineTarEntry(header, data, named: name, at: place.entering(harmless(name)))
            }
            let blocks = (header.size + 511) / 512
            guard blocks < (bytes.count - position) / 512 + 1 else {
                position = bytes.count
                break
            }
            position += 512 * (1 + blocks)
        }
        checkNames(
            names.map { $0.hasPrefix("./") ? String($0.dropFirst(2)) : $0 }, isTorch: false,
            at: place)
        let rest = bytes.rest(from: position)
        if !rest.isZero {
            report(
                .containerUnaccountedBytes, at: place, offset: position,
                "\(rest.count) bytes follow the last entry")
            searchPickles(bytes, from: position, at: place)
        }
    }

    private static func paxPath(_ data: UnsafeRawBufferPointer) -> String? {
        data.rest(from: 0, atMost: 1 << 16).text.split(separator: "\n").lazy
            .compactMap { line in line.split(separator: " ", maxSplits: 1).last }
            .first { $0.hasPrefix("path=") }
            .map { String($0.dropFirst(5)) }
    }

    /// Whether a link leads out of the archive.
    private static func leaves(_ link: String, from folder: [Substring]) -> Bool {
        guard !link.hasPrefix("/"), !link.contains("\\") else { return true }
        var depth = folder.filter { $0 != "." }.count
        for part in link.split(separator: "/") where part != "." {
            depth += part == ".." ? -1 : 1
            if depth < 0 { return true }
        }
        return false
    }

    private func examineTarEntry(
        _ header: TarHeader, _ data: UnsafeRawBufferPointer, named name: String, at place: Place
    ) {
        examined += 1
        switch header.type {
        case UInt8(ascii: "1"), UInt8(ascii: "2"):
            // A hard link counts from the root, a symbolic one from where it stands.
            let folder =
                header.type == UInt8(ascii: "1") ? [] : name.split(separator: "/").dropLast()
            report(
                .containerLink, Self.leaves(header.link, from: Array(folder)) ? .error : .note,
                at: place, "is a link to ‘\(harmless(header.link))’")
        case UInt8(ascii: "3"), UInt8(ascii: "4"), UInt8(ascii: "6"):
            report(.containerDevice, at: place, "is a device or pipe")
        case UInt8(ascii: "5"): break
        default:
            if header.mode & 0o6000 != 0 {
                report(.folderSetUserID, at: place, "unpacks with the set-user-id bit")
            }
            examine(data, at: place)
        }
    }
}
