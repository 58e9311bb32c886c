import Foundation
import TestFiles
import Testing

@testable import Files

@Suite struct InputsTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func isRefused(_ output: String, touching input: String) -> Bool {
        do {
            try Inputs([scratch[input]]).refuse(output: scratch[output])
            return false
        } catch OutputError.overlapsInput {
            return true
        } catch {
            return false
        }
    }

    @Test func tellsWhatTouchesByAnyName() throws {
        try scratch.put("text", at: "data/texts/a.txt")
        try scratch.put("text", at: "other/a.txt")
        let manager = FileManager.default
        try manager.createSymbolicLink(at: scratch["way"], withDestinationURL: scratch["data"])
        try manager.createSymbolicLink(
            at: scratch["linked.txt"], withDestinationURL: scratch["data/texts/a.txt"])
        try manager.linkItem(at: scratch["other/a.txt"], to: scratch["hard.txt"])
        for (output, input) in [
            ("data", "data"), ("data", "data/texts/a.txt"), ("data/texts/a.txt", "data"),
            ("data/new/out", "data"), ("way/texts/out", "data/texts"), ("data/out", "way"),
            ("way", "data/texts/a.txt"), ("data/../data/texts", "data/texts"),
            ("data/texts", "linked.txt"), ("linked.txt", "data/texts/a.txt"),
            ("hard.txt", "other/a.txt"), ("missing", "missing"), ("missing/out", "missing"),
            ("missing", "missing/a.txt"),
        ] {
            #expect(isRefused(output, touching: input), "\(output) and \(input)")
        }
        for (output, input) in [
            ("data-purified", "data"), ("other/out", "data"), ("dat", "data"),
            ("data/out", "data/texts"), ("hard.txt", "data"), ("new/deep/out", "data"),
        ] {
            #expect(!isRefused(output, touching: input), "\(output) and \(input)")
        }
    }

    @Test(arguments: ["rewrite", "truncate", "replace", "remove", "touch", "hide"])
    func finds(_ change: String) throws {
        try scratch.put("one", at: "data/a.txt")
        try scratch.put("two", at: "data/deep/b.txt")
        let inputs = Inputs([scratch["data"], scratch["data/a.txt"], scratch["missing"]])
        try inputs.check()
        let file = scratch["data/deep/b.txt"]
        switch change {
        case "rewrite":
            let handle = try FileHandle(forWritingTo: file)
            try handle.write(contentsOf: Data("TWO".utf8))
            try handle.close()
        case "truncate": #expect(truncate(file.path, 1) == 0)
        case "replace": try atomicWrite(Data("two".utf8), to: file)
        case "remove": try FileManager.default.removeItem(at: scratch["data/deep"])
        case "touch":
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: file.path)
        default:
            // Other content, and the time of change set back.
            let time = try FileManager.default.attributesOfItem(atPath: file.path)
            var stamp = stat()
            #expect(stat(file.path, &stamp) == 0)
            let handle = try FileHandle(forWritingTo: file)
            try handle.write(contentsOf: Data("TWO".utf8))
            try handle.close()
            var times = [stamp.st_atim, stamp.st_mtim]
            #expect(utimensat(AT_FDCWD, file.path, &times, 0) == 0)
            #expect(time[.size] as? Int == 3)
        }
        let error = #expect(throws: OutputError.self, "\(change)") { try inputs.check() }
        guard case .inputChanged = error else {
            Issue.record("\(change): \(String(describing: error))")
            return
        }
        if change != "remove" { #expect(error?.description.contains("deep/b.txt") == true) }
    }

    @Test func letsPassWhatIsNoChange() throws {
        try scratch.put("one", at: "data/a.txt")
        let inputs = Inputs([scratch["data"]])
        // Another name for a file, other rights, and files that were not there.
        try FileManager.default.linkItem(at: scratch["data/a.txt"], to: scratch["b.txt"])
        #expect(chmod(scratch["data/a.txt"].path, 0o600) == 0)
        try scratch.put("new", at: "data/new.txt")
        try inputs.check()
        let more = inputs.adding([scratch["b.txt"]])
        try more.check()
        #expect(more.urls == [scratch["data"], scratch["b.txt"]])
        try atomicWrite(Data("other".utf8), to: scratch["b.txt"])
        #expect(throws: OutputError.self) { try more.check() }
        try inputs.check()
    }

    @Test func anOutputOfAChangedInputIsNotKept() throws {
        try scratch.put("one", at: "a.txt")
        let output = try OutputFolder(
            destination: scratch["out"], force: false, inputs: [scratch["a.txt"]])
        try Data("x".utf8).write(to: output.staging.appendingPathComponent("x"))
        try scratch.put("two!", at: "a.txt")
        let error = #expect(throws: OutputError.self) { try output.commit() }
        #expect(error?.description.contains("a.txt changed while it was in use") == true)
        #expect(try scratch.names() == ["a.txt"])
    }
}
