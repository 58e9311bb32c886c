import Foundation

/// How the learning rate moves over a run, as a factor of its peak.
public struct Schedule: Sendable, Codable, Equatable {
    /// The shape after the warm-up.
    public enum Shape: String, Sendable, Codable, CaseIterable {
        /// Stays.
        case constant
        /// Falls in a straight line to 0 at the end.
        case linear
        /// Falls along half a cosine to 0 at the end.
        case cosine
        /// Stays for half of the steps, then falls in a straight line to 0 at the end.
        case trapezoid
    }

    /// The shape after the warm-up.
    public var shape: Shape
    /// Steps over which the rate first climbs in a straight line from 0.
    public var warmupSteps: Int

    /// A schedule; by default linear without a warm-up.
    public init(_ shape: Shape = .linear, warmupSteps: Int = 0) {
        self.shape = shape
        self.warmupSteps = warmupSteps
    }

    /// The sum of the factors of all `total` steps.
    public func sum(over total: Int) -> Double {
        let warmup = Double(min(warmupSteps, total))
        let rising = warmup * (warmup - 1) / 2 / Double(max(1, warmupSteps))
        let remaining = Double(max(0, total - warmupSteps))
        guard remaining > 0 else { return rising }
        switch shape {
        case .constant: return rising + remaining
        // Both begin at 1 and are as far above a half as, later, below it.
        case .linear, .cosine: return rising + (remaining + 1) / 2
        case .trapezoid:
            let staying = (remaining / 2).rounded(.up)
            let falling = remaining - staying
            // Σ 2 (1 − k / n) over the steps that are left.
            return rising + staying + 2 * falling
                - falling * (staying + remaining - 1) / remaining
        }
    }

    /// The factor at `step`, counted from 0, of `total`.
    public func factor(at step: Int, of total: Int) -> Double {
        if step < warmupSteps { return Double(step) / Double(max(1, warmupSteps)) }
        let remaining = Double(max(1, total - warmupSteps))
        let progress = Double(step - warmupSteps) / remaining
        switch shape {
        case .constant: return 1
        case .linear: return max(0, 1 - progress)
        case .cosine: return max(0, 0.5 * (1 + cos(.pi * progress)))
        case .trapezoid: return max(0, min(1, 2 * (1 - progress)))
        }
    }
}
