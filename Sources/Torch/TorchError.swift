import CTorch
import Foundation

/// A failure inside libtorch, or an argument that it would not take.
public struct TorchError: Error, Sendable, CustomStringConvertible, LocalizedError {
    /// What kind of failure it was.
    public enum Kind: String, Sendable {
        /// The device or the host has no memory left for a tensor.
        case outOfMemory
        /// An operation was given shapes, types or values that it does not take.
        case invalidArgument
    }

    /// What kind of failure it was.
    public let kind: Kind
    /// The operation that failed, by its name in this module.
    public let operation: String
    /// libtorch's own message, without its C++ backtrace.
    public let message: String

    /// Makes an error of `operation`.
    public init(_ kind: Kind, in operation: String, _ message: String) {
        self.kind = kind
        self.operation = operation
        self.message = message
    }

    init(_ status: ct_status, in operation: String) {
        // The first line says it; what follows is libtorch's advice to people who write C++.
        let text = String(cString: ct_last_error())
        self.init(status == CT_OUT_OF_MEMORY ? .outOfMemory : .invalidArgument, in: operation, text)
    }

    /// One line: operation, kind and message.
    public var description: String {
        switch kind {
        case .outOfMemory: "\(operation): out of memory: \(message)"
        case .invalidArgument: "\(operation): \(message)"
        }
    }

    /// The same line, for Foundation.
    public var errorDescription: String? { description }
}

/// Turns a status of the shim into a thrown error.
func check(_ status: ct_status, _ operation: String) throws(TorchError) {
    guard status == CT_OK else { throw TorchError(status, in: operation) }
}
