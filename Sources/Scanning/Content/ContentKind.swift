/// What bytes are, told by the bytes alone.
enum ContentKind: String, CaseIterable {
    case zip, tar, gzip, zlib, bzip2, xz, lzma, zstandard, lz4
    case zfile = "old joblib"
    case sevenZip = "7z"
    case rar
    case pickle
    case torchLegacy = "torch legacy"
    case safetensors
    case numpy = "npy"
    case hdf5 = "HDF5"
    case gguf = "GGUF"
    case tflite = "TFLite"
    case elf = "ELF"
    case windowsProgram = "Windows program"
    case machO = "Mach-O"
    case webAssembly = "WebAssembly"
    case javaClass = "Java class"
    case pythonBytecode = "Python bytecode"
    case script
    case matlab = "MATLAB"
    case image, audio, pdf, sqlite, parquet, arrow, tfrecord
    case gitPointer = "Git LFS pointer"
    case html

    /// Whether other files can lie within.
    var isContainer: Bool {
        switch self {
        case .zip, .tar, .gzip, .zlib, .zfile, .bzip2, .xz, .lzma, .zstandard, .lz4, .sevenZip,
            .rar:
            true
        default: false
        }
    }

    /// Whether it is a program for a machine or a virtual machine.
    var isNative: Bool {
        switch self {
        case .elf, .windowsProgram, .machO, .webAssembly, .javaClass, .pythonBytecode: true
        default: false
        }
    }

    /// The magic numbers: what stands where.
    private static let magics: [(ContentKind, Int, [UInt8])] = [
        (.zip, 0, [0x50, 0x4B, 3, 4]), (.zip, 0, [0x50, 0x4B, 5, 6]),
        (.gzip, 0, [0x1F, 0x8B, 8]), (.bzip2, 0, Array("BZh".utf8)),
        (.xz, 0, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]), (.zstandard, 0, [0x28, 0xB5, 0x2F, 0xFD]),
        (.zfile, 0, Array("ZF0x".utf8)),
        (.lz4, 0, [4, 0x22, 0x4D, 0x18]), (.sevenZip, 0, [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]),
        (.rar, 0, Array("Rar!".utf8)), (.numpy, 0, [0x93] + Array("NUMPY".utf8)),
        (.hdf5, 0, [0x89] + Array("HDF\r\n".utf8)), (.gguf, 0, Array("GGUF".utf8)),
        (.tflite, 4, Array("TFL3".utf8)), (.elf, 0, [0x7F] + Array("ELF".utf8)),
        (.machO, 0, [0xCF, 0xFA, 0xED, 0xFE]), (.machO, 0, [0xCE, 0xFA, 0xED, 0xFE]),
        (.machO, 0, [0xFE, 0xED, 0xFA, 0xCF]), (.webAssembly, 0, [0, 0x61, 0x73, 0x6D]),
        (.javaClass, 0, [0xCA, 0xFE, 0xBA, 0xBE]),
        (.image, 0, [0x89] + Array("PNG".utf8)), (.image, 0, [0xFF, 0xD8, 0xFF]),
        (.image, 0, Array("GIF8".utf8)), (.image, 8, Array("WEBP".utf8)),
        (.audio, 0, Array("OggS".utf8)), (.audio, 0, Array("fLaC".utf8)),
        (.audio, 8, Array("WAVE".utf8)),
        (.image, 4, Array("ftyp".utf8)), (.pdf, 0, Array("%PDF".utf8)),
        (.matlab, 0, Array("MATLAB 5.0 MAT-file".utf8)),
        (.sqlite, 0, Array("SQLite format 3".utf8)), (.parquet, 0, Array("PAR1".utf8)),
        (.arrow, 0, Array("ARROW1".utf8)),
        (.gitPointer, 0, Array("version https://git-lfs".utf8)),
        (.torchLegacy, 0, [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8]),
    ]

    /// Every kind that the bytes are valid as; more than one is a finding of its own.
    static func all(of bytes: UnsafeRawBufferPointer) -> [ContentKind] {
        var kinds: [ContentKind] = []
        for (kind, offset, magic) in magics where bytes.has(magic, at: offset) {
            if !kinds.contains(kind) { kinds.append(kind) }
        }
        if bytes.has("#!/") || bytes.has("#! ") { kinds.append(.script) }
        if bytes.has("ID3"), let version = bytes.little(UInt8.self, at: 3),
            (2...4).contains(version)
        {
            kinds.append(.audio)
        }
        if isLZMA(bytes) { kinds.append(.lzma) }
        if bytes.has("MZ"), isWindowsProgram(bytes) { kinds.append(.windowsProgram) }
        if isPythonBytecode(bytes) { kinds.append(.pythonBytecode) }
        if isZlib(bytes) { kinds.append(.zlib) }
        if isHTML(bytes) { kinds.append(.html) }
        if TarHeader(bytes, at: 0)?.isPlausible == true { kinds.append(.tar) }
        if SafetensorsHeader.length(in: bytes) != nil { kinds.append(.safetensors) }
        if !kinds.contains(.torchLegacy), isPickle(bytes) { kinds.append(.pickle) }
        // Programs that read zips look from the end: what stands before does not matter to them.
        // The last entry of a tar may well be a zip, and is looked at as such.
        if !kinds.contains(.zip), let end = ZipEnd.last(in: bytes),
            end.end == bytes.count || !kinds.contains(.tar)
        {
            kinds.append(.zip)
        }
        return kinds
    }

    private static func isWindowsProgram(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let header = bytes.size(4, at: 0x3C) else { return false }
        return bytes.has("PE\0\0", at: header)
    }

    /// The magic number is a version and a line break; flags and a date or hash follow.
    private static func isPythonBytecode(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 16, bytes[2] == 0x0D, bytes[3] == 0x0A else { return false }
        guard let flags = bytes.little(UInt32.self, at: 4), flags <= 3 else { return false }
        return bytes[16] & 0x7F == 0x63
    }

    private static func isZlib(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > 6, bytes[0] == 0x78, (Int(bytes[0]) << 8 | Int(bytes[1])) % 31 == 0
        else { return false }
        guard [0x01, 0x5E, 0x9C, 0xDA].contains(bytes[1]) else { return false }
        // Two bytes prove little: the length of a safetensors header can look so.
        let begun = Inflater.expand(bytes.rest(from: 0, atMost: 1 << 12), .zlib, atMost: 64)
        return !begun.bytes.isEmpty || begun.ending == .complete
    }

    /// Properties, a dictionary's size, the size or none, and the zero that the coder begins with.
    private static func isLZMA(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.has([0x5D, 0, 0]), let size = bytes.little(UInt64.self, at: 5),
            bytes.little(UInt8.self, at: 13) == 0
        else { return false }
        return size == .max || size < 1 << 40
    }

    private static func isHTML(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let start = bytes.rest(from: 0, atMost: 64).text.drop(while: \.isWhitespace).lowercased()
        return start.hasPrefix("<!doctype html") || start.hasPrefix("<html")
    }

    /// A pickle by its first opcode, or one of the old protocols that ends well or imports.
    private static func isPickle(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let first = bytes.first else { return false }
        if first == 0x80 {
            guard let version = bytes.little(UInt8.self, at: 1), version <= 5 else { return false }
            var walker = PickleWalker(bytes, at: 0, limits: .default)
            _ = walker.run(atMost: 2)
            return walker.opcodeCount == 2 && walker.isUnbroken || bytes.count <= 2
        }
        guard "(c]}l)NIJKMLXUTVSFGi".utf8.contains(first) || [0x8C, 0x95, 0x8F].contains(first)
        else { return false }
        var walker = PickleWalker(bytes, at: 0, limits: .default)
        let end = walker.run(atMost: 1_000_000)
        // Prose runs into an error at once, and what it would import are no names.
        let broken = walker.firstError?.offset ?? .max
        let makes = walker.globals.contains {
            $0.isCalled && $0.offset < broken && FileScan.looksLikeName($0.module)
                && FileScan.looksLikeName($0.name)
        }
        // Prose can begin as a pickle begins and meet a full stop.
        return makes
            || (end == .stop && walker.isUnbroken && walker.position == bytes.count
                && walker.opcodeCount > 1)
    }
}
