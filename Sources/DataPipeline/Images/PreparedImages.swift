import Foundation

/// An image that was left out, and why.
public struct SkippedImage: Sendable, Hashable, Codable {
    /// The image's name within its set.
    public let identifier: String
    /// What is wrong with it, as it goes on from its name.
    public let reason: String

    /// An image and what is wrong with it.
    public init(identifier: String, reason: String) {
        self.identifier = identifier
        self.reason = reason
    }
}

/// How far the preparation of a set is.
public struct ImageProgress: Sendable, Hashable {
    /// Images that are done, skipped ones too.
    public let done: Int
    /// Images in all.
    public let total: Int
    /// Images that were skipped.
    public let skipped: Int

    /// So many of so many.
    public init(done: Int, total: Int, skipped: Int) {
        self.done = done
        self.total = total
        self.skipped = skipped
    }
}

/// The images of a set, decoded and all of one size, so that no epoch reads a file again.
///
/// They lie in memory, or in a cache file that is mapped.
public final class PreparedImages: Sendable {
    /// What the set is called in messages.
    public let name: String
    /// Rows of an image.
    public let height: Int
    /// Pixels of a row.
    public let width: Int
    /// The classes, in the order of their labels; empty where there are none.
    public let classNames: [String]
    /// The class of each image; empty where there are none.
    public let labels: [Int]
    /// The images that were left out, in the order of the set.
    public let skipped: [SkippedImage]
    /// Whether all was found in a cache, and no image was decoded.
    public let wasCached: Bool

    private let storage: PixelStorage
    /// Where each image lies, in units of an image.
    private let slots: [Int]
    /// What was prepared, by slots; empty where no set was.
    private let samples: [ImageSet.Sample]

    /// How many images there are.
    public var count: Int { slots.count }
    /// Where each image stood in the set that it was prepared from, damaged ones counted.
    public var sourceIndices: [Int] { slots }
    /// Bytes of an image: height × width × 3.
    public var imageBytes: Int { height * width * 3 }

    init(
        _ set: ImageSet, size: Int, storage: PixelStorage, skipped: [Int: String], wasCached: Bool
    ) {
        name = set.name
        (height, width) = (size, size)
        classNames = set.classNames
        slots = set.samples.indices.filter { skipped[$0] == nil }
        samples = set.samples
        labels = set.classNames.isEmpty ? [] : slots.map { set.samples[$0].label }
        self.skipped = skipped.sorted { $0.key < $1.key }.map {
            SkippedImage(identifier: set.samples[$0.key].identifier, reason: $0.value)
        }
        self.wasCached = wasCached
        self.storage = storage
    }

    /// Images that are in memory already: `pixels` is [count, height, width, 3].
    ///
    /// `labels` has a class for each image, an index into `classNames`, or is empty.
    public init(
        name: String, pixels: [UInt8], height: Int, width: Int, labels: [Int] = [],
        classNames: [String] = []
    ) {
        let imageBytes = height * width * 3
        precondition(
            imageBytes > 0 && pixels.count.isMultiple(of: imageBytes), "images of one size")
        let count = pixels.count / imageBytes
        precondition(labels.isEmpty || labels.count == count, "a label for each image")
        self.name = name
        self.height = height
        self.width = width
        self.labels = labels
        self.classNames = classNames
        skipped = []
        wasCached = false
        storage = PixelStorage(count: pixels.count)
        storage.room(from: 0, count: pixels.count).copyBytes(from: pixels)
        slots = Array(0..<count)
        samples = []
    }

    /// An image's name within its set, or its place among images that are of no set: `#3`.
    public func identifier(of index: Int) -> String {
        samples.isEmpty ? "#\(index)" : samples[slots[index]].identifier
    }

    /// How many images differ from all before them.
    public var distinctCount: Int {
        Set(
            (0..<count).map { index in
                var hasher = Hasher()
                withPixels(of: index) { hasher.combine(bytes: $0) }
                return hasher.finalize()
            }
        ).count
    }

    /// Calls `body` with an image's pixels, [height, width, 3].
    public func withPixels<Result>(
        of index: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try withExtendedLifetime(self) {
            try body(storage.bytes(from: slots[index] * imageBytes, count: imageBytes))
        }
    }

    /// An image by itself.
    public func image(_ index: Int) -> RGBImage {
        withPixels(of: index) { RGBImage(width: width, height: height, pixels: Array($0)) }
    }

    /// The images at `indices` as a batch; those for which `isFlipped` says so are mirrored left
    /// to right.
    public func batch(_ indices: [Int], isFlipped: (Int) -> Bool = { _ in false }) -> ImageBatch {
        let bytes = indices.count * imageBytes
        let pixels = [UInt8](unsafeUninitializedCapacity: bytes) { buffer, initialized in
            let all = UnsafeMutableRawBufferPointer(buffer)
            for (row, index) in indices.enumerated() {
                let target = UnsafeMutableRawBufferPointer(
                    rebasing: all[(row * imageBytes)..<((row + 1) * imageBytes)])
                withPixels(of: index) {
                    if isFlipped(index) {
                        Self.copyMirrored($0, to: target, width: width)
                    } else {
                        target.copyMemory(from: $0)
                    }
                }
            }
            initialized = bytes
        }
        var batch = ImageBatch(
            pixels: pixels, rows: indices.count, height: height, width: width)
        if !labels.isEmpty { batch.classes = indices.map { Int64(labels[$0]) } }
        return batch
    }

    private static func copyMirrored(
        _ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer, width: Int
    ) {
        for start in stride(from: 0, to: source.count, by: width * 3) {
            for column in 0..<width {
                let (from, to) = (start + column * 3, start + (width - 1 - column) * 3)
                target[to] = source[from]
                target[to + 1] = source[from + 1]
                target[to + 2] = source[from + 2]
            }
        }
    }
}
