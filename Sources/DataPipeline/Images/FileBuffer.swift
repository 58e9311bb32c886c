import Foundation

/// Memory that one file after another is read into.
///
/// Files are read, not mapped: one that another process cuts short meanwhile is an error, not a
/// signal.
struct FileBuffer: ~Copyable {
    /// Memory above this is given back before a smaller file is read.
    private static let keptBytes = 32 << 20

    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    deinit { memory.deallocate() }

    /// The content of the file at `path`, which is good until the next is read.
    ///
    /// Throws `ImageError` for what is missing, unreadable, no regular file or above `limit`.
    mutating func read(_ path: String, limit: Int) throws -> UnsafeRawBufferPointer {
        // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw ImageError(.damaged, "cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, (status.st_mode & S_IFMT) == S_IFREG else {
            throw ImageError(.notAnImage, "is no regular file")
        }
        guard status.st_size <= limit else {
            throw ImageError(
                .tooLarge, "has \(status.st_size) bytes, above the limit of \(limit)")
        }
        reserve(Int(status.st_size))
        return try fill(from: descriptor, count: Int(status.st_size))
    }

    private mutating func reserve(_ count: Int) {
        let isWasteful = memory.count > Self.keptBytes && count < memory.count / 4
        guard memory.count < count || isWasteful else { return }
        memory.deallocate()
        memory = .allocate(byteCount: max(count, 1 << 16), alignment: 64)
    }

    private func fill(from descriptor: Int32, count: Int) throws -> UnsafeRawBufferPointer {
        var done = 0
        while done < count, let start = memory.baseAddress {
            let step = read(descriptor, start + done, count - done)
            if step < 0, errno == EINTR { continue }
            guard step >= 0 else {
                throw ImageError(.damaged, "cannot be read: \(String(cString: strerror(errno)))")
            }
            // A file that has become shorter is decoded as far as it goes, which fails there.
            if step == 0 { break }
            done += step
        }
        return UnsafeRawBufferPointer(rebasing: memory[..<done])
    }

    private func read(_ descriptor: Int32, _ target: UnsafeMutableRawPointer, _ count: Int) -> Int {
        #if canImport(Darwin)
            Darwin.read(descriptor, target, count)
        #else
            Glibc.read(descriptor, target, count)
        #endif
    }
}
