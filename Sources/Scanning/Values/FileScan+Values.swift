/// A tensor as a header declares it.
struct DeclaredTensor {
    let name: String
    /// The type as safetensors spells it.
    let type: String
    let shape: [Int]
    let range: Range<Int>
}

extension FileScan {
    /// From this multiple of the median on, a row or tensor is worth a note.
    static let notableRatio = 30.0
    /// From this multiple on, no training explains it.
    static let absurdRatio = 1000.0
    /// How many robust standard deviations beyond the median it must lie as well.
    static let notableDeviation = 30.0

    /// Reads all values of a tensor: what is not finite, what is denormal, and rows of another
    /// magnitude than the rest.
    func examineTensor(
        _ tensor: DeclaredTensor, in bytes: UnsafeRawBufferPointer, offset: Int,
        isWeight: Bool = true, at place: Place
    ) {
        if place.depth == 0 || place.member == nil { tensorShapes[tensor.name] = tensor.shape }
        guard readsValues, let kind = FloatKind(rawValue: tensor.type), !bytes.isEmpty else {
            return
        }
        let rows = tensor.shape.count >= 2 ? tensor.shape[0] : 1
        guard rows > 0 else { return }
        let stride = bytes.count / rows
        guard stride >= kind.byteCount else { return }
        var total = RowStatistics()
        var norms: [Float] = []
        norms.reserveCapacity(rows)
        for row in 0..<rows {
            let found = kind.statistics(of: bytes.rest(from: row * stride, atMost: stride))
            total = total + found
            norms.append(found.isFinite ? Float(found.squares.squareRoot()) : .nan)
            release(after: stride)
        }
        let name = harmless(tensor.name)
        report(total, of: tensor, kind, named: name, offset: offset, at: place)
        // Other data than weights may well have any magnitude.
        guard isWeight else { return }
        if rows >= 8, stride > kind.byteCount * 4 {
            reportRows(norms, named: name, offset: offset, stride: stride, at: place)
        }
        if tensor.shape.count >= 2, total.isFinite {
            let count = bytes.count / kind.byteCount
            tensorMagnitudes.append((tensor.name, (total.squares / Double(count)).squareRoot()))
        }
    }

    private func report(
        _ total: RowStatistics, of tensor: DeclaredTensor, _ kind: FloatKind, named name: String,
        offset: Int, at place: Place
    ) {
        let count = tensor.range.count / kind.byteCount
        if !total.isFinite {
            report(
                .valuesNotFinite, at: place, offset: offset,
                "the tensor ‘\(name)’ holds \(total.notANumber) NaN and \(total.infinite) infinite "
                    + "of \(count) values")
        }
        // Half precision's denormals begin where weights still are; the others' do not.
        if total.denormal > 100, total.denormal > count / 100 {
            report(
                .valuesDenormal, at: place, offset: offset,
                "\(total.denormal) of \(count) values of the tensor ‘\(name)’ are denormal")
        }
    }

    private func reportRows(
        _ norms: [Float], named name: String, offset: Int, stride: Int, at place: Place
    ) {
        let finite = norms.filter { $0.isFinite && $0 > 0 }
        guard finite.count >= 8, let center = Self.median(finite), center > 0 else { return }
        let spread = Self.median(finite.map { abs($0 - center) }) ?? 0
        let scale = Double(max(1.4826 * spread, center * 1e-3))
        let outliers = norms.indices.filter {
            !norms[$0].isNaN && Double(norms[$0]) >= Self.notableRatio * Double(center)
                && Double(norms[$0] - center) / scale >= Self.notableDeviation
        }
        guard let largest = outliers.max(by: { norms[$0] < norms[$1] }) else { return }
        let ratio = Double(norms[largest] / center)
        report(
            .valuesOutlier, ratio >= Self.absurdRatio ? .warning : .note, at: place,
            offset: offset + largest * stride,
            "\(outliers.count) of \(norms.count) rows of the tensor ‘\(name)’ have a norm of more than "
                + "\(Int(Self.notableRatio)) times the median; row \(largest) \(Self.shown(ratio)) times"
        )
    }

    /// Compares tensors that stand in the same place of different layers.
    func reportMagnitudes(at place: Place) {
        var groups: [String: [(name: String, size: Double)]] = [:]
        for (name, size) in tensorMagnitudes where size > 0 {
            groups[Self.withoutNumbers(name), default: []].append((name, size))
        }
        for (_, members) in groups.sorted(by: { $0.key < $1.key }) where members.count >= 4 {
            guard let center = Self.median(members.map { Float($0.size) }), center > 0 else {
                continue
            }
            for member in members {
                let ratio = member.size / Double(center)
                guard ratio >= Self.notableRatio || ratio <= 1 / Self.absurdRatio else { continue }
                report(
                    .valuesOutlier, ratio >= Self.absurdRatio ? .warning : .note, at: place,
                    "the values of the tensor ‘\(harmless(member.name))’ are \(Self.shown(ratio)) times "
                        + "those of its like in other layers")
            }
        }
    }

    private static func withoutNumbers(_ name: String) -> String {
        name.split(separator: ".").map { $0.allSatisfy(\.isNumber) ? "*" : String($0) }
            .joined(separator: ".")
    }

    private static func median(_ values: [Float]) -> Float? {
        guard !values.isEmpty else { return nil }
        return values.sorted()[values.count / 2]
    }

    private static func shown(_ ratio: Double) -> String {
        guard ratio.isFinite, ratio < 1e15 else { return "more than 10¹⁵" }
        return ratio >= 10 ? "\(Int(ratio.rounded()))" : "\((ratio * 1e6).rounded() / 1e6)"
    }
}
