import Foundation

/// What Linux's control groups grant this process (cgroup v1 and v2).
enum ControlGroup {
    /// The least quota of processor time among the process's group and those above it, in
    /// processors; nil where none has one or the system has no control groups.
    ///
    /// `system` is where `proc` and the mount points are looked for: `/`, but for tests.
    static func processorQuota(system: URL = URL(fileURLWithPath: "/")) -> Double? {
        let groups = text("proc/self/cgroup", in: system).split(separator: "\n")
        let mounts = text("proc/self/mountinfo", in: system).split(separator: "\n")
            .compactMap { Mount($0) }
        var quotas: [Double] = []
        for line in groups {
            // `0::/path` of version 2, `4:cpu,cpuacct:/path` of version 1.
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isUnified = parts[1].isEmpty
            guard isUnified || parts[1].split(separator: ",").contains("cpu") else { continue }
            let mount = mounts.first { isUnified ? $0.type == "cgroup2" : $0.hasController("cpu") }
            guard let mount else { continue }
            for folder in mount.folders(of: String(parts[2]), in: system) {
                let quota = isUnified ? unifiedQuota(in: folder) : legacyQuota(in: folder)
                if let quota { quotas.append(quota) }
            }
        }
        return quotas.min()
    }

    /// `cpu.max`: `max 100000` or `150000 100000`, microseconds of time in each period.
    private static func unifiedQuota(in folder: URL) -> Double? {
        let numbers = text("cpu.max", in: folder).split(whereSeparator: \.isWhitespace)
        guard numbers.count == 2 else { return nil }
        return quota(Double(numbers[0]), in: Double(numbers[1]))
    }

    private static func legacyQuota(in folder: URL) -> Double? {
        func number(_ name: String) -> Double? {
            Double(text(name, in: folder).trimmingCharacters(in: .whitespacesAndNewlines))
        }
        return quota(number("cpu.cfs_quota_us"), in: number("cpu.cfs_period_us"))
    }

    private static func quota(_ time: Double?, in period: Double?) -> Double? {
        guard let time, let period, time > 0, period > 0 else { return nil }
        return time / period
    }

    /// A file of the kernel's, or nothing where there is none.
    private static func text(_ path: String, in folder: URL) -> String {
        (try? String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8)) ?? ""
    }

    /// Where a hierarchy of groups is mounted, and which of its groups is seen there.
    private struct Mount {
        let root: String
        let place: String
        let type: Substring
        let options: [Substring]

        /// A line of `mountinfo`; nil where it is no hierarchy of groups.
        init?(_ line: Substring) {
            // `36 35 0:29 /root /place options… - type source options`
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 5, fields.count > dash + 3,
                ["cgroup", "cgroup2"].contains(fields[dash + 1])
            else { return nil }
            root = String(fields[3])
            place = String(fields[4])
            type = fields[dash + 1]
            options = fields[dash + 3].split(separator: ",")
        }

        func hasController(_ name: Substring) -> Bool { type == "cgroup" && options.contains(name) }

        /// The folder of `group` and of those above it, as far as they are seen.
        func folders(of group: String, in system: URL) -> [URL] {
            let root = root == "/" ? "" : root
            // Within a container the group's name may be the host's, of which nothing is seen here.
            let isSeen = group == root || group.hasPrefix(root + "/")
            let parts =
                isSeen
                ? group.dropFirst(root.count).split(separator: "/").filter { $0 != ".." } : []
            let top = system.appendingPathComponent(String(place.dropFirst()))
            return (0...parts.count).map { depth in
                parts.prefix(depth).reduce(top) { $0.appendingPathComponent(String($1)) }
            }
        }
    }
}
