import Foundation
import RecipeKit

/// What the numbers were measured on.
struct Machine: Codable {
    /// The processor's name.
    var processor = Self.processorName
    /// Processors that are online.
    var processors = ProcessInfo.processInfo.activeProcessorCount
    /// Memory in bytes.
    var memory = ProcessInfo.processInfo.physicalMemory
    /// The vector instructions libtorch uses.
    var instructionSet = Hardware.instructionSet
    /// Whether the processor multiplies bfloat16 in hardware.
    var hasFastBFloat16 = Hardware.hasFastBFloat16
    /// The operating system.
    var system = ProcessInfo.processInfo.operatingSystemVersionString

    /// Threads a kernel may use.
    static var threads: Int { Hardware.threadCount }
    /// libtorch's version.
    static var libtorch: String { Hardware.libtorchVersion }

    /// The most memory this process has held at once, in bytes.
    ///
    /// Linux keeps `ru_maxrss` over `exec`, so that a large parent would show; `VmHWM` is this
    /// program's alone.
    static func peakMemory() throws -> Int {
        #if canImport(Darwin)
            var usage = rusage()
            getrusage(RUSAGE_SELF, &usage)
            return usage.ru_maxrss
        #else
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
            let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
            guard let count = kibibytes.flatMap({ Int($0) }) else {
                throw BenchmarkError("/proc/self/status does not say VmHWM, the peak memory")
            }
            return count * 1024
        #endif
    }

    private static var processorName: String {
        let information = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        for line in information.split(separator: "\n") where line.hasPrefix("model name") {
            if let name = line.split(separator: ":", maxSplits: 1).last {
                return name.trimmingCharacters(in: .whitespaces)
            }
        }
        return "processor of unknown name"
    }
}
