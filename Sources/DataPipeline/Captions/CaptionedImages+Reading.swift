import Foundation

extension CaptionedImages {
    /// Reads a file of captions, or the one in a folder, and looks for its images.
    ///
    /// - Parameters:
    ///   - url: A COCO `.json`, an `image,caption` `.csv`, `.tsv` or `.txt`, a `.jsonl`, or a folder
    ///     with `metadata.jsonl`, `captions.txt` or the like in it.
    ///   - images: The folder of the images; where nil, the file's own folder or one beside or
    ///     within it, whichever holds most of them.
    ///   - maximumSkipped: The share of images that may be missing, and are left out.
    ///
    /// Throws `DataError` for a missing or malformed file, where more images than that are missing
    /// (with the names of some), and where no pair is left.
    public static func read(
        _ url: URL, images: URL? = nil, maximumSkipped: Double = 0.01
    ) throws -> CaptionedImages {
        let file = try CaptionFiles.find(url)
        let listing = try CaptionFiles.read(file)
        guard !listing.samples.isEmpty else {
            throw DataError(
                file: file,
                "holds no caption of an image"
                    + (listing.source.remarks.isEmpty
                        ? "" : ": " + listing.source.remarks.joined(separator: "; ")))
        }
        let folder = try CaptionFiles.imageFolder(images, for: listing, of: file)
        var source = listing.source
        var (found, missing) = ([Sample](), [SkippedImage]())
        for sample in listing.samples {
            if FileStatus(folder + "/" + sample.path)?.isFolder == false {
                found.append(sample)
            } else {
                missing.append(SkippedImage(identifier: sample.path, reason: "is not there"))
            }
        }
        try check(missing, of: listing.samples.count, in: folder, maximumSkipped)
        source.missing = missing.count
        source.firstMissing = missing.first?.identifier
        return CaptionedImages(
            name: file.lastPathComponent, folder: folder, source: source, samples: found,
            missing: missing)
    }

    /// Throws where too many images are missing, or all.
    private static func check(
        _ missing: [SkippedImage], of count: Int, in folder: String, _ maximumSkipped: Double
    ) throws {
        let allowed = ImageLoader.allowedSkips(maximumSkipped, of: count)
        guard missing.count > allowed || missing.count == count else { return }
        let examples = missing.prefix(3).map(\.identifier).joined(separator: ", ")
        let share = String(format: "%g %%", maximumSkipped * 100)
        throw DataError(
            file: URL(fileURLWithPath: folder),
            missing.count == count
                ? "none of the \(count) images that have captions is here, such as \(examples);"
                    + " name the folder that holds them (--images)"
                : "\(missing.count) of \(count) images that have captions are not here, more than"
                    + " the \(share) that may be skipped: \(examples)"
                    + (missing.count > 3 ? ", …" : "")
                    + ". Add them, or let more be skipped (--max-skipped)")
    }
}

/// Finds files of captions and the images they speak of.
enum CaptionFiles {
    /// What a folder's file of captions may be called, the first that is there being taken.
    private static let names = [
        "metadata.jsonl", "metadata.csv", "captions.jsonl", "captions.txt", "captions.csv",
        "captions.tsv", "captions.json",
    ]
    /// Images that are looked for in each folder that may hold them.
    private static let samples = 500
    /// Far above any real file.
    static let maximumBytes = 1 << 30

    /// The file itself, or a folder's.
    static func find(_ url: URL) throws -> URL {
        guard let status = FileStatus(url.path) else {
            throw DataError(file: url, "no such file or folder; check the path")
        }
        guard status.isFolder else { return url }
        let files = try FolderListing(url.path).files
        if let name = names.first(where: files.contains) {
            return url.appendingPathComponent(name)
        }
        let documents =
            files.filter(isCOCO).map { $0 }
            + (try FolderListing.ofFolder("annotations", in: url.path).files.filter(isCOCO)
                .map { "annotations/" + $0 })
        guard documents.count < 2 else {
            throw DataError(
                file: url,
                "holds several files of captions, \(documents.joined(separator: ", "));"
                    + " name one of them")
        }
        guard let document = documents.first else {
            throw DataError(
                file: url,
                "holds no captions; expected metadata.jsonl, captions.txt, captions.csv or a"
                    + " captions_….json, or name the file")
        }
        return url.appendingPathComponent(document)
    }

    private static func isCOCO(_ name: String) -> Bool {
        name.hasPrefix("captions") && name.hasSuffix(".json")
    }

    /// What a file holds, by its name's extension.
    static func read(_ file: URL) throws -> CaptionListing {
        if let size = FileStatus(file.path)?.size, size > maximumBytes {
            throw DataError(file: file, "has \(size) bytes, above the limit of \(maximumBytes)")
        }
        switch file.pathExtension.lowercased() {
        case "json": return try CaptionListing(coco: file)
        case "jsonl": return try CaptionListing(table: file, .jsonLines)
        case "csv", "txt": return try CaptionListing(table: file, .commaSeparated)
        case "tsv": return try CaptionListing(table: file, .tabSeparated)
        default:
            throw DataError(
                file: file,
                "is of an unknown kind; expected COCO's .json, a .jsonl, or a .csv, .tsv or .txt"
                    + " with the columns image and caption")
        }
    }

    /// The folder given, or the one near the file that holds most of a sample of the images.
    static func imageFolder(
        _ given: URL?, for listing: CaptionListing, of file: URL
    ) throws -> String {
        if let given {
            guard FileStatus(given.path)?.isFolder == true else {
                throw DataError(file: given, "no such folder; expected the folder of the images")
            }
            return given.path
        }
        let own = file.deletingLastPathComponent().path
        var candidates = [own] + (try FolderListing(own)).folders.map { own + "/" + $0 }
        if own.hasSuffix("/annotations") {
            let above = String(own.dropLast("/annotations".count))
            candidates += [above] + (try FolderListing(above)).folders.map { above + "/" + $0 }
        }
        let step = max(1, listing.samples.count / samples)
        let wanted = stride(from: 0, to: listing.samples.count, by: step).map {
            listing.samples[$0].path
        }
        let counts = candidates.map { folder in
            wanted.count { FileStatus(folder + "/" + $0) != nil }
        }
        let best = counts.indices.max { (counts[$0], -$0) < (counts[$1], -$1) } ?? 0
        return candidates[best]
    }
}
