import Foundation

extension FileScan {
    /// Reads the header of an `.npy` and walks the pickle of an array of objects.
    func examineNumpy(_ bytes: UnsafeRawBufferPointer, at place: Place) {
        examined += 1
        let isShort = bytes.little(UInt8.self, at: 6) == 1
        let start = isShort ? 10 : 12
        guard let count = bytes.size(isShort ? 2 : 4, at: 8), let raw = bytes.part(start, count)
        else {
            report(.formatDamaged, at: place, "the header is cut short")
            return
        }
        let header = raw.text
        let dataStart = start + count
        guard let type = Self.descriptor(in: header) else {
            report(.formatDamaged, at: place, "the header has no ‘descr’")
            return
        }
        // numpy reads the header with `literal_eval`: only literals belong there.
        if header.contains("__") || header.contains("import") || header.contains("lambda") {
            report(
                .codeNamedClass, .error, at: place, offset: start, "the header holds an expression")
        }
        if type.contains("O") {
            let end = examinePickles(bytes, from: dataStart, at: place)
            if end < bytes.count { searchPickles(bytes, from: end, at: place) }
            return
        }
        let data = bytes.count - dataStart
        guard let size = Int(type.drop { !$0.isNumber }), size <= 1 << 40,
            let shape = Self.shape(in: header)
        else {
            searchPickles(bytes, from: dataStart, at: place)
            return
        }
        var expected = type.contains("U") ? 4 * size : size
        for dimension in shape {
            let (product, overflow) = expected.multipliedReportingOverflow(by: dimension)
            guard !overflow else {
                report(.formatDamaged, at: place, "the shape is too large")
                return
            }
            expected = product
        }
        if expected > data {
            report(.formatDamaged, at: place, "the array needs \(expected) bytes and has \(data)")
        } else if expected < data {
            report(
                .containerUnaccountedBytes, at: place, offset: dataStart + expected,
                "\(data - expected) bytes follow the array")
            searchPickles(bytes, from: dataStart + expected, at: place)
        }
        examineArray(
            bytes.rest(from: dataStart, atMost: expected), type: type, shape: shape,
            offset: dataStart, at: place)
    }

    private static func descriptor(in header: String) -> String? {
        guard let key = header.range(of: "descr") else { return nil }
        let rest = header[key.upperBound...].drop { $0 != ":" }.dropFirst()
        let value = rest.drop { $0 == " " }
        if value.first == "'" || value.first == "\"" {
            return String(value.dropFirst().prefix { $0 != "'" && $0 != "\"" })
        }
        // A structured type: what matters is whether an object is among its fields.
        return value.prefix { $0 != "]" }.contains { $0 == "O" } ? "O" : "V"
    }

    private static func shape(in header: String) -> [Int]? {
        guard let key = header.range(of: "shape") else { return nil }
        let inner = header[key.upperBound...].drop { $0 != "(" }.dropFirst().prefix { $0 != ")" }
        let parts = inner.split(separator: ",").map { $0.filter { !$0.isWhitespace } }
        let sizes = parts.filter { !$0.isEmpty }.map { Int($0) }
        return sizes.contains(nil) || sizes.contains { ($0 ?? -1) < 0 }
            ? nil : sizes.compactMap(\.self)
    }

    private func examineArray(
        _ data: UnsafeRawBufferPointer, type: String, shape: [Int], offset: Int, at place: Place
    ) {
        let names = ["f8": "F64", "f4": "F32", "f2": "F16"]
        guard !type.hasPrefix(">"), let name = names[String(type.suffix(2))] else { return }
        examineTensor(
            DeclaredTensor(name: place.name, type: name, shape: shape, range: 0..<data.count),
            in: data, offset: offset, isWeight: false, at: place)
    }
}
