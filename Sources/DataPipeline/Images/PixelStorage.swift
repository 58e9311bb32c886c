import Foundation

/// Bytes that are written once and then only read: memory, or a file that is mapped.
final class PixelStorage: @unchecked Sendable {
    // Unchecked because of the pointer: `PreparedImages` fills the memory before anyone reads it,
    // each thread its own part.
    private let memory: UnsafeMutableRawBufferPointer
    private let start: Int
    private let isMapped: Bool

    /// Memory of `count` bytes, their content undefined.
    init(count: Int) {
        memory = .allocate(byteCount: max(1, count), alignment: 64)
        start = 0
        isMapped = false
    }

    /// The file at `path` from byte `start` on; nil where it cannot be mapped.
    ///
    /// The file must not be cut short by another process meanwhile; our own are only ever replaced
    /// by renaming, which leaves a mapping of the old file intact.
    init?(mapping path: String, from start: Int) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > start,
            let mapping = mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0),
            mapping != MAP_FAILED
        else { return nil }
        memory = UnsafeMutableRawBufferPointer(start: mapping, count: Int(status.st_size))
        self.start = start
        isMapped = true
    }

    deinit {
        if isMapped {
            munmap(memory.baseAddress, memory.count)
        } else {
            memory.deallocate()
        }
    }

    /// Bytes to read, good as long as the storage lives.
    func bytes(from offset: Int, count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: memory[(start + offset)..<(start + offset + count)])
    }

    /// Bytes to fill; not of a mapped file.
    func room(from offset: Int, count: Int) -> UnsafeMutableRawBufferPointer {
        precondition(!isMapped, "a mapped file is only read")
        return UnsafeMutableRawBufferPointer(rebasing: memory[offset..<(offset + count)])
    }
}
