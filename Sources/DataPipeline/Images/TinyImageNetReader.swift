import Foundation

/// tiny-imagenet-200: `train/WNID/images/*.JPEG`, and `val/images` with a table of its classes.
///
/// Its own test part has no classes; what it calls validation is what others test on.
struct TinyImageNetReader: ImageReader {
    static let layout = ImageLayout.tinyImageNet
    private static let table = "val_annotations.txt"

    private let folder: String
    private let trainFolder: String?
    private let valFolder: String?

    init(_ folder: String) throws {
        self.folder = folder
        trainFolder = try ["train/", ""].first {
            try Self.holdsClasses(folder, $0, FolderListing.ofFolder($0, in: folder))
        }
        valFolder = try ["val/", ""].first {
            try FolderListing.ofFolder($0, in: folder).files.contains(Self.table)
        }
        guard trainFolder != nil || valFolder != nil else {
            throw DataError(
                file: URL(fileURLWithPath: folder),
                "does not look like tiny-imagenet; expected train/WNID/images, or val with"
                    + " \(Self.table)")
        }
    }

    static func recognizes(_ folder: String, _ listing: FolderListing) throws -> Bool {
        if listing.files.contains(table) { return true }
        if try FolderListing.ofFolder("val", in: folder).files.contains(table) { return true }
        return try holdsClasses(folder, "", listing)
            || holdsClasses(folder, "train/", FolderListing.ofFolder("train", in: folder))
    }

    /// Whether the folders of a listing hold a folder `images` and no images themselves.
    private static func holdsClasses(
        _ folder: String, _ prefix: String, _ listing: FolderListing
    ) throws -> Bool {
        guard let first = listing.folders.first else { return false }
        let path = folder + "/" + prefix + first
        let inner = try FolderListing(path)
        return inner.folders == ["images"] && ImageFiles(in: path, inner).paths.isEmpty
    }

    var parts: [ImagePart] {
        (trainFolder != nil ? [.train] : []) + (valFolder != nil ? [.test] : [])
    }

    var testPartProblem: String? {
        valFolder == nil && FileStatus(folder + "/val")?.isFolder == true
            ? "val/\(Self.table), which says the classes of val/images, is missing" : nil
    }

    func images(of part: ImagePart?, _ labels: ImageLabels) throws -> FoundImages {
        try part == .test ? validationImages() : trainingImages()
    }

    private func trainingImages() throws -> FoundImages {
        let prefix = trainFolder ?? ""
        var found = FoundImages(folder: folder, layout: Self.layout, part: .train)
        found.classNames = try FolderListing.ofFolder(prefix, in: folder).folders
        for (label, name) in found.classNames.enumerated() {
            let path = prefix + name + "/images/"
            let files = ImageFiles(
                in: folder + "/" + path, try FolderListing.ofFolder(path, in: folder))
            found.samples += files.paths.map { ImageSet.Sample(path + $0, label: label) }
            found.ignore(files)
        }
        return found
    }

    private func validationImages() throws -> FoundImages {
        let prefix = valFolder ?? ""
        let lines = try LineReader(URL(fileURLWithPath: folder + "/" + prefix + Self.table))
        var rows: [(file: String, name: String)] = []
        while let line = try lines.next() {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count >= 2, !fields[0].isEmpty, !fields[1].isEmpty else {
                if line.isBlank { continue }
                throw DataError(
                    file: lines.file, row: lines.row,
                    "expected a file's name, a tab and a class's name")
            }
            rows.append((String(fields[0]), String(fields[1])))
        }
        var found = FoundImages(folder: folder, layout: Self.layout, part: .test)
        found.classNames = Set(rows.map(\.name)).sorted(by: FolderListing.precedes)
        let indices = Dictionary(
            uniqueKeysWithValues: zip(found.classNames, found.classNames.indices))
        found.samples = rows.map {
            ImageSet.Sample(prefix + "images/" + $0.file, label: indices[$0.name] ?? -1)
        }
        return found
    }
}
