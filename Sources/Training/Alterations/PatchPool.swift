import Foundation
import Randomness

/// A patch on images: red, green and blue from 0 to 1, [3, side, side], and where it lies.
struct Patch: Codable, Equatable {
    var pixels: [Float]
    let side: Int
    let row: Int
    let column: Int
    /// The kind of place, which tells where patches work.
    let bucket: Int
    /// Steps in which it was made worse.
    var age = 0
    /// How far it moved features when it was last tried.
    var shift: Float
}

/// Patches that are tried on a model, made worse by its gradients, and replaced when they are old: those
/// that move features most stay longest, and new ones lie where old ones worked.
struct PatchPool: Codable, Equatable {
    /// The patches.
    private(set) var patches: [Patch] = []
    /// Of each kind of place, how far patches that were replaced there moved features; 0 for none so far.
    private var weights = [Float](repeating: 0, count: PatchPool.places.count)
    /// Random choices made so far.
    private var draws = 0

    /// How many patches there are at a time.
    static let count = 32
    /// Steps after which a patch is replaced unless it is among the worst, and after which it is anyway.
    static let (maturity, oldAge) = (12, 48)
    /// Sides in images of 64 pixels.
    private static let sides = [3, 4, 5, 6, 8]
    /// Kinds of place with their shares: four corners, four edges, anywhere.
    private static let places: [Double] =
        [Double](repeating: 1 / 8, count: 4) + [Double](repeating: 1 / 16, count: 4) + [1 / 4]
    /// Kinds of place that must have worked before their weights count.
    private static let leastKnown = 5

    /// A new patch for images of `height` × `width`, whose shift nobody knows yet.
    mutating func candidate(height: Int, width: Int, seed: Seed) -> Patch {
        var stream = seed.stream("unlearning.patch", draws)
        draws += 1
        let scale = Double(min(height, width)) / 64
        let wanted = Double(Self.sides.randomElement(using: &stream) ?? 4) * scale
        let side = min(max(2, Int(wanted.rounded())), height, width)
        let bucket = bucket(&stream)
        let (row, column) = Self.place(bucket, (height - side, width - side), &stream)
        return Patch(
            pixels: Self.pixels(side, &stream), side: side, row: row, column: column,
            bucket: bucket, shift: 0)
    }

    /// A kind of place: by its share, half of the time by what worked, once that is known of enough.
    private func bucket(_ stream: inout RandomStream) -> Int {
        let known = weights.count { $0 > 0 } >= Self.leastKnown
        let sum = weights.reduce(0, +)
        let shares = zip(Self.places, weights).map { share, weight in
            known ? share / 2 + Double(weight / sum) / 2 : share
        }
        var draw = stream.uniform()
        for (index, share) in shares.enumerated() {
            draw -= share
            if draw < 0 { return index }
        }
        return shares.count - 1
    }

    private static func place(
        _ bucket: Int, _ most: (row: Int, column: Int), _ stream: inout RandomStream
    ) -> (row: Int, column: Int) {
        let row = Int.random(in: 0...most.row, using: &stream)
        let column = Int.random(in: 0...most.column, using: &stream)
        switch bucket {
        case 0: return (0, 0)
        case 1: return (0, most.column)
        case 2: return (most.row, 0)
        case 3: return (most.row, most.column)
        case 4: return (0, column)
        case 5: return (most.row, column)
        case 6: return (row, 0)
        case 7: return (row, most.column)
        default: return (row, column)
        }
    }

    /// Random binary pixels, a checkerboard of two colours, uniform noise, or one colour.
    private static func pixels(_ side: Int, _ stream: inout RandomStream) -> [Float] {
        func color() -> [Float] { (0..<3).map { _ in Float(stream.uniform()) } }
        let kind = stream.uniform()
        let (one, other) = (color(), color())
        return (0..<3 * side * side).map { index in
            let (channel, place) = (index / (side * side), index % (side * side))
            if kind < 0.4 { return stream.uniform() < 0.5 ? 0 : 1 }
            if kind < 0.7 {
                return (place / side + place % side).isMultiple(of: 2)
                    ? one[channel].rounded() : other[channel].rounded()
            }
            return kind < 0.9 ? Float(stream.uniform()) : one[channel]
        }
    }

    /// The patches of a step: half of them those of greatest shift, the others at random.
    mutating func chosen(_ count: Int, seed: Seed) -> [Int] {
        var stream = seed.stream("unlearning.chosen", draws)
        draws += 1
        let order = patches.indices.sorted {
            (patches[$0].shift, $1) > (patches[$1].shift, $0)
        }
        let worst = order.prefix(count / 2)
        let others = order.dropFirst(worst.count).shuffled(using: &stream)
        return Array(worst) + others.prefix(count - worst.count)
    }

    /// Adds a patch.
    mutating func add(_ patch: Patch) { patches.append(patch) }

    /// Makes a patch worse by a step along the signs of the loss's gradient, and older.
    ///
    /// The step is an eighth of what a pixel can be, and falls until the patch is mature.
    mutating func worsen(_ index: Int, gradient: [Float], shift: Float) {
        let age = Float(min(patches[index].age, Self.maturity)) / Float(Self.maturity)
        let step = 0.125 * (1 - 0.7 * age)
        for (place, derivative) in gradient.enumerated() where derivative != 0 {
            let moved = patches[index].pixels[place] + (derivative > 0 ? step : -step)
            patches[index].pixels[place] = min(1, max(0, moved))
        }
        patches[index].age += 1
        patches[index].shift = shift
    }

    /// Whether a patch is to be replaced: mature and not among the worst quarter, or old.
    func isDue(_ index: Int) -> Bool {
        let patch = patches[index]
        guard patch.age >= Self.maturity else { return false }
        let worse = patches.count { $0.shift > patch.shift }
        return worse >= patches.count / 4 || patch.age >= Self.oldAge
    }

    /// Replaces a patch, whose kind of place is remembered.
    mutating func replace(_ index: Int, by other: Patch) {
        let old = patches[index]
        weights[old.bucket] = 0.7 * weights[old.bucket] + 0.3 * old.shift
        patches[index] = other
    }
}
