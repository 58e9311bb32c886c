import Foundation

/// Why an output, or a run's files, could not be made.
public enum OutputError: Error, Equatable {
    /// The destination is there already and may not be replaced.
    case destinationExists(path: String)
    /// The destination is an input, holds one or lies within one.
    case overlapsInput(path: String, input: String)
    /// What stands at the destination was not written by this tool, so that nothing replaces it.
    case notOurs(path: String, reason: String)
    /// The destination cannot be used as a folder, or its parent cannot be made.
    case unusableDestination(path: String, reason: String)
    /// Another process writes there; its number, where it is known.
    case inUse(path: String, process: Int32?)
    /// An input is not what it was when the work began.
    case inputChanged(path: String, how: String)
    /// The disk, or what the user may use of it, is full.
    case diskFull(path: String)
    /// A file could not be written.
    case writeFailed(path: String, reason: String)
    /// A value could not be turned into a file's text.
    case notEncodable(path: String, reason: String)
    /// What was written is not what should have been.
    case notAsWritten(path: String, reason: String)
    /// The output was committed or discarded before.
    case outputClosed(path: String)
}

extension OutputError: CustomStringConvertible, LocalizedError {
    /// What went wrong, where, and what to do.
    public var description: String {
        switch self {
        case .destinationExists(let path):
            "\(path) exists already; choose another output, or pass --force to replace it"
        case .overlapsInput(let path, let input):
            "the output \(path) would overwrite the input \(input), hold it, or lie within it; "
                + "choose another output"
        case .notOurs(let path, let reason):
            "\(path) \(reason), so --force does not replace it; choose another output, or move it "
                + "away yourself"
        case .unusableDestination(let path, let reason):
            "\(path) cannot be used as an output: \(reason)"
        case .inUse(let path, let process):
            "another run\(process.map { " (process \($0))" } ?? "") is writing \(path); wait for it, "
                + "or choose another output"
        case .inputChanged(let path, let how):
            "\(path) \(how) while it was in use, so nothing made from it is kept; start again when "
                + "nothing writes to it"
        case .diskFull(let path):
            "no space is left to write \(path); free some, or choose an output on another disk"
        case .writeFailed(let path, let reason): "\(path) cannot be written: \(reason)"
        case .notEncodable(let path, let reason): "\(path) cannot be written: \(reason)"
        case .notAsWritten(let path, let reason):
            "\(path): \(reason); nothing of it is kept: check the disk and the memory, and start again"
        case .outputClosed(let path): "the output \(path) was already finished"
        }
    }

    /// What went wrong alone, where the file is named before it.
    public var reason: String {
        switch self {
        case .diskFull: "no space is left to write it"
        case .writeFailed(_, let reason): "cannot be written: \(reason)"
        default: description
        }
    }

    /// The same text, for Foundation's callers.
    public var errorDescription: String? { description }

    /// The error that a failed system call left behind.
    public static func system(_ code: Int32, path: String) -> OutputError {
        switch code {
        case ENOSPC, EDQUOT: .diskFull(path: path)
        case EFBIG: .writeFailed(path: path, reason: "the file is larger than is allowed")
        case EACCES, EPERM:
            .writeFailed(path: path, reason: "permission denied; check who owns the folder")
        case EROFS: .writeFailed(path: path, reason: "the file system is read-only")
        case ENOENT:
            .writeFailed(path: path, reason: "its folder is not there, or was removed meanwhile")
        case EFAULT:
            .writeFailed(path: path, reason: "what is copied into it was cut short meanwhile")
        default: .writeFailed(path: path, reason: String(cString: strerror(code)))
        }
    }
}
