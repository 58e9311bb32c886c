import Foundation
import TensorFormats
import Torch

extension ModelFolder {
    /// How the names in a state dictionary are spelled, and how else the same architecture's names
    /// could be.
    public struct Spelling: Sendable {
        /// The spelling that is read.
        public let dialect: Dialect
        /// Others that loaders of the architecture know.
        public let others: [Dialect]

        /// A spelling, beside others.
        public init(_ dialect: Dialect, others: [Dialect] = []) {
            self.dialect = dialect
            self.others = others
        }
    }

    /// Everything about the folder that two loaders could read differently, or that makes one run
    /// code: fields that lead elsewhere, two names of one parameter with other values, formats that
    /// hold different models. Empty where there is one model.
    ///
    /// Throws `FormatError` where a tensor cannot be read as its dialect has it.
    public func findings(_ spelling: (StateDictionary) throws -> Spelling) throws -> [FileNote] {
        var notes = directions
        let spellings = try ([weights] + twins).map(spelling)
        for (state, spelling) in zip([weights] + twins, spellings) {
            notes += try state.contradictions(spelling, in: self)
        }
        let first = try CanonicalTensors(weights, spellings[0].dialect)
        for (twin, spelling) in zip(twins, spellings.dropFirst()) {
            let other = try CanonicalTensors(twin, spelling.dialect)
            if let difference = try first.difference(from: other) {
                notes.append(
                    FileNote(
                        path(of: twin), .ambiguity,
                        "does not hold the model that \(path(of: weights)) holds: \(difference)"))
            }
        }
        // Nothing of the files is needed in memory from here on.
        for archive in ([weights] + twins).flatMap(\.archives) { archive.releasePages() }
        return notes
    }

    /// Throws where the folder does not hold one model for all loaders, naming everything found.
    ///
    /// Where fields that make loaders run code are left out of what is written, they are no reason.
    func checkUnambiguous(_ spelling: (StateDictionary) throws -> Spelling) throws {
        var found = try findings(spelling)
        if dropsCode { found.removeAll { $0.kind == .code && $0.field != nil } }
        guard !found.isEmpty else { return }
        let isOnlyCode = found.allSatisfy { $0.kind == .code && $0.field != nil }
        throw CheckpointError(
            root,
            "could be read as another model than is examined here: "
                + found.prefix(8).map(\.description).joined(separator: "; ")
                + (found.count > 8 ? "; and \(found.count - 8) more" : ""),
            advice: isOnlyCode
                ? "take the fields away, or let --drop-code leave them out of the output"
                : "keep one of what differs; `recipe inspect` lists everything")
    }

    /// Files of weights that are no part of the model as it is read here, and yet hold other values
    /// under names of its tensors: what a loader that is given their names would take for it.
    public func strayWeights(
        _ spelling: (StateDictionary) throws -> Spelling
    ) throws -> [FileNote] {
        let own = try CanonicalTensors(weights, spelling(weights).dialect)
        return try files().compactMap { file in
            let type = (file.file as NSString).pathExtension.lowercased()
            guard file.fate == .leftOut, LeftOutReason.weights.contains(type),
                let entry = tree?[file.file], entry.kind == .file,
                let state = try? StateDictionary([TensorArchive.open(entry.url)])
            else { return nil }
            let count = try own.countOfOthers(
                in: CanonicalTensors(state, spelling(state).dialect))
            guard count > 0 else { return nil }
            return FileNote(
                file.file, .ambiguity,
                "holds other values for \(count) of the model's tensors; it is no part of an output"
            )
        }
    }

    /// Throws where the folder is opened for use and does not hold one model for all loaders.
    public func check(
        _ examination: Examination, _ spelling: (StateDictionary) throws -> Spelling
    ) throws {
        if examination != .report { try checkUnambiguous(spelling) }
    }

    /// The first file of a state dictionary, by its path within the folder.
    private func path(of state: StateDictionary) -> String {
        guard let url = state.archives.first?.url else { return root.lastPathComponent }
        return path(of: url)
    }

    /// The path within the folder of a file in it.
    public func path(of url: URL) -> String {
        guard let tree, url.path.hasPrefix(tree.root.path + "/") else {
            return url.lastPathComponent
        }
        return String(url.path.dropFirst(tree.root.path.count + 1))
    }
}

extension StateDictionary {
    /// Tensors that are one parameter under two names and hold other values, and those that another
    /// loader would take for a parameter that is there already.
    fileprivate func contradictions(
        _ spelling: ModelFolder.Spelling, in folder: ModelFolder
    ) throws -> [FileNote] {
        var notes: [FileNote] = []
        var first: [String: StoredTensor] = [:]
        for tensor in tensors {
            let names = spelling.dialect.parameters(in: tensor.name)
            for name in names {
                guard let other = first[name] else {
                    first[name] = tensor
                    continue
                }
                let both = try [tensor, other].map { tensor in
                    try spelling.dialect.canonicalized([tensor]).first { $0.name == name }
                }
                guard let one = both[0], let two = both[1], one.holdsSame(as: two) else {
                    notes.append(
                        note(
                            tensor, other, "are one parameter, but hold different values", folder))
                    break
                }
            }
        }
        for tensor in tensors {
            let names = spelling.dialect.parameters(in: tensor.name)
            for dialect in spelling.others {
                let others = dialect.parameters(in: tensor.name)
                guard others != names, others != [tensor.name],
                    let taken = others.lazy.compactMap({ first[$0] }).first,
                    taken.name != tensor.name
                else { continue }
                notes.append(note(tensor, taken, "are two spellings of one parameter", folder))
                break
            }
        }
        return notes
    }

    private func note(
        _ tensor: StoredTensor, _ other: StoredTensor, _ what: String, _ folder: ModelFolder
    ) -> FileNote {
        let file = archives.first { $0[tensor.name] != nil }?.url
        return FileNote(
            file.map(folder.path(of:)) ?? "", .ambiguity,
            "‘\(other.name)’ and ‘\(tensor.name)’ " + what)
    }
}

extension StoredTensor {
    /// Whether both have the same type, shape and bytes.
    fileprivate func holdsSame(as other: StoredTensor) -> Bool {
        scalarType == other.scalarType && shape == other.shape
            && bytes.hasSameBytes(as: other.bytes)
    }

    /// Whether both hold the same values, or one the other's rounded to its type.
    fileprivate func agrees(with other: StoredTensor) throws -> Bool {
        if holdsSame(as: other) { return true }
        guard shape == other.shape, scalarType != other.scalarType,
            scalarType.dtype.isFloatingPoint, other.scalarType.dtype.isFloatingPoint
        else { return false }
        return try isRounded(from: other) || other.isRounded(from: self)
    }

    private func isRounded(from other: StoredTensor) throws -> Bool {
        let rounded = try StoredTensor(name: name, other.tensor(), as: scalarType)
        return rounded.bytes.hasSameBytes(as: bytes)
    }
}

/// The tensors of a state dictionary by canonical name, made when they are asked for.
private struct CanonicalTensors {
    private let dialect: Dialect
    private var places: [String: StoredTensor] = [:]

    init(_ state: StateDictionary, _ dialect: Dialect) throws {
        self.dialect = dialect
        for tensor in state.tensors {
            for name in dialect.parameters(in: tensor.name) where places[name] == nil {
                places[name] = tensor
            }
        }
    }

    private func tensor(_ name: String) throws -> StoredTensor? {
        guard let stored = places[name] else { return nil }
        return try dialect.canonicalized([stored]).first { $0.name == name }
    }

    /// How many of the tensors the other has too, with other values.
    func countOfOthers(in other: CanonicalTensors) throws -> Int {
        try places.keys.filter { name in
            guard other.places[name] != nil, let mine = try tensor(name),
                let theirs = try other.tensor(name)
            else { return false }
            return try !mine.agrees(with: theirs)
        }.count
    }

    /// What the other has otherwise, in words; nil where both hold one model.
    ///
    /// Buffers that hold no floating-point numbers, such as `position_ids`, may be missing in one.
    func difference(from other: CanonicalTensors) throws -> String? {
        for (here, there) in [(self, other), (other, self)] {
            let alone = here.places.filter {
                there.places[$0.key] == nil && $0.value.scalarType.dtype.isFloatingPoint
            }
            if let name = alone.values.map(\.name).min() {
                return "the tensor ‘\(name)’ is in one of both only"
                    + (alone.count > 1 ? ", and so are \(alone.count - 1) more" : "")
            }
        }
        var different: [String] = []
        for (name, stored) in places {
            guard other.places[name] != nil, let mine = try tensor(name),
                let theirs = try other.tensor(name)
            else { continue }
            if try !mine.agrees(with: theirs) { different.append(stored.name) }
        }
        guard let name = different.min() else { return nil }
        return "the tensor ‘\(name)’ holds other values"
            + (different.count > 1 ? ", and so do \(different.count - 1) more" : "")
    }
}
