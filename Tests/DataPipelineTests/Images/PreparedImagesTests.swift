import DataPipeline
import Foundation
import Randomness
import Testing

@Suite struct PreparedImagesTests {
    /// Forty images of two classes, image i of colour [i, 2i, 3i].
    private func makeSet(_ folder: ReaderFolder) throws -> ImageSet {
        for index in 0..<40 {
            try folder.image(
                "\(index % 2 == 0 ? "even" : "odd")/\(index + 10).ppm", Self.color(index))
        }
        return try ImageSet.read(folder.url)
    }

    private static func color(_ index: Int) -> [UInt8] {
        [UInt8(index), UInt8(2 * index), UInt8(3 * index)]
    }

    private func index(_ identifier: String) -> Int {
        let name = identifier.split(separator: "/").last?.split(separator: ".").first
        return (name.flatMap { Int($0) } ?? 0) - 10
    }

    private func check(
        _ images: PreparedImages, _ set: ImageSet, size: Int, without: Set<String> = []
    ) {
        let kept = set.samples.filter { !without.contains($0.path) }
        #expect(images.count == kept.count && images.height == size && images.width == size)
        #expect(images.labels == kept.map(\.label) && images.classNames == set.classNames)
        for (place, sample) in kept.enumerated() {
            let color = Self.color(index(sample.path))
            #expect(images.image(place) == SampleImage.plain(size, size, color))
            #expect(images.identifier(of: place) == sample.identifier)
        }
        #expect(Set(images.skipped.map(\.identifier)) == without)
    }

    @Test("Every image lies at its place, whatever thread made it", arguments: [1, 2, 7])
    func inMemory(_ threads: Int) throws {
        let folder = try ReaderFolder()
        let set = try makeSet(folder)
        let images = try PreparedImages.prepare(set, ImagePreparation(size: 6), threads: threads)
        check(images, set, size: 6)
        #expect(!images.wasCached)
    }

    @Test("Progress ends at the total") func progress() throws {
        let folder = try ReaderFolder()
        let set = try makeSet(folder)
        let seen = Recorder()
        _ = try PreparedImages.prepare(set, ImagePreparation(size: 2), threads: 2) { seen.add($0) }
        let all = seen.values
        #expect(all.last == ImageProgress(done: 40, total: 40, skipped: 0))
        #expect(all.map(\.done) == all.map(\.done).sorted() && all.count > 1)
    }

    private final class Recorder: @unchecked Sendable {
        private let lock = NSLock()
        private var recorded: [ImageProgress] = []
        var values: [ImageProgress] { lock.withLock { recorded } }
        func add(_ progress: ImageProgress) { lock.withLock { recorded.append(progress) } }
    }

    // MARK: Damage

    @Test("Damaged images are skipped, named and counted") func skips() throws {
        let folder = try ReaderFolder()
        let set = try makeSet(folder)
        _ = try folder.write("even/12.ppm", "P6 4 4 255 too short")
        _ = try folder.write("odd/11.ppm", "")
        let images = try PreparedImages.prepare(
            set, ImagePreparation(size: 4), maximumSkipped: 0.05)
        check(images, set, size: 4, without: ["even/12.ppm", "odd/11.ppm"])
        #expect(images.skipped.map(\.reason) == ["is a PPM that is cut short", "is empty"])
        #expect(images.batch([0, 1]).classes == [0, 0])
    }

    @Test("More than may be skipped is an error that names some") func tooMany() throws {
        let folder = try ReaderFolder()
        let set = try makeSet(folder)
        for name in ["even/10.ppm", "even/12.ppm"] { _ = try folder.write(name, "nonsense") }
        try FileManager.default.removeItem(at: folder.url.appending(path: "odd/11.ppm"))
        for maximum in [0, 0.01, 0.074, -1, .nan] {
            let error = #expect(throws: DataError.self) {
                try PreparedImages.prepare(set, ImagePreparation(size: 4), maximumSkipped: maximum)
            }
            let message = error?.description ?? ""
            #expect(message.contains("3 of 40 images cannot be used"))
            #expect(message.contains("even/10.ppm is no image"))
            #expect(message.contains("odd/11.ppm cannot be opened"))
            #expect(message.contains("Repair or remove them, or let more be skipped"))
        }
        let images = try PreparedImages.prepare(
            set, ImagePreparation(size: 4), maximumSkipped: 0.075)
        #expect(images.count == 37)
        // All damaged is no set, however many may be.
        for sample in set.samples { _ = try folder.write(sample.path, "nonsense") }
        let error = #expect(throws: DataError.self) {
            try PreparedImages.prepare(set, ImagePreparation(size: 4), maximumSkipped: 1)
        }
        #expect(error?.description.contains("none of the 40 images can be used") == true)
    }

    @Test("A huge image in a set is skipped like a damaged one") func huge() throws {
        let folder = try ReaderFolder()
        let set = try makeSet(folder)
        _ = try folder.write("even/10.ppm", "P6 20000 20000 255 ...")
        let images = try PreparedImages.prepare(set, ImagePreparation(size: 4), maximumSkipped: 0.1)
        #expect(images.skipped.first?.reason.contains("above the budget") == true)
    }

    @Test("A size that cannot be is an error of the request's") func badSize() throws {
        let folder = try ReaderFolder()
        let set = try makeSet(folder)
        #expect(throws: DataError.self) {
            try PreparedImages.prepare(set, ImagePreparation(size: 0))
        }
    }

    // MARK: Cache

    private func files(_ cache: ImageCache) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: cache.folder.path).sorted()
    }

    @Test("A cache file serves the next run, and no image is read") func cache() throws {
        let folder = try ReaderFolder()
        let set = try makeSet(folder)
        _ = try folder.write("odd/11.ppm", "nonsense")
        let cache = ImageCache(folder: folder.url.appending(components: "made", "cache"))
        func prepare(_ size: Int = 5) throws -> PreparedImages {
            try PreparedImages.prepare(
                set, ImagePreparation(size: size), cache: cache, maximumSkipped: 0.05)
        }
        let first = try prepare()
        check(first, set, size: 5, without: ["odd/11.ppm"])
        #expect(!first.wasCached)
        let names = try files(cache)
        #expect(names.count == 1 && names[0].hasSuffix(".images"))
        let second = try prepare()
        #expect(second.wasCached && second.skipped == first.skipped)
        check(second, set, size: 5, without: ["odd/11.ppm"])
        #expect(try !prepare(6).wasCached, "another size is another file")
        #expect(try files(cache).count == 2)
        #expect(throws: DataError.self, "fewer may be skipped than were") {
            try PreparedImages.prepare(
                set, ImagePreparation(size: 5), cache: cache, maximumSkipped: 0)
        }
    }

    @Test("A changed set is prepared anew") func stale() throws {
        let folder = try ReaderFolder()
        let set = try makeSet(folder)
        let cache = ImageCache(folder: folder.url.appending(path: "cache"))
        let preparation = ImagePreparation(size: 4)
        _ = try PreparedImages.prepare(set, preparation, cache: cache)
        try folder.image("odd/11.ppm", [200, 201, 202])
        // Same size, other time: that is all there is to tell them apart.
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_000_000)],
            ofItemAtPath: folder.url.appending(path: "odd/11.ppm").path)
        let images = try PreparedImages.prepare(set, preparation, cache: cache)
        #expect(!images.wasCached)
        #expect(images.image(20) == SampleImage.plain(4, 4, [200, 201, 202]))
        let fewer = set.selecting { $0.label == 1 }
        #expect(try !PreparedImages.prepare(fewer, preparation, cache: cache).wasCached)
    }

    @Test("A damaged cache file is made anew") func damagedCache() throws {
        let folder = try ReaderFolder()
        let set = try makeSet(folder)
        let cache = ImageCache(folder: folder.url.appending(path: "cache"))
        let preparation = ImagePreparation(size: 4)
        _ = try PreparedImages.prepare(set, preparation, cache: cache)
        let file = cache.folder.appending(path: try files(cache)[0])
        let good = try Data(contentsOf: file)
        var header = good
        header[9] ^= 1
        var reasons = good
        reasons[good.count - 1] = UInt8(ascii: "!")
        for bad in [
            Data(), good.prefix(100), good.dropLast(1), good.prefix(4096), good + [0], header,
            reasons,
        ] {
            try bad.write(to: file)
            let images = try PreparedImages.prepare(set, preparation, cache: cache)
            #expect(!images.wasCached, "\(bad.count) bytes")
            check(images, set, size: 4)
            #expect(try Data(contentsOf: file) == good)
        }
        #expect(try PreparedImages.prepare(set, preparation, cache: cache).wasCached)
    }

    @Test("A failure leaves no half of a cache file") func failedCache() throws {
        let folder = try ReaderFolder()
        let set = try makeSet(folder)
        for name in set.samples.map(\.path) { _ = try folder.write(name, "nonsense") }
        let cache = ImageCache(folder: folder.url.appending(path: "cache"))
        #expect(throws: DataError.self) {
            try PreparedImages.prepare(set, ImagePreparation(size: 4), cache: cache)
        }
        #expect(try files(cache).isEmpty)
        let blocked = ImageCache(folder: try folder.write("file", "in the way"))
        let error = #expect(throws: DataError.self) {
            try PreparedImages.prepare(set, ImagePreparation(size: 4), cache: blocked)
        }
        #expect(error?.description.contains("cannot be made") == true)
    }

    // MARK: Batches

    @Test("Batches hold every image once, with its class; each epoch another order") func batches()
        throws
    {
        let folder = try ReaderFolder()
        let set = try makeSet(folder)
        let images = try PreparedImages.prepare(set, ImagePreparation(size: 3))
        let source = SampledSource.classified(
            images, order: BatchOrder(.shuffled, batchSize: 7), seed: Seed(5))
        #expect(source.batchesPerEpoch == 6 && source.samplesPerEpoch == 40)
        var orders: [[UInt8]] = []
        for epoch in 0..<3 {
            var seen: [UInt8] = []
            for make in source.epoch(epoch) {
                let batch = try make()
                #expect(batch.height == 3 && batch.width == 3 && batch.triggers.isEmpty)
                for row in 0..<batch.rows {
                    let red = batch.pixels[row * batch.imageBytes]
                    #expect(batch.classes[row] == Int64(red % 2))
                    seen.append(red)
                }
            }
            #expect(seen.sorted() == (0..<40).map(UInt8.init))
            orders.append(seen)
        }
        #expect(Set(orders).count == 3)
        let again = try source.epoch(1).map { try $0().pixels }
        #expect(try source.epoch(1).map { try $0().pixels } == again)
    }

    @Test("Images without classes make batches without them") func unlabelled() throws {
        let images = PreparedImages(
            name: "noise", pixels: SampleImage.noise(4, 8).pixels, height: 4, width: 4)
        #expect(images.count == 2 && images.batch([0, 1]).classes.isEmpty)
        #expect(images.identifier(of: 1) == "#1")
        #expect(
            images.batch([1, 0]).pixels.prefix(48) == SampleImage.noise(4, 8).pixels.suffix(48))
    }

    @Test("Flips mirror half of the images, anew each epoch") func flips() throws {
        let noise = (0..<50).map { SampleImage.noise(5, 4, seed: UInt64($0)) }
        let images = PreparedImages(
            name: "noise", pixels: noise.flatMap(\.pixels), height: 4, width: 5)
        let source = SampledSource.classified(
            images, order: BatchOrder(.sequential, batchSize: 50), flips: true, seed: Seed(5))
        func mirrored(_ image: RGBImage) -> [UInt8] {
            (0..<4).flatMap { row in (0..<5).reversed().flatMap { image[row, $0] } }
        }
        var patterns: Set<[Bool]> = []
        for epoch in 0..<4 {
            let batch = try #require(try source.epoch(epoch).first?())
            let pattern = try noise.indices.map { index in
                let row = Array(batch.pixels[(index * 60)..<((index + 1) * 60)])
                let isFlipped = row == mirrored(noise[index])
                try #require(isFlipped || row == noise[index].pixels)
                return isFlipped
            }
            #expect((10...40).contains(pattern.count { $0 }))
            patterns.insert(pattern)
        }
        #expect(patterns.count == 4)
    }
}
