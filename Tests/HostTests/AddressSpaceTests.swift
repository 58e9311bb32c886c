import Testing

@testable import Host

@Suite struct AddressSpaceTests {
    @Test("Too few addresses are told of, with how many would do") func shortage() throws {
        let megabyte = 1 << 20
        let text = try #require(
            AddressSpace.shortage(limit: 600 * megabyte, used: 500 * megabyte))
        #expect(text.contains("limited to 600 MB") && text.contains("at least 757 MB"))
        #expect(AddressSpace.shortage(limit: 900 * megabyte, used: 500 * megabyte) == nil)
    }
}
