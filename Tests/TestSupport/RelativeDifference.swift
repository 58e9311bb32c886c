import Torch

/// The greatest difference of two lists of numbers, over the greatest magnitude in `expected`.
///
/// Where `expected` is all zeros it is the greatest magnitude in `found`. Elements that are the same
/// infinity differ by nothing; a NaN on one side, or another number of elements, is infinitely far.
public func relativeDifference(_ found: [Double], _ expected: [Double]) -> Double {
    guard found.count == expected.count else { return .infinity }
    var difference = 0.0
    var scale = 0.0
    for (a, b) in zip(found, expected) where a != b && !(a.isNaN && b.isNaN) {
        difference = max(difference, a.isNaN || b.isNaN ? .infinity : abs(a - b))
    }
    for b in expected where b.isFinite { scale = max(scale, abs(b)) }
    return scale > 0 ? difference / scale : difference
}

/// The greatest difference of two tensors' elements, over the greatest magnitude in `expected`;
/// infinite where their shapes differ.
public func relativeDifference(_ found: Tensor, _ expected: Tensor) throws -> Double {
    guard found.shape == expected.shape else { return .infinity }
    return relativeDifference(
        try found.values(as: Double.self), try expected.values(as: Double.self))
}
