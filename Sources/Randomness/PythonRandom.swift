/// The generator of CPython's `random` module (MT19937), number for number.
///
/// The authors place triggers with it, so that their positions can be had again without Python.
public struct PythonRandom: Sendable {
    private static let size = 624
    private static let shift = 397

    private var state: [UInt32]
    private var index = PythonRandom.size

    /// The generator after `random.seed(seed)` with a whole number that is not negative.
    public init(seed: UInt64) {
        let low = UInt32(truncatingIfNeeded: seed)
        let high = UInt32(truncatingIfNeeded: seed >> 32)
        state = Self.state(key: high == 0 ? [low] : [low, high])
    }

    /// `random.randint(0, bound)`; `bound` is not negative.
    public mutating func randint(upTo bound: Int) -> Int {
        precondition(bound >= 0 && bound < Int.max, "an empty range has no number")
        let count = UInt64(bound) + 1
        let bits = UInt64.bitWidth - count.leadingZeroBitCount
        var number = self.bits(bits)
        while number >= count { number = self.bits(bits) }
        return Int(number)
    }

    /// `random.getrandbits(count)`, for 1 ... 64 bits; the first word drawn is the lowest.
    private mutating func bits(_ count: Int) -> UInt64 {
        guard count > 32 else { return UInt64(next() >> UInt32(32 - count)) }
        let low = UInt64(next())
        return low | UInt64(next() >> UInt32(64 - count)) << 32
    }

    private mutating func next() -> UInt32 {
        if index == Self.size {
            regenerate()
            index = 0
        }
        var y = state[index]
        index += 1
        y ^= y >> 11
        y ^= (y << 7) & 0x9d2c_5680
        y ^= (y << 15) & 0xefc6_0000
        return y ^ (y >> 18)
    }

    private mutating func regenerate() {
        for i in 0..<Self.size {
            let next = state[(i + 1) % Self.size]
            let y = (state[i] & 0x8000_0000) | (next & 0x7fff_ffff)
            let twist: UInt32 = y & 1 == 0 ? 0 : 0x9908_b0df
            state[i] = state[(i + Self.shift) % Self.size] ^ (y >> 1) ^ twist
        }
    }

    /// MT19937's `init_by_array`.
    private static func state(key: [UInt32]) -> [UInt32] {
        var state = [UInt32](repeating: 19_650_218, count: size)
        for i in 1..<size {
            state[i] = 1_812_433_253 &* (state[i - 1] ^ (state[i - 1] >> 30)) &+ UInt32(i)
        }
        var i = 1
        func mixed(_ factor: UInt32) -> UInt32 {
            state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) &* factor)
        }
        func advance() {
            i += 1
            guard i == size else { return }
            state[0] = state[size - 1]
            i = 1
        }
        for step in 0..<max(size, key.count) {
            let j = step % key.count
            state[i] = mixed(1_664_525) &+ key[j] &+ UInt32(j)
            advance()
        }
        for _ in 1..<size {
            state[i] = mixed(1_566_083_941) &- UInt32(i)
            advance()
        }
        state[0] = 0x8000_0000
        return state
    }
}
