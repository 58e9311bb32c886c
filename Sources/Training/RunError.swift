import Foundation

/// Why a run's files could not be made.
public enum RunError: Error, Equatable {
    /// The destination is there already and may not be replaced.
    case destinationExists(path: String)
    /// The destination is an input, or one lies within the other.
    case overlapsInput(path: String, input: String)
    /// The destination cannot be used as a folder, or its parent cannot be made.
    case unusableDestination(path: String, reason: String)
    /// The disk, or what the user may use of it, is full.
    case diskFull(path: String)
    /// A file could not be written.
    case writeFailed(path: String, reason: String)
    /// A value could not be turned into a file's text.
    case notEncodable(path: String, reason: String)
    /// The output was committed or discarded before.
    case outputClosed(path: String)
}

extension RunError: CustomStringConvertible, LocalizedError {
    /// What went wrong, where, and what to do.
    public var description: String {
        switch self {
        case .destinationExists(let path):
            "\(path) exists already; choose another output folder, or pass --force to replace it"
        case .overlapsInput(let path, let input):
            "the output folder \(path) would overwrite the input \(input), or lie within it; "
                + "choose another output folder"
        case .unusableDestination(let path, let reason):
            "\(path) cannot be used as an output folder: \(reason)"
        case .diskFull(let path):
            "no space is left to write \(path); free some, or choose an output folder on another disk"
        case .writeFailed(let path, let reason): "\(path) cannot be written: \(reason)"
        case .notEncodable(let path, let reason): "\(path) cannot be written: \(reason)"
        case .outputClosed(let path): "the output folder \(path) was already finished"
        }
    }

    /// The same text, for Foundation's callers.
    public var errorDescription: String? { description }

    /// The error that a failed system call left behind.
    static func system(_ code: Int32, path: String) -> RunError {
        switch code {
        case ENOSPC, EDQUOT: .diskFull(path: path)
        case EACCES, EPERM:
            .writeFailed(path: path, reason: "permission denied; check who owns the folder")
        case EROFS: .writeFailed(path: path, reason: "the file system is read-only")
        default: .writeFailed(path: path, reason: String(cString: strerror(code)))
        }
    }
}
