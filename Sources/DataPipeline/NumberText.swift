import Foundation

/// How numbers are written, the same on every system and in every language.
public enum NumberText {
    /// `value` with exactly so many decimals; "NaN", "∞" and "−∞" for what is not finite.
    ///
    /// A number too large to read in full is written with an exponent.
    public static func fixed(_ value: Double, decimals: Int) -> String {
        guard value.isFinite else { return special(value) }
        let decimals = min(max(decimals, 0), 15)
        guard abs(value) < 1e15 else { return exponent(value, digits: 4) }
        let text = String(format: "%.\(decimals)f", value)
        // "-0.0" reads as a loss where there is none.
        return text.hasPrefix("-") && !text.contains(where: { ("1"..."9").contains($0) })
            ? String(text.dropFirst()) : text
    }

    /// `value` with at most so many significant digits and no idle zeros.
    public static func short(_ value: Double, digits: Int = 4) -> String {
        guard value.isFinite else { return special(value) }
        if value == 0 { return "0" }
        guard abs(value) >= 1e-4, abs(value) < 1e7 else { return exponent(value, digits: digits) }
        let text = String(format: "%.\(min(max(digits, 1), 17))g", value)
        return text.contains("e") ? fixed(value, decimals: 0) : text
    }

    /// `value` in the fewest digits that read back as the same number.
    public static func exact(_ value: Double) -> String {
        value.isFinite ? "\(value)".replacing(#/\.0$/#, with: "") : special(value)
    }

    private static func exponent(_ value: Double, digits: Int) -> String {
        let text = String(format: "%.\(min(max(digits, 1), 17) - 1)e", value)
        let parts = text.split(separator: "e")
        guard parts.count == 2, let power = Int(parts[1]) else { return text }
        var mantissa = parts[0]
        if mantissa.contains(".") {
            while mantissa.hasSuffix("0") { mantissa.removeLast() }
            if mantissa.hasSuffix(".") { mantissa.removeLast() }
        }
        return "\(mantissa)e\(power)"
    }

    private static func special(_ value: Double) -> String {
        value.isNaN ? "NaN" : value < 0 ? "−∞" : "∞"
    }
}
