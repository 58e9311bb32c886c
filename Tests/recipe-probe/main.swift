// Runs the tool's commands one after another in one process, and says what each took: starting a
// process costs many times what most hostile inputs do.
//
// Each line of standard input is a folder, a file for standard error and arguments, with tabs between;
// the answer is a line of exit status, peak of resident bytes and seconds.

#if canImport(Glibc)
    import Foundation
    import Glibc
    import RecipeCLI

    /// The value of a line of /proc/self/status, in bytes.
    func status(_ name: String) -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else {
            return nil
        }
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        return line.flatMap { Int($0.filter(\.isNumber)) }.map { $0 << 10 }
    }

    /// Lets the peak begin anew; false where the system does not let it.
    func forgetPeak() -> Bool {
        if let symbol = dlsym(nil, "malloc_trim") {
            // The module map of glibc does not have it.
            _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)(0)
        }
        let file = open("/proc/self/clear_refs", O_WRONLY)
        guard file >= 0 else { return false }
        defer { close(file) }
        return write(file, "5", 1) == 1
    }

    let answers = dup(STDOUT_FILENO)
    while let line = readLine() {
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        guard fields.count > 2, chdir(fields[0]) == 0, forgetPeak() else { exit(3) }
        let errors = open(fields[1], O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        let nothing = open("/dev/null", O_WRONLY)
        guard errors >= 0, nothing >= 0 else { exit(3) }
        dup2(errors, STDERR_FILENO)
        dup2(nothing, STDOUT_FILENO)
        close(errors)
        close(nothing)
        let clock = ContinuousClock.now
        let result = RecipeCLI.run(Array(fields[2...]))
        let seconds = (ContinuousClock.now - clock) / .seconds(1)
        fflush(nil)
        let answer = "\(result.rawValue) \(status("VmHWM") ?? 0) \(seconds)\n"
        write(answers, answer, answer.utf8.count)
    }
#endif
