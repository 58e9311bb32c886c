import Documents
import Files
import Foundation
import Reports

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
/// a line is written and comes back with its next update. What comes from files and names cannot
/// steer a terminal, hide or pass for a line of the tool's own: hidden characters are shown as the
/// escapes that name them, and only the tool's own colours are not. A reader that closed standard
/// output ends the process quietly with status 0, as `recipe … | head` expects; where standard output
/// cannot be written for another reason, as on a full disk, the process ends with an error.
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

    /// Writes a result of one line or several to standard output, with a line break at its end if it
    /// has none.
    public func write(_ text: String) { result(text.linesInPlainSight) }

    /// Writes a result to standard output, a line each.
    public func write(lines: [String]) {
        result(lines.map(\.inPlainSight).joined(separator: "\n"))
    }

    /// Lays a document out for standard output, whose renderer sees to what must not reach a screen.
    public func write(_ document: ReportDocument) {
        let renderer = TerminalRenderer(
            width: output.width, usesColor: output.usesColor, usesUnicode: output.usesUnicode)
        result(renderer.render(document))
    }

    private func result(_ text: String) {
        state.withLock { state in
            clearBar(&state)
            let code = put(text.hasSuffix("\n") ? text : text + "\n", to: output.descriptor)
            if code != 0 { end(after: code) }
        }
    }

    /// Ends the process, whose result cannot be written.
    private func end(after code: Int32) -> Never {
        Unfinished.removeAll()
        guard code != EPIPE else { exit(ExitStatus.done.rawValue) }
        let reason = String(cString: strerror(code))
        _ = put(
            errors.styled("error:", .failure) + " standard output cannot be written: \(reason)\n",
            to: errors.descriptor)
        exit(ExitStatus.failed.rawValue)
    }

    /// Writes a line about the work to standard error.
    public func log(_ message: String) { log(shown: message.inPlainSight) }

    /// Writes lines about the work to standard error.
    func log(lines: String) { log(shown: lines.linesInPlainSight) }

    /// Writes a line that the user should heed to standard error.
    public func warn(_ message: String) {
        log(shown: errors.styled("warning:", .warning) + " " + message.inPlainSight)
    }

    /// Writes a line about a failure to standard error.
    public func fail(_ message: String) {
        log(shown: errors.styled("error:", .failure) + " " + message.inPlainSight)
    }

    private func log(shown text: String) {
        state.withLock { state in
            clearBar(&state)
            _ = put(text + "\n", to: errors.descriptor)
        }
    }

    /// Shows `line` in place of the bar that stands; an empty one takes the bar away.
    func showBar(_ line: String) {
        state.withLock { state in
            let line = line.inPlainSight
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

    /// Writes all of the text; the number of the error that kept it from being written, or 0.
    private func put(_ text: String, to descriptor: Int32) -> Int32 {
        Array(text.utf8).withUnsafeBytes { bytes in
            var rest = bytes[...]
            var patience = Self.patience
            while !rest.isEmpty {
                let written = systemWrite(descriptor, UnsafeRawBufferPointer(rebasing: rest))
                if written > 0 {
                    rest = rest.dropFirst(written)
                    patience = Self.patience
                } else if written < 0, errno == EAGAIN {
                    var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    if poll(&waiting, 1, 1000) == 0 { patience -= 1 }
                    if patience == 0 { return EAGAIN }
                } else if written == 0 || errno != EINTR {
                    return written == 0 ? ENOSPC : errno
                }
            }
            return 0
        }
    }

    /// Seconds that a reader of a stream that does not block may let it wait.
    private static let patience = 60
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
