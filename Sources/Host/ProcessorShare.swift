import Foundation

/// How many processors this process may use: those of its affinity, within the quota of its control
/// group, as a container or a service manager sets one.
public struct ProcessorShare: Sendable, Equatable, Codable {
    /// Processors that the process may be scheduled on.
    public let processors: Int
    /// Processors' worth of time that the control group grants, such as 1.5; nil without a quota.
    public let quota: Double?

    /// A share of this machine.
    public init(processors: Int, quota: Double?) {
        self.processors = processors
        self.quota = quota
    }

    /// Threads that are worth running: a started fraction of a processor counts, for threads that
    /// wait for each other sleep.
    public var threads: Int {
        guard let quota else { return max(1, processors) }
        return max(1, min(processors, Int(quota.rounded(.up))))
    }

    /// This process's share.
    public static let current = ProcessorShare(
        processors: affinity() ?? ProcessInfo.processInfo.activeProcessorCount,
        quota: ControlGroup.processorQuota())

    /// Processors that Linux may schedule this process on; nil where the system does not say.
    static func affinity(system: URL = URL(fileURLWithPath: "/")) -> Int? {
        let file = system.appendingPathComponent("proc/self/status")
        let lines = (try? String(contentsOf: file, encoding: .utf8))?.split(separator: "\n") ?? []
        let name = "Cpus_allowed_list:"
        guard let list = lines.first(where: { $0.hasPrefix(name) })?.dropFirst(name.count) else {
            return nil
        }
        // `0-3,8`
        let counts = list.split(whereSeparator: { $0 == "," || $0.isWhitespace }).map { range in
            let ends = range.split(separator: "-").compactMap { UInt16($0) }
            guard let first = ends.first, let last = ends.last, first <= last else { return 0 }
            return Int(last - first) + 1
        }
        let count = counts.reduce(0, +)
        return count > 0 ? count : nil
    }
}
