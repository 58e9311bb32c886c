/// Images of one batch, all of one size, with what they show.
///
/// Plain values: a loader makes it on any thread, and the compute side makes tensors of it.
public struct ImageBatch: Sendable {
    /// Pixels, [rows, height, width, 3], red, green and blue side by side.
    public let pixels: [UInt8]
    /// Images of the batch.
    public let rows: Int
    /// Rows of an image.
    public let height: Int
    /// Pixels of a row.
    public let width: Int
    /// The class of each image, where images have classes.
    public var classes: [Int64] = []
    /// The trigger in each image, counted from 0, or -1 for a clean one; empty where all are clean.
    public var triggers: [Int] = []

    /// A batch of `pixels`, [rows, height, width, 3], without classes.
    public init(pixels: [UInt8], rows: Int, height: Int, width: Int) {
        precondition(
            pixels.count == rows * height * width * 3, "three bytes for each pixel of each image")
        self.pixels = pixels
        self.rows = rows
        self.height = height
        self.width = width
    }

    /// Bytes of an image.
    public var imageBytes: Int { height * width * 3 }
}
