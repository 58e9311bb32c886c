import Foundation
import TestSupport
import Testing

/// Signals: the first saves, the second ends; inputs that change; disks that are full.
@Suite struct InterruptionTests {
    private static let purify =
        "purify model --auxiliary aux.txt --max-length 32 --batch-size 4 --threads 1"

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP]) func aSignalSavesTheStep(_ number: Int32) throws {
        try withWorkplace { place in
            let command = Self.purify + " --epochs 60"
            #expect(try place.tool.run(command + " -o whole").status == 0)
            let cut = try place.tool.start(command + " -o cut")
            try place.wait(for: "cut.run/events.jsonl")
            kill(cut.process.processIdentifier, number)
            let outcome = try cut.finish()
            #expect(outcome.status == 128 + number, "\(outcome.errors)")
            #expect(outcome.errors.contains("finishing the step"), "\(outcome.errors)")
            #expect(outcome.errors.contains("to go on: recipe purify model"))
            #expect(outcome.errors.contains("-o cut --resume\n"), "\(outcome.errors)")
            #expect(!place.holds("cut") && place.holds("cut.run/snapshot.safetensors"))
            #expect(try place.names().filter { $0.hasPrefix(".") }.isEmpty)
            let resumed = try place.tool.run(command + " -o cut --resume")
            #expect(resumed.status == 0 && resumed.errors.contains("going on after step"))
            #expect(
                try place.data("whole/model.safetensors") == place.data("cut/model.safetensors"))
            #expect(!place.holds("cut.run/snapshot.safetensors"))
        }
    }

    @Test func whatDoesNotTrainStopsAtOnce() throws {
        try withWorkplace { place in
            let before = try place.names()
            let command = "evaluate model --train train.tsv --test test.tsv --max-length 32 "
            let run = try place.tool.start(
                command + "--epochs 100000 --seeds 1 --triggers cf --threads 1 --report r")
            try place.wait(for: "r/events.jsonl")
            kill(run.process.processIdentifier, SIGINT)
            #expect(try run.finish().status == 130)
            #expect(try place.names().subtracting(before) == ["r"])
            #expect(!place.holds("r/report.json"))
        }
    }

    @Test func exitCodesAreExplained() throws {
        try withWorkplace { place in
            let help = try place.tool.run("help").output
            for code in ["EXIT STATUS", "64", "129", "130", "143"] {
                #expect(help.contains(code), "\(code): \(help)")
            }
        }
    }

    @Test(arguments: ["model/model.safetensors", "model/vocab.txt", "aux.txt"])
    func anInputThatIsCutShort(_ input: String) throws {
        try withWorkplace { place in
            let before = try place.names()
            let run = try place.tool.start(Self.purify + " --epochs 100 -o out")
            try place.wait(for: "out.run/events.jsonl")
            #expect(truncate(place[input].path, 5) == 0)
            let outcome = try run.finish()
            #expect(outcome.status == 2, "\(outcome.status): \(outcome.errors)")
            #expect(outcome.errors.contains(input), "\(outcome.errors)")
            #expect(outcome.errors.contains("while it was in use"), "\(outcome.errors)")
            #expect(try place.names().subtracting(before) == ["out.run"])
        }
    }

    /// Pictures with captions, and a CLIP's description and tokenizer.
    private func fill(_ place: Workplace) throws {
        try FileManager.default.createDirectory(
            at: place["images"], withIntermediateDirectories: true)
        var table = "image,caption\n"
        for number in 0..<8 {
            let pixels = Data((0..<768).map { UInt8(truncatingIfNeeded: $0 * (number + 3)) })
            try (Data("P6 16 16 255\n".utf8) + pixels).write(
                to: place["images/\(number).ppm"])
            table += "\(number).ppm,a cat \(number)\n"
        }
        try Data(table.utf8).write(to: place["captions.csv"])
        try place.writeTinyCLIP()
    }

    @Test(
        "Pictures, captions and the cache of pictures that are cut short end a run",
        arguments: [
            ("purify model --images images --labels none", "images/3.ppm"),
            ("purify model --images images --labels none --image-cache cache", "cache"),
            (
                "pretrain clip.json --from-scratch --tokenizer words --pairs captions.csv "
                    + "--images images --batch-size 4", "captions.csv"
            ),
            (
                "pretrain clip.json --from-scratch --tokenizer words --pairs captions.csv "
                    + "--images images --batch-size 4", "images/3.ppm"
            ),
            (
                "pretrain clip.json --from-scratch --tokenizer words --pairs captions.csv "
                    + "--images images --batch-size 4 --image-cache cache", "cache"
            ),
        ])
    func picturesThatAreCutShort(_ command: String, _ input: String) throws {
        try withWorkplace("vit-classifier") { place in
            try fill(place)
            let run = try place.tool.start(command + " --threads 1 --epochs 400 -o out")
            try place.wait(for: "out.run/events.jsonl")
            var cut = input
            if input == "cache" {
                let files = try FileManager.default.contentsOfDirectory(
                    atPath: place["cache"].path)
                cut = "cache/" + (try #require(files.first { !$0.hasPrefix(".") }))
            }
            #expect(truncate(place[cut].path, 5) == 0)
            let outcome = try run.finish()
            #expect(outcome.status == 2, "\(outcome.status): \(outcome.errors)")
            let name = try #require(cut.split(separator: "/").last)
            #expect(outcome.errors.contains(name), "\(outcome.errors)")
            #expect(!place.holds("out"))
        }
    }

    @Test func anInputThatIsRewritten() throws {
        try withWorkplace { place in
            let run = try place.tool.start(Self.purify + " --epochs 100 -o out")
            try place.wait(for: "out.run/events.jsonl")
            let copy = try place.data("other/model.safetensors")
            try copy.write(to: place["model/model.safetensors"])
            let outcome = try run.finish()
            #expect(outcome.status == 2 && outcome.errors.contains("model.safetensors changed"))
            #expect(!place.holds("out"))
        }
    }

    /// What `ulimit -f` allows, from nothing to all but the last file.
    @Test(arguments: [0, 1, 8, 100, 130])
    func aFileThatCannotBeWrittenWhole(_ blocks: Int) throws {
        try withWorkplace { place in
            let before = try place.digest()
            let run = try place.tool.run(
                Self.purify + " --epochs 2 --snapshot-every 3 -o out", fileLimit: blocks)
            // Not even the message fits into a file of no bytes.
            if blocks > 0 {
                #expect(run.errors.split(separator: "\n").last?.hasPrefix("error: ") == true)
            }
            #expect(run.status == 2, "\(run.status): \(run.errors)")
            #expect(!place.holds("out"))
            let left = try place.digest().filter { !$0.key.hasPrefix("out.run") }
            #expect(left == before)
        }
    }
}
