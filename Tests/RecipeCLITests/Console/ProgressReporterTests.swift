import Files
import Foundation
import Testing

@testable import RecipeCLI

/// A clock that a test sets.
private final class Clock: Sendable {
    private let seconds = Locked(100.0)
    var now: Double { seconds.withLock { $0 } }
    func advance(_ step: Double) { seconds.withLock { $0 += step } }
}

@Suite struct ProgressReporterTests {
    private let clock = Clock()

    private func reporter(total: Int?, on console: Console) -> ProgressReporter {
        let clock = clock
        return ProgressReporter(
            "purify", total: total, unit: "step", on: console, now: { clock.now })
    }

    @Test func writesALineEveryTenSecondsAndTenth() throws {
        let captured = CapturedConsole()
        let progress = reporter(total: 1000, on: captured.console)
        for step in 1...1000 {
            clock.advance(0.0625)
            progress.update(completed: step, detail: "loss 2.5")
        }
        progress.finish()
        progress.update(completed: 1, detail: "late")
        let lines = try captured.read().errors.split(separator: "\n")
        #expect(
            lines == [
                "purify: 160/1,000 steps (16 %), 16.0/s, 53 s left, loss 2.5",
                "purify: 320/1,000 steps (32 %), 16.0/s, 43 s left, loss 2.5",
                "purify: 480/1,000 steps (48 %), 16.0/s, 33 s left, loss 2.5",
                "purify: 640/1,000 steps (64 %), 16.0/s, 23 s left, loss 2.5",
                "purify: 800/1,000 steps (80 %), 16.0/s, 13 s left, loss 2.5",
                "purify: 960/1,000 steps (96 %), 16.0/s, 2.5 s left, loss 2.5",
                "purify: 1,000 steps in 1 min 03 s, 16.0/s, loss 2.5",
            ])
    }

    @Test func writesNoMoreThanATenthOfALongRunALine() throws {
        let captured = CapturedConsole()
        let progress = reporter(total: 100, on: captured.console)
        for step in 1...100 {
            clock.advance(10)
            progress.update(completed: step)
        }
        #expect(try captured.read().errors.split(separator: "\n").count == 10)
    }

    @Test func copesWithoutATotal() throws {
        let captured = CapturedConsole()
        let progress = reporter(total: nil, on: captured.console)
        clock.advance(11)
        progress.update(completed: 1)
        clock.advance(11)
        progress.update(completed: 44)
        progress.abandon()
        progress.finish()
        #expect(
            try captured.read().errors
                == "purify: 1 step, 5.45/min\npurify: 44 steps, 2.00/s\n")
    }

    @Test func tellsTheRateOfTheLastWhile() throws {
        let captured = CapturedConsole()
        let progress = reporter(total: 10_000, on: captured.console)
        for step in 1...2000 {
            clock.advance(step <= 1000 ? 1 : 0.1)
            progress.update(completed: step)
        }
        let last = try #require(try captured.read().errors.split(separator: "\n").last)
        #expect(last.contains("10.0/s"), "\(last)")
    }

    @Test(
        .enabled(
            if: FileManager.default.fileExists(atPath: PseudoTerminal.multiplexer),
            "there are no pseudo-terminals"))
    func drawsABarOnATerminal() throws {
        let terminal = try PseudoTerminal(columns: 60)
        let console = Console(
            output: terminal.descriptor, errors: terminal.descriptor,
            environment: ["TERM": "xterm", "NO_COLOR": "1"])
        let progress = reporter(total: 200, on: console)
        for step in 1...100 {
            clock.advance(0.03125)
            progress.update(completed: step, detail: "loss 2.5")
        }
        console.log("a message")
        progress.finish()
        let written = try terminal.read()
        let drawings = written.components(separatedBy: "\r").filter { $0.hasPrefix("purify ") }
        #expect(drawings.count == 25, "\(drawings.count)")
        #expect(drawings.allSatisfy { $0.replacing("\u{1B}[K", with: "").count <= 59 })
        #expect(drawings.last?.contains("█") == true)
        #expect(
            drawings.last?.contains(" 97/200, 32.0/s, 3.2 s left, loss 2.5") == true, "\(drawings)")
        #expect(written.contains("\r\u{1B}[Ka message\r\n"))
        #expect(written.hasSuffix("purify: 100 steps in 3.1 s, 32.0/s, loss 2.5\r\n"))
    }

    @Test func countsToHugeAndSmallTotals() throws {
        let captured = CapturedConsole()
        for total in [0, -5, Int.max, 1] {
            let progress = reporter(total: total, on: captured.console)
            clock.advance(20)
            progress.update(completed: Int.max)
            progress.update(completed: -1)
            progress.finish()
        }
        #expect(!(try captured.read().errors.isEmpty))
    }
}

/// A terminal without a screen.
private final class PseudoTerminal {
    static let multiplexer = "/dev/ptmx"

    let descriptor: Int32
    private let controller: Int32

    init(columns: UInt16) throws {
        controller = open(Self.multiplexer, O_RDWR | O_NOCTTY)
        try #require(controller >= 0)
        // unlockpt and ptsname, which Swift does not see on Linux: TIOCSPTLCK and TIOCGPTN.
        var locked: Int32 = 0, number: UInt32 = 0
        try #require(ioctl(controller, 0x4004_5431, &locked) == 0)
        try #require(ioctl(controller, 0x8004_5430, &number) == 0)
        descriptor = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        try #require(descriptor >= 0)
        var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        try #require(ioctl(controller, UInt(TIOCSWINSZ), &size) == 0)
    }

    deinit {
        close(descriptor)
        close(controller)
    }

    /// What was written up to now.
    func read() throws -> String {
        var text = Data(), part = [UInt8](repeating: 0, count: 4096)
        var waiting = pollfd(fd: controller, events: Int16(POLLIN), revents: 0)
        while poll(&waiting, 1, 50) > 0 {
            let count = Foundation.read(controller, &part, part.count)
            guard count > 0 else { break }
            text += part[..<count]
        }
        return String(decoding: text, as: UTF8.self)
    }
}
