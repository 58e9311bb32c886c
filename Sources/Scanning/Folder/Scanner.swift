import Foundation
import TensorFormats

/// Looks at files and folders before anything loads them; runs nothing of what they hold.
public struct Scanner {
    /// What a scan may spend.
    public var limits: ScanLimits
    /// Whether the values of tensors are read; without, only headers and directories are.
    public var readsValues = true

    /// Makes a scanner.
    public init(limits: ScanLimits = .default) { self.limits = limits }

    /// Scans each of `paths`, a file or a folder with all that lies in it.
    ///
    /// Links are followed only where they stay within the folder or lead from a hub cache's
    /// `snapshots` to its `blobs`. Never throws: what cannot be read is a finding.
    public func scan(_ paths: [URL]) -> ScanReport {
        var collected = Collected()
        for path in paths { scan(path, into: &collected) }
        collected.findings.sort(by: Self.isBefore)
        collected.files.sort { $0.path < $1.path }
        return ScanReport(
            files: collected.files, findings: collected.findings, globals: collected.globals)
    }

    /// What has been found so far.
    struct Collected {
        var files: [FileRecord] = []
        var findings: [Finding] = []
        var globals: [GlobalRecord] = []

        mutating func add(_ scan: FileScan) {
            files.append(scan.record)
            findings += scan.findings
            globals += scan.globals
        }
    }

    private static func isBefore(_ left: Finding, _ right: Finding) -> Bool {
        if left.path != right.path { return left.path < right.path }
        if left.severity != right.severity { return left.severity > right.severity }
        if left.member != right.member { return (left.member ?? "") < (right.member ?? "") }
        if left.offset != right.offset { return (left.offset ?? -1) < (right.offset ?? -1) }
        return (left.rule.rawValue, left.message) < (right.rule.rawValue, right.message)
    }

    private func scan(_ path: URL, into collected: inout Collected) {
        var status = stat()
        guard stat(path.path, &status) == 0 else {
            collected.add(
                unreadable(path.path, "cannot be opened: \(String(cString: strerror(errno)))"))
            return
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: scanFolder(path, into: &collected)
        case S_IFREG: collected.add(scanFile(path, shown: path.path, mode: Int(status.st_mode)))
        default: collected.add(special(path.path))
        }
    }

    private func unreadable(_ path: String, _ what: String) -> FileScan {
        let scan = FileScan(path: path, size: 0, limits: limits)
        scan.format = "unreadable"
        scan.report(.folderUnreadable, at: Place(file: path), what)
        return scan
    }

    private func special(_ path: String) -> FileScan {
        let scan = FileScan(path: path, size: 0, limits: limits)
        scan.format = "special file"
        scan.report(.folderSpecialFile, at: Place(file: path), "is a pipe, device or socket")
        return scan
    }

    // MARK: - Files

    func scanFile(_ url: URL, shown path: String, mode: Int) -> FileScan {
        let file: MappedFile
        do {
            file = try MappedFile(url)
        } catch {
            var status = stat()
            if stat(url.path, &status) == 0, status.st_size == 0, access(url.path, R_OK) == 0 {
                return empty(url, shown: path, mode: mode)
            }
            return unreadable(path, "cannot be read")
        }
        let scan = FileScan(
            path: path, size: file.count, limits: limits, readsValues: readsValues,
            releasePages: file.releasePages)
        let place = Place(file: url.lastPathComponent)
        file.withUnsafeBytes { scan.examine($0, at: place) }
        if readsValues, ["torch zip", "torch legacy"].contains(scan.format) {
            readTensors(of: url, into: scan, at: place)
        }
        scan.reportMagnitudes(at: place)
        checkMode(mode, scan, at: place)
        file.releasePages()
        return scan
    }

    /// Empty files of Python packages and markers are no damage.
    private func empty(_ url: URL, shown path: String, mode: Int) -> FileScan {
        let scan = FileScan(path: path, size: 0, limits: limits)
        let place = Place(file: url.lastPathComponent)
        scan.format = "empty"
        if ContentKind.expected(of: place)?.isEmpty == false || place.suffix == "bin" {
            scan.report(.formatDamaged, at: place, "the file is empty")
        }
        checkMode(mode, scan, at: place)
        return scan
    }

    /// The tensors of torch.save's formats, read as `recipe` reads them.
    private func readTensors(of url: URL, into scan: FileScan, at place: Place) {
        let archive: TensorArchive
        do {
            archive = try TensorArchive.open(url)
        } catch let error as FormatError where Self.isAmbiguity(error) {
            scan.report(.modelAmbiguousWeights, at: place, harmless(error.what))
            return
        } catch {
            // Optimizer states and whole modules are no table of tensors; their pickles were walked.
            return
        }
        let total = archive.tensors.reduce(0) { $0 + $1.bytes.count }
        guard total <= 8 * scan.size + 64 << 20 else {
            scan.report(
                .containerBomb, at: place,
                "\(archive.tensors.count) tensors share storages and stand for \(total) bytes of a "
                    + "file of \(scan.size)")
            return
        }
        for tensor in archive.tensors {
            let declared = DeclaredTensor(
                name: tensor.name, type: tensor.scalarType.rawValue, shape: tensor.shape,
                range: 0..<tensor.bytes.count)
            tensor.bytes.withUnsafeBytes {
                scan.examineTensor(
                    declared, in: $0, offset: tensor.bytes.fileOffset ?? 0, at: place)
            }
        }
    }

    /// Whether the reader of weights refused a file because others read it otherwise. What it does
    /// not know how to import it refuses as well; those names were graded by then.
    private static func isAmbiguity(_ error: FormatError) -> Bool {
        error.kind == .hostile
            && (!error.what.hasSuffix("nothing in it was executed")
                || error.what.contains("appears twice"))
    }

    private func checkMode(_ mode: Int, _ scan: FileScan, at place: Place) {
        if mode & 0o6000 != 0 {
            scan.report(.folderSetUserID, at: place, "has the set-user-id or set-group-id bit")
        }
        if mode & 0o111 != 0, !TextKind.sources.contains(place.suffix) {
            scan.report(.folderExecutable, at: place, "is marked executable")
        }
    }
}
