/// A file of a model's folder and what is said of it.
public struct FileNote: Sendable, Codable, Hashable, CustomStringConvertible {
    /// Why a file is not carried into an output, or what else there is to say of it.
    public enum Kind: String, Sendable, Codable {
        /// Something that loaders could read differently, or read instead of what is examined.
        case ambiguity
        /// Code, or a field that makes a loader run code.
        case code
        /// A Python pickle.
        case pickle
        /// Weights that cannot be rewritten here, or are not the model's.
        case weights
        /// What a training program keeps to go on.
        case trainingState
        /// A container whose content was not examined.
        case archive
        /// A file whose content is not what its name says.
        case content
        /// A link that leads out of the folder, nowhere, or to a folder.
        case link
        /// A named pipe, a socket or a device.
        case special
        /// What could not be read.
        case unreadable
        /// A record of a purification.
        case record
        /// A file that is not on the list of what a model needs.
        case notListed
    }

    /// The file, by its path within the folder.
    public let file: String
    /// What kind of thing is said.
    public let kind: Kind
    /// What is said, in words that follow on "FILE: ".
    public let reason: String

    /// The field of the file's object that it is about; nil where it is about the whole file.
    public let field: String?

    /// A note on `file`, or on a field of it.
    public init(_ file: String, _ kind: Kind, _ reason: String, field: String? = nil) {
        self.file = file
        self.field = field
        self.kind = kind
        self.reason = reason
    }

    /// File and reason in one line.
    public var description: String { "\(file): \(reason)" }
}
