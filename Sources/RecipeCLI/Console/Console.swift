import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where the tool speaks: results to standard output, everything else to standard error.
///
/// A write is whole: lines of different threads do not mix, and a progress bar is taken away before
/// a line is written and comes back with its next update. A reader that closed standard output ends
/// the process quietly with status 0, as `recipe … | head` expects.
public final class Console: Sendable {
    /// The process's own standard output and error.
    public static let standard = Console(
        output: STDOUT_FILENO, errors: STDERR_FILENO,
        environment: ProcessInfo.processInfo.environment)

    /// What standard output can show.
    public let output: Terminal
    /// What standard error can show.
    public let errors: Terminal

    private let state = Locked(State())

    private struct State { var bar = "" }

    /// Makes a console over two file descriptors, which stay the caller's to close.
    ///
    /// A write to a closed pipe is answered with an error instead of ending the process from then
    /// on (`SIGPIPE` is ignored).
    public init(output: Int32, errors: Int32, environment: [String: String]) {
        signal(SIGPIPE, SIG_IGN)
        self.output = Terminal(descriptor: output, environment: environment)
        self.errors = Terminal(descriptor: errors, environment: environment)
    }

    /// Writes a result to standard output, with a line break at its end if it has none.
    public func write(_ text: String) {
        state.withLock { state in
            clearBar(&state)
            if !put(text.hasSuffix("\n") ? text : text + "\n", to: output.descriptor) {
                exit(ExitStatus.done.rawValue)
            }
        }
    }

    /// Writes bytes to standard output as they are.
    public func write(_ data: Data) {
        state.withLock { state in
            clearBar(&state)
            if !put(data, to: output.descriptor) { exit(ExitStatus.done.rawValue) }
        }
    }

    /// Writes a line about the work to standard error.
    public func log(_ message: String) {
        state.withLock { state in
            clearBar(&state)
            _ = put(message + "\n", to: errors.descriptor)
        }
    }

    /// Writes a line that the user should heed to standard error.
    public func warn(_ message: String) {
        log(errors.styled("warning:", .warning) + " " + message)
    }

    /// Writes a line about a failure to standard error.
    public func fail(_ message: String) {
        log(errors.styled("error:", .failure) + " " + message)
    }

    /// Shows `line` in place of the bar that stands; an empty one takes the bar away.
    func showBar(_ line: String) {
        state.withLock { state in
            guard line != state.bar else { return }
            // Back to the start of the line, then clear what a longer bar left.
            _ = put("\r\(line)\u{1B}[K", to: errors.descriptor)
            state.bar = line
        }
    }

    private func clearBar(_ state: inout State) {
        guard !state.bar.isEmpty else { return }
        _ = put("\r\u{1B}[K", to: errors.descriptor)
        state.bar = ""
    }

    private func put(_ text: String, to descriptor: Int32) -> Bool {
        put(Data(text.utf8), to: descriptor)
    }

    /// Writes all of the bytes; false when nobody reads them any more.
    private func put(_ data: Data, to descriptor: Int32) -> Bool {
        data.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
            var rest = bytes[...]
            while !rest.isEmpty {
                let written = systemWrite(descriptor, UnsafeRawBufferPointer(rebasing: rest))
                if written > 0 {
                    rest = rest.dropFirst(written)
                } else if written < 0, errno == EAGAIN {
                    var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&waiting, 1, 1000)
                } else if written < 0, errno != EINTR {
                    return false
                }
            }
            return true
        }
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    #if canImport(Glibc)
        Glibc.write(descriptor, bytes.baseAddress, bytes.count)
    #elseif canImport(Musl)
        Musl.write(descriptor, bytes.baseAddress, bytes.count)
    #else
        Darwin.write(descriptor, bytes.baseAddress, bytes.count)
    #endif
}

/// A value that one thread at a time may touch.
final class Locked<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    init(_ value: sending Value) { self.value = value }

    func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try body(&value)
    }
}
