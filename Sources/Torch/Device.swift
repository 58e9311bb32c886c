import CTorch
import Foundation
import Host

/// Where a tensor's memory is and its work is done.
public enum Device: Sendable, Hashable, CustomStringConvertible {
    /// The host.
    case cpu
    /// A CUDA device by its index.
    case cuda(Int)
    /// Nowhere: shapes and types without memory, for models that are only looked at.
    case meta

    /// `cpu`, `cuda:0`, `meta`.
    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        case .meta: "meta"
        }
    }

    /// Reads `auto`, `cpu`, `cuda` or `cuda:1`; `auto` is the first CUDA device where there is one.
    ///
    /// Throws `TorchError` for another text and for a device that this machine has not.
    public static func named(_ text: String) throws(TorchError) -> Device {
        let parts = text.lowercased().split(separator: ":", omittingEmptySubsequences: false)
        switch parts.first {
        case "auto" where parts.count == 1:
            return Hardware.cudaDeviceCount > 0 ? .cuda(0) : .cpu
        case "cpu" where parts.count == 1:
            return .cpu
        case "cuda" where parts.count <= 2:
            guard let index = parts.count == 2 ? Int(parts[1]) : 0, index >= 0 else { break }
            let count = Hardware.cudaDeviceCount
            guard index < count else {
                throw TorchError(
                    .invalidArgument, in: "device",
                    count == 0
                        ? "no CUDA device answers here; use --device cpu, or a CUDA build of libtorch"
                        : "there is no cuda:\(index); this machine has \(count) CUDA device(s)")
            }
            return .cuda(index)
        default: break
        }
        throw TorchError(
            .invalidArgument, in: "device", "‘\(text)’ is not one of auto, cpu, cuda, cuda:INDEX")
    }

    var raw: ct_device {
        switch self {
        case .cpu: ct_device(kind: CT_CPU, index: 0)
        case .cuda(let index): ct_device(kind: CT_CUDA, index: Int32(clamping: index))
        case .meta: ct_device(kind: CT_META, index: 0)
        }
    }

    init(_ raw: ct_device) {
        switch raw.kind {
        case CT_CUDA: self = .cuda(Int(raw.index))
        case CT_META: self = .meta
        default: self = .cpu
        }
    }

    /// Waits until all work queued on the device is done.
    public func synchronize() throws(TorchError) {
        guard case .cuda(let index) = self else { return }
        try check(ct_cuda_synchronize(Int32(clamping: index)), "synchronize")
    }

    /// The most bytes of tensors the device has held at once, or nil for the host.
    public func peakMemory() throws(TorchError) -> Int? {
        guard case .cuda(let index) = self else { return nil }
        var bytes: Int64 = 0
        try check(ct_cuda_peak_memory(Int32(clamping: index), &bytes), "peakMemory")
        return Int(bytes)
    }
}

/// What libtorch finds on this machine.
public enum Hardware {
    /// libtorch's version, as in `2.13.0`.
    public static var libtorchVersion: String { String(cString: ct_version()) }
    /// The file that libtorch was loaded from, or nil where the system cannot tell.
    public static var libtorchPath: String? { ct_library_path().map { String(cString: $0) } }
    /// The vector instructions libtorch uses: `AVX2`, `AVX512`, …
    public static var instructionSet: String { String(cString: ct_cpu_capability()) }
    /// Whether the processor multiplies bfloat16 in hardware (AVX-512 BF16 or AMX).
    public static var hasFastBFloat16: Bool { ct_cpu_has_fast_bfloat16() }
    /// How many CUDA devices answer.
    public static var cudaDeviceCount: Int { Int(ct_cuda_device_count()) }

    /// Threads a kernel may use on the calling thread's behalf.
    public static var threadCount: Int { Int(ct_thread_count()) }

    /// Sets the threads a kernel may use.
    public static func setThreadCount(_ count: Int) throws(TorchError) {
        guard let narrowed = Int32(exactly: count) else {
            throw TorchError(.invalidArgument, in: "threads", "\(count) threads are too many")
        }
        try check(ct_set_thread_count(narrowed), "threads")
    }

    /// Has kernels use no more threads than the process's share of the processors is worth: libgomp
    /// knows of affinity, and not of a control group's quota. What `OMP_NUM_THREADS` says counts.
    public static func honorProcessorQuota() {
        let threads = ProcessorShare.current.threads
        guard ProcessInfo.processInfo.environment["OMP_NUM_THREADS"] == nil, threads < threadCount
        else { return }
        try? setThreadCount(threads)
    }

    /// Has the host allocator of the whole process keep freed memory for reuse, up to a gigabyte at
    /// a time: each training step frees and takes the same large tensors, and fresh pages cost time.
    /// For a program's own beginning, not for a library.
    public static func keepHostMemory() { ct_keep_host_memory() }

    /// Returns memory the host allocator keeps for reuse to the system.
    public static func trimHostMemory() { ct_trim_host_memory() }
}
