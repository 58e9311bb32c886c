import ArgumentParser
import Files
import Foundation
import Torch
import Training

/// The whole tool: parses the command line, runs the command, turns errors into exit codes.
public enum RecipeCLI {
    /// Runs the tool and does not return.
    public static func main() -> Never {
        occupyStandardStreams()
        Signals.watch()
        Hardware.keepHostMemory()
        Hardware.honorProcessorQuota()
        exit(run(Array(CommandLine.arguments.dropFirst())).rawValue)
    }

    /// Keeps the first file that is opened from becoming standard output where that was closed: what
    /// is printed would be written into it.
    private static func occupyStandardStreams() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest that is free, which is this one; written to, it is an error.
            _ = open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Runs the tool with `arguments`.
    public static func run(_ arguments: [String]) -> ExitStatus {
        do {
            var command = try RecipeCommand.parseAsRoot(arguments)
            try command.run()
            // Whatever was read from a file that was cut short meanwhile was not what it held.
            try MappedBytes.checkAllIntact()
            return .done
        } catch let status as ExitStatusError {
            return status.status
        } catch let interrupted as Interrupted {
            Console.standard.log("\(interrupted); to go on: \(Invocation.resuming)")
            return ExitStatus(signal: interrupted.signal)
        } catch {
            return report(error, to: arguments)
        }
    }

    private static func report(_ error: any Error, to arguments: [String]) -> ExitStatus {
        let code = RecipeCommand.exitCode(for: error)
        if code == .success {
            // Help and version come as errors whose text is the result.
            Console.standard.write(RecipeCommand.fullMessage(for: error))
            return .done
        }
        if let record = ErrorRecord(error, isUsage: code == .validationFailure, arguments) {
            Console.standard.write(record.text)
        }
        if code == .validationFailure {
            Console.standard.log(lines: RecipeCommand.fullMessage(for: error))
            return .usage
        }
        Console.standard.fail(PlainWords.of(error))
        return .failed
    }

    /// Ends the process with `status` after its output is written.
    struct ExitStatusError: Error {
        let status: ExitStatus
    }
}
