import ArgumentParser
import Foundation
import RecipeKit

/// The side-by-side speed harness: RECIPE here and as its authors run it, on the same data.
@main
struct RecipeBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recipe-bench",
        abstract: "Measure purification beside a PyTorch loop with the authors' settings.",
        version: RecipeKit.version,
        subcommands: [
            RunCommand.self, MakeModelCommand.self, PrepareCommand.self, OursCommand.self,
            AgreeCommand.self, VisionCommand.self, VisionOursCommand.self, CLIPCommand.self,
            CLIPOursCommand.self, ImagesCommand.self, DecodeCommand.self, WaitingCommand.self,
        ],
        defaultSubcommand: RunCommand.self)

    /// Exit codes as `recipe` has them: 1 where the two sides disagree, 2 where the tool failed.
    static func main() {
        Hardware.keepHostMemory()
        Hardware.honorProcessorQuota()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let code as ExitCode {
            exit(withError: code)
        } catch  where exitCode(for: error) == .failure {
            report("error: \(error)")
            exit(withError: ExitCode(2))
        } catch {
            exit(withError: error)
        }
    }

    /// Says how the work goes, on standard error.
    static func report(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }
}

/// The benchmark cannot go on.
struct BenchmarkError: Error, CustomStringConvertible {
    /// What is wrong and what to do.
    let description: String

    init(_ description: String) { self.description = description }
}
