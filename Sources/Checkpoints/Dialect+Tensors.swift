import Foundation
import TensorFormats

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

extension Dialect {
    /// `tensors` under their canonical names, those that hold several parameters split.
    ///
    /// Throws `FormatError` where a tensor cannot be split in equal shares.
    public func canonicalized(_ tensors: [StoredTensor]) throws -> [StoredTensor] {
        try tensors.flatMap { tensor in
            let names = parameters(in: tensor.name)
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
            guard place.shares > 1 else { return tensor.renamed(place.name) }
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
