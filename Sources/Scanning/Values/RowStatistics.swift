/// Sums over a run of floating-point numbers.
struct RowStatistics {
    var squares = 0.0
    var notANumber = 0
    var infinite = 0
    var denormal = 0

    var isFinite: Bool { notANumber == 0 && infinite == 0 }

    static func + (left: RowStatistics, right: RowStatistics) -> RowStatistics {
        RowStatistics(
            squares: left.squares + right.squares, notANumber: left.notANumber + right.notANumber,
            infinite: left.infinite + right.infinite, denormal: left.denormal + right.denormal)
    }
}

/// How the numbers of a tensor are stored; types that are not floating-point have none.
enum FloatKind: String {
    case float64 = "F64"
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"

    var byteCount: Int {
        switch self {
        case .float64: 8
        case .float32: 4
        case .float16, .bfloat16: 2
        }
    }

    /// The statistics of the numbers in `bytes`.
    func statistics(of bytes: UnsafeRawBufferPointer) -> RowStatistics {
        var found =
            switch self {
            case .float64: wide(bytes)
            case .float32: single(bytes)
            case .float16: half(bytes)
            case .bfloat16: brain(bytes)
            }
        // Rare enough to be told apart in a second pass.
        if self != .float64, found.notANumber > 0 {
            found.infinite = infinities(bytes)
            found.notANumber -= found.infinite
        }
        return found
    }

    private func infinities(_ bytes: UnsafeRawBufferPointer) -> Int {
        (0..<bytes.count / byteCount).reduce(0) { count, index in
            let isInfinite =
                switch self {
                case .float32:
                    bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self) & 0x7FFF_FFFF
                        == 0x7F80_0000
                case .bfloat16:
                    bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self) & 0x7FFF
                        == 0x7F80
                default:
                    bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self) & 0x7FFF
                        == 0x7C00
                }
            return count + (isInfinite ? 1 : 0)
        }
    }

    private static let lanes = 16

    private func single(_ bytes: UnsafeRawBufferPointer) -> RowStatistics {
        let count = bytes.count / 4
        let whole = count - count % Self.lanes
        var tally = Tally()
        for index in stride(from: 0, to: whole, by: Self.lanes) {
            tally.add(bytes.loadUnaligned(fromByteOffset: 4 * index, as: SIMD16<UInt32>.self))
        }
        var last = SIMD16<UInt32>()
        for index in whole..<count {
            last[index - whole] = bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
        }
        tally.add(last)
        return tally.statistics
    }

    private func brain(_ bytes: UnsafeRawBufferPointer) -> RowStatistics {
        let count = bytes.count / 2
        let whole = count - count % Self.lanes
        var tally = Tally()
        for index in stride(from: 0, to: whole, by: Self.lanes) {
            let values = bytes.loadUnaligned(fromByteOffset: 2 * index, as: SIMD16<UInt16>.self)
            tally.add(SIMD16<UInt32>(truncatingIfNeeded: values) &<< 16)
        }
        var last = SIMD16<UInt32>()
        for index in whole..<count {
            let value = bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
            last[index - whole] = UInt32(value) << 16
        }
        tally.add(last)
        return tally.statistics
    }

    private func half(_ bytes: UnsafeRawBufferPointer) -> RowStatistics {
        let count = bytes.count / 2
        let whole = count - count % Self.lanes
        var tally = Tally()
        for index in stride(from: 0, to: whole, by: Self.lanes) {
            let values = bytes.loadUnaligned(fromByteOffset: 2 * index, as: SIMD16<UInt16>.self)
            tally.addHalf(SIMD16<UInt32>(truncatingIfNeeded: values))
        }
        var last = SIMD16<UInt32>()
        for index in whole..<count {
            last[index - whole] = UInt32(
                bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
        }
        tally.addHalf(last)
        return tally.statistics
    }

    private func wide(_ bytes: UnsafeRawBufferPointer) -> RowStatistics {
        var result = RowStatistics()
        for index in 0..<bytes.count / 8 {
            let bits = bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)
            let value = Double(bitPattern: bits)
            if value.isNaN {
                result.notANumber += 1
            } else if value.isInfinite {
                result.infinite += 1
            } else {
                if value.isSubnormal { result.denormal += 1 }
                result.squares += value * value
            }
        }
        return result
    }
}

/// Sixteen numbers at a time, by the bits of their single-precision form.
///
/// Without their signs the bits are no negative integers, which compare as the numbers do. The sign
/// of a difference stands in for a comparison: not all comparisons become vector instructions.
private struct Tally {
    private var squares = SIMD16<Float>()
    private var notFinite = SIMD16<Int32>()
    private var small = SIMD16<Int32>()
    private var zeros = SIMD16<Int32>()

    @inline(__always)
    mutating func add(_ bits: SIMD16<UInt32>) {
        let absolute = unsafeBitCast(bits & SIMD16(repeating: 0x7FFF_FFFF), to: SIMD16<Int32>.self)
        let isOdd = Self.sign(SIMD16(repeating: 0x7F7F_FFFF) &- absolute)
        notFinite = notFinite &- isOdd
        small = small &- Self.sign(absolute &- SIMD16(repeating: 0x0080_0000))
        zeros = zeros &- Self.sign(absolute &- SIMD16(repeating: 1))
        let values = unsafeBitCast(absolute & ~isOdd, to: SIMD16<Float>.self)
        squares += values * values
    }

    @inline(__always)
    mutating func addHalf(_ bits: SIMD16<UInt32>) {
        let absolute = unsafeBitCast(bits & SIMD16(repeating: 0x7FFF), to: SIMD16<Int32>.self)
        let isOdd = Self.sign(SIMD16(repeating: 0x7BFF) &- absolute)
        notFinite = notFinite &- isOdd
        // Moved into place the exponent is off by 112; a product with a power of two sets it right,
        // and makes numbers of half precision's denormals too.
        let moved = (absolute & ~isOdd) &<< SIMD16(repeating: 13)
        let values =
            unsafeBitCast(moved, to: SIMD16<Float>.self)
            * SIMD16(repeating: Float(bitPattern: 0x7780_0000))
        squares += values * values
    }

    /// All ones where a number is negative, else zero.
    @inline(__always)
    private static func sign(_ values: SIMD16<Int32>) -> SIMD16<Int32> {
        values &>> SIMD16(repeating: 31)
    }

    /// The sums; what is not finite counts as not a number until it is looked at again.
    var statistics: RowStatistics {
        var total = 0.0
        for lane in 0..<16 { total += Double(squares[lane]) }
        return RowStatistics(
            squares: total, notANumber: Int(notFinite.wrappedSum()), infinite: 0,
            denormal: Int(small.wrappedSum()) - Int(zeros.wrappedSum()))
    }
}
