import Foundation

/// An image of 8-bit red, green and blue.
public struct RGBImage: Sendable, Hashable {
    /// Pixels of a row.
    public let width: Int
    /// Rows.
    public let height: Int
    /// Rows from the top, [height, width, 3], interleaved.
    public let pixels: [UInt8]

    /// An image of `pixels`, [height, width, 3].
    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(
            width > 0 && height > 0 && pixels.count == width * height * 3,
            "three bytes for each pixel")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// Decodes the JPEG, PNG, PPM or PGM file that `bytes` are, as Pillow's `convert("RGB")` does:
    /// transparency is dropped, 16-bit gray saturates at 255, EXIF does not rotate.
    ///
    /// Throws `ImageError`.
    public init(decoding bytes: [UInt8], limits: ImageLimits = ImageLimits()) throws {
        self = try ImageDecoder(limits: limits).decode(bytes)
    }

    /// Decodes a file by its content, whatever its name says; throws `DataError` with its path.
    public init(contentsOf file: URL, limits: ImageLimits = ImageLimits()) throws {
        do {
            self = try ImageDecoder(limits: limits).decode(contentsOf: file.path)
        } catch let error as ImageError {
            throw DataError(file: file, error.description)
        }
    }

    /// The red, green and blue of a pixel.
    public subscript(row: Int, column: Int) -> [UInt8] {
        precondition((0..<height).contains(row) && (0..<width).contains(column))
        let start = (row * width + column) * 3
        return Array(pixels[start..<start + 3])
    }

    /// The image at another size, equal to Pillow's `resize` bit for bit.
    ///
    /// Where it is made smaller the filter widens with the reduction. `box` is the part of the
    /// image that becomes the whole result, in pixels, fractions allowed; by default all of it.
    /// Throws `ImageError` for a side outside 1 ... 65,535 and a box outside the image.
    public func resized(
        width: Int, height: Int, filter: ImagePreparation.Filter = .bilinear, box: ImageBox? = nil
    ) throws -> RGBImage {
        try ImageDecoder().resize(self, width: width, height: height, filter: filter, box: box)
    }

    /// The image as a model takes it.
    public func prepared(_ preparation: ImagePreparation) throws -> RGBImage {
        try ImageDecoder().prepare(self, preparation)
    }

    /// A PNG file of the image.
    public func png() throws -> [UInt8] { try ImageDecoder().png(of: self) }
}

/// A rectangle within an image, in pixels from its upper left.
public struct ImageBox: Sendable, Codable, Hashable {
    /// The left edge.
    public var left: Float
    /// The upper edge.
    public var top: Float
    /// The right edge.
    public var right: Float
    /// The lower edge.
    public var bottom: Float

    /// A rectangle between these edges.
    public init(left: Float, top: Float, right: Float, bottom: Float) {
        self.left = left
        self.top = top
        self.right = right
        self.bottom = bottom
    }
}
