import CImage
import Foundation

/// Decodes, resizes and encodes images with buffers that it keeps from one to the next.
///
/// One serves one thread at a time.
public final class ImageDecoder {
    private let workspace: OpaquePointer
    private let limits: ImageLimits
    private var file = FileBuffer()

    /// A decoder that refuses what is above `limits`.
    public init(limits: ImageLimits = ImageLimits()) throws {
        guard let made = ci_workspace_create() else {
            throw ImageError(.outOfMemory, "there is no memory to decode images in")
        }
        workspace = made
        self.limits = limits
    }

    deinit { ci_workspace_destroy(workspace) }

    /// What a file's header says of its size; no pixel is decoded.
    public func size(of bytes: [UInt8]) throws -> (width: Int, height: Int) {
        var header = ci_header()
        try check(
            bytes.withUnsafeBufferPointer {
                ci_probe(workspace, $0.baseAddress, $0.count, &header)
            })
        return (Int(header.width), Int(header.height))
    }

    /// Decodes the file that `bytes` are.
    public func decode(_ bytes: [UInt8]) throws -> RGBImage {
        try bytes.withUnsafeBytes { RGBImage(try decoded($0)) }
    }

    /// Decodes the file at `path`; throws `ImageError` without naming it.
    public func decode(contentsOf path: String) throws -> RGBImage {
        RGBImage(try decoded(file.read(path, limit: limits.fileBytes)))
    }

    /// Decodes the file at `path` and prepares the image into `out`, of
    /// `ImagePreparation.byteCount` bytes; throws `ImageError` without naming the file.
    public func prepare(
        contentsOf path: String, _ preparation: ImagePreparation,
        into out: UnsafeMutableRawBufferPointer
    ) throws {
        try preparation.validate()
        var image = try decoded(file.read(path, limit: limits.fileBytes))
        try resample(
            &image, preparation.resampling(width: Int(image.width), height: Int(image.height)),
            into: out)
    }

    /// An image as a model takes it.
    public func prepare(_ image: RGBImage, _ preparation: ImagePreparation) throws -> RGBImage {
        try preparation.validate()
        return try image.pixels.withUnsafeBufferPointer { pixels in
            let pixels = try RGBImage.bytes(count: preparation.byteCount) { out in
                try prepare(
                    pixels, width: image.width, height: image.height, preparation, into: out)
            }
            return RGBImage(width: preparation.size, height: preparation.size, pixels: pixels)
        }
    }

    /// Prepares interleaved pixels into `out`, of `ImagePreparation.byteCount` bytes.
    func prepare(
        _ pixels: UnsafeBufferPointer<UInt8>, width: Int, height: Int,
        _ preparation: ImagePreparation, into out: UnsafeMutableRawBufferPointer
    ) throws {
        var image = ci_image(
            pixels: pixels.baseAddress, width: Int32(width), height: Int32(height))
        try resample(&image, preparation.resampling(width: width, height: height), into: out)
    }

    /// An image at another size, as `RGBImage.resized` describes it.
    public func resize(
        _ image: RGBImage, width: Int, height: Int, filter: ImagePreparation.Filter,
        box: ImageBox? = nil
    ) throws -> RGBImage {
        let sides = 1...Int(CI_MAXIMUM_SIDE)
        guard sides.contains(width), sides.contains(height) else {
            throw ImageError(
                .invalid,
                "cannot be made \(width) x \(height) pixels large; sides may be 1 to"
                    + " \(CI_MAXIMUM_SIDE)")
        }
        let box =
            box
            ?? ImageBox(left: 0, top: 0, right: Float(image.width), bottom: Float(image.height))
        let how = ci_resampling(
            width: Int32(width), height: Int32(height), left: 0, top: 0, columns: Int32(width),
            rows: Int32(height), box: (box.left, box.top, box.right, box.bottom),
            filter: filter.code)
        let pixels = try image.pixels.withUnsafeBufferPointer { pixels in
            var source = ci_image(
                pixels: pixels.baseAddress, width: Int32(image.width), height: Int32(image.height))
            return try RGBImage.bytes(count: width * height * 3) {
                try resample(&source, how, into: $0)
            }
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    /// A PNG file of `image`.
    public func png(of image: RGBImage) throws -> [UInt8] {
        try image.pixels.withUnsafeBufferPointer { pixels in
            var source = ci_image(
                pixels: pixels.baseAddress, width: Int32(image.width), height: Int32(image.height))
            var file: UnsafePointer<UInt8>?
            var count = 0
            try check(ci_encode_png(workspace, &source, &file, &count))
            return Array(UnsafeBufferPointer(start: file, count: count))
        }
    }

    // MARK: The C side

    private func decoded(_ bytes: UnsafeRawBufferPointer) throws -> ci_image {
        var image = ci_image()
        let file = bytes.assumingMemoryBound(to: UInt8.self)
        try check(
            ci_decode(
                workspace, file.baseAddress, file.count, UInt64(max(0, limits.pixels)), &image))
        return image
    }

    private func resample(
        _ image: inout ci_image, _ how: ci_resampling, into out: UnsafeMutableRawBufferPointer
    ) throws {
        precondition(out.count == Int(how.columns) * Int(how.rows) * 3, "room for the result")
        var how = how
        try check(
            ci_resample(
                workspace, &image, &how, out.assumingMemoryBound(to: UInt8.self).baseAddress))
    }

    private func check(_ status: ci_status) throws {
        guard status != CI_OK else { return }
        throw ImageError(ImageError.Kind(status), String(cString: ci_message(workspace)))
    }
}

extension RGBImage {
    fileprivate init(_ image: ci_image) {
        let (width, height) = (Int(image.width), Int(image.height))
        self.init(
            width: width, height: height,
            pixels: Array(UnsafeBufferPointer(start: image.pixels, count: width * height * 3)))
    }

    /// `count` bytes that `body` fills.
    fileprivate static func bytes(
        count: Int, _ body: (UnsafeMutableRawBufferPointer) throws -> Void
    ) rethrows -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            try body(
                UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]))
            initialized = count
        }
    }
}
