import Foundation
import Testing

@testable import Scanning

/// Archives say one thing to every reader, or are found out.
@Suite struct ContainerTests {
    private let clean = ZipBuilder(entries: [
        ("archive/data.pkl", bytes("\\x80\\x02}.")), ("archive/version", Array("3\n".utf8)),
    ])
    private let evil = ZipBuilder(entries: [("archive/data.pkl", payload())])

    @Test func passesAPlainArchive() {
        let found = scan(clean.make(), named: "model.pt")
        #expect(found.findings.isEmpty && found.format == "torch zip")
        #expect(found.record.verdict == .clean)
    }

    @Test func namesTheMember() throws {
        let inner = ZipBuilder(entries: [("inner/data.pkl", payload())]).make()
        let found = scan(ZipBuilder(entries: [("a/outer.zip", inner)]).make(), named: "m.zip")
        let finding = try #require(found.findings.first)
        #expect(finding.member == "a/outer.zip!inner/data.pkl" && finding.offset == 2)
    }

    @Test func findsASecondDirectoryInTheComment() {
        var both = clean
        let first = clean.make()
        both.comment = evil.make(offsetBy: first.count)
        let found = scan(both.make(), named: "model.pt")
        #expect(found.rules.contains(.containerTwoDirectories))
        #expect(found.rules.contains(.pickleDangerousGlobal))
    }

    @Test func examinesEntriesThatNoDirectoryLists() throws {
        let whole = evil.make()
        let directory = try #require(
            whole.withUnsafeBytes { $0.first([0x50, 0x4B, 1, 2], from: 0) })
        let hidden = Array(whole[..<directory])
        let found = scan(hidden + clean.make(), named: "model.pt")
        #expect(found.rules.contains(.containerDisagreement))
        #expect(found.rules.contains(.pickleDangerousGlobal))
        let cut = scan(hidden, named: "model.pt")
        #expect(cut.rules.contains(.pickleDangerousGlobal) && cut.record.isIncomplete)
    }

    @Test func looksPastAFalseEncryptionFlag() {
        var marked = evil
        marked.centralFlags = 1
        #expect(
            scan(marked.make(), named: "model.pt").rules.isSuperset(of: [
                .pickleDangerousGlobal, .containerDisagreement,
            ]))
    }

    @Test(arguments: [
        ("archive/DATA.PKL", ScanRule.containerCaseName),
        ("archive/data.pkl", .containerDuplicateName),
        ("../../x", .containerUnsafeName), ("/etc/x", .containerUnsafeName),
        ("..\\x", .containerUnsafeName), ("a\u{202E}b", .folderDeceptiveName),
    ])
    func distrustsNames(_ name: String, _ rule: ScanRule) {
        var zip = clean
        zip.entries.append((name, [1]))
        #expect(scan(zip.make(), named: "model.pt").rules.contains(rule))
    }

    @Test func findsBytesThatBelongToNothing() {
        let zip = clean.make()
        #expect(
            scan(Array("junk".utf8) + zip, named: "m.pt").rules.contains(.containerUnaccountedBytes)
        )
        #expect(scan(zip + [1, 2, 3], named: "m.pt").rules.contains(.containerUnaccountedBytes))
    }

    @Test func findsTwoFormatsInOneFile() {
        let header = #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#
        let both = safetensors(header, data: [0]) + evil.make()
        let found = scan(both, named: "model.safetensors")
        #expect(found.rules.isSuperset(of: [.formatTwoFormats, .pickleDangerousGlobal]))
    }

    @Test(arguments: ["model.safetensors", "x.npy", "config.json"])
    func findsAPickleUnderAnotherName(_ name: String) {
        #expect(scan(payload(), named: name).rules.contains(.formatMismatch))
    }

    @Test func boundsWhatAnEntryExpandsTo() {
        var limits = ScanLimits()
        limits.expandedBytes = 1 << 16
        // gzip of zeros, made of stored and repeated blocks, is beyond the cap for its size.
        let found = scan(Self.zeros, named: "x.gz", limits: limits)
        #expect(found.rules == [.containerBomb])
        #expect(found.liveBytes == 0)
    }

    /// One megabyte of zeros in gzip, as Python's `gzip.compress(bytes(1 << 20), mtime=0)` has it,
    /// built from its parts: a fixed block with one zero and 4065 copies of 258 of them.
    private static var zeros: [UInt8] {
        var writer = BitWriter()
        writer.put(1, 1)
        writer.put(1, 2)
        writer.putReversed(0x30, 8)
        for _ in 0..<4065 {
            writer.putReversed(0xC5, 8)
            writer.putReversed(0, 5)
        }
        writer.putReversed(0, 7)
        return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + writer.bytes + [UInt8](repeating: 0, count: 8)
    }

    @Test func saysWhatCannotBeOpened() {
        let seven = bytes("7z\\xbc\\xaf\\x27\\x1c") + [UInt8](repeating: 0, count: 40)
        let found = scan(seven, named: "m.7z")
        #expect(found.record.verdict == .unsupported && found.record.isIncomplete)
    }

    @Test func walksTars() {
        func header(
            _ name: String, type: String, count: Int, link: String = "/etc/passwd"
        ) -> [UInt8] {
            var block = [UInt8](repeating: 0, count: 512)
            func put(_ text: String, _ offset: Int) {
                block.replaceSubrange(offset..<(offset + text.utf8.count), with: Array(text.utf8))
            }
            put(name, 0)
            put("0000644\0", 100)
            put(String(count, radix: 8).leftPadded(to: 11) + "\0", 124)
            put("        ", 148)
            put(type, 156)
            put(link, 157)
            put("ustar\000", 257)
            put(String(block.reduce(0) { $0 + Int($1) }, radix: 8).leftPadded(to: 6) + "\0 ", 148)
            return block
        }
        let data = payload()
        let padding = [UInt8](repeating: 0, count: 512 - data.count)
        let tar =
            header("../x/data.pkl", type: "0", count: data.count) + data + padding
            + header("link", type: "2", count: 0) + [UInt8](repeating: 0, count: 1024)
        #expect(
            scan(tar, named: "m.tar").rules == [
                .pickleDangerousGlobal, .containerUnsafeName, .containerLink,
            ])
        let end = [UInt8](repeating: 0, count: 1024)
        let inner = header("a/link", type: "2", count: 0, link: "../b") + end
        #expect(scan(inner, named: "m.tar").findings.map(\.severity) == [.note])
        let outer = header("a/link", type: "1", count: 0, link: "../b") + end
        #expect(scan(outer, named: "m.tar").rules == [.containerLink])
    }

    @Test("Entries that lie within one another are not read without end")
    func overlappingEntries() {
        // No directory; each entry says that it reaches to the end, and each part is no known kind.
        var data: [UInt8] = []
        for index in 0..<300 {
            let name = Array("a/\(index)".utf8)
            data += [0x50, 0x4B, 3, 4, 20, 0, 8, 0] + [UInt8](repeating: 0, count: 18)
            data += [UInt8(name.count), 0, 0, 0] + name + [0xFF, 0xFE, 1, 0, 7]
        }
        var limits = ScanLimits()
        limits.readBytes = 1 << 20
        let result = scan(data, named: "model.bin", limits: limits)
        #expect(result.rules.contains(.containerBomb))
        #expect(result.record.isIncomplete)
        #expect(result.examined < 5000)
    }
}

extension String {
    fileprivate func leftPadded(to count: Int) -> String {
        String(repeating: "0", count: count - self.count) + self
    }
}

/// Writes deflate's bits, the lowest of a byte first.
private struct BitWriter {
    private(set) var bytes: [UInt8] = []
    private var used = 8

    mutating func put(_ value: Int, _ count: Int) {
        for bit in 0..<count { put(value >> bit & 1 == 1) }
    }

    /// Huffman codes stand with their highest bit first.
    mutating func putReversed(_ value: Int, _ count: Int) {
        for bit in (0..<count).reversed() { put(value >> bit & 1 == 1) }
    }

    private mutating func put(_ bit: Bool) {
        if used == 8 {
            bytes.append(0)
            used = 0
        }
        if bit { bytes[bytes.count - 1] |= 1 << UInt8(used) }
        used += 1
    }
}
