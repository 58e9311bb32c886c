import Files
import Foundation
import Training

/// What becomes of the process when it is told to end.
///
/// The first signal lets training that keeps snapshots finish its step, save it and say how to go on,
/// and has the stages of `recipe run` do so; whatever else is at work stops at once, and so does
/// everything at a second signal. What is half written is taken away either way.
enum Signals {
    private static nonisolated(unsafe) var sources: [any DispatchSourceSignal] = []
    /// When the first signal came.
    private static let first = Locked(DispatchTime?.none)

    /// Sees to SIGINT, SIGTERM and, unless `nohup` has it ignored, SIGHUP from now on.
    static func watch() {
        var hangup = sigaction()
        sigaction(SIGHUP, nil, &hangup)
        let isHangupIgnored = unsafeBitCast(hangup.__sigaction_handler, to: Int.self) == 1
        for number in [SIGINT, SIGTERM] + (isHangupIgnored ? [] : [SIGHUP]) {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { answer(number) }
            source.resume()
            sources.append(source)
        }
    }

    private static func answer(_ number: Int32) {
        let now = DispatchTime.now()
        let before = first.withLock { first in
            defer { first = first ?? now }
            return first
        }
        if let before {
            // A terminal that is closed sends its signal more than once, as does its shell.
            let isEcho = now.uptimeNanoseconds - before.uptimeNanoseconds < 250_000_000
            if !isEcho { end(number) }
        } else if ChildProcesses.areRunning {
            Console.standard.log(
                "ending the stages: each finishes its step and saves it; to end at once, interrupt "
                    + "again")
            ChildProcesses.endAll()
            // The handler returns, so that a second signal finds it ready.
            Thread.detachNewThread {
                ChildProcesses.wait()
                Console.standard.log("to go on: \(Invocation.text)")
                end(number)
            }
        } else if Interruption.request(number) {
            Console.standard.log(
                "finishing the step to save it; to end at once without, interrupt again")
        } else {
            end(number)
        }
    }

    private static func end(_ number: Int32) -> Never {
        ChildProcesses.killAll()
        Unfinished.removeAll()
        _exit(128 + number)
    }
}
