import Foundation

/// The addresses that this process may still use, where `ulimit -v` bounds them.
public enum AddressSpace {
    /// What a run needs beyond the program with libtorch in it: stacks of threads, arenas, tensors.
    static let least = 256 << 20

    /// What is wrong where too few are left: libtorch then ends by a signal wherever it asks for memory
    /// first. nil where there are enough, or no bound.
    public static func shortage() -> String? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
            limit.rlim_cur != rlim_t.max, let used = used()
        else { return nil }
        return shortage(limit: Int(clamping: limit.rlim_cur), used: used)
    }

    static func shortage(limit: Int, used: Int) -> String? {
        guard limit - used < least else { return nil }
        let megabytes = 1 << 20
        return "the address space is limited to \(limit / megabytes) MB (ulimit -v), of which the "
            + "program takes \(used / megabytes): raise the limit to at least "
            + "\((used + least) / megabytes + 1) MB"
    }

    /// Bytes of addresses in use, as Linux counts them.
    static func used() -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
            let pages = text.split(separator: " ").first.flatMap({ Int($0) })
        else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
