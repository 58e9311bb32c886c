import Files
import Foundation

/// A run that was asked to end, ended after a step, and can be taken up again.
public struct Interrupted: Error, Sendable, CustomStringConvertible {
    /// The signal that asked for it.
    public var signal: Int32
    /// Steps done.
    public var step: Int
    /// Steps of the whole run.
    public var steps: Int
    /// Where the run goes on from.
    public var snapshot: URL

    /// What happened, in words.
    public var description: String {
        "stopped after step \(step) of \(steps), which \(snapshot.path) has"
    }
}

/// Whether this process was asked to end, and whether a run sees to it.
///
/// A run that keeps snapshots listens while it trains: the step in progress is finished and saved.
public enum Interruption {
    private struct State {
        var listeners = 0
        var signal: Int32?
    }

    private static let state = Locked(State())

    /// Asks for an end; false where nobody listens, so that whoever asks has to see to it.
    public static func request(_ signal: Int32) -> Bool {
        state.withLock { state in
            guard state.listeners > 0 else { return false }
            state.signal = signal
            return true
        }
    }

    /// The signal that asked for an end, or nil.
    static var requested: Int32? { state.withLock { $0.signal } }

    /// Calls `body`, which looks at ``requested`` from time to time.
    static func listening<Result>(_ body: () throws -> Result) rethrows -> Result {
        state.withLock { $0.listeners += 1 }
        defer { state.withLock { $0.listeners -= 1 } }
        return try body()
    }
}
