import Foundation

/// A share of a set, kept as its two counts so that nothing is lost to rounding.
///
/// Encoded as `count` and `total`, with `rate` for readers where it is defined.
public struct Proportion: Sendable, Equatable {
    /// How many have the property.
    public let count: Int
    /// How many there are.
    public let total: Int

    /// `count` of `total`; both not negative, and no more than all.
    public init(_ count: Int, of total: Int) {
        precondition(0 <= count && count <= total, "a part is no more than the whole")
        self.count = count
        self.total = total
    }

    /// The share of `flags` that are true.
    init(of flags: some Sequence<Bool>) {
        var (count, total) = (0, 0)
        for flag in flags {
            total += 1
            if flag { count += 1 }
        }
        self.init(count, of: total)
    }

    /// The share from 0 to 1; nil of an empty set.
    public var rate: Double? { total == 0 ? nil : Double(count) / Double(total) }

    /// The share in percent; nil of an empty set.
    public var percent: Double? { total == 0 ? nil : 100 * Double(count) / Double(total) }

    /// Where the true share lies with 95 % confidence; nil of an empty set.
    public var interval: WilsonInterval? { WilsonInterval(self) }
}

extension Proportion: CustomStringConvertible {
    /// The percentage with two decimals, as papers print it; `–` of an empty set.
    public var description: String { percent.map { String(format: "%.2f", $0) } ?? "–" }
}

extension Proportion: Codable {
    private enum CodingKeys: String, CodingKey { case count, total, rate }

    /// Reads the two counts; an error where they are no share.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        count = try container.decode(Int.self, forKey: .count)
        total = try container.decode(Int.self, forKey: .total)
        guard 0 <= count, count <= total else {
            throw DecodingError.dataCorruptedError(
                forKey: .count, in: container,
                debugDescription: "\(count) of \(total) is no share: expected 0 ... total")
        }
    }

    /// Writes the two counts and the rate.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(count, forKey: .count)
        try container.encode(total, forKey: .total)
        try container.encodeIfPresent(rate, forKey: .rate)
    }
}

/// Wilson's 95 % score interval of a proportion: all true shares that the observed one does not
/// reject.
///
/// Unlike the normal approximation it stays within 0 ... 1 and is of use at 0 % and 100 %.
public struct WilsonInterval: Sendable, Codable, Equatable {
    /// The two-sided 95 % quantile of the standard normal distribution.
    private static let quantile = 1.959963984540054

    /// The lower end, from 0 to 1.
    public let low: Double
    /// The upper end, from 0 to 1.
    public let high: Double

    /// The interval of `proportion`; nil of an empty set.
    public init?(_ proportion: Proportion) {
        guard let rate = proportion.rate else { return nil }
        let n = Double(proportion.total)
        let z = Self.quantile
        let shrinkage = 1 + z * z / n
        let centre = (rate + z * z / (2 * n)) / shrinkage
        let reach = z * (rate * (1 - rate) / n + z * z / (4 * n * n)).squareRoot() / shrinkage
        // At the ends the bound is the rate itself; rounding must not move it past.
        low = proportion.count == 0 ? 0 : max(0, centre - reach)
        high = proportion.count == proportion.total ? 1 : min(1, centre + reach)
    }
}
