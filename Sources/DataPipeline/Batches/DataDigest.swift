import Files
import Foundation

/// The samples of a run as two digests: Documentation/proof.md says of which bytes.
public struct DataDigest: Sendable, Codable, Equatable {
    /// How many samples there are.
    public var samples: Int
    /// The SHA-256 digest of the samples' digests, a line each, in the order of the data.
    public var sha256: String
    /// How many batches were used.
    public var batches: Int
    /// The SHA-256 digest of the samples' digests, a line each, in the order in which batches used
    /// them, with an empty line behind each batch.
    public var order: String

    /// The digests of samples that were used in `batches`, which are indices into `digests`.
    public init(of digests: [String], in batches: some Sequence<[Int]>) {
        var all = ContentDigest(), order = ContentDigest()
        var count = 0
        for digest in digests { all.update(line: digest) }
        for batch in batches {
            for sample in batch { order.update(line: digests[sample]) }
            order.update(line: "")
            count += 1
        }
        self.init(
            samples: digests.count, sha256: all.finish(), batches: count, order: order.finish())
    }

    private init(samples: Int, sha256: String, batches: Int, order: String) {
        self.samples = samples
        self.sha256 = sha256
        self.batches = batches
        self.order = order
    }
}

/// Samples that have a digest of their own.
public protocol DigestedSamples: Sendable {
    /// How many there are.
    var count: Int { get }
    /// Adds what one sample consists of to a digest.
    func add(_ sample: Int, to digest: inout ContentDigest)
}

extension DigestedSamples {
    /// The SHA-256 digest of each sample.
    public func digests() -> [String] {
        (0..<count).map { sample in
            var digest = ContentDigest()
            add(sample, to: &digest)
            return digest.finish()
        }
    }
}

/// Texts as token ids: a sample is its ids, each as four bytes, the lowest first.
public struct TokenSamples: DigestedSamples {
    private let texts: [[Int32]]

    /// These texts.
    public init(_ texts: [[Int32]]) { self.texts = texts }

    /// How many texts there are.
    public var count: Int { texts.count }

    /// Adds a text's ids.
    public func add(_ sample: Int, to digest: inout ContentDigest) {
        digest.update(integers: texts[sample])
    }
}

/// A sample is its pixels, and behind them its class as eight bytes where images have classes.
extension PreparedImages: DigestedSamples {
    /// Adds an image's pixels and class.
    public func add(_ sample: Int, to digest: inout ContentDigest) {
        withPixels(of: sample) { digest.update($0) }
        if !labels.isEmpty { digest.update(integers: [Int64(labels[sample])]) }
    }
}

/// A sample is its image's pixels, then of each of its captions the number of ids and the ids, each
/// as four bytes.
extension PreparedPairs: DigestedSamples {
    /// Adds an image's pixels and all of its captions.
    public func add(_ sample: Int, to digest: inout ContentDigest) {
        images.withPixels(of: sample) { digest.update($0) }
        for caption in 0..<captions.captionCount(of: sample) {
            let ids = captions[sample, caption]
            digest.update(integers: [Int32(ids.count)])
            digest.update(integers: ids)
        }
    }
}

extension ContentDigest {
    fileprivate mutating func update(line: String) { update(Data((line + "\n").utf8)) }

    /// Adds numbers, the lowest byte of each first.
    fileprivate mutating func update(integers: some Sequence<some FixedWidthInteger>) {
        Array(integers.map(\.littleEndian)).withUnsafeBytes { update($0) }
    }
}
