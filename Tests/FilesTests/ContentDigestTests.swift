import Files
import Foundation
import Testing

struct ContentDigestTests {
    @Test func digestsLikeEveryoneElse() {
        #expect(
            ContentDigest.hex(of: Data("abc".utf8))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            ContentDigest.hex(of: Data(repeating: 0x61, count: 1_000))
                == "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3")
        var pieces = ContentDigest()
        for size in [1, 62, 1, 64, 200, 672] {
            pieces.update(Data(repeating: 0x61, count: size))
        }
        #expect(
            pieces.finish() == "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3")
    }
}
