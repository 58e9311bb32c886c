import Foundation
import Testing

@testable import Files

@Suite struct HiddenCharactersTests {
    /// What steers a terminal, turns text around, separates lines, or is not seen.
    private static let hidden: [ClosedRange<UInt32>] = [
        0x00...0x1F, 0x7F...0xA0, 0xAD...0xAD, 0x34F...0x34F, 0x61C...0x61C, 0x115F...0x1160,
        0x180B...0x180F, 0x2000...0x200F, 0x2028...0x202F, 0x205F...0x206F, 0x3000...0x3000,
        0x3164...0x3164, 0xFE00...0xFE0F, 0xFEFF...0xFEFF, 0xFFA0...0xFFA0, 0xFFF9...0xFFFB,
        0xFDD0...0xFDEF, 0xFFFE...0xFFFF, 0x1BCA0...0x1BCA3, 0x1D173...0x1D17A,
        0xE0000...0xE0FFF, 0x10FFFE...0x10FFFF,
    ]

    @Test(arguments: hidden) func areKnown(_ range: ClosedRange<UInt32>) throws {
        for value in range {
            let scalar = try #require(Unicode.Scalar(value))
            #expect(scalar.isHidden, "U+\(String(value, radix: 16))")
        }
    }

    @Test func ordinaryTextStays() {
        let text = "a name/with ‘quotes’ – ‖W‖ 日本語 عربي עברית é ñ 😀 ▏█ ✗ ~"
        #expect(text.inPlainSight == text && text.jsonInPlainSight == text)
        #expect(text.linesInPlainSight == text)
    }

    @Test func areNamed() {
        #expect("a\u{1B}[31mb".inPlainSight == "a\\u{1B}[31mb")
        #expect("x\nerror: y\t\r".inPlainSight == "x\\nerror: y\\t\\r")
        #expect("x\ny\u{202E}".linesInPlainSight == "x\ny\\u{202E}")
        #expect("e\u{301}\u{200B}".inPlainSight == "e\u{301}\\u{200B}")
        #expect("\r\n".linesInPlainSight == "\\r\n")
    }

    @Test func jsonSaysTheSame() throws {
        let value = ["a\u{202E}b\u{1B}\u{9B}\u{E0041}": "\u{2028}\u{7F}\n\u{FEFF}x\u{200B}"]
        let encoder = JSONEncoder()
        encoder.outputFormatting = .prettyPrinted
        let text = String(decoding: try encoder.encode(value), as: UTF8.self).jsonInPlainSight
        let left = text.unicodeScalars.filter { $0.isHidden && $0 != "\n" }
        #expect(left.isEmpty)
        #expect(text.contains("\\u202e") && text.contains("\\udb40\\udc41"))
        #expect(try JSONDecoder().decode([String: String].self, from: Data(text.utf8)) == value)
    }
}
