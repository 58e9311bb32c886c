import Foundation

/// A library of the system that expands what zlib cannot, where the system has it.
///
/// They are opened when a file asks for one, so that the tool needs none of them.
struct CompressionLibrary {
    private let kind: ContentKind
    private let handle: UnsafeMutableRawPointer

    private static let names: [ContentKind: [String]] = [
        .bzip2: ["libbz2.so.1.0", "libbz2.so.1", "libbz2.dylib"],
        .xz: ["liblzma.so.5", "liblzma.dylib"], .lzma: ["liblzma.so.5", "liblzma.dylib"],
        .zstandard: ["libzstd.so.1", "libzstd.dylib"],
    ]

    /// Nothing where the system has no library for this kind.
    init?(_ kind: ContentKind) {
        let handles = (Self.names[kind] ?? []).lazy.compactMap { dlopen($0, RTLD_NOW) }
        guard let handle = handles.first else { return nil }
        self.kind = kind
        self.handle = handle
    }

    private func function<Function>(_ name: String, as type: Function.Type) -> Function? {
        dlsym(handle, name).map { unsafeBitCast($0, to: type) }
    }

    /// Expands `input` to at most `limit` bytes.
    func expand(
        _ input: UnsafeRawBufferPointer, isRawLZMA: Bool, atMost limit: Int
    ) -> ([UInt8], Inflater.Ending) {
        guard let source = input.baseAddress, limit > 0 else { return ([], .full) }
        var size = min(limit, max(1 << 16, 8 * input.count))
        while true {
            var ending = Inflater.Ending.damaged
            let bytes = [UInt8](unsafeUninitializedCapacity: size) { target, count in
                (count, ending) = expand(source, input.count, isRawLZMA, into: target)
            }
            guard ending == .full, size < limit else { return (bytes, ending) }
            size = min(limit, 4 * size)
        }
    }

    private func expand(
        _ source: UnsafeRawPointer, _ count: Int, _ isRawLZMA: Bool,
        into target: UnsafeMutableBufferPointer<UInt8>
    ) -> (Int, Inflater.Ending) {
        switch kind {
        case .bzip2: expandBzip2(source, count, into: target)
        case .xz, .lzma: isRawLZMA ? (0, .unsupported) : expandLZMA(source, count, into: target)
        default: expandZstandard(source, count, into: target)
        }
    }

    private func expandBzip2(
        _ source: UnsafeRawPointer, _ count: Int, into target: UnsafeMutableBufferPointer<UInt8>
    ) -> (Int, Inflater.Ending) {
        typealias Expand =
            @convention(c) (
                UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt32>, UnsafeRawPointer, UInt32,
                Int32,
                Int32
            ) -> Int32
        guard let expand = function("BZ2_bzBuffToBuffDecompress", as: Expand.self),
            var written = UInt32(exactly: min(target.count, 1 << 30)),
            let size = UInt32(exactly: count)
        else { return (0, .damaged) }
        let code = expand(target.baseAddress, &written, source, size, 0, 0)
        // -8: the output is full. It says nothing of how much of it was written then.
        return code == 0 ? (Int(written), .complete) : (0, code == -8 ? .full : .damaged)
    }

    /// Both of liblzma's containers. Its `lzma_stream` is 17 words: input, its size, the total read,
    /// output, its size, the total written; the rest is its own.
    private func expandLZMA(
        _ source: UnsafeRawPointer, _ count: Int, into target: UnsafeMutableBufferPointer<UInt8>
    ) -> (Int, Inflater.Ending) {
        typealias Begin = @convention(c) (UnsafeMutablePointer<UInt>, UInt64, UInt32) -> UInt32
        typealias Step = @convention(c) (UnsafeMutablePointer<UInt>, UInt32) -> UInt32
        typealias End = @convention(c) (UnsafeMutablePointer<UInt>) -> Void
        guard let begin = function("lzma_auto_decoder", as: Begin.self),
            let step = function("lzma_code", as: Step.self),
            let end = function("lzma_end", as: End.self)
        else { return (0, .unsupported) }
        var stream = [UInt](repeating: 0, count: 24)
        return stream.withUnsafeMutableBufferPointer { words in
            guard let stream = words.baseAddress else { return (0, .damaged) }
            let (memory, concatenated, finish): (UInt64, UInt32, UInt32) = (128 << 20, 8, 3)
            guard begin(stream, memory, concatenated) == 0 else { return (0, .damaged) }
            defer { end(stream) }
            stream[0] = UInt(bitPattern: source)
            stream[1] = UInt(count)
            stream[3] = UInt(bitPattern: target.baseAddress)
            stream[4] = UInt(target.count)
            var code: UInt32 = 0
            while code == 0, stream[4] > 0 { code = step(stream, finish) }
            let written = target.count - Int(stream[4])
            switch code {
            case 1: return (written, .complete)
            case 6: return (written, .unsupported)
            default: return (written, stream[4] == 0 ? .full : .damaged)
            }
        }
    }

    private func expandZstandard(
        _ source: UnsafeRawPointer, _ count: Int, into target: UnsafeMutableBufferPointer<UInt8>
    ) -> (Int, Inflater.Ending) {
        typealias Expand =
            @convention(c) (
                UnsafeMutableRawPointer?, Int, UnsafeRawPointer, Int
            ) -> Int
        typealias IsError = @convention(c) (Int) -> UInt32
        guard let expand = function("ZSTD_decompress", as: Expand.self),
            let isError = function("ZSTD_isError", as: IsError.self)
        else { return (0, .damaged) }
        let written = expand(target.baseAddress, target.count, source, count)
        // Errors are negative numbers; 70: the output is too small.
        if isError(written) != 0 { return (0, -written == 70 ? .full : .damaged) }
        return (written, .complete)
    }
}
