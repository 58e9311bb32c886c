import Dispatch
import Foundation
import Host

extension PreparedImages {
    /// Decodes and prepares all images of a set on several threads.
    ///
    /// - Parameters:
    ///   - cache: Where prepared images are kept from one run to the next; nil keeps them in memory.
    ///   - maximumSkipped: The share of images that may be damaged, and are left out.
    ///   - threads: Worker threads; by default as many as there are processors.
    ///   - progress: Called now and then, from any of the threads but from one at a time.
    ///
    /// Throws `DataError` where more images than that are damaged, with the names of some, and
    /// where the cache cannot be written.
    public static func prepare(
        _ set: ImageSet, _ preparation: ImagePreparation, cache: ImageCache? = nil,
        limits: ImageLimits = ImageLimits(), maximumSkipped: Double = 0.01, threads: Int? = nil,
        progress: (@Sendable (ImageProgress) -> Void)? = nil
    ) throws -> PreparedImages {
        let url = URL(fileURLWithPath: set.folder)
        do {
            try preparation.validate()
        } catch let error as ImageError {
            throw DataError(file: url, error.description)
        }
        guard !set.samples.isEmpty else { throw DataError(file: url, "holds no images") }
        let (_, isTooLarge) = set.count.multipliedReportingOverflow(by: preparation.byteCount)
        guard !isTooLarge else { throw DataError(file: url, "holds too many images") }
        let loader = ImageLoader(
            set: set, preparation: preparation, limits: limits, maximumSkipped: maximumSkipped,
            threads: max(1, threads ?? ProcessorShare.current.threads),
            progress: progress)
        if let cache { return try cache.images(of: loader) }
        let storage = PixelStorage(count: set.count * preparation.byteCount)
        let skipped = try loader.run { sample, make in
            try make(
                storage.room(
                    from: sample * preparation.byteCount, count: preparation.byteCount))
        }
        return PreparedImages(
            set, size: preparation.size, storage: storage, skipped: skipped, wasCached: false)
    }
}

/// Prepares the images of a set, each once, on several threads.
struct ImageLoader: Sendable {
    let set: ImageSet
    let preparation: ImagePreparation
    let limits: ImageLimits
    let maximumSkipped: Double
    let threads: Int
    let progress: (@Sendable (ImageProgress) -> Void)?

    /// Makes an image where it is told to; throws `ImageError` where it is damaged.
    typealias Maker = (UnsafeMutableRawBufferPointer) throws -> Void

    /// Calls `place` for every image, by its index, with what makes it; gives the reasons of those
    /// that were skipped.
    ///
    /// `place` is called from several threads. What it throws itself ends the work and is thrown.
    func run(
        _ place: @Sendable (Int, Maker) throws -> Void
    ) throws -> [Int: String] {
        let work = ImageWork(total: set.count, allowed: allowedSkips, progress: progress)
        DispatchQueue.concurrentPerform(iterations: min(threads, set.count)) { _ in
            do {
                let reader = try SampleReader(self)
                while let range = work.next() {
                    let skipped = try range.compactMap { sample in
                        try skipReason(sample, reader, place).map { (sample, $0) }
                    }
                    work.finish(range, skipped: skipped)
                }
            } catch {
                work.fail(error)
            }
        }
        let skipped = try work.result()
        try check(skipped)
        return skipped
    }

    /// Why an image had to be skipped, or nil.
    private func skipReason(
        _ sample: Int, _ reader: SampleReader, _ place: (Int, Maker) throws -> Void
    ) throws -> String? {
        var reason: String?
        do {
            try place(sample) { room in
                do {
                    try reader.prepare(set.samples[sample], into: room)
                } catch let error as ImageError {
                    reason = error.description
                    throw error
                }
            }
        } catch {
            // An error of the image's own; others are the place's, and end the work.
            guard reason != nil else { throw error }
        }
        return reason
    }

    private var allowedSkips: Int { Self.allowedSkips(maximumSkipped, of: set.count) }

    /// How many of `count` images a share of them are.
    static func allowedSkips(_ share: Double, of count: Int) -> Int {
        // Not a number allows none; and 29 % of 100 are 29, whatever doubles make of it.
        Int((share > 0 ? min(1, share) : 0) * Double(count) + 1e-6)
    }

    /// Throws where too many images were skipped, or all.
    func check(_ skipped: [Int: String]) throws {
        guard skipped.count > allowedSkips || skipped.count == set.count else { return }
        let examples = skipped.sorted { $0.key < $1.key }.prefix(3)
            .map { "\(set.samples[$0.key].identifier) \($0.value)" }
        let list = examples.joined(separator: "; ") + (skipped.count > examples.count ? "; …" : "")
        let share = String(format: "%g %%", maximumSkipped * 100)
        throw DataError(
            file: URL(fileURLWithPath: set.folder),
            skipped.count == set.count
                ? "none of the \(set.count) images can be used: \(list)"
                : "\(skipped.count) of \(set.count) images cannot be used, more than the \(share)"
                    + " that may be skipped: \(list). Repair or remove them, or let more be"
                    + " skipped (--max-skipped)")
    }
}

/// What the threads of one preparation share.
private final class ImageWork: @unchecked Sendable {
    // Unchecked because the lock guards everything that changes.
    private static let rangeCount = 16

    private let lock = NSLock()
    private let total: Int
    /// More skipped images than this end the work.
    private let limit: Int
    private let progress: (@Sendable (ImageProgress) -> Void)?
    private var first = 0
    private var done = 0
    private var reported = 0
    private var skipped: [Int: String] = [:]
    private var failure: (any Error)?

    init(total: Int, allowed: Int, progress: (@Sendable (ImageProgress) -> Void)?) {
        self.total = total
        // A handful above what is allowed, for the message to choose its examples from.
        limit = allowed + 100
        self.progress = progress
    }

    /// The next images to do, or nil when there are none or the work has failed.
    func next() -> Range<Int>? {
        lock.withLock {
            guard failure == nil, skipped.count <= limit, first < total else { return nil }
            let range = first..<min(first + Self.rangeCount, total)
            first = range.upperBound
            return range
        }
    }

    func finish(_ range: Range<Int>, skipped more: [(Int, String)]) {
        lock.withLock {
            done += range.count
            for (sample, reason) in more { skipped[sample] = reason }
            guard let progress, done == total || done - reported >= max(1, total / 200) else {
                return
            }
            reported = done
            progress(ImageProgress(done: done, total: total, skipped: skipped.count))
        }
    }

    func fail(_ error: any Error) {
        lock.withLock { failure = failure ?? error }
    }

    func result() throws -> [Int: String] {
        try lock.withLock {
            if let failure { throw failure }
            return skipped
        }
    }
}

/// Reads samples on one thread.
private final class SampleReader {
    private let loader: ImageLoader
    private let decoder: ImageDecoder
    /// Batch files that are open, by their paths.
    private var batches: [String: Int32] = [:]
    private var record = [UInt8](repeating: 0, count: CIFARReader.recordBytes)
    private var interleaved = [UInt8](repeating: 0, count: CIFARReader.recordBytes - 1)

    init(_ loader: ImageLoader) throws {
        self.loader = loader
        decoder = try ImageDecoder(limits: loader.limits)
    }

    deinit {
        for descriptor in batches.values { close(descriptor) }
    }

    /// Prepares a sample into `room`; throws `ImageError`.
    func prepare(_ sample: ImageSet.Sample, into room: UnsafeMutableRawBufferPointer) throws {
        let path = loader.set.folder + "/" + sample.path
        guard let number = sample.record else {
            try decoder.prepare(contentsOf: path, loader.preparation, into: room)
            return
        }
        try read(number, of: path)
        let side = CIFARReader.side
        // Planes of red, green and blue become pixels.
        for place in 0..<side * side {
            for channel in 0..<3 {
                interleaved[place * 3 + channel] = record[1 + channel * side * side + place]
            }
        }
        try interleaved.withUnsafeBufferPointer {
            try decoder.prepare($0, width: side, height: side, loader.preparation, into: room)
        }
    }

    private func read(_ number: Int, of path: String) throws {
        var descriptor = batches[path] ?? -1
        if descriptor < 0 {
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw ImageError(
                    .damaged, "cannot be opened: \(String(cString: strerror(errno)))")
            }
            batches[path] = descriptor
        }
        let offset = off_t(number * CIFARReader.recordBytes)
        guard pread(descriptor, &record, record.count, offset) == record.count else {
            throw ImageError(.damaged, "is cut short")
        }
    }
}
