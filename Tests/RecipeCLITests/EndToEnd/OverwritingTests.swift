import Foundation
import Testing

/// What is read is never replaced, and `--force` replaces only what the tool wrote.
@Suite struct OverwritingTests {
    private static let purify = "purify model --auxiliary aux.txt --max-length 32 --epochs 1"

    /// Runs a command whose output is one of its inputs, and expects a refusal that costs nothing.
    private func refused(_ command: String, saying words: String = "would overwrite the input")
        throws
    {
        try withWorkplace { place in
            for name in ["data", "pics", "captions", "words", "donor"] {
                try FileManager.default.createDirectory(
                    at: place[name], withIntermediateDirectories: true)
                try place.write(["precious"], to: "\(name)/a.txt")
            }
            try place.write(["precious"], to: "split.json")
            let before = try place.digest()
            let run = try place.tool.run(command)
            #expect(run.status == 2, "\(command): \(run.status) \(run.errors)")
            #expect(run.errors.contains(words), "\(command): \(run.errors)")
            #expect(try place.digest() == before, "\(command)")
        }
    }

    /// Every option that names something to read, of every command that writes.
    @Test(arguments: [
        "purify model --auxiliary data -o data --force",
        "purify model --auxiliary aux.txt data -o data --force",
        "purify model --auxiliary data -o data/new --force",
        "purify model --auxiliary data/a.txt -o data --force",
        "purify model --auxiliary aux.txt -o model --force",
        "purify model --auxiliary aux.txt --mlm-head donor -o donor --force",
        "purify model --images pics -o pics --force",
        "purify model --pairs captions -o captions --force",
        "purify model --pairs aux.txt --images pics -o pics --force",
        "purify model --pairs aux.txt --tokenizer words -o words --force",
        "purify model --method fp --auxiliary data -o data --force",
        "purify model --auxiliary data -o out --run data --force",
        "purify model --auxiliary data/a.txt -o out --run data --force",
        "purify model --auxiliary aux.txt -o out --run model/run",
        "pretrain model --auxiliary data -o data --force",
        "pretrain model --images pics -o pics --force",
        "pretrain model --auxiliary aux.txt -o out --run model --force",
        "pretrain model --from-scratch --tokenizer words --auxiliary aux.txt -o words --force",
        "pretrain model --from-scratch --pairs aux.txt --vision donor -o donor --force",
        "attack por model --auxiliary data -o data --force",
        "attack neuba model --images pics -o pics --force",
        "attack neuba model --pairs captions -o captions --force",
        "evaluate model --train train.tsv --test data --report data --force",
        "evaluate model --train data --test test.tsv --report data/r --force",
        "evaluate model --train data --split split.json --report split.json --force",
        "evaluate model --train train.tsv --test test.tsv --reference other --report other --force",
        "evaluate model --zero-shot --test pics --prompts data/a.txt --report data --force",
        "analyze model --clean data --trigger cf --report data --force",
        "analyze model --after other --clean aux.txt --trigger cf --report other/r --force",
        "features model --text aux.txt -o aux.txt --force",
        "features model --text data -o data/a.txt --force",
        "features model --text aux.txt -o model/config.json --force",
        "features model --images pics -o pics/a.txt --force",
        "compare a=data b=other -o data --force",
    ])
    func inputsAreNeverReplaced(_ command: String) throws { try refused(command) }

    @Test(arguments: ["-o .", "-o ..", "-o /", "-o data", "-o aux.txt"])
    func forceReplacesNothingOfOthers(_ output: String) throws {
        try withWorkplace { place in
            try FileManager.default.createDirectory(
                at: place["data"], withIntermediateDirectories: true)
            try place.write(["precious"], to: "data/notes.txt")
            let before = try place.digest()
            let run = try place.tool.run(
                "purify model --auxiliary train.tsv --max-length 32 --epochs 1 --force \(output)")
            #expect(run.status == 2, "\(run.errors)")
            #expect(try place.digest() == before)
        }
    }

    @Test func forceReplacesWhatTheToolWrote() throws {
        try withWorkplace { place in
            for seed in [1, 2] {
                let run = try place.tool.run(Self.purify + " -o out --force --seed \(seed)")
                #expect(run.status == 0, "\(run.errors)")
            }
            for _ in 0..<2 {
                let run = try place.tool.run(
                    "features model --text aux.txt --max-length 32 -o vectors --force")
                #expect(run.status == 0, "\(run.errors)")
            }
            // What a user adds to an output is the user's.
            try place.write(["mine"], to: "out/notes.txt")
            try place.write(["mine"], to: "other.run")
            let run = try place.tool.run(Self.purify + " -o out --force")
            #expect(run.status == 2 && run.errors.contains("holds notes.txt"), "\(run.errors)")
            #expect(try place.text("out/notes.txt") == "mine\n")
            let file = try place.tool.run(
                "features model --text aux.txt --max-length 32 -o other.run --force")
            #expect(
                file.status == 2 && file.errors.contains("was not written by"), "\(file.errors)")
            // Records of a run are told from files that are called so.
            try FileManager.default.createDirectory(
                at: place["docs"], withIntermediateDirectories: true)
            try place.write(["mine"], to: "docs/report.md")
            let records = try place.tool.run(Self.purify + " -o new --run docs --force")
            #expect(records.status == 2 && records.errors.contains("docs/report.md"))
            #expect(try place.text("docs/report.md") == "mine\n")
        }
    }

    @Test func aPlansDataAreNoStages() throws {
        try withWorkplace { place in
            let plan = """
                title: t
                data: {texts: aux.txt}
                stages:
                  pure: {purify: {model: <m>, auxiliary: <texts>}}
                """
            try place.write([plan], to: "plan.yaml")
            let copied = try place.tool.run("plans copy lab/text-main aux.txt --force")
            #expect(copied.status == 2, "\(copied.errors)")
            #expect(try place.text("aux.txt").hasPrefix("good"))
        }
    }

    @Test func twoRunsDoNotShareAnOutput() throws {
        try withWorkplace { place in
            let first = try place.tool.start(Self.purify + "0000 -o out --threads 1")
            try place.wait(for: "out.run/events.jsonl")
            for output in ["-o out --force", "-o out2 --run out.run --force", "-o out/../out"] {
                let second = try place.tool.run(Self.purify + " " + output)
                #expect(second.status == 2, "\(second.errors)")
                #expect(
                    second.errors.contains("process \(first.process.processIdentifier)"),
                    "\(second.errors)")
            }
            first.process.terminate()
            #expect(try first.finish().status == 143)
            #expect(!place.holds("out") && !place.holds("out2"))
            #expect(try place.names().filter { $0.hasPrefix(".") }.isEmpty)
        }
    }
}

extension Workplace {
    /// Every file beneath the folder with its content.
    func digest() throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in FileManager.default.enumerator(atPath: folder.path)?.allObjects ?? [] {
            guard let name = name as? String else { continue }
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: self[name].path, isDirectory: &isFolder)
            else { continue }
            files[name] = isFolder.boolValue ? Data() : try data(name)
        }
        return files
    }

    /// Waits until a file has content.
    func wait(for name: String) throws {
        let deadline = Date(timeIntervalSinceNow: 120)
        while Date() < deadline {
            if let data = try? data(name), !data.isEmpty { return }
            usleep(2000)
        }
        throw Tool.Missing(description: "\(name) did not come")
    }
}
