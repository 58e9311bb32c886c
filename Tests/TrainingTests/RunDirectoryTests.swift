import Foundation
import Testing
import Yams

@testable import Training

/// A folder of its own for a test, removed at its end.
private final class Scratch {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("run-directory-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    subscript(_ name: String) -> URL { url.appendingPathComponent(name) }

    func put(_ text: String, at name: String) throws {
        let file = self[name]
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    func names(in folder: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(
            atPath: folder.isEmpty ? url.path : self[folder].path
        ).sorted()
    }
}

private func text(at url: URL) throws -> String { try String(contentsOf: url, encoding: .utf8) }

/// Serialized, for `removeAllStaging` touches every output of the process.
@Suite(.serialized) struct OutputFolderTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func takesItsNameOnlyWhenCommitted() throws {
        let output = try OutputFolder(destination: scratch["a/b/out"], force: false)
        try Data("x".utf8).write(to: output.staging.appendingPathComponent("weights"))
        #expect(try scratch.names(in: "a/b") == [".out.partial-\(getpid())"])
        try output.commit()
        #expect(try scratch.names(in: "a/b") == ["out"])
        #expect(try text(at: scratch["a/b/out/weights"]) == "x")
        #expect(throws: RunError.outputClosed(path: output.destination.path)) {
            try output.commit()
        }
        output.discard()
        #expect(try scratch.names(in: "a/b/out") == ["weights"])
    }

    @Test func refusesWhatExistsWithoutForce() throws {
        try scratch.put("old", at: "out/file")
        let error = #expect(throws: RunError.self) {
            try OutputFolder(destination: scratch["out"], force: false)
        }
        #expect(error == .destinationExists(path: scratch["out"].standardizedFileURL.path))
        #expect(error?.description.contains("--force") == true)
        #expect(try scratch.names() == ["out"])
    }

    @Test func refusesWhatCameToExistMeanwhile() throws {
        let output = try OutputFolder(destination: scratch["out"], force: false)
        try scratch.put("other", at: "out/file")
        #expect(throws: RunError.self) { try output.commit() }
        #expect(try scratch.names() == ["out"])
        #expect(try text(at: scratch["out/file"]) == "other")
    }

    @Test func replacesWithForceOnlyAtTheEnd() throws {
        try scratch.put("old", at: "out/old")
        let output = try OutputFolder(destination: scratch["out"], force: true)
        try Data("new".utf8).write(to: output.staging.appendingPathComponent("new"))
        #expect(try scratch.names(in: "out") == ["old"])
        try output.commit()
        #expect(try scratch.names(in: "out") == ["new"])
        #expect(try scratch.names() == ["out"])
    }

    @Test func restoresTheOldOutputWhenTheNewOneIsLost() throws {
        try scratch.put("old", at: "out/old")
        let output = try OutputFolder(destination: scratch["out"], force: true)
        try FileManager.default.removeItem(at: output.staging)
        #expect(throws: RunError.self) { try output.commit() }
        #expect(try text(at: scratch["out/old"]) == "old")
        #expect(try scratch.names() == ["out"])
    }

    @Test func forceReplacesNoFile() throws {
        try scratch.put("precious", at: "out")
        #expect(throws: RunError.self) {
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
        let first = try OutputFolder(destination: scratch["one"], force: false)
        let second = try OutputFolder(destination: scratch["two"], force: false)
        try Data("x".utf8).write(to: second.staging.appendingPathComponent("x"))
        OutputFolder.removeAllStaging()
        #expect(try scratch.names() == [])
        #expect(throws: RunError.outputClosed(path: first.destination.path)) { try first.commit() }
    }

    @Test func replacesTheStagingOfAKilledProcess() throws {
        try scratch.put("half", at: ".out.partial-\(getpid())/half")
        let output = try OutputFolder(destination: scratch["out"], force: false)
        #expect(throws: RunError.self) {
            try OutputFolder(destination: scratch["out"], force: false)
        }
        try output.commit()
        #expect(try scratch.names(in: "out") == [])
    }

    @Test func refusesToTouchAnInput() throws {
        try scratch.put("{}", at: "model/config.json")
        try scratch.put("text", at: "data/train.txt")
        try FileManager.default.createSymbolicLink(
            at: scratch["link"], withDestinationURL: scratch["model"])
        let inputs = [scratch["model"], scratch["data/train.txt"]]
        for name in ["model", "model/out", "model/../model", "link", "link/out", "data"] {
            let error = #expect(throws: RunError.self, "\(name)") {
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
        let error = #expect(throws: RunError.self) {
            try OutputFolder(destination: scratch["file/out"], force: false)
        }
        #expect(error?.description.contains("is a file, not a folder") == true)
        #expect(throws: RunError.self) {
            try OutputFolder(destination: URL(fileURLWithPath: "/"), force: true)
        }
        #expect(throws: RunError.self) {
            try OutputFolder(destination: URL(fileURLWithPath: "/proc/nowhere/out"), force: false)
        }
    }
}

@Suite struct RunDirectoryTests {
    private struct Plan: Codable, Equatable {
        var model = "bert: 'a'\n#b"
        var weight = 1.0
        var triggers = ["cf", "äöü"]
    }

    private struct Event: Codable, Equatable {
        var step: Int
        var loss: Double
    }

    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func writesEveryFile() throws {
        let run = try RunDirectory(at: scratch["runs/1"])
        try run.write(plan: Plan())
        try run.write(environment: ["device": "cpu"])
        try run.write(split: ["train": ["a/b.png"]])
        try run.append(Event(step: 1, loss: 2.5))
        try run.write(report: ["path": "a/b"])
        try run.write(markdown: "# R\n")
        try run.write(page: "<p>")
        try run.close()
        #expect(
            try scratch.names(in: "runs/1") == RunDirectory.File.allCases.map(\.rawValue).sorted())
        let plan = try YAMLDecoder().decode(Plan.self, from: text(at: run[.plan]))
        #expect(plan == Plan())
        #expect(try text(at: run[.plan]).contains("äöü"))
        #expect(try text(at: run[.environment]) == "{\n  \"device\" : \"cpu\"\n}\n")
        #expect(try text(at: run[.report]) == "{\n  \"path\" : \"a/b\"\n}\n")
    }

    @Test func appendsALineAnEventAtOnce() throws {
        let run = try RunDirectory(at: scratch["run"])
        try run.append(Event(step: 1, loss: 2.5))
        #expect(try text(at: run[.events]) == "{\"loss\":2.5,\"step\":1}\n")
        try run.append(Event(step: 2, loss: .nan))
        try run.close()
        try run.append(["note": "a\nb"])
        #expect(
            try text(at: run[.events]).split(separator: "\n") == [
                "{\"loss\":2.5,\"step\":1}", "{\"loss\":\"NaN\",\"step\":2}",
                "{\"note\":\"a\\nb\"}",
            ])
    }

    @Test func mixesNoRuns() throws {
        try scratch.put("{}", at: "run/report.json")
        #expect(throws: RunError.destinationExists(path: scratch["run/report.json"].path)) {
            try RunDirectory(at: scratch["run"])
        }
        try scratch.put("x", at: "other/notes.txt")
        _ = try RunDirectory(at: scratch["other"])
    }

    @Test func replacesAFileWhole() throws {
        try scratch.put("old", at: "file")
        try atomicWrite(Data("new".utf8), to: scratch["file"])
        #expect(try text(at: scratch["file"]) == "new")
        try atomicWrite(Data(), to: scratch["empty"])
        #expect(try scratch.names() == ["empty", "file"])
    }

    @Test func leavesNothingBehindWhenItFails() throws {
        try scratch.put("x", at: "folder/x")
        let error = #expect(throws: RunError.self) {
            try atomicWrite(Data("new".utf8), to: scratch["folder"])
        }
        #expect(error?.description.contains(scratch["folder"].path) == true)
        #expect(throws: RunError.self) {
            try atomicWrite(Data("new".utf8), to: scratch["missing/file"])
        }
        #expect(try scratch.names() == ["folder"])
    }

    @Test(
        .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"))
    func namesAFullDisk() throws {
        let file = try OutputFile(appendingTo: "/dev/full")
        let error = #expect(throws: RunError.self) { try file.write(Data("x".utf8)) }
        #expect(error == .diskFull(path: "/dev/full"))
        #expect(error?.description.contains("no space is left to write /dev/full") == true)
    }

    @Test func namesAFileThatCannotBeEncoded() throws {
        struct Refusing: Encodable {
            func encode(to encoder: any Encoder) throws {
                throw EncodingError.invalidValue(
                    0, .init(codingPath: [], debugDescription: "refused"))
            }
        }
        let run = try RunDirectory(at: scratch["run"])
        let error = #expect(throws: RunError.self) { try run.write(report: Refusing()) }
        #expect(error?.description.contains("report.json") == true)
        #expect(try scratch.names(in: "run") == [])
    }
}
