import Torch

/// How a feature of K clean samples lies, and what candidates do to it.
///
/// With f the feature, x₁ … x_K the samples and x⊕t a sample with the candidate t in it:
///
///     S(t) = mean_k ‖f(x_k⊕t) − f(x_k)‖ / mean_{j<k} ‖f(x_j) − f(x_k)‖
///     R(t) = tr Cov_k f(x_k⊕t) / tr Cov_k f(x_k)
struct ProbeStatistics {
    /// The feature of each sample [K, width], float32.
    let base: Tensor
    /// The mean distance between two samples.
    let distance: Double
    /// The sum over samples of squared distances from their mean.
    let spread: Double

    init(_ base: Tensor) throws {
        self.base = base
        let count = base.shape[0]
        let differences = try base.unsqueezed(0) - base.unsqueezed(1)
        let distances = try (differences * differences).sum(over: [2]).squareRoot()
        // A model that says the same of everything has neither shift nor collapse to speak of.
        distance = max(
            try distances.sum().item() / Double(max(1, count * (count - 1))), .leastNormalMagnitude)
        let centred = try base - base.mean(over: [0], keepingDimensions: true)
        spread = max(try (centred * centred).sum().item(), .leastNormalMagnitude)
    }

    /// S of features [candidates, K, width] of the samples with candidates in: [candidates].
    func shifts(_ features: Tensor) throws -> [Float] {
        let moved = try features - base
        return try ((moved * moved).sum(over: [2]).squareRoot().mean(over: [1]) / distance).values()
    }

    /// R of features [candidates, K, width]: [candidates].
    func collapses(_ features: Tensor) throws -> [Float] {
        let centred = try features - features.mean(over: [1], keepingDimensions: true)
        return try ((centred * centred).sum(over: [1, 2]) / spread).values()
    }

    /// The mean of what a candidate adds to the feature: [candidates, width].
    func movements(_ features: Tensor) throws -> Tensor { try (features - base).mean(over: [1]) }
}

/// Distances from the median in median absolute deviations, scaled so that a normal distribution has
/// deviation 1; zeros where more than half of the values are alike.
func robustScores(_ values: [Float]) -> [Float] {
    guard !values.isEmpty else { return [] }
    func median(_ values: [Float]) -> Float { values.sorted()[values.count / 2] }
    let middle = median(values)
    let deviation = 1.4826 * median(values.map { abs($0 - middle) })
    return values.map { deviation > 0 ? ($0 - middle) / deviation : 0 }
}

/// Numbers vectors, from 1 on, so that those of a number point the way of the first of it: their
/// cosine with it is above `bound`.
func clusters(_ vectors: [[Float]], above bound: Double) -> [Int] {
    func product(_ a: [Float], _ b: [Float]) -> Double {
        zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    var leaders: [[Float]] = []
    return vectors.map { vector in
        let length = product(vector, vector).squareRoot()
        let place = leaders.firstIndex { leader in
            product(vector, leader) > bound * length * product(leader, leader).squareRoot()
        }
        if let place { return place + 1 }
        leaders.append(vector)
        return leaders.count
    }
}
