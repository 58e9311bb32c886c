import Foundation
import Testing

/// Streams, exit codes, outputs that stand, and runs that are cut short.
@Suite struct RunTests {
    private static let purify = "purify model --auxiliary aux.txt --max-length 32 --threads 1"

    @Test func helpAndVersionAreResults() throws {
        try withWorkplace { place in
            for command in ["--help", "purify --help", "help purify", "--version"] {
                let run = try place.tool.run(command)
                #expect(run.status == 0, "\(command)")
                #expect(!run.output.isEmpty && run.errors.isEmpty, "\(command)")
            }
        }
    }

    @Test(arguments: [
        "frobnicate", "purify", "purify model", "purify model --auxiliary aux.txt",
        "purify model --auxiliary aux.txt -o out --wieght 2",
        "purify model --auxiliary aux.txt -o out --weight heavy",
        "purify model --auxiliary aux.txt -o out --weight -1",
        "purify model --auxiliary aux.txt -o out --epochs 0",
        "purify model --auxiliary aux.txt -o out --learning-rate 0",
        "purify model --auxiliary aux.txt -o out --learning-rate nan",
        "purify model --auxiliary aux.txt -o out --max-length 2",
        "purify model --auxiliary aux.txt -o out --precision fp8",
        "purify model --auxiliary aux.txt -o out --device gpu",
        "purify model --auxiliary aux.txt -o out --threads 0",
        "purify model --auxiliary aux.txt -o out --run out",
        "purify model --auxiliary aux.txt -o out --weight 0 --no-pretraining-loss",
        "attack rot13 model --auxiliary aux.txt -o out",
        "attack por model --auxiliary aux.txt -o out --triggers cf,,tq",
        "attack por model --auxiliary aux.txt -o out --adaptive -1",
        "attack por model --auxiliary aux.txt -o out --scale-embeddings",
        "attack neuba model --auxiliary aux.txt -o out --poison-weight 2",
        "attack por model --auxiliary aux.txt -o out --no-blocks",
        "attack por model --auxiliary aux.txt -o out --poison-weight 2",
        "attack badpre model --auxiliary aux.txt -o out --insertions 2",
        "attack neuba model --auxiliary aux.txt -o out --insertions 2",
        "attack neuba model --pairs pairs.csv -o out --poison-weight 2",
        "attack neuba model --pairs pairs.csv -o out --clamp-targets",
        "pretrain model --auxiliary aux.txt -o out --tokenizer other",
        "evaluate model --train train.tsv --test test.tsv --seeds 1,x",
        "evaluate model --train train.tsv --test test.tsv --seeds ,",
        "evaluate model --train train.tsv --test test.tsv --triggers cf,cf",
        "inspect model --format xml",
    ])
    func wrongUsageIs64(_ command: String) throws {
        try withWorkplace { place in
            let before = try place.names()
            let run = try place.tool.run(command)
            #expect(run.status == 64, "\(run.status): \(run.errors)")
            #expect(run.output.isEmpty)
            #expect(run.errors.components(separatedBy: "Error:").count == 2, "\(run.errors)")
            #expect(try place.names() == before)
        }
    }

    @Test func nearNamesAreSuggested() throws {
        try withWorkplace { place in
            let run = try place.tool.run("purify model --auxiliary aux.txt -o out --wieght 2")
            #expect(run.errors.contains("--weight"), "\(run.errors)")
        }
    }

    @Test func anOutputThatStandsIsKept() throws {
        try withWorkplace { place in
            #expect(try place.tool.run(Self.purify + " --epochs 1 -o out").status == 0)
            let before = try place.data("out/model.safetensors")
            let records = try place.data("out.run/environment.json")
            let again = try place.tool.run(Self.purify + " --epochs 1 -o out --seed 7")
            #expect(again.status == 2)
            #expect(again.errors.contains("out exists already"))
            #expect(again.errors.contains("--force"))
            #expect(try place.data("out/model.safetensors") == before)

            // Its records are as safe, also where only they are left.
            try FileManager.default.removeItem(at: place["out"])
            let recorded = try place.tool.run(Self.purify + " --epochs 1 -o out")
            #expect(recorded.status == 2)
            #expect(recorded.errors.contains("out.run/plan.yaml exists already"))
            #expect(try place.data("out.run/environment.json") == records)
            #expect(!place.holds("out"))

            let forced = try place.tool.run(Self.purify + " --epochs 1 -o out --force --seed 7")
            #expect(forced.status == 0, "\(forced.errors)")
            #expect(try place.data("out/model.safetensors") != before)
        }
    }

    @Test func anInputIsNeverTheOutput() throws {
        try withWorkplace { place in
            let before = try place.data("model/model.safetensors")
            for output in ["model", "model/inside"] {
                let run = try place.tool.run(Self.purify + " -o \(output) --force")
                #expect(run.status == 2)
                #expect(run.errors.contains("overwrite the input"), "\(run.errors)")
            }
            #expect(try place.data("model/model.safetensors") == before)
        }
    }

    @Test func equalRunsAreEqualToTheBit() throws {
        try withWorkplace { place in
            for name in ["one", "two"] {
                let run = try place.tool.run(Self.purify + " --epochs 1 -o \(name)")
                #expect(run.status == 0, "\(run.errors)")
            }
            let (one, two) = (
                try place.data("one/model.safetensors"), try place.data("two/model.safetensors")
            )
            #expect(one == two)
        }
    }

    @Test func colourFollowsTheTerminal() throws {
        try withWorkplace { place in
            for environment in [[:], ["NO_COLOR": "1"]] {
                let run = try place.tool.run(
                    "purify model --auxiliary nowhere.txt -o out", environment: environment)
                #expect(!run.errors.contains("\u{1B}"), "no terminal, no colour")
            }
        }
    }

    @Test func aStoppedRunLeavesNothingHalfWritten() throws {
        try withWorkplace { place in
            let before = try place.names()
            let run = try place.tool.start(Self.purify + " --epochs 100000 -o out")
            try stop(run, place, after: 3)
            let outcome = try run.finish()
            #expect(outcome.status == 143 || outcome.status == SIGTERM, "\(outcome.status)")
            #expect(try place.names().subtracting(before) == ["out.run"])
            #expect(!place.holds("out.run/report.json"))
        }
    }

    @Test func aResumedRunEndsAsIfItHadNeverStopped() throws {
        try withWorkplace { place in
            let command = Self.purify + " --epochs 60 --batch-size 4 --snapshot-every 2"
            #expect(try place.tool.run(command + " -o whole").status == 0)
            let cut = try place.tool.start(command + " -o cut")
            try stop(cut, place, file: "cut.run/snapshot.safetensors", after: 1)
            _ = try cut.finish()
            try #require(!place.holds("cut"), "it ended before it was stopped")
            let resumed = try place.tool.run(command + " -o cut --resume")
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(resumed.errors.contains("going on after step"))
            #expect(
                try place.data("whole/model.safetensors") == place.data("cut/model.safetensors"))
            #expect(!place.holds("cut.run/snapshot.safetensors"))
        }
    }

    @Test func resumingRefusesAnotherRun() throws {
        try withWorkplace { place in
            let command = Self.purify + " --batch-size 4 --snapshot-every 2 --epochs"
            let cut = try place.tool.start(command + " 100000 -o cut")
            try stop(cut, place, file: "cut.run/snapshot.safetensors", after: 1)
            _ = try cut.finish()
            let resumed = try place.tool.run(command + " 3 -o cut --resume")
            #expect(resumed.status == 2)
            #expect(resumed.errors.contains("snapshot.safetensors"), "\(resumed.errors)")
            #expect(!place.holds("cut"))
        }
    }

    /// Sends SIGTERM once `file` has `lines` lines (or, if it is no text, is there).
    private func stop(
        _ run: Tool.Running, _ place: Workplace, file: String = "out.run/events.jsonl",
        after lines: Int
    ) throws {
        let deadline = Date(timeIntervalSinceNow: 120)
        while run.process.isRunning, Date() < deadline {
            if let data = try? place.data(file),
                data.count(where: { $0 == 10 }) >= lines
                    || (file.hasSuffix(".safetensors") && !data.isEmpty)
            {
                break
            }
            usleep(2000)
        }
        run.process.terminate()
    }
}
