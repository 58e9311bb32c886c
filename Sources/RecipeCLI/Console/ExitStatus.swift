/// What the process tells its caller when it ends.
public enum ExitStatus: Int32, Sendable {
    /// The work is done.
    case done = 0
    /// A gate failed, or something was found.
    case found = 1
    /// The tool failed, or examined nothing.
    case failed = 2
    /// The command line was wrong.
    case usage = 64
    /// The terminal went away.
    case hungUp = 129
    /// The user interrupted it.
    case interrupted = 130
    /// It was told to end.
    case terminated = 143

    /// The status of a process that a signal ended.
    init(signal: Int32) { self = ExitStatus(rawValue: 128 + signal) ?? .terminated }

    /// What users are told of the statuses.
    static let explanation = """
        EXIT STATUS: 0 done; 1 a check failed, or something was found; 2 the work could not be done, \
        and nothing stands under the output's name; 64 the command line was wrong; 129, 130 and 143 \
        ended by SIGHUP, SIGINT or SIGTERM: training finishes its step and saves it first, and goes on \
        with --resume; a second signal ends it at once.
        """
}
