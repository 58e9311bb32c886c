/// The size of an image or of a part of one, in pixels.
public struct PixelSize: Sendable, Codable, Hashable, CustomStringConvertible {
    /// Rows.
    public var height: Int
    /// Columns.
    public var width: Int

    /// A size.
    public init(_ height: Int, _ width: Int) {
        self.height = height
        self.width = width
    }

    /// Height × width, as in `64×64`.
    public var description: String { "\(height)×\(width)" }
}
