import Files

/// Reads what `torch.save` wrote before PyTorch 1.6: a magic number, a protocol version, facts about
/// the machine, the object, the storage keys (each a pickle), then the storages.
struct TorchLegacyReader {
    let file: MappedFile
    let limits: ReadLimits

    private static let label = "the file"

    /// Whether `bytes` start with a pickle of the magic number.
    static func hasMagic(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.first == 0x80 || bytes.first == UInt8(ascii: "L") else { return false }
        var limits = ReadLimits()
        limits.maximumPickleOpcodes = 8
        limits.maximumStringBytes = 64
        let document = try? PickleMachine.run(bytes, file: "", label: "", limits: limits)
        return document.map { $0.values[$0.root] == .legacyMagic } ?? false
    }

    private func failure(_ what: String, at position: Int, advice: String? = nil) -> FormatError {
        FormatError(
            file: file.path, what: what, where: "byte \(position)",
            advice: advice ?? "the file is damaged or was cut short; download or copy it again")
    }

    func read(weights: String?) throws -> ArchiveContents {
        try file.withUnsafeBytes { bytes in
            func pickle(
                from position: Int, storages: PickleMachine.StorageRule = .none
            ) throws -> PickleDocument {
                let end = min(bytes.count, position + max(limits.maximumPickleBytes, 0))
                return try PickleMachine.run(
                    UnsafeRawBufferPointer(rebasing: bytes[..<end]), from: position,
                    file: file.path, label: Self.label, limits: limits, storages: storages)
            }
            let magic = try pickle(from: 0)
            let version = try pickle(from: magic.end)
            guard version.values[version.root] == .integer(1001) else {
                throw failure(
                    "legacy protocol \(version.summary(of: version.values[version.root])) is not"
                        + " supported", at: magic.end,
                    advice: "load it with PyTorch and save its state_dict again")
            }
            let system = try pickle(from: version.end)
            try checkByteOrder(system, at: version.end)
            let document = try pickle(from: system.end, storages: .views)
            let keys = try pickle(from: document.end)
            let storages = try storages(keys, of: document, in: bytes, keysAt: document.end)
            var tensors = PickledTensors(
                document: document, file: file, limits: limits, storages: storages)
            return try tensors.contents(weights: weights)
        }
    }

    private func checkByteOrder(_ system: PickleDocument, at position: Int) throws {
        let members = system.members(of: system.values[system.root]) ?? []
        switch members.first(where: { $0.key == "little_endian" })?.value {
        case .bool(true): return
        case .bool(false):
            throw failure(
                "is big-endian, which is not supported", at: position,
                advice: "load it with PyTorch on a little-endian machine and save it again")
        default: throw failure("does not say its byte order", at: position)
        }
    }

    /// Each storage is a count of elements in 8 bytes and the elements, in the order of `keys`.
    private func storages(
        _ keys: PickleDocument, of document: PickleDocument, in bytes: UnsafeRawBufferPointer,
        keysAt keysPosition: Int
    ) throws -> [String: ByteRegion] {
        guard let items = keys.elements(of: keys.values[keys.root]) else {
            throw failure("expected the list of storage keys", at: keysPosition)
        }
        let known = Dictionary(
            document.storages.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        var storages: [String: ByteRegion] = [:]
        var position = keys.end
        for item in items {
            guard case .string(let key) = keys.values[item], let storage = known[key] else {
                throw failure("a storage key that no tensor has", at: keysPosition)
            }
            guard let size = storage.elementBytes else {
                throw failure(
                    "storage \(key.quotedForMessage) has the unsupported type"
                        + " \(storage.className)", at: position,
                    advice: "convert the checkpoint to real floating point or integer tensors")
            }
            guard let stored = bytes.integer(Int64.self, at: position), stored == storage.count,
                case let (length, overflow) = storage.count.multipliedReportingOverflow(by: size),
                !overflow, let region = ByteRegion(file).slice(from: position + 8, count: length)
            else {
                throw failure(
                    "storage \(key.quotedForMessage) is cut short or has another size than its"
                        + " tensors say", at: position)
            }
            guard storages.updateValue(region, forKey: key) == nil else {
                throw failure("storage \(key.quotedForMessage) comes twice", at: position)
            }
            position += 8 + length
        }
        guard position == bytes.count else {
            throw failure("\(bytes.count - position) bytes follow the last storage", at: position)
        }
        if let unread = known.keys.sorted().first(where: { storages[$0] == nil }) {
            throw failure(
                "storage \(unread.quotedForMessage) is not in the file, which leaves it to chance",
                at: keysPosition)
        }
        return storages
    }
}
