import Files
import Foundation
import Testing

@testable import RecipeCLI

/// Two pipes in the place of standard output and error.
final class CapturedConsole {
    let console: Console
    let output = Pipe()
    private let errors = Pipe()

    init(environment: [String: String] = [:]) {
        console = Console(
            output: output.fileHandleForWriting.fileDescriptor,
            errors: errors.fileHandleForWriting.fileDescriptor, environment: environment)
    }

    /// What was written; the console cannot be used after.
    func read() throws -> (output: String, errors: String) {
        try output.fileHandleForWriting.close()
        try errors.fileHandleForWriting.close()
        let (out, err) = (
            try output.fileHandleForReading.readToEnd() ?? Data(),
            try errors.fileHandleForReading.readToEnd() ?? Data()
        )
        return (String(decoding: out, as: UTF8.self), String(decoding: err, as: UTF8.self))
    }
}

@Suite struct ConsoleTests {
    @Test func keepsResultsAndLogsApart() throws {
        let captured = CapturedConsole()
        captured.console.write("result")
        captured.console.write("line\n")
        captured.console.write("a\n")
        captured.console.log("working")
        captured.console.warn("careful")
        captured.console.fail("broken")
        let (output, errors) = try captured.read()
        #expect(output == "result\nline\na\n")
        #expect(errors == "working\nwarning: careful\nerror: broken\n")
    }

    @Test func coloursWarningsWhenForced() throws {
        let captured = CapturedConsole(environment: ["CLICOLOR_FORCE": "1"])
        captured.console.warn("careful")
        #expect(try captured.read().errors == "\u{1B}[1;33mwarning:\u{1B}[0m careful\n")
    }

    @Test func survivesAClosedErrorStream() throws {
        let output = Pipe(), errors = Pipe()
        try errors.fileHandleForReading.close()
        let console = Console(
            output: output.fileHandleForWriting.fileDescriptor,
            errors: errors.fileHandleForWriting.fileDescriptor, environment: [:])
        console.log("nobody reads this")
        console.write("still here")
        try output.fileHandleForWriting.close()
        #expect(try output.fileHandleForReading.readToEnd() == Data("still here\n".utf8))
    }

    @Test func endsQuietlyWhenNobodyReadsItsOutput() async {
        await #expect(processExitsWith: .exitCode(ExitStatus.done.rawValue)) {
            let output = Pipe()
            try output.fileHandleForReading.close()
            let console = Console(
                output: output.fileHandleForWriting.fileDescriptor, errors: 2, environment: [:])
            console.write("nobody reads this")
            exit(99)
        }
    }

    @Test func writesMoreThanAPipeHolds() throws {
        let captured = CapturedConsole()
        let text = String(repeating: "0123456789", count: 200_000)
        let console = captured.console
        Thread.detachNewThread { console.write(text) }
        Thread.sleep(forTimeInterval: 0.01)
        // Read while it writes, then wait for the whole.
        #expect(try captured.readOutput(bytes: text.utf8.count + 1) == text + "\n")
    }
}

extension CapturedConsole {
    func readOutput(bytes: Int) throws -> String {
        var data = Data()
        while data.count < bytes,
            let part = try output.fileHandleForReading.read(upToCount: bytes - data.count)
        {
            data += part
        }
        return String(decoding: data, as: UTF8.self)
    }
}

@Suite struct TerminalTests {
    private func usesColor(_ environment: [String: String], isTerminal: Bool = true) -> Bool {
        Terminal(descriptor: -1, isTerminal: isTerminal, environment: environment).usesColor
    }

    @Test func decidesOnColour() {
        #expect(usesColor(["TERM": "xterm"]))
        #expect(!usesColor([:], isTerminal: false))
        #expect(!usesColor(["NO_COLOR": "1", "CLICOLOR_FORCE": "1"]))
        #expect(usesColor(["NO_COLOR": ""]))
        #expect(!usesColor(["TERM": "dumb"]))
        #expect(!usesColor(["CLICOLOR": "0"]))
        #expect(usesColor(["CLICOLOR_FORCE": "1"], isTerminal: false))
        #expect(!usesColor(["CLICOLOR_FORCE": "0"], isTerminal: false))
    }

    @Test func knowsItsWidth() {
        func width(_ columns: String?) -> Int {
            Terminal(
                descriptor: -1, isTerminal: true,
                environment: columns.map { ["COLUMNS": $0] } ?? [:]
            ).width
        }
        #expect(width(nil) == 80)
        #expect(width("132") == 132)
        #expect(width("-5") == 80 && width("wide") == 80)
        #expect(width("999999999") == 10_000)
    }

    @Test func knowsItsCharacters() {
        func unicode(_ environment: [String: String]) -> Bool {
            Terminal(descriptor: -1, isTerminal: true, environment: environment).usesUnicode
        }
        #expect(unicode([:]) && unicode(["LANG": "C"]) && unicode(["LANG": "de_DE.UTF-8"]))
        #expect(!unicode(["LANG": "en_US.UTF-8", "LC_ALL": "de_DE.ISO-8859-1"]))
    }

    @Test func aFileIsNoTerminal() throws {
        let pipe = Pipe()
        let terminal = Terminal(
            descriptor: pipe.fileHandleForWriting.fileDescriptor, environment: ["TERM": "xterm"])
        #expect(!terminal.isTerminal && !terminal.canRedraw && !terminal.usesColor)
    }
}

@Suite struct HarmlessConsoleTests {
    /// Moves, colours and clears; turns text around; hides; ends the line.
    private static let hostile =
        "x\u{1B}[2J\u{1B}]0;t\u{7}\r\u{8}\u{9B}31m\u{202E}\u{200B}\u{2066}\u{FEFF}\u{E0041}\u{2028}y"

    @Test func everyLineIsHarmless() throws {
        for environment in [[:], ["CLICOLOR_FORCE": "1"]] {
            let captured = CapturedConsole(environment: environment)
            let text = Self.hostile
            captured.console.write(text)
            captured.console.write(lines: [text, text + "\nerror: forged"])
            captured.console.log(text + "\nerror: forged")
            captured.console.warn(text + "\nerror: forged")
            captured.console.fail(text + "\nerror: forged")
            captured.console.log(lines: text)
            captured.console.showBar(text)
            captured.console.showBar("")
            ProgressReporter(text, total: 2, unit: text, on: captured.console).finish()
            let (output, errors) = try captured.read()
            var own = errors
            for sequence in ["\r", "\u{1B}[K", "\u{1B}[1;33m", "\u{1B}[1;31m", "\u{1B}[0m"] {
                own = own.replacingOccurrences(of: sequence, with: "")
            }
            for scalar in (output + own).unicodeScalars {
                #expect(!scalar.isHidden || scalar == "\n", "U+\(String(scalar.value, radix: 16))")
            }
            #expect(output.contains("\\u{1B}[2J") && output.contains("\\u{202E}"))
            let forged = (output + own).split(separator: "\n").filter {
                $0.hasPrefix("error: forged")
            }
            #expect(forged.isEmpty)
        }
    }

    @Test func jsonStaysJSON() throws {
        let text = try json(["name": Self.hostile])
        #expect(!text.unicodeScalars.contains { $0.isHidden && $0 != "\n" })
        let found = try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        #expect(found == ["name": Self.hostile])
    }

    @Test(
        .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"))
    func aFullDiskIsAFailure() async {
        await #expect(processExitsWith: .exitCode(ExitStatus.failed.rawValue)) {
            let full = open("/dev/full", O_WRONLY)
            // Standard error may be full too.
            Console(output: full, errors: full, environment: [:]).write("a result")
            exit(99)
        }
    }
}
