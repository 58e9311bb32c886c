import Files
import Foundation

/// Shows how far a piece of work is: a bar on a terminal, now and then a line elsewhere.
///
/// A bar is redrawn at most ten times a second and takes itself away at the end. Lines come at most
/// every ten seconds, or with every tenth of the work where that is rarer.
public final class ProgressReporter: Sendable {
    private let console: Console
    private let title: String
    private let total: Int?
    private let unit: String
    private let now: @Sendable () -> Double
    private let state: Locked<State>

    private struct State {
        var begin: Double
        var completed = 0
        var detail = ""
        var lastShown = -Double.infinity
        var lastShownCount = 0
        var finished = false
        /// Times and counts of the last while, to tell the present rate from.
        var recent: [(time: Double, completed: Int)] = []
    }

    /// Seconds between two lines where there is no terminal.
    static let lineInterval = 10.0
    /// Seconds between two drawings of a bar.
    static let barInterval = 0.1
    /// Seconds that the rate is measured over.
    static let rateSpan = 15.0

    /// Begins a piece of work.
    ///
    /// - Parameters:
    ///   - title: What is being done, such as "purify".
    ///   - total: How many units there are to do; nothing when that is not known.
    ///   - unit: What is counted, such as "step".
    public convenience init(
        _ title: String, total: Int?, unit: String = "step", on console: Console
    ) {
        self.init(
            title, total: total, unit: unit, on: console,
            now: { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 })
    }

    init(
        _ title: String, total: Int?, unit: String, on console: Console,
        now: @escaping @Sendable () -> Double
    ) {
        self.console = console
        self.title = title
        self.total = total.flatMap { $0 > 0 ? $0 : nil }
        self.unit = unit
        self.now = now
        let begin = now()
        state = Locked(State(begin: begin, recent: [(begin, 0)]))
    }

    /// Takes note that so many units are done, with a text such as the loss.
    public func update(completed: Int, detail: String = "") {
        state.withLock { state in
            guard !state.finished else { return }
            let time = now()
            state.completed = max(0, completed)
            state.detail = detail
            note(time, in: &state)
            if console.errors.canRedraw {
                guard time - state.lastShown >= Self.barInterval else { return }
                state.lastShown = time
                console.showBar(bar(state, at: time))
            } else if isLineDue(state, at: time) {
                state.lastShown = time
                state.lastShownCount = state.completed
                console.log(line(state, at: time))
            }
        }
    }

    /// Ends the work: takes the bar away and writes a line that sums it up.
    public func finish() {
        state.withLock { state in
            guard !state.finished else { return }
            state.finished = true
            let elapsed = now() - state.begin
            if console.errors.canRedraw { console.showBar("") }
            let rate = HumanFormat.rate(elapsed > 0 ? Double(state.completed) / elapsed : 0)
            console.log(
                join([
                    "\(title): \(counted(state.completed)) in \(HumanFormat.duration(elapsed))",
                    rate, state.detail,
                ]))
        }
    }

    /// Takes the bar away without a word, as when the work failed.
    public func abandon() {
        state.withLock { state in
            state.finished = true
            if console.errors.canRedraw { console.showBar("") }
        }
    }

    private func note(_ time: Double, in state: inout State) {
        // Twenty notes over the span are enough for a rate.
        if let last = state.recent.last, time - last.time >= Self.rateSpan / 20 {
            state.recent.append((time, state.completed))
        }
        let kept = state.recent.lastIndex { time - $0.time >= Self.rateSpan } ?? 0
        state.recent.removeFirst(kept)
    }

    private func isLineDue(_ state: State, at time: Double) -> Bool {
        guard time - state.begin >= Self.lineInterval, time - state.lastShown >= Self.lineInterval
        else { return false }
        guard let total else { return true }
        return state.completed - state.lastShownCount >= total / 10 + (total % 10 > 0 ? 1 : 0)
    }

    /// Units a second over the last while; 0 when that cannot be told yet.
    private func rate(_ state: State, at time: Double) -> Double {
        guard let first = state.recent.first, time > first.time else { return 0 }
        return Double(max(0, state.completed - first.completed)) / (time - first.time)
    }

    private func timeLeft(_ state: State, rate: Double) -> String {
        guard let total, rate > 0, state.completed > 0 else { return "" }
        return HumanFormat.duration(Double(max(0, total - state.completed)) / rate) + " left"
    }

    private func counted(_ completed: Int) -> String {
        "\(HumanFormat.count(completed)) \(unit)\(completed == 1 ? "" : "s")"
    }

    private func join(_ parts: [String]) -> String {
        parts.filter { !$0.isEmpty }.joined(separator: ", ")
    }

    private func line(_ state: State, at time: Double) -> String {
        let rate = rate(state, at: time)
        var done = counted(state.completed)
        if let total {
            let percent = Int(100 * min(1, Double(state.completed) / Double(total)))
            let count = "\(HumanFormat.count(state.completed))/\(HumanFormat.count(total))"
            done = "\(count) \(unit)s (\(percent) %)"
        }
        return join([
            "\(title): \(done)", HumanFormat.rate(rate), timeLeft(state, rate: rate), state.detail,
        ])
    }

    private func bar(_ state: State, at time: Double) -> String {
        let rate = rate(state, at: time)
        let figures = join([HumanFormat.rate(rate), timeLeft(state, rate: rate), state.detail])
        // The last column is left free: some terminals break the line there.
        let width = console.errors.width - 1
        guard let total else {
            return String("\(title) \(counted(state.completed)), \(figures)".prefix(width))
        }
        let fraction = min(1, Double(state.completed) / Double(total))
        let count = "\(HumanFormat.count(state.completed))/\(HumanFormat.count(total))"
        let room = width - title.count - count.count - figures.count - 5
        let drawing = room >= 8 ? " " + blocks(fraction, width: min(room, 40)) : ""
        return String("\(title)\(drawing) \(count), \(figures)".prefix(width))
    }

    private func blocks(_ fraction: Double, width: Int) -> String {
        let eighths = Int(fraction * Double(width * 8))
        guard console.errors.usesUnicode else {
            let full = eighths / 8
            return "[" + String(repeating: "#", count: full)
                + String(repeating: ".", count: width - full) + "]"
        }
        let parts = Array(" ▏▎▍▌▋▊▉")
        var bar = String(repeating: "█", count: eighths / 8)
        if eighths < width * 8 { bar.append(parts[eighths % 8]) }
        return bar.padding(toLength: width, withPad: " ", startingAt: 0)
    }
}
