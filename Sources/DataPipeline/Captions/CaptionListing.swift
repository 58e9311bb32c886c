import Files
import Foundation
import JSON

/// What a file says of images, before they are looked for.
struct CaptionListing {
    private(set) var source: CaptionSource
    /// Images with at least one caption, ordered by path.
    private(set) var samples: [CaptionedImages.Sample] = []

    /// A COCO document: `images` with `id` and `file_name`, `annotations` with `image_id` and
    /// `caption`.
    init(coco file: URL) throws {
        let document = try COCODocument.read(file)
        source = CaptionSource(file: file.path, format: .coco)
        var collected = Collected()
        var places: [COCODocument.Identifier: Int] = [:]
        for image in document.images {
            try Self.check(image.fileName, file: file, row: nil)
            let place = collected.place(of: image.fileName)
            guard let known = places[image.id] else {
                if collected.names[place] > 0 { source.repeatedImages += 1 }
                collected.names[place] += 1
                places[image.id] = place
                continue
            }
            guard known == place else {
                throw DataError(
                    file: file,
                    "the image id \(image.id) is that of two files, \(collected.paths[known]) and"
                        + " \(image.fileName); expected an id for each")
            }
            source.repeatedImages += 1
        }
        for annotation in document.annotations {
            guard let place = places[annotation.imageID] else {
                source.unknownImages += 1
                source.firstUnknownImage =
                    source.firstUnknownImage ?? "the image id \(annotation.imageID)"
                continue
            }
            add(annotation.caption ?? "", to: place, of: &collected)
        }
        finish(collected)
    }

    /// A table with a row for each caption; rows of one image need not stand together.
    init(table file: URL, _ format: TextFormat) throws {
        source = CaptionSource(file: file.path, format: format == .jsonLines ? .jsonLines : .table)
        let image = ColumnRequest(
            name: nil, usualNames: ["file_name", "image", "image_name", "filename", "path"],
            role: "image")
        let caption = ColumnRequest(
            name: nil, usualNames: ["caption", "text", "sentence"], role: "caption")
        let table = try TableReader(LineReader(file), format: format, requests: [image, caption])
        var collected = Collected()
        while let row = try table.next() {
            try Self.check(row.fields[0], file: file, row: row.number)
            add(row.fields[1], to: collected.place(of: row.fields[0]), of: &collected)
        }
        source.invalidSequences = table.invalidSequences
        finish(collected)
    }

    /// Images by their paths' bytes, with their captions.
    private struct Collected {
        var paths: [String] = []
        var captions: [[String]] = []
        /// How many ids an image has.
        var names: [Int] = []
        /// `String` would take canonically equivalent names for one.
        private var places: [[UInt8]: Int] = [:]

        mutating func place(of path: String) -> Int {
            let key = Array(path.utf8)
            if let place = places[key] { return place }
            places[key] = paths.count
            paths.append(path)
            captions.append([])
            names.append(0)
            return paths.count - 1
        }
    }

    private mutating func add(_ caption: String, to place: Int, of collected: inout Collected) {
        if caption.isBlank {
            source.skippedEmpty += 1
        } else {
            source.captions += 1
            collected.captions[place].append(caption)
        }
    }

    private mutating func finish(_ collected: Collected) {
        source.images = collected.paths.count
        for (path, captions) in zip(collected.paths, collected.captions) {
            if captions.isEmpty {
                source.withoutCaption += 1
                source.firstWithoutCaption = source.firstWithoutCaption ?? path
            } else {
                samples.append(CaptionedImages.Sample(path: path, captions: captions))
            }
        }
        samples.sort { FolderListing.precedes($0.path, $1.path) }
    }

    /// Throws for what is no path within a folder.
    private static func check(_ path: String, file: URL, row: Int?) throws {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !path.isEmpty, !path.hasPrefix("/"), !parts.contains(".."), !path.contains("\0")
        else {
            throw DataError(
                file: file, row: row,
                "‘\(path.prefix(80))’ is no image's file; expected a path within the folder of the"
                    + " images")
        }
    }
}

/// The part of COCO's format that captions need.
struct COCODocument: Decodable {
    /// A number, or a text in sets made after COCO's manner.
    enum Identifier: Decodable, Hashable, CustomStringConvertible {
        case number(Int)
        case text(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int.self) {
                self = .number(number)
            } else {
                self = .text(try container.decode(String.self))
            }
        }

        var description: String {
            switch self {
            case .number(let number): "\(number)"
            case .text(let text): text
            }
        }
    }

    struct Image: Decodable {
        let id: Identifier
        let fileName: String

        enum CodingKeys: String, CodingKey {
            case id
            case fileName = "file_name"
        }
    }

    struct Annotation: Decodable {
        let imageID: Identifier
        let caption: String?

        enum CodingKeys: String, CodingKey {
            case imageID = "image_id"
            case caption
        }
    }

    let images: [Image]
    let annotations: [Annotation]

    static func read(_ file: URL) throws -> COCODocument {
        let data: Data
        do {
            data = try BoundedRead.data(of: file, atMost: CaptionFiles.maximumBytes)
        } catch let error as FileError {
            throw DataError(error)
        }
        let document: COCODocument
        do {
            document = try JSONDecoder().decodeStrictly(COCODocument.self, from: data)
        } catch let error as JSONError {
            throw DataError(file: file, "is not valid JSON: \(error)")
        } catch let error as DecodingError {
            throw DataError(
                file: file,
                "\(explanation(of: error)); expected COCO's captions: images with id and"
                    + " file_name, annotations with image_id and caption")
        } catch {
            throw DataError(file: file, "is not valid JSON")
        }
        if !document.annotations.isEmpty, document.annotations.allSatisfy({ $0.caption == nil }) {
            throw DataError(
                file: file,
                "has annotations, but none with a caption; expected a file such as"
                    + " captions_val2017.json")
        }
        return document
    }

    private static func explanation(of error: DecodingError) -> String {
        func place(_ path: [any CodingKey]) -> String {
            path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        }
        switch error {
        case .keyNotFound(let key, let context):
            return context.codingPath.isEmpty
                ? "has no \(key.stringValue)"
                : "\(place(context.codingPath)) has no \(key.stringValue)"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return context.codingPath.isEmpty
                ? "is no JSON object" : "\(place(context.codingPath)) is of the wrong type"
        case .dataCorrupted(let context):
            return context.codingPath.isEmpty
                ? "is not valid JSON" : "\(place(context.codingPath)) is not valid"
        @unknown default:
            return "is not valid"
        }
    }
}
