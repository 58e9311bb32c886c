import Files
import Foundation
import JSON
import TensorFormats

/// Prints what our reader makes of each file whose path comes in on a line of the standard input:
/// a JSON object a line, with `tensors` (name, dtype, shape, digest) and the keys of `dictionaries`,
/// of a JSON file with its `value`, or with `error`; and the most memory it took so far, in `bytes`.
@main
struct TensorDigests {
    static func main() throws {
        let before = memory("VmRSS:")
        while let path = readLine() {
            var line: JSONObject = ["path": .string(path)]
            do {
                if path.hasSuffix(".json") {
                    let value = try JSONValue(reading: URL(filePath: path), keys: .exact)
                    line["value"] = .string(try value.text())
                } else {
                    let archive = try TensorArchive.open(URL(filePath: path))
                    line["tensors"] = .array(archive.tensors.map(entry))
                    line["dictionaries"] = .array(archive.dictionaries.map { .string($0.key) })
                }
            } catch {
                line["error"] = .string("\(error)")
            }
            line["bytes"] = before.flatMap { before in
                memory("VmHWM:").map { .integer($0 - before) }
            }
            try print(line)
        }
    }

    /// A fact about this process's memory in bytes, where the system says it.
    private static func memory(_ name: String) -> Int? {
        let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.split(separator: " ").dropLast().last.flatMap { Int($0) }.map { $0 << 10 }
    }

    private static func print(_ line: JSONObject) throws {
        try FileHandle.standardOutput.write(
            contentsOf: Data((try JSONValue.object(line).text() + "\n").utf8))
    }

    private static func entry(_ tensor: StoredTensor) -> JSONValue {
        let digest = tensor.bytes.withUnsafeBytes { bytes in
            var digest = ContentDigest()
            digest.update(bytes)
            return digest.finish()
        }
        return .array([
            .string(tensor.name), .string(tensor.scalarType.rawValue),
            .array(tensor.shape.map(JSONValue.integer)), .string(String(digest.prefix(16))),
        ])
    }
}
