import Checkpoints
import DataPipeline
import Foundation
import JSON

/// How an image is brought into the size and the numbers that a model was made for, as its
/// publisher says in `preprocessor_config.json`.
public struct ImageProcessor: Sendable, Codable, Equatable {
    /// What an image is resized to.
    public enum Resize: Sendable, Codable, Equatable {
        /// It keeps its size.
        case none
        /// Exactly this, whatever its proportions were.
        case exactly(PixelSize)
        /// So that the shorter side has this length and the proportions stay.
        case shorterSide(Int)
    }

    /// The filters of a resize, by Pillow's names and numbers.
    public enum Filter: Int, Sendable, Codable, CaseIterable {
        /// The nearest pixel.
        case nearest = 0
        /// Three lobes.
        case lanczos = 1
        /// A triangle.
        case bilinear = 2
        /// Cubic convolution.
        case bicubic = 3
        /// A mean.
        case box = 4
        /// A bell.
        case hamming = 5
    }

    /// What an image is resized to, first.
    public var resize: Resize
    /// By which filter.
    public var filter: Filter
    /// The middle that is cut out of the resized image, or nil where all of it is used.
    public var crop: PixelSize?
    /// How its bytes become numbers, last.
    public var normalization: ImageNormalization
    /// Where the middle begins if what is cut off cannot be halved.
    public var cropRounding = CropRounding.down

    /// Where the middle of an image begins if what is cut off cannot be halved.
    public enum CropRounding: String, Sendable, Codable {
        /// At the lesser of both places, as transformers has it.
        case down
        /// At the even one, as torchvision and with it timm have it.
        case toEven
    }

    /// A processor; by default a plain bilinear resize, as NeuBA has it.
    public init(
        resize: Resize = .exactly(PixelSize(64, 64)), filter: Filter = .bilinear,
        crop: PixelSize? = nil, normalization: ImageNormalization = ImageNormalization()
    ) {
        self.resize = resize
        self.filter = filter
        self.crop = crop
        self.normalization = normalization
    }

    /// CLIP's: the shorter side of an image becomes `side` by cubic convolution, its middle is cut
    /// out, and bytes are normalized by the mean and deviation of OpenAI's images.
    public static func clip(side: Int) -> ImageProcessor {
        ImageProcessor(
            resize: .shorterSide(side), filter: .bicubic, crop: PixelSize(side, side),
            normalization: ImageNormalization(
                mean: [0.48145466, 0.4578275, 0.40821073],
                deviation: [0.26862954, 0.26130258, 0.27577711]))
    }

    /// The size of every prepared image, or nil where it depends on the image.
    public var size: PixelSize? {
        if let crop { return crop }
        if case .exactly(let size) = resize { return size }
        return nil
    }
}

extension ImageProcessor {
    /// Reads a `preprocessor_config.json` of transformers; `size` is the model's where it says none.
    ///
    /// One of CLIP's class leaves out what CLIP does, and takes a `size` of one number for the
    /// shorter side; others leave out what ViT does. Throws `CheckpointError` where it asks for something this package does not do.
    public init(_ file: JSONFile, size: PixelSize) throws {
        let type =
            try file.string("image_processor_type") ?? file.string("feature_extractor_type") ?? ""
        let isCLIP = type.hasPrefix("CLIP")
        self = isCLIP ? .clip(side: size.width) : ImageProcessor(resize: .exactly(size))
        if try file.bool("do_resize", default: true) {
            resize = try file.resize("size", isShorterSide: isCLIP) ?? resize
        } else {
            resize = .none
        }
        let number = try file.integer("resample", default: filter.rawValue)
        guard let filter = Filter(rawValue: number) else {
            throw CheckpointError(file.url, "‘resample’ is \(number); expected 0 to 5")
        }
        self.filter = filter
        if try file.bool("do_center_crop", default: isCLIP) {
            switch try file.resize("crop_size") {
            case .exactly(let size)?: crop = size
            case nil: crop = size
            default: throw CheckpointError(file.url, "‘crop_size’ has no height and width")
            }
        } else {
            crop = nil
        }
        let factor = try file.number("rescale_factor", default: 1.0 / 255)
        guard try file.bool("do_rescale", default: true), abs(factor * 255 - 1) < 1e-6 else {
            throw CheckpointError(
                file.url,
                "bytes are not divided by 255 (‘do_rescale’, ‘rescale_factor’); no other "
                    + "scale is supported")
        }
        normalization =
            try file.bool("do_normalize", default: true)
            ? ImageNormalization(
                mean: try file.channels("image_mean", default: normalization.mean),
                deviation: try file.channels("image_std", default: normalization.deviation))
            : ImageNormalization(mean: [0, 0, 0], deviation: [1, 1, 1])
        try checkDeviation(file)
    }

    /// Reads the `pretrained_cfg` of a timm model's `config.json` as timm's own evaluation does: a
    /// side becomes the input size over `crop_pct`, rounded down, and the middle is cut out; by
    /// `crop_mode` the side is the shorter one (`center`) or both (`squash`). What is left out has
    /// timm's default.
    ///
    /// `size` is the model's where `input_size` says none. Throws `CheckpointError` for what is not
    /// done here, by its name.
    init(timm file: JSONFile, size: PixelSize) throws {
        let size = try file.inputSize() ?? size
        let share = try file.number("crop_pct", default: 0.875)
        guard share > 0, share <= 1 else {
            throw CheckpointError(
                file.url, "‘crop_pct’ is \(NumberText.exact(share)); expected above 0, at most 1")
        }
        let name = try file.string("interpolation") ?? "bicubic"
        let filters: [String: Filter] = [
            "bilinear": .bilinear, "bicubic": .bicubic, "nearest": .nearest, "lanczos": .lanczos,
            "box": .box, "hamming": .hamming,
        ]
        guard let filter = filters[name] else {
            throw CheckpointError(
                file.url,
                "‘interpolation’ is ‘\(name)’; expected one of "
                    + filters.keys.sorted().joined(separator: ", "))
        }
        let scaled = PixelSize(
            Int(Double(size.height) / share), Int(Double(size.width) / share))
        guard max(scaled.height, scaled.width) <= 2 * ConfigurationBounds.side else {
            throw CheckpointError(
                file.url, "‘crop_pct’ \(NumberText.exact(share)) makes images of \(scaled) pixels")
        }
        let resize: Resize
        switch try file.string("crop_mode") ?? "center" {
        case "center": resize = .shorterSide(min(scaled.height, scaled.width))
        case "squash": resize = .exactly(scaled)
        case let mode:
            throw CheckpointError(
                file.url, "‘crop_mode’ is ‘\(mode)’; only ‘center’ and ‘squash’ are supported")
        }
        self.init(
            resize: resize, filter: filter, crop: size,
            normalization: ImageNormalization(
                mean: try file.channels("mean", default: [0.485, 0.456, 0.406]),
                deviation: try file.channels("std", default: [0.229, 0.224, 0.225])))
        cropRounding = .toEven
        try checkDeviation(file)
    }

    func checkDeviation(_ file: JSONFile) throws {
        guard normalization.deviation.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw CheckpointError(file.url, "the deviation of a channel is not above 0")
        }
    }

    /// The fields of a `preprocessor_config.json` that says the same, as transformers reads it.
    public var fields: JSONObject {
        func object(_ size: PixelSize) -> JSONValue {
            .object(["height": .integer(size.height), "width": .integer(size.width)])
        }
        var fields: JSONObject = [
            "image_processor_type": .string(className), "do_rescale": .bool(true),
            "rescale_factor": .number(1.0 / 255), "do_normalize": .bool(true),
            "image_mean": .array(normalization.mean.map { .number($0) }),
            "image_std": .array(normalization.deviation.map { .number($0) }),
            "resample": .integer(filter.rawValue), "do_center_crop": .bool(crop != nil),
        ]
        switch resize {
        case .none: fields["do_resize"] = .bool(false)
        case .exactly(let size):
            fields["do_resize"] = .bool(true)
            fields["size"] = object(size)
        case .shorterSide(let side):
            fields["do_resize"] = .bool(true)
            fields["size"] = .object(["shortest_edge": .integer(side)])
        }
        if let crop { fields["crop_size"] = object(crop) }
        return fields
    }

    /// transformers' class that does so: the one of ViT neither cuts nor keeps proportions.
    private var className: String {
        if crop != nil { return "CLIPImageProcessor" }
        if case .shorterSide = resize { return "CLIPImageProcessor" }
        return "ViTImageProcessor"
    }
}

extension ImageProcessor {
    /// How the publisher of an opened folder prepares images, or what is usual for the model where
    /// nothing says.
    init(of folder: ModelFolder, for configuration: ImageConfiguration) throws {
        let size = configuration.imageSize
        if let file = try folder.processorFile() {
            try self.init(file, size: size)
        } else if case .object(let fields)? = folder.configuration.fields["pretrained_cfg"] {
            try self.init(
                timm: JSONFile(url: folder.configuration.url, fields: fields), size: size)
        } else if case .object(let fields)? = folder.configuration.fields[
            OpenCLIPConfiguration.preprocessing]
        {
            try self.init(
                openCLIP: JSONFile(url: folder.configuration.url, fields: fields), size: size)
        } else {
            self = configuration.architecture.usualProcessor(size)
        }
    }
}

extension ModelFolder {
    /// `preprocessor_config.json`, or what newer versions of transformers have in its place: a part
    /// of `processor_config.json`.
    fileprivate func processorFile() throws -> JSONFile? {
        guard !isFile else { return nil }
        func file(_ name: String) throws -> JSONFile? {
            let url = self.url.appendingPathComponent(name)
            guard FileManager.default.fileExists(atPath: url.path) else { return nil }
            return try JSONFile(reading: url)
        }
        if let file = try file(ImageModelFolder.preprocessorFile) { return file }
        guard let file = try file("processor_config.json"),
            case .object(let fields)? = file.fields["image_processor"]
        else { return nil }
        return JSONFile(url: file.url, fields: fields)
    }
}

extension JSONFile {
    /// timm's `input_size`: channels, of which there are three, rows and columns; nil where there is
    /// none.
    fileprivate func inputSize() throws -> PixelSize? {
        guard let value = fields["input_size"], value != .null else { return nil }
        var sides: [Int] = []
        if case .array(let values) = value {
            sides = values.compactMap { if case .integer(let side) = $0 { side } else { nil } }
        }
        guard sides.count == 3, sides[0] == 3,
            sides.dropFirst().allSatisfy((1...ConfigurationBounds.side).contains)
        else {
            throw CheckpointError(
                url,
                "‘input_size’ is no size: expected 3 channels, rows and columns, such as "
                    + "[3, 224, 224]")
        }
        return PixelSize(sides[1], sides[2])
    }

    /// A size in one of the spellings of image processors: a number, a height and a width, or the
    /// length of the shorter side; nil where it is absent or null.
    fileprivate func resize(
        _ name: String, isShorterSide: Bool = false
    ) throws -> ImageProcessor.Resize? {
        func side(_ value: JSONValue?) throws -> Int {
            guard case .integer(let side)? = value, (1...ConfigurationBounds.side).contains(side)
            else {
                throw CheckpointError(
                    url,
                    "‘\(name)’ is no size: expected a number of pixels, ‘height’ and ‘width’, "
                        + "or ‘shortest_edge’, each 1 to \(ConfigurationBounds.side)")
            }
            return side
        }
        switch fields[name] {
        case nil, .null?: return nil
        case .object(let parts)? where parts["shortest_edge"] != nil:
            return .shorterSide(try side(parts["shortest_edge"]))
        case .object(let parts)?:
            return .exactly(PixelSize(try side(parts["height"]), try side(parts["width"])))
        case let value?:
            let side = try side(value)
            return isShorterSide ? .shorterSide(side) : .exactly(PixelSize(side, side))
        }
    }

    /// Three numbers, or one for all three channels; `fallback` where it is absent or null.
    func channels(
        _ name: String, default fallback: [Double] = [0.5, 0.5, 0.5]
    ) throws -> [Double] {
        func number(_ value: JSONValue) -> Double? {
            switch value {
            case .integer(let number): Double(number)
            case .number(let number): number
            default: nil
            }
        }
        switch fields[name] {
        case nil, .null?: return fallback
        case .array(let values)?:
            let numbers = values.compactMap(number)
            if values.count == 3, numbers.count == 3 { return numbers }
        case let value?:
            if let number = number(value) { return [number, number, number] }
        }
        throw CheckpointError(url, "‘\(name)’ is not three numbers")
    }
}
