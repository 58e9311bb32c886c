import Files
import Foundation
import Training

/// What a command reads and writes, held from its first check to its end: the state of its inputs as
/// it was before they were read, and the locks that keep other processes from its output and records.
///
/// Unchecked, for the thread that runs the command is the only one that touches it.
final class OutputClaim: @unchecked Sendable {
    /// All that is read.
    private(set) var inputs: Inputs
    private let places: [URL]
    private var locks: [FileLock] = []
    private var made: [String] = []

    /// Claims `output`, if there is one, and the folder `records`.
    ///
    /// - Throws: ``OutputError`` where records may not go there or another process is at work.
    init(
        _ output: URL? = nil, records: URL, mayReplaceRecords: Bool, reading inputs: Inputs
    ) throws {
        self.inputs = inputs
        places = [output, records].compactMap { $0?.standardizedFileURL }
        try inputs.refuse(output: records)
        do {
            for url in places where url.pathComponents.count > 1 {
                made += try makeFolder(url.deletingLastPathComponent())
                locks.append(try FileLock(of: url))
            }
            // What stands there is told apart when nobody else is at work on it.
            try RunDirectory.check(records, mayReplace: mayReplaceRecords, inputs: inputs)
        } catch {
            release()
            throw error
        }
    }

    /// Adds what turned out to be read too.
    func add(_ urls: [URL]) throws {
        inputs = inputs.adding(urls)
        for place in places { try inputs.refuse(output: place) }
    }

    /// The claim of the command that runs, where it writes a report.
    @TaskLocal static var ofReport: OutputClaim?

    /// Calls `body` while the folder `report`, if one is asked for, is claimed.
    static func holding<Result>(
        _ report: URL?, force: Bool, reading inputs: [URL], _ body: () throws -> Result
    ) throws -> Result {
        guard let report else { return try body() }
        let claim = try OutputClaim(
            records: report, mayReplaceRecords: force, reading: Inputs(inputs))
        defer { claim.release() }
        return try $ofReport.withValue(claim, operation: body)
    }

    /// Lets others in.
    func release() {
        for lock in locks { lock.release() }
        locks = []
        // Those that nothing was written into.
        for folder in made.reversed() { rmdir(folder) }
        made = []
    }

    deinit { release() }
}
