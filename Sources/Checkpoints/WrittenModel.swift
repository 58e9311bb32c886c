import Files
import Foundation
import TensorFormats
import Torch
import TorchNN

/// A staged model that is opened again, as whoever loads it will, and compared with what it should be
/// before it gets its name: what was not to change is the input's to the bit, what was changed is what
/// was asked for and finite, and configuration and companions are as they were.
struct WrittenModel {
    let folder: URL
    /// The path within the folder of what takes the place of an input's file.
    var path: (URL) -> String = { $0.lastPathComponent }

    private func failure(_ file: String, _ reason: String) -> OutputError {
        .notAsWritten(path: folder.appendingPathComponent(file).path, reason: reason)
    }

    private func open(_ file: String) throws -> TensorArchive {
        do {
            return try TensorArchive.open(folder.appendingPathComponent(file))
        } catch {
            throw failure(file, "what was written cannot be read again: \(error)")
        }
    }

    /// Compares the files that took the place of `states`, with `edits` by canonical name.
    ///
    /// Throws ``OutputError/notAsWritten(path:reason:)``.
    func check(
        _ states: [StateDictionary], _ edits: [String: ParameterEdit],
        dialect: (StateDictionary) throws -> Dialect
    ) throws {
        for state in states {
            let dialect = try dialect(state)
            for before in state.archives {
                let file = path(before.url)
                let after = try open(file)
                try checkLayout(before, after, file)
                for (old, new) in zip(before.tensors, after.tensors) {
                    let parts = try zip(
                        dialect.canonicalized([old]), dialect.canonicalized([new]))
                    for (old, new) in parts { try check(old, new, edits[old.name], file) }
                }
            }
        }
    }

    private func checkLayout(
        _ before: TensorArchive, _ after: TensorArchive, _ file: String
    ) throws {
        guard before.tensors.count == after.tensors.count, before.metadata == after.metadata else {
            throw failure(file, "it has not the tensors and metadata of the input")
        }
        for (old, new) in zip(before.tensors, after.tensors)
        where old.name != new.name || old.shape != new.shape || old.scalarType != new.scalarType {
            throw failure(
                file, "‘\(new.name)’ stands where the input has ‘\(old.name)’, or differs")
        }
    }

    private func check(
        _ old: StoredTensor, _ new: StoredTensor, _ edit: ParameterEdit?, _ file: String
    ) throws {
        switch edit {
        case nil:
            guard old.bytes.hasSameBytes(as: new.bytes) else {
                throw failure(file, "‘\(new.name)’ was not trained and is not the input's")
            }
        case .value(let value)?:
            try check(new, is: value, file)
        case .zeroRows(let rows)?:
            let zeros = Set(rows)
            let size = (old.shape.first).map { $0 == 0 ? 0 : old.bytes.count / $0 } ?? 0
            for row in 0..<(old.shape.first ?? 0) {
                guard let was = old.bytes.slice(from: row * size, count: size),
                    let found = new.bytes.slice(from: row * size, count: size),
                    zeros.contains(row)
                        ? found.withUnsafeBytes({ $0.allSatisfy { $0 == 0 } })
                        : found.hasSameBytes(as: was)
                else { throw failure(file, "row \(row) of ‘\(new.name)’ is not as it should be") }
            }
        }
    }

    private func check(_ stored: StoredTensor, is value: Tensor, _ file: String) throws {
        let expected = ByteRegion(try value.cast(to: stored.scalarType.dtype).bytes())
        guard stored.shape == value.shape, stored.bytes.hasSameBytes(as: expected) else {
            throw failure(file, "‘\(stored.name)’ is not what was trained")
        }
        let isNumber = stored.scalarType.dtype.isFloatingPoint
        guard try !isNumber || Tensor.areFinite([stored.tensor()]) else {
            throw failure(
                file, "‘\(stored.name)’ is not finite as \(stored.scalarType.rawValue)")
        }
    }

    /// Compares a file that was written anew, by the names of its tensors.
    ///
    /// Throws ``OutputError/notAsWritten(path:reason:)``.
    func check(_ file: String, holds parameters: [Parameter], and carried: [StoredTensor]) throws {
        let found = try open(file)
        guard found.tensors.count == parameters.count + carried.count else {
            throw failure(
                file, "it has \(found.tensors.count) tensors, and other ones were written")
        }
        for parameter in parameters {
            guard let stored = found[parameter.name] else {
                throw failure(file, "‘\(parameter.name)’ is missing")
            }
            try check(stored, is: parameter.tensor.detached(), file)
        }
        for tensor in carried {
            guard let stored = found[tensor.name], stored.shape == tensor.shape,
                stored.scalarType == tensor.scalarType, stored.bytes.hasSameBytes(as: tensor.bytes)
            else { throw failure(file, "‘\(tensor.name)’ is not the input's") }
        }
    }

    /// Compares a file with what was written into it.
    func check(_ file: String, holds data: Data) throws {
        guard (try? Data(contentsOf: folder.appendingPathComponent(file))) == data else {
            throw failure(file, "it does not hold what was written")
        }
    }

    /// Compares the files beside the weights with those of the input that have their names.
    func checkCompanions(of input: URL, except written: Set<String>) throws {
        let manager = FileManager.default
        for name in manager.enumerator(atPath: folder.path)?.allObjects as? [String] ?? []
        where !written.contains(name) {
            let (before, after) = (
                input.appendingPathComponent(name).resolvingSymlinksInPath(),
                folder.appendingPathComponent(name)
            )
            guard FileStamp(before.path)?.kind == .file, FileStamp(after.path)?.kind == .file else {
                continue
            }
            guard manager.contentsEqual(atPath: before.path, andPath: after.path) else {
                throw failure(name, "it is not the input's")
            }
        }
    }
}
