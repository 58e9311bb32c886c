import Foundation
import Testing

@testable import Host

@Suite struct AddressSpaceTests {
    @Test("Too few addresses are told of, with how many would do") func shortage() throws {
        let megabyte = 1 << 20
        let text = try #require(
            AddressSpace.shortage(limit: 600 * megabyte, used: 500 * megabyte))
        #expect(text.contains("limited to 600 MB") && text.contains("at least 757 MB"))
        #expect(AddressSpace.shortage(limit: 756 * megabyte, used: 500 * megabyte) == nil)
        #expect(AddressSpace.shortage(limit: 900 * megabyte, used: 500 * megabyte) == nil)
    }

    @Test("What is in use counts what is mapped") func used() throws {
        guard let before = AddressSpace.used() else { return }
        let size = 256 << 20
        let mapped = try #require(
            mmap(nil, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        defer { munmap(mapped, size) }
        let added = try #require(AddressSpace.used()) - before
        // Other tests come and go beside.
        #expect(before > 1 << 20 && (size / 2...8 * size).contains(added))
    }
}
