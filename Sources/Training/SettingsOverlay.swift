import Foundation
import JSON
import Provenance

/// A setting that is laid over a value of settings: the name of a stored property, or a path of names
/// between dots, and what it is to be.
public struct SettingsOverlay: Sendable {
    /// What the user called it, as in `--epochs`.
    public let option: String
    /// Where it may lie; the first place that there is counts.
    public let paths: [String]
    /// What it is to be.
    public let value: JSONValue

    /// `option`, which sets what lies at one of `paths`.
    public init(_ option: String, _ paths: [String], _ value: JSONValue) {
        (self.option, self.paths, self.value) = (option, paths, value)
    }

    /// The path at which `settings` have the property; nil where they have none of it.
    public func path(in settings: Any) -> String? {
        paths.first { path in
            var place: Any? = settings
            for name in path.split(separator: ".") {
                guard let here = place,
                    let child = Mirror(reflecting: here).children.first(where: {
                        $0.label == String(name)
                    })
                else { return false }
                place = child.value
            }
            return true
        }
    }

    /// `settings` with the value in its place; nil where they have no such property.
    ///
    /// - Throws: ``TrainingError`` that names the option, where the value is none of its kind.
    public func applied<Settings: Codable>(to settings: Settings) throws -> Settings? {
        guard let path = path(in: settings) else { return nil }
        let whole = try Self.replacing(
            path.split(separator: ".").map(String.init)[...],
            in: JSONValue(encoding: settings), by: value)
        do {
            return try JSONDecoder().decodeStrictly(
                Settings.self, from: Data(try whole.text().utf8))
        } catch is DecodingError {
            throw TrainingError("\(option) \(try value.text()): is no value of this setting")
        }
    }

    /// Lays the value into `settings`; says whether they have such a property.
    public func lay<Settings: Codable>(into settings: inout Settings) throws -> Bool {
        guard let changed = try applied(to: settings) else { return false }
        settings = changed
        return true
    }

    private static func replacing(
        _ path: ArraySlice<String>, in whole: JSONValue, by value: JSONValue
    ) -> JSONValue {
        guard let name = path.first else { return value }
        var object = whole.object ?? [:]
        object[name] = replacing(path.dropFirst(), in: object[name] ?? .null, by: value)
        return .object(object)
    }
}
