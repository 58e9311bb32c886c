import Files
import Foundation
import TestFiles
import Testing
import Yams

@testable import Training

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

    @Test func takesOverNothingButARun() throws {
        try scratch.put("mine", at: "docs/report.md")
        let error = #expect(throws: OutputError.self) {
            try RunDirectory.check(scratch["docs"], mayReplace: true, inputs: .none)
        }
        #expect(error?.description.contains("is not the record of a run") == true)
        try scratch.put("{\"recipe\": \"0.1.0\"}", at: "run/environment.json")
        try scratch.put("a run's", at: "run/report.md")
        try RunDirectory.check(scratch["run"], mayReplace: true, inputs: .none)
        #expect(throws: OutputError.destinationExists(path: scratch["run/environment.json"].path)) {
            try RunDirectory.check(scratch["run"], mayReplace: false, inputs: .none)
        }
        try scratch.put("text", at: "data/a.txt")
        for name in ["data", "data/run"] {
            #expect(throws: OutputError.self, "\(name)") {
                try RunDirectory.check(
                    scratch[name], mayReplace: true, inputs: Inputs([scratch["data"]]))
            }
        }
        #expect(throws: OutputError.self) {
            try RunDirectory.check(
                scratch["data"], mayReplace: true, inputs: Inputs([scratch["data/a.txt"]]))
        }
        RunDirectory.clear(scratch["run"], resuming: false)
        #expect(try scratch.names(in: "run") == [])
    }

    @Test("A run that is killed while it clears its records is still known for one")
    func clearing() throws {
        let run = try RunDirectory(at: scratch["run"])
        try run.write(environment: ["recipe": "1.0"])
        try run.write(plan: Plan())
        try run.append(Event(step: 1, loss: 2))
        try run.close()
        RunDirectory.clear(scratch["run"], resuming: true)
        #expect(try scratch.names(in: "run") == ["environment.json", "events.jsonl"])
        try RunDirectory.check(scratch["run"], mayReplace: true, inputs: .none)
        let again = try RunDirectory(at: scratch["run"], continuing: true)
        try again.write(environment: ["recipe": "2.0"])
        #expect(try text(at: again[.environment]).contains("2.0"))
    }

    @Test func mixesNoRuns() throws {
        try scratch.put("{}", at: "run/report.json")
        #expect(throws: OutputError.destinationExists(path: scratch["run/report.json"].path)) {
            try RunDirectory(at: scratch["run"])
        }
        try scratch.put("x", at: "other/notes.txt")
        _ = try RunDirectory(at: scratch["other"])
    }

    @Test func namesAFileThatCannotBeEncoded() throws {
        struct Refusing: Encodable {
            func encode(to encoder: any Encoder) throws {
                throw EncodingError.invalidValue(
                    0, .init(codingPath: [], debugDescription: "refused"))
            }
        }
        let run = try RunDirectory(at: scratch["run"])
        let error = #expect(throws: OutputError.self) { try run.write(report: Refusing()) }
        #expect(error?.description.contains("report.json") == true)
        #expect(try scratch.names(in: "run") == [])
    }
}
