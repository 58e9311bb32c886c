import CImage
import Foundation

/// Bytes that cannot be made an image, or an image that cannot be made another.
public struct ImageError: Error, LocalizedError, CustomStringConvertible, Equatable, Sendable {
    /// What kind of failure it is.
    public enum Kind: String, Sendable {
        /// None of the formats that can be read.
        case notAnImage
        /// Broken content, or an end before the last pixel.
        case damaged
        /// A format, or a form of one, that cannot be read.
        case unsupported
        /// More pixels or bytes than allowed.
        case tooLarge
        /// There is not enough memory.
        case outOfMemory
        /// Sizes that contradict each other.
        case invalid
    }

    /// What kind of failure it is.
    public let kind: Kind
    /// What is wrong, as it goes on from a file's name: "is cut short".
    public let description: String

    /// An error of `kind` that says `description`.
    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// The same as `description`.
    public var errorDescription: String? { description }
}

extension ImageError.Kind {
    init(_ status: ci_status) {
        switch status {
        case CI_NOT_AN_IMAGE: self = .notAnImage
        case CI_DAMAGED: self = .damaged
        case CI_UNSUPPORTED: self = .unsupported
        case CI_TOO_LARGE: self = .tooLarge
        case CI_OUT_OF_MEMORY: self = .outOfMemory
        default: self = .invalid
        }
    }
}

/// What is refused before any memory for pixels is taken.
public struct ImageLimits: Sendable, Codable, Hashable {
    /// The most pixels an image may have; no side may be above 65,535 in any case.
    public var pixels: Int
    /// The most bytes a file may have.
    public var fileBytes: Int

    /// By default 100 million pixels (300 MB decoded) and a gigabyte of file.
    public init(pixels: Int = 100_000_000, fileBytes: Int = 1 << 30) {
        self.pixels = pixels
        self.fileBytes = fileBytes
    }
}
