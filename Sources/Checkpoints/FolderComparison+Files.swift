import Foundation
import JSON
import TensorFormats

extension FolderComparison {
    // MARK: Outside the tensors

    /// Compares what a weight file holds beside its tensors: the first file with the tensors of the
    /// second must be the second, byte for byte.
    mutating func compareOutsideTensors(
        _ before: TensorArchive, _ after: TensorArchive, in file: String,
        dialect: () throws -> Dialect
    ) throws {
        let manager = FileManager.default
        var replaced: [String: [UInt8]] = [:]
        for old in before.tensors {
            guard let new = after[old.name], !old.bytes.hasSameBytes(as: new.bytes) else {
                continue
            }
            replaced[old.name] = new.bytes.copy()
        }
        // A file that holds dictionaries that were not chosen is written anew without them.
        let isPatched = try before.canBePatched(Set(replaced.keys))
        guard !isPatched || !manager.contentsEqual(atPath: before.url.path, andPath: after.url.path)
        else { return }
        let scratch = manager.temporaryDirectory
            .appendingPathComponent("recipe-verify-\(UUID().uuidString)")
        try manager.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? manager.removeItem(at: scratch) }
        let expected = scratch.appendingPathComponent("expected")
        if isPatched {
            try ArchivePatcher.rewrite(before, replacing: replaced, to: expected)
        } else {
            try before.write(replacing: replaced, dialect: try dialect(), to: expected)
        }
        guard !manager.contentsEqual(atPath: expected.path, andPath: after.url.path) else {
            return
        }
        let what =
            before.metadata != after.metadata
            ? "metadata"
            : before.otherEntries != after.otherEntries || before.wrapper != after.wrapper
                ? "other values" : "bytes"
        violations.append("\(file): \(what) outside the tensors differ")
    }

    // MARK: Files

    /// Compares all files beside the weights.
    mutating func compareFiles(_ before: ModelFolder, _ after: ModelFolder) throws {
        let old = before.files().filter { $0.fate != .rewritten }
        let new = after.files().filter { $0.fate != .rewritten }
        let found = Dictionary(new.map { ($0.file, $0) }, uniquingKeysWith: { first, _ in first })
        for file in old {
            guard let other = found[file.file] else {
                switch file.fate {
                case .leftOut: if let note = file.note { omitted.append(note) }
                case .carried, .rewritten: violations.append("the file \(file.file) is missing")
                }
                continue
            }
            try compare(file, other, before, after)
        }
        compareModes(before, after)
        let known = Set(old.map(\.file))
        for file in new where !known.contains(file.file) { judgeNew(file) }
    }

    /// Finds bits that run a file as its owner: a violation in the model after, a remark where only
    /// the model before has them.
    private mutating func compareModes(_ before: ModelFolder, _ after: ModelFolder) {
        let new = Self.modes(of: after)
        for (file, bits) in new.sorted(by: { $0.key < $1.key }) {
            violations.append("the file \(file) has the \(bits) bit; no model needs it: chmod ug-s")
        }
        for (file, bits) in Self.modes(of: before).sorted(by: { $0.key < $1.key })
        where new[file] == nil {
            changedFields.append(
                FieldChange(file: file, field: "mode", before: bits, after: nil))
        }
    }

    private static func modes(of folder: ModelFolder) -> [String: String] {
        let files =
            folder.tree?.entries.filter { $0.kind == .file }.map { ($0.path, $0.url) }
            ?? [(folder.url.lastPathComponent, folder.url)]
        var modes: [String: String] = [:]
        for (path, url) in files {
            var status = stat()
            guard stat(url.path, &status) == 0 else { continue }
            let bits = [(0o4000, "set-user-id"), (0o2000, "set-group-id")]
                .filter { Int(status.st_mode) & $0.0 != 0 }.map(\.1)
            if !bits.isEmpty { modes[path] = bits.joined(separator: " and ") }
        }
        return modes
    }

    /// A file that is in both folders.
    private mutating func compare(
        _ old: ModelFolder.FileFate, _ new: ModelFolder.FileFate, _ before: ModelFolder,
        _ after: ModelFolder
    ) throws {
        let isSame = try Self.isSame(old.file, before, after)
        guard new.fate == .carried else {
            let note = new.note ?? FileNote(new.file, .notListed, "")
            if note.kind == .record {
                records.append(new.file)
                return
            }
            // What no loader reads may stay; what one might is no part of a purified model.
            guard isSame, note.kind == .notListed || note.kind == .trainingState else {
                violations.append("\(note); a purified model has no such file")
                return
            }
            return
        }
        guard !isSame else { return }
        changedFiles.append(old.file)
        guard old.fate == .carried, let oldEntry = before.tree?[old.file],
            let newEntry = after.tree?[old.file]
        else {
            violations.append("the file \(old.file) is another")
            return
        }
        let name = oldEntry.name
        if name.hasSuffix(".json") {
            try compareFields(oldEntry, newEntry)
        } else if Self.isRead(name) {
            violations.append("the file \(old.file) differs, which tokenizers or loaders read")
        }
    }

    /// Whether a loader reads a file on the list of companions, which is no text for people.
    private static func isRead(_ name: String) -> Bool {
        guard let rule = Companions.rule(for: name), case .text = rule.content else { return true }
        return name.hasSuffix(".jinja")
    }

    private static func isSame(
        _ path: String, _ before: ModelFolder, _ after: ModelFolder
    ) throws -> Bool {
        guard let old = before.tree?[path], let new = after.tree?[path], old.kind == .file,
            new.kind == .file
        else { return false }
        return old.size == new.size
            && FileManager.default.contentsEqual(atPath: old.url.path, andPath: new.url.path)
    }

    private mutating func judgeNew(_ file: ModelFolder.FileFate) {
        let name = file.file.split(separator: "/").last.map(String.init) ?? file.file
        if file.note?.kind == .record || (file.fate == .carried && name == "pruned-neurons.json") {
            records.append(file.file)
        } else if file.fate == .carried, !name.hasSuffix(".json"), !Self.isRead(name) {
            changedFiles.append(file.file)
        } else if let note = file.note {
            violations.append("the file \(file.file) is new: \(note.reason)")
        } else {
            violations.append("the file \(file.file) is new")
        }
    }

    // MARK: Fields

    /// Fields that say where a description comes from and that no computation reads.
    private static let remarks: Set<String> = ["_name_or_path", "transformers_version"]
    private static let maximumNamed = 12

    private mutating func compareFields(
        _ old: FolderTree.Entry, _ new: FolderTree.Entry
    ) throws {
        var changes: [FieldChange] = []
        Self.collect(
            try Companions.json(old), try Companions.json(new), at: "", in: old.path, &changes)
        changedFields += changes
        let telling = changes.filter { change in
            let name = change.field.split(separator: ".").last.map(String.init) ?? ""
            let isCodeGone = change.after == nil && LoaderDirections.codeFields.contains(name)
            return !isCodeGone && !Self.remarks.contains(change.field)
        }
        for change in telling.prefix(Self.maximumNamed) {
            violations.append(
                "\(change.file): ‘\(change.field)’ "
                    + (change.before.map { "was \($0), " } ?? "is new: ")
                    + (change.after.map { change.before == nil ? $0 : "is \($0)" } ?? "is gone"))
        }
        if telling.count > Self.maximumNamed {
            violations.append(
                "\(old.path): \(telling.count - Self.maximumNamed) more fields differ")
        }
    }

    private static func collect(
        _ old: JSONValue, _ new: JSONValue, at place: String, in file: String,
        _ changes: inout [FieldChange]
    ) {
        guard old != new else { return }
        guard let before = old.object?.members, let after = new.object?.members else {
            changes.append(
                FieldChange(file: file, field: place, before: old.brief, after: new.brief))
            return
        }
        func inner(_ name: String) -> String { place.isEmpty ? name : "\(place).\(name)" }
        let others = Dictionary(after.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
        let names = Set(before.map(\.key))
        for (name, value) in before {
            if let other = others[name] {
                collect(value, other, at: inner(name), in: file, &changes)
            } else {
                changes.append(
                    FieldChange(file: file, field: inner(name), before: value.brief, after: nil))
            }
        }
        for (name, value) in after where !names.contains(name) {
            changes.append(
                FieldChange(file: file, field: inner(name), before: nil, after: value.brief))
        }
    }
}
