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
}
