import Files
import Foundation

/// Bytes that are written once and then only read: memory, or a file that is mapped.
final class PixelStorage: @unchecked Sendable {
    // Unchecked because of the pointer: `PreparedImages` fills the memory before anyone reads it,
    // each thread its own part.
    private let memory: UnsafeRawBufferPointer
    private let start: Int
    private let mapping: MappedBytes?

    /// Memory of `count` bytes, their content undefined.
    init(count: Int) {
        memory = UnsafeRawBufferPointer(
            UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, count), alignment: 64))
        start = 0
        mapping = nil
    }

    /// The file at `path` from byte `start` on; nil where it cannot be mapped.
    ///
    /// One that another process cuts short meanwhile is noticed: see ``MappedBytes``.
    init?(mapping path: String, from start: Int) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > start,
            let mapping = MappedBytes(
                descriptor: descriptor, count: Int(status.st_size), path: path)
        else { return nil }
        memory = mapping.bytes
        self.start = start
        self.mapping = mapping
    }

    deinit {
        if mapping == nil { memory.deallocate() }
    }

    /// Bytes to read, good as long as the storage lives.
    func bytes(from offset: Int, count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: memory[(start + offset)..<(start + offset + count)])
    }

    /// Bytes to fill; not of a mapped file.
    func room(from offset: Int, count: Int) -> UnsafeMutableRawBufferPointer {
        precondition(mapping == nil, "a mapped file is only read")
        return UnsafeMutableRawBufferPointer(
            mutating: UnsafeRawBufferPointer(rebasing: memory[offset..<(offset + count)]))
    }
}
