import ArgumentParser
import Foundation
import Torch
import Training

/// The whole tool: parses the command line, runs the command, turns errors into exit codes.
public enum RecipeCLI {
    /// Runs the tool and does not return.
    public static func main() -> Never {
        cleanUpOnInterrupt()
        Hardware.keepHostMemory()
        Hardware.honorProcessorQuota()
        exit(run(Array(CommandLine.arguments.dropFirst())).rawValue)
    }

    /// Runs the tool with `arguments`.
    public static func run(_ arguments: [String]) -> ExitStatus {
        do {
            var command = try RecipeCommand.parseAsRoot(arguments)
            try command.run()
            return .done
        } catch let status as ExitStatusError {
            return status.status
        } catch {
            return report(error)
        }
    }

    private static func report(_ error: any Error) -> ExitStatus {
        let code = RecipeCommand.exitCode(for: error)
        if code == .success {
            // Help and version come as errors whose text is the result.
            Console.standard.write(RecipeCommand.fullMessage(for: error))
            return .done
        }
        if code == .validationFailure {
            Console.standard.log(RecipeCommand.fullMessage(for: error))
            return .usage
        }
        Console.standard.fail(PlainWords.of(error))
        return .failed
    }

    /// Ends the process with `status` after its output is written.
    struct ExitStatusError: Error {
        let status: ExitStatus
    }

    private static nonisolated(unsafe) var interruptSources: [any DispatchSourceSignal] = []

    /// An interrupted run leaves no half-written output behind.
    private static func cleanUpOnInterrupt() {
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                ChildProcesses.endAll()
                OutputFolder.removeAllStaging()
                _exit(128 + number)
            }
            source.resume()
            interruptSources.append(source)
        }
    }
}
