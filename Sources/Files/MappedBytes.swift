import CFiles
import Foundation

/// A file's bytes mapped into memory read-only, for as long as anything refers to it.
///
/// Where another process cuts the file short meanwhile, zeros are read in place of what is missing,
/// and ``checkAllIntact()`` throws from then on; our own writers replace files by renaming, which leaves a mapping of
/// the old file as it is. Work that reads mappings asks before its result is given out.
public final class MappedBytes: @unchecked Sendable {
    // Unchecked because of the pointer: the mapping never changes after `init`.
    /// The bytes.
    public let bytes: UnsafeRawBufferPointer
    private let slot: Int32
    private let path: String

    private static let live = Locked<[Int32: (path: String, place: Range<UInt>)]>([:])
    /// Of mappings that are gone: what was made of them may be with us yet.
    private static let cutBefore = Locked<Set<String>>([])

    /// Maps `count` bytes, above zero, of an open file; nil where the file system cannot map.
    public init?(descriptor: Int32, count: Int, path: String) {
        var slot: Int32 = -1
        guard count > 0, let start = cf_map(descriptor, count, &slot) else { return nil }
        bytes = UnsafeRawBufferPointer(start: start, count: count)
        self.slot = slot
        self.path = path
        let first = UInt(bitPattern: start)
        Self.live.withLock { $0[slot] = (path, first..<first + UInt(count)) }
    }

    deinit {
        if cf_mapping_is_cut(slot) { Self.cutBefore.withLock { _ = $0.insert(path) } }
        Self.live.withLock { $0[slot] = nil }
        cf_unmap(slot)
    }

    /// Lets go of the memory that pages already read take; they are read again when touched.
    public func releasePages() {
        guard let start = bytes.baseAddress, !cf_mapping_is_cut(slot) else { return }
        madvise(UnsafeMutableRawPointer(mutating: start), bytes.count, Int32(MADV_DONTNEED))
    }

    /// Throws ``OutputError/inputChanged(path:how:)`` where bytes of any mapping of this process were
    /// missing when they were read; costs next to nothing where none were.
    public static func checkAllIntact() throws {
        guard cf_cut_mappings() > 0 else { return }
        if let path = cutFiles.first {
            throw OutputError.inputChanged(path: path, how: "was cut short")
        }
    }

    /// The file that is mapped at `address`, or nil.
    static func file(at address: UnsafeRawPointer) -> String? {
        let place = UInt(bitPattern: address)
        return live.withLock { $0.values.first { $0.place.contains(place) }?.path }
    }

    /// The files of this process's mappings that were found cut short.
    public static var cutFiles: [String] {
        guard cf_cut_mappings() > 0 else { return [] }
        let cut = live.withLock { $0.filter { cf_mapping_is_cut($0.key) }.map { $0.value.path } }
        return cutBefore.withLock { $0.union(cut) }.sorted()
    }
}
