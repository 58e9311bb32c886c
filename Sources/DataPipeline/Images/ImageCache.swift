import Files
import Foundation
import JSON

/// A folder where prepared images are kept from one run to the next.
///
/// A file of it holds one set in one preparation. Its name is made from the names, sizes and times of
/// the set's files and from the preparation, so that a changed set gets a file of its own. Files
/// may be removed at any time.
public struct ImageCache: Sendable, Hashable {
    /// The folder; made when first written to.
    public let folder: URL

    /// The cache in `folder`.
    public init(folder: URL) { self.folder = folder }

    /// The images of a loader's set: those that are kept, or else made and kept.
    func images(of loader: ImageLoader) throws -> PreparedImages {
        let key = CacheKey(loader.set, loader.preparation, loader.limits)
        let file = folder.appendingPathComponent("\(loader.set.layout.rawValue)-\(key.text).images")
        if let kept = try CachedPixels(file, key: key, loader) {
            return PreparedImages(
                loader.set, size: loader.preparation.size, storage: kept.storage,
                skipped: kept.skipped, wasCached: true)
        }
        let skipped = try write(loader, key: key, to: file)
        guard let storage = PixelStorage(mapping: file.path, from: CacheHeader.byteCount) else {
            throw DataError(file: file, "cannot be mapped: \(String(cString: strerror(errno)))")
        }
        return PreparedImages(
            loader.set, size: loader.preparation.size, storage: storage, skipped: skipped,
            wasCached: false)
    }

    /// Writes a file under another name, and renames it when all of it is on the disk.
    private func write(
        _ loader: ImageLoader, key: CacheKey, to file: URL
    ) throws -> [Int: String] {
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true)
        } catch {
            throw DataError(file: folder, "cannot be made: \(error.localizedDescription)")
        }
        let output = try Self.writing(file) { try AtomicFile(file) }
        let bytes = loader.preparation.byteCount
        let skipped = try loader.run { sample, make in
            try withUnsafeTemporaryAllocation(byteCount: bytes, alignment: 64) { room in
                try make(room)
                try Self.writing(file) {
                    try output.write(
                        UnsafeRawBufferPointer(room), at: CacheHeader.byteCount + sample * bytes)
                }
            }
        }
        let end = CacheHeader.byteCount + loader.set.count * bytes
        let reasons = try JSONEncoder().encode(skipped)
        let header = CacheHeader(
            key: key, images: loader.set.count, imageBytes: bytes, reasonBytes: reasons.count)
        try Self.writing(file) {
            try reasons.withUnsafeBytes { try output.write($0, at: end) }
            try header.bytes.withUnsafeBytes { try output.write($0, at: 0) }
            try output.commit()
        }
        return skipped
    }

    /// What a failed write says here: there is a way without the cache.
    private static func writing<Result>(_ file: URL, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as OutputError {
            throw DataError(
                file: file,
                "\(error.reason); nothing was left behind. Choose another folder for prepared "
                    + "images, or keep them in memory")
        }
    }
}

/// What a cache file begins with: everything else's sizes, so that a damaged file is told from a
/// whole one before it is used.
struct CacheHeader: Equatable {
    /// Bytes before the first image: a page, so that images lie well in memory.
    static let byteCount = 4096
    private static let magic: UInt64 = 0x3130_474D_4950_4352  // "RCPIMG01"

    let key: CacheKey
    let images: Int
    let imageBytes: Int
    /// Bytes after the last image: the reasons of skipped ones, as JSON.
    let reasonBytes: Int

    var bytes: [UInt8] {
        let words = [
            Self.magic, key.high, key.low, UInt64(images), UInt64(imageBytes),
            UInt64(reasonBytes),
        ]
        let bytes = words.flatMap { word in withUnsafeBytes(of: word.littleEndian, Array.init) }
        return bytes + [UInt8](repeating: 0, count: Self.byteCount - bytes.count)
    }
}

/// A cache file that was found whole.
private struct CachedPixels {
    let storage: PixelStorage
    let skipped: [Int: String]

    /// Nil where there is no file, or one that is not what `key` and the loader's set ask for.
    init?(_ file: URL, key: CacheKey, _ loader: ImageLoader) throws {
        guard let status = FileStatus(file.path),
            let handle = FileHandle(forReadingAtPath: file.path)
        else { return nil }
        defer { try? handle.close() }
        let imageBytes = loader.preparation.byteCount
        let end = CacheHeader.byteCount + loader.set.count * imageBytes
        let header = CacheHeader(
            key: key, images: loader.set.count, imageBytes: imageBytes,
            reasonBytes: status.size - end)
        guard header.reasonBytes > 0,
            let beginning = try? handle.read(upToCount: CacheHeader.byteCount),
            Array(beginning) == header.bytes,
            (try? handle.seek(toOffset: UInt64(end))) != nil,
            let reasons = try? handle.readToEnd(),
            let skipped = try? JSONDecoder().decodeStrictly([Int: String].self, from: reasons),
            skipped.keys.allSatisfy(loader.set.samples.indices.contains),
            let storage = PixelStorage(mapping: file.path, from: CacheHeader.byteCount)
        else { return nil }
        // The file may have been made when more were allowed to be skipped.
        try loader.check(skipped)
        self.storage = storage
        self.skipped = skipped
    }
}

/// What a cache file depends on, in 128 bits.
struct CacheKey: Equatable {
    private(set) var high: UInt64 = 0xcbf2_9ce4_8422_2325
    private(set) var low: UInt64 = 0x9e37_79b9_7f4a_7c15

    var text: String {
        [high, low].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    init(_ set: ImageSet, _ preparation: ImagePreparation, _ limits: ImageLimits) {
        let resized = preparation.resized.map { " \($0)" } ?? ""
        add("\(preparation.size) \(preparation.filter) \(preparation.mode)\(resized)")
        add("\(limits.pixels) \(limits.fileBytes) \(set.count)")
        add(set.folder)
        var asked = ""
        for sample in set.samples {
            add(sample.identifier)
            // All records of a batch are in one file.
            guard sample.path != asked else { continue }
            asked = sample.path
            let status = FileStatus(set.folder + "/" + sample.path)
            add("\(status?.size ?? -1) \(status?.modified ?? -1)")
        }
    }

    /// Two FNV-1a hashes over the same bytes, of which one is stirred further; a zero ends a text.
    private mutating func add(_ text: String) {
        for byte in text.utf8 { add(byte) }
        add(UInt8(0))
    }

    private mutating func add(_ byte: UInt8) {
        high = (high ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        low = (low ^ UInt64(byte)) &* 0xff51_afd7_ed55_8ccd
        low ^= low >> 32
    }
}
