import Foundation
import JSON
import Yams

/// Values as the YAML of a plan.
public enum PlanText {
    /// `value` with its keys in the order in which it encodes them, and numbers in the fewest digits that
    /// read back as the same: Yams' encoder gives the order, but only some digits.
    public static func of(_ value: some Encodable) throws -> String {
        let encoder = YAMLEncoder()
        encoder.options.allowUnicode = true
        guard let node = try compose(yaml: encoder.encode(value)) else { return "" }
        let json = JSONEncoder()
        json.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: ".inf", negativeInfinity: "-.inf", nan: ".nan")
        let exact = try JSONValue(parsing: json.encode(Whole(value: value)))["value"]
        return try serialize(node: exactly(node, exact ?? .null), allowUnicode: true)
    }

    /// A value of any kind within an object, for a number alone is none that every parser takes.
    private struct Whole<Value: Encodable>: Encodable { let value: Value }

    private static func exactly(_ node: Node, _ exact: JSONValue) -> Node {
        switch (node, exact) {
        case (.mapping(var mapping), .object(let object)):
            for (key, value) in mapping {
                if let name = key.string, let found = object[name] {
                    mapping[key] = exactly(value, found)
                }
            }
            return .mapping(mapping)
        case (.sequence(var sequence), .array(let values)) where sequence.count == values.count:
            for (place, value) in values.enumerated() {
                sequence[place] = exactly(sequence[place], value)
            }
            return .sequence(sequence)
        case (.scalar(var scalar), .number(let number)):
            scalar.string = "\(number)"
            return .scalar(scalar)
        // What JSON writes without a fraction: a whole number, whatever its type.
        case (.scalar(var scalar), .integer(let number)) where scalar.string.contains("e"):
            scalar.string = "\(number)"
            return .scalar(scalar)
        default: return node
        }
    }
}
