import Foundation
import TensorFormats
import Torch

extension StoredTensor {
    /// The same elements under `name`, in the rows of one of `shares` equal shares.
    ///
    /// Throws `FormatError` where the rows cannot be divided so.
    func share(_ share: Int, of shares: Int, named name: String) throws -> StoredTensor {
        guard shares > 1 else { return renamed(name) }
        let size = bytes.count / shares
        guard let rows = shape.first, rows.isMultiple(of: shares),
            let part = bytes.slice(from: share * size, count: size)
        else {
            throw FormatError(
                file: "(memory)",
                what:
                    "holds \(shares) parameters, but \(shape.first ?? 0) rows cannot be divided by "
                    + "\(shares)", where: "tensor ‘\(self.name)’")
        }
        return try StoredTensor(
            name: name, scalarType: scalarType, shape: [rows / shares] + shape.dropFirst(),
            bytes: part)
    }
}

extension StoredTensor {
    /// The same matrix with rows and columns exchanged.
    ///
    /// Throws `FormatError` where it is no matrix.
    func transposed() throws -> StoredTensor {
        guard shape.count == 2 else {
            throw FormatError(
                file: "(memory)", what: "has shape \(shape); expected a matrix",
                where: "tensor ‘\(name)’")
        }
        return try StoredTensor(name: name, tensor().transposed(0, 1), as: scalarType)
    }
}

extension Dialect {
    /// `tensors` under their canonical names, those that hold several parameters split, and those
    /// that lie transposed turned.
    ///
    /// Throws `FormatError` where a tensor cannot be split in equal shares, or turned.
    public func canonicalized(_ tensors: [StoredTensor]) throws -> [StoredTensor] {
        try tensors.flatMap { stored in
            let names = parameters(in: stored.name)
            let tensor = isTransposed(stored.name) ? try stored.transposed() : stored
            return try names.enumerated().map {
                try tensor.share($0.offset, of: names.count, named: $0.element)
            }
        }
    }

    /// The inverse of `canonicalized`: `tensors` as the dialect has them on disk, shares merged
    /// where the first of them stands.
    ///
    /// Throws `FormatError` where a share is missing, or differs in type or width.
    public func exported(_ tensors: [StoredTensor]) throws -> [StoredTensor] {
        var shares: [String: [Int: StoredTensor]] = [:]
        for tensor in tensors {
            let place = place(of: tensor.name)
            shares[place.name, default: [:]][place.share] = tensor
        }
        return try tensors.compactMap { tensor in
            let place = place(of: tensor.name)
            guard place.shares > 1 else {
                let stored = tensor.renamed(place.name)
                return isTransposed(place.name) ? try stored.transposed() : stored
            }
            // Made once, at the place of the first share that comes.
            guard let parts = shares.removeValue(forKey: place.name) else { return nil }
            return try Self.merged((0..<place.shares).map { parts[$0] }, as: place.name)
        }
    }

    private static func merged(
        _ parts: [StoredTensor?], as name: String
    ) throws -> StoredTensor {
        let found = parts.compactMap { $0 }
        guard let first = found.first, found.count == parts.count,
            found.allSatisfy({ $0.scalarType == first.scalarType && $0.shape == first.shape }),
            let rows = first.shape.first
        else {
            throw FormatError(
                file: "(memory)",
                what:
                    "cannot be put together: its \(parts.count) parts are not all there, or differ "
                    + "in type or shape", where: "tensor ‘\(name)’")
        }
        return try StoredTensor(
            name: name, scalarType: first.scalarType,
            shape: [rows * parts.count] + first.shape.dropFirst(),
            bytes: found.flatMap { $0.bytes.copy() })
    }
}
