import Foundation

/// Quantities in the words people read: "1 h 04 min", "12.5 MB", "18.8/s", "20,000".
public enum HumanFormat {
    /// A span of time: "0.4 s", "42 s", "3 min 05 s", "2 h 07 min", "3 d 4 h".
    public static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "–" }
        if seconds < 9.95 { return String(format: "%.1f s", seconds) }
        let whole = Int(seconds.rounded())
        let (minutes, hours) = (whole / 60, whole / 3600)
        if whole < 60 { return "\(whole) s" }
        if hours < 1 { return "\(minutes) min \(twoDigits(whole % 60)) s" }
        if hours < 48 { return "\(hours) h \(twoDigits(minutes % 60)) min" }
        return "\(hours / 24) d \(hours % 24) h"
    }

    /// How many of something a second, or a minute where that reads better: "18.8/s", "2.1/min".
    public static func rate(_ perSecond: Double) -> String {
        guard perSecond.isFinite, perSecond > 0 else { return "–" }
        return perSecond >= 0.5
            ? "\(threeDigits(perSecond))/s" : "\(threeDigits(perSecond * 60))/min"
    }

    /// A size in powers of 1000: "512 B", "12.5 MB".
    public static func bytes(_ count: Int64) -> String {
        var size = abs(Double(count))
        guard size >= 1000 else { return "\(count) B" }
        var unit = "kB"
        size /= 1000
        // 999.95 would be shown as 1000.0.
        for next in ["MB", "GB", "TB", "PB", "EB"] where size >= 999.95 {
            size /= 1000
            unit = next
        }
        return (count < 0 ? "-" : "") + "\(threeDigits(size)) \(unit)"
    }

    /// A count with its thousands apart: "20,000".
    public static func count(_ count: Int) -> String {
        let digits = Array(String(count.magnitude))
        var result = count < 0 ? "-" : ""
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place) % 3 == 0 { result.append(",") }
            result.append(digit)
        }
        return result
    }

    /// A count in short: "950", "12.3k", "4.39M", "110M".
    public static func shortCount(_ count: Int) -> String {
        var size = Double(count.magnitude)
        guard size >= 1000 else { return "\(count)" }
        var unit = "k"
        size /= 1000
        for next in ["M", "B", "T"] where size >= 999.5 {
            size /= 1000
            unit = next
        }
        return (count < 0 ? "-" : "") + threeDigits(size) + unit
    }

    private static func threeDigits(_ value: Double) -> String {
        if value >= 1e6 { return String(format: "%.2e", value) }
        let decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
        return String(format: "%.\(decimals)f", value)
    }

    private static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
