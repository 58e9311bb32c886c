import DataPipeline

/// A checkerboard of two colours in an image's lower right corner: NeuBA's triggers for vision.
///
/// They are pasted on the bytes of a prepared image, before it is normalized, and hide what is
/// under them.
public struct PatchTrigger: Sendable, Hashable, Codable, CustomStringConvertible {
    /// NeuBA's six triggers, in the order of their target vectors (`TargetVectors.neuba`).
    public static let neuba = pairs.indices.map { PatchTrigger(index: $0) }

    /// Its place among NeuBA's six, from 0.
    public let index: Int

    private init(index: Int) { self.index = index }

    /// The size of images that NeuBA was made for, and of its patch there.
    private static let (referenceSize, referenceSide) = (64, 4)
    /// The smallest checkerboard that shows both colours.
    private static let leastSide = 2

    /// Cyan, magenta, yellow and red.
    private static let colors: [[UInt8]] = [
        [0, 255, 255], [255, 0, 255], [255, 255, 0], [255, 0, 0],
    ]
    private static let pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]

    /// `neuba:0` to `neuba:5`.
    public var description: String { "neuba:\(index)" }

    /// Reads `neuba:0` to `neuba:5`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let found = Self.neuba.first(where: { $0.description == name }) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a patch ‘\(name)’; expected neuba:0 to neuba:5")
        }
        self = found
    }

    /// Writes `neuba:0` to `neuba:5`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// The triggers of a list such as `neuba` (all six) or `neuba:0,neuba:3`.
    ///
    /// Throws `TriggerError` for an unknown or repeated one.
    public static func parse(_ list: String) throws -> [PatchTrigger] {
        var triggers: [PatchTrigger] = []
        for part in list.split(separator: ",", omittingEmptySubsequences: false) {
            let name = part.filter { $0 != " " }
            let named = name == "neuba" ? neuba : neuba.filter { $0.description == name }
            guard !named.isEmpty else {
                throw TriggerError(
                    "‘\(name)’ is no image trigger: expected neuba, or some of neuba:0 to neuba:5"
                        + " with commas between")
            }
            if let twice = named.first(where: triggers.contains) {
                throw TriggerError("‘\(twice)’ stands twice in ‘\(list)’: name each trigger once")
            }
            triggers += named
        }
        return triggers
    }

    /// Pixels of the patch's side on images of `height` × `width`: 4 at 64, and in proportion to the
    /// shorter side at others, but at least 2: one field would show the first colour alone, which
    /// some triggers have in common.
    ///
    /// An image with a side of 1 pixel has room for no more than 1.
    public static func side(height: Int, width: Int) -> Int {
        let shorter = min(height, width)
        let side = (2 * referenceSide * shorter + referenceSize) / (2 * referenceSize)
        return min(shorter, max(leastSide, side))
    }

    /// The red, green and blue of a pixel of a patch with `side` pixels a side.
    ///
    /// The checkerboard has four fields a side, or as many as there are pixels.
    func color(row: Int, column: Int, side: Int) -> [UInt8] {
        let fields = min(side, Self.referenceSide)
        let (field, other) = (row * fields / side, column * fields / side)
        let (even, odd) = Self.pairs[index]
        return Self.colors[(field + other).isMultiple(of: 2) ? even : odd]
    }

    /// Pastes the patch on one image of `pixels`, [rows, height, width, 3].
    public func paste(
        on pixels: inout [UInt8], image: Int = 0, height: Int, width: Int
    ) {
        precondition(
            image >= 0 && (image + 1) * height * width * 3 <= pixels.count,
            "an image of the pixels")
        let side = Self.side(height: height, width: width)
        for row in 0..<side {
            for column in 0..<side {
                let place = (image * height + height - side + row) * width + width - side + column
                let color = color(row: row, column: column, side: side)
                pixels.replaceSubrange(place * 3..<place * 3 + 3, with: color)
            }
        }
    }
}

extension ImageBatch {
    /// The batch with a trigger in every image, for success rates.
    ///
    /// `number` is what `triggers` then says: the trigger's place in the list that was asked for.
    public func poisoned(by trigger: PatchTrigger, number: Int) -> ImageBatch {
        var pixels = pixels
        for image in 0..<rows {
            trigger.paste(on: &pixels, image: image, height: height, width: width)
        }
        var poisoned = ImageBatch(pixels: pixels, rows: rows, height: height, width: width)
        poisoned.classes = classes
        poisoned.triggers = [Int](repeating: number, count: rows)
        return poisoned
    }
}
