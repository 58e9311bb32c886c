import ArgumentParser
import Attacks
import Checkpoints
import DataPipeline
import Documents
import Experiments
import Files
import Foundation
import JSON
import TensorFormats
import TextTokenizers
import Training

/// A failure as a program reads it: what a command prints under `--format json` in place of its
/// result.
struct ErrorRecord: Codable, Equatable {
    /// Why a command failed.
    enum Kind: String, Codable {
        /// A file is broken or cut short.
        case damaged
        /// A file is whole and not of a kind that is read.
        case unsupported
        /// A file is made to be read in two ways, or to do harm.
        case hostile
        /// The command line, a plan or the data do not fit together.
        case usage
        /// The operating system refused to read or write.
        case io
        /// The computation failed.
        case failed
    }

    struct Failure: Codable, Equatable {
        var kind: Kind
        var message: String
        var file: String?
    }

    var error: Failure

    /// Nothing where the arguments do not ask for JSON.
    init?(_ error: any Error, isUsage: Bool, _ arguments: [String]) {
        let asked = arguments.contains("--format=json") || arguments.contains("--format=sarif")
        let pairs = zip(arguments, arguments.dropFirst())
        guard
            asked || pairs.contains(where: { $0 == "--format" && ["json", "sarif"].contains($1) })
        else { return nil }
        let message =
            isUsage ? RecipeCommand.message(for: error) : PlainWords.of(error)
        self.error = Failure(
            kind: isUsage ? .usage : Self.kind(of: error), message: message,
            file: (error as? FormatError)?.file)
    }

    var text: String {
        // Encoding strings cannot fail; were it to, the message still stands on standard error.
        (try? json(self)) ?? ""
    }

    static func kind(of error: any Error) -> Kind {
        switch error {
        case let error as FormatError:
            switch error.kind {
            case .damaged: .damaged
            case .unsupported: .unsupported
            case .hostile: .hostile
            case .io: .io
            }
        case let error as CheckpointError where access(error.path, R_OK) != 0: .io
        case is CheckpointError, is TokenizerError, is ImageError, is DecodingError, is JSONError:
            .damaged
        case OutputError.diskFull, OutputError.writeFailed: .io
        case is DataError, is OutputError, is TrainingError, is TriggerError: .usage
        case is CocoaError, is POSIXError, is FileError: .io
        default: .failed
        }
    }
}
