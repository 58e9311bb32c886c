import Foundation
import TestFiles
import Testing

@testable import Files

@Suite struct AtomicFileTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func replacesAFileWhole() throws {
        try scratch.put("old", at: "file")
        try atomicWrite(Data("new".utf8), to: scratch["file"])
        #expect(try text(at: scratch["file"]) == "new")
        try atomicWrite(Data(), to: scratch["empty"])
        #expect(try scratch.names() == ["empty", "file"])
    }

    @Test func leavesNothingBehindWhenItFails() throws {
        try scratch.put("x", at: "folder/x")
        let error = #expect(throws: OutputError.self) {
            try atomicWrite(Data("new".utf8), to: scratch["folder"])
        }
        #expect(error?.description.contains(scratch["folder"].path) == true)
        #expect(throws: OutputError.self) {
            try atomicWrite(Data("new".utf8), to: scratch["missing/file"])
        }
        #expect(try scratch.names() == ["folder"])
    }

    @Test(
        .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"))
    func namesAFullDisk() throws {
        let file = try OutputFile(appendingTo: "/dev/full")
        let error = #expect(throws: OutputError.self) { try file.write(Data("x".utf8)) }
        #expect(error == .diskFull(path: "/dev/full"))
        #expect(error?.description.contains("no space is left to write /dev/full") == true)
    }

    @Test func cleansUpAfterTheDead() throws {
        try scratch.put("half", at: ".file.partial-0123456789abc")
        try scratch.put("half", at: ".file.partial-1123456789abc")
        let held = open(scratch[".file.partial-1123456789abc"].path, O_RDONLY)
        #expect(flock(held, LOCK_EX | LOCK_NB) == 0)
        try atomicWrite(Data("new".utf8), to: scratch["file"])
        #expect(try scratch.names() == [".file.partial-1123456789abc", "file"])
        close(held)
        try atomicWrite(Data("newer".utf8), to: scratch["file"])
        #expect(try scratch.names() == ["file"])
    }

    @Test func aWriterAtWorkIsLeftAlone() throws {
        let first = try AtomicFile(scratch["file"])
        try first.write([1])
        let second = try AtomicFile(scratch["file"])
        try [2, 3].withUnsafeBytes { try second.write($0, at: 0) }
        #expect(try scratch.names().count == 2)
        try first.commit()
        try second.commit()
        #expect(try scratch.names() == ["file"])
    }
}
