/// The one number a run's randomness comes from.
///
/// Every consumer draws from a stream of its own, named and numbered; a new consumer never shifts
/// another's numbers, and a resumed run needs no saved generator state.
public struct Seed: Sendable, Hashable, Codable {
    /// The number.
    public let value: UInt64

    /// A seed of this number.
    public init(_ value: UInt64) { self.value = value }

    /// The 64-bit key of a named and numbered stream.
    public func key(_ name: String, _ indices: Int...) -> UInt64 { key(name, indices) }

    /// A generator for a named and numbered stream.
    public func stream(_ name: String, _ indices: Int...) -> RandomStream {
        RandomStream(key: key(name, indices))
    }

    /// At most `count` of the places 0 to `total` − 1, drawn from a named stream, in their order.
    public func places(_ count: Int, of total: Int, _ name: String) -> [Int] {
        guard count < total else { return Array(0..<total) }
        var stream = stream(name)
        return (0..<total).shuffled(using: &stream).prefix(max(0, count)).sorted()
    }

    private func key(_ name: String, _ indices: [Int]) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        hash = RandomStream.mix(hash ^ RandomStream.mix(value &+ 0x9e37_79b9_7f4a_7c15))
        for index in indices {
            hash = RandomStream.mix(
                hash ^ (UInt64(bitPattern: Int64(index)) &+ 0x9e37_79b9_7f4a_7c15))
        }
        return hash
    }

    /// Reads a plain number.
    public init(from decoder: any Decoder) throws {
        value = try decoder.singleValueContainer().decode(UInt64.self)
    }

    /// Writes a plain number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}

/// SplitMix64: small, fast, and good enough for sampling.
public struct RandomStream: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(key: UInt64) { state = key }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Self.mix(state)
    }

    /// A number drawn uniformly from [0, 1).
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
