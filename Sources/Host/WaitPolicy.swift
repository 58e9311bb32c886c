import Foundation

/// What threads of libgomp do while they wait for work.
///
/// It is read from the environment as libgomp is loaded. The programs of this package choose
/// ``passive`` where the user has chosen nothing (`Sources/CLauncher`); a program that uses the
/// library alone sets `OMP_WAIT_POLICY=passive` itself, before it starts.
public enum WaitPolicy: String, Sendable, Codable {
    /// They sleep, after some rounds where `GOMP_SPINCOUNT` says so: others get the processor.
    case passive
    /// They spin: beside other work two threads are then many times slower than one.
    case active
    /// They spin for some rounds that the user has set (`GOMP_SPINCOUNT`), then sleep.
    case counted

    /// The policy in force in this process.
    public static var current: WaitPolicy {
        WaitPolicy(environment: ProcessInfo.processInfo.environment)
    }

    /// The policy of a process with this environment; libgomp by itself spins.
    init(environment: [String: String]) {
        if environment["OMP_WAIT_POLICY"]?.lowercased() == "passive" {
            self = .passive
        } else {
            self = environment["GOMP_SPINCOUNT"] == nil ? .active : .counted
        }
    }
}
