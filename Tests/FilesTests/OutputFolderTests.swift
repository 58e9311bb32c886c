import Foundation
import TestFiles
import Testing

@testable import Files

@Suite struct OutputFolderTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func takesItsNameOnlyWhenCommitted() throws {
        let output = try OutputFolder(destination: scratch["a/b/out"], force: false)
        try Data("x".utf8).write(to: output.staging.appendingPathComponent("weights"))
        let staged = try scratch.names(in: "a/b")
        #expect(staged.count == 2 && staged[0] == ".out.lock")
        #expect(staged[1] == output.staging.lastPathComponent)
        #expect(staged[1].hasPrefix(".out.partial-"))
        try output.commit()
        #expect(try scratch.names(in: "a/b") == ["out"])
        #expect(try text(at: scratch["a/b/out/weights"]) == "x")
        #expect(throws: OutputError.outputClosed(path: output.destination.path)) {
            try output.commit()
        }
        output.discard()
        #expect(try scratch.names(in: "a/b/out") == [OutputFolder.manifestName, "weights"])
    }

    @Test func refusesWhatExistsWithoutForce() throws {
        try scratch.put("old", at: "out/file")
        let error = #expect(throws: OutputError.self) {
            try OutputFolder(destination: scratch["out"], force: false)
        }
        #expect(error == .destinationExists(path: scratch["out"].standardizedFileURL.path))
        #expect(error?.description.contains("--force") == true)
        #expect(try scratch.names() == ["out"])
    }

    @Test func refusesWhatCameToExistMeanwhile() throws {
        let output = try OutputFolder(destination: scratch["out"], force: false)
        try scratch.put("other", at: "out/file")
        #expect(throws: OutputError.self) { try output.commit() }
        #expect(try scratch.names() == ["out"])
        #expect(try text(at: scratch["out/file"]) == "other")
    }

    private func put(old name: String, at place: String = "out") throws {
        let output = try OutputFolder(destination: scratch[place], force: false)
        let file = output.staging.appendingPathComponent(name)
        try makeFolder(file.deletingLastPathComponent())
        try Data("old".utf8).write(to: file)
        try output.commit()
    }

    @Test func replacesWithForceOnlyAtTheEnd() throws {
        try put(old: "deep/old")
        let output = try OutputFolder(destination: scratch["out"], force: true)
        try Data("new".utf8).write(to: output.staging.appendingPathComponent("new"))
        #expect(try text(at: scratch["out/deep/old"]) == "old")
        try output.commit()
        #expect(try scratch.names(in: "out") == [OutputFolder.manifestName, "new"])
        #expect(try scratch.names() == ["out"])
    }

    @Test func restoresTheOldOutputWhenTheNewOneIsLost() throws {
        try put(old: "old")
        let output = try OutputFolder(destination: scratch["out"], force: true)
        try FileManager.default.removeItem(at: output.staging)
        #expect(throws: OutputError.self) { try output.commit() }
        #expect(try text(at: scratch["out/old"]) == "old")
        #expect(try scratch.names() == ["out"])
    }

    @Test func forceReplacesNothingOfOthers() throws {
        try scratch.put("mine", at: "out/notes.txt")
        let error = #expect(throws: OutputError.self) {
            try OutputFolder(destination: scratch["out"], force: true)
        }
        #expect(error?.description.contains("was not written by recipe") == true)
        // Nor what was added to an output.
        try put(old: "weights", at: "model")
        try scratch.put("mine", at: "model/more/notes.txt")
        let added = #expect(throws: OutputError.self) {
            try OutputFolder(destination: scratch["model"], force: true)
        }
        #expect(added?.description.contains("holds more/notes.txt") == true)
        // An output by another name is no folder that was written here.
        try put(old: "weights", at: "real")
        try FileManager.default.createSymbolicLink(
            at: scratch["link"], withDestinationURL: scratch["real"])
        #expect(throws: OutputError.self) {
            try OutputFolder(destination: scratch["link"], force: true)
        }
        #expect(try scratch.names() == ["link", "model", "out", "real"])
        // What is empty costs nothing.
        try FileManager.default.createDirectory(
            at: scratch["empty"], withIntermediateDirectories: true)
        try OutputFolder(destination: scratch["empty"], force: true).commit()
        #expect(try scratch.names(in: "empty") == [OutputFolder.manifestName])
    }

    @Test func whatIsAddedMeanwhileIsKept() throws {
        try put(old: "weights")
        let output = try OutputFolder(destination: scratch["out"], force: true)
        try scratch.put("mine", at: "out/notes.txt")
        #expect(throws: OutputError.self) { try output.commit() }
        #expect(try text(at: scratch["out/notes.txt"]) == "mine")
        #expect(try text(at: scratch["out/weights"]) == "old")
        #expect(try scratch.names() == ["out"])
    }

    @Test func forceReplacesNoFile() throws {
        try scratch.put("precious", at: "out")
        #expect(throws: OutputError.self) {
            try OutputFolder(destination: scratch["out"], force: true)
        }
        #expect(try text(at: scratch["out"]) == "precious")
    }

    @Test func removesWhatWasNotFinished() throws {
        do {
            let output = try OutputFolder(destination: scratch["out"], force: false)
            #expect(FileManager.default.fileExists(atPath: output.staging.path))
        }
        #expect(try scratch.names() == [])
    }

    @Test func anEarlyEndLeavesNothing() async {
        // It concerns every output of the process.
        await #expect(processExitsWith: .success) {
            let scratch = try Scratch()
            let first = try OutputFolder(destination: scratch["new/one"], force: false)
            let second = try OutputFolder(destination: scratch["two"], force: false)
            try Data("x".utf8).write(to: second.staging.appendingPathComponent("x"))
            let file = try AtomicFile(scratch["three"])
            try file.write([1])
            Unfinished.removeAll()
            #expect(try scratch.names() == ["new"])
            #expect(try scratch.names(in: "new") == [])
            #expect(throws: OutputError.self) { try first.commit() }
            #expect(throws: OutputError.self) { try file.commit() }
            #expect(try scratch.names(in: "new") == [])
        }
    }

    @Test func removesTheStagingOfADeadProcessAlone() throws {
        // Nobody holds a lock on the first; somebody does on the second; others are no staging.
        let names = [".out.partial-0123456789abc", ".out.partial-1123456789abc"]
        let others = [
            ".out.partial-12", ".out2.partial-0123456789abc", "out.partial-0123456789abc",
        ]
        for name in names + others { try scratch.put("half", at: "\(name)/half") }
        let held = open(scratch[names[1]].path, O_RDONLY)
        defer { close(held) }
        #expect(flock(held, LOCK_EX | LOCK_NB) == 0)
        try OutputFolder(destination: scratch["out"], force: false).discard()
        #expect(try scratch.names() == ([names[1]] + others).sorted())
    }

    @Test func refusesASecondWriter() throws {
        let output = try OutputFolder(destination: scratch["out"], force: false)
        #expect(throws: OutputError.inUse(path: output.destination.path, process: getpid())) {
            try OutputFolder(destination: scratch["out"], force: false)
        }
        try output.commit()
        // Another process: a lock of another opening of the file.
        try scratch.put("4711\n", at: ".other.lock")
        let held = open(scratch[".other.lock"].path, O_RDWR)
        #expect(flock(held, LOCK_EX | LOCK_NB) == 0)
        let error = #expect(throws: OutputError.self) {
            try OutputFolder(destination: scratch["other"], force: true)
        }
        #expect(error?.description.contains("another run (process 4711) is writing") == true)
        // The kernel lets go when it dies, and the file that it leaves keeps nobody out.
        close(held)
        try OutputFolder(destination: scratch["other"], force: false).commit()
        #expect(try scratch.names() == ["other", "out"])
    }

    @Test func refusesToTouchAnInput() throws {
        try scratch.put("{}", at: "model/config.json")
        try scratch.put("text", at: "data/train.txt")
        try FileManager.default.createSymbolicLink(
            at: scratch["link"], withDestinationURL: scratch["model"])
        let inputs = [scratch["model"], scratch["data/train.txt"]]
        for name in ["model", "model/out", "model/../model", "link", "link/out", "data"] {
            let error = #expect(throws: OutputError.self, "\(name)") {
                try OutputFolder(destination: scratch[name], force: true, inputs: inputs)
            }
            guard case .overlapsInput = error else {
                Issue.record("\(name): \(String(describing: error))")
                continue
            }
        }
        #expect(try text(at: scratch["model/config.json"]) == "{}")
        let beside = try OutputFolder(
            destination: scratch["model-purified"], force: false, inputs: inputs)
        try beside.commit()
        #expect(try scratch.names() == ["data", "link", "model", "model-purified"])
    }

    @Test func saysWhyAPlaceCannotBeUsed() throws {
        try scratch.put("x", at: "file")
        let error = #expect(throws: OutputError.self) {
            try OutputFolder(destination: scratch["file/out"], force: false)
        }
        #expect(error?.description.contains("is a file, not a folder") == true)
        #expect(throws: OutputError.self) {
            try OutputFolder(destination: URL(fileURLWithPath: "/"), force: true)
        }
        #expect(throws: OutputError.self) {
            try OutputFolder(destination: URL(fileURLWithPath: "/proc/nowhere/out"), force: false)
        }
        // Where we are, and what is above.
        var folder = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
        while folder.pathComponents.count > 1 {
            #expect(throws: OutputError.self, "\(folder.path)") {
                try OutputFolder(destination: folder, force: true)
            }
            folder.deleteLastPathComponent()
        }
    }

    @Test func failsWithoutATrace() throws {
        #expect(throws: OutputError.self) {
            try OutputFolder(
                destination: scratch["a/b/out"], force: false, inputs: [scratch["a"]])
        }
        try OutputFolder(destination: scratch["a/b/out"], force: false).discard()
        #expect(try scratch.names() == [])
    }
}
