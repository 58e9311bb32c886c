import Foundation

/// A folder for each class, maybe within a folder for each part.
struct FolderReader: ImageReader {
    static let layout = ImageLayout.folders
    private static let trainNames = ["train", "training"]
    private static let testNames = ["test", "testing", "val", "valid", "validation"]

    private let folder: String
    /// The folders of the parts, by their names.
    private let partFolders: [ImagePart: String]

    init(_ folder: String) throws {
        self.folder = folder
        partFolders = try Self.partFolders(of: folder, FolderListing(folder))
    }

    static func recognizes(_ folder: String, _ listing: FolderListing) throws -> Bool {
        let parts = try partFolders(of: folder, listing)
        if !parts.isEmpty { return try parts.values.contains { try isOfClasses(folder, $0) } }
        // Files beside a single folder: that one is no class but something left lying about.
        return listing.folders.count > 1
            || (listing.folders.count == 1
                && ImageFiles(in: folder, listing).paths.isEmpty)
    }

    /// The folder within `folder` where that holds nothing else and is no part of a set.
    static func wrapped(_ folder: String) throws -> String? {
        let listing = try FolderListing(folder)
        guard listing.folders.count == 1, let inner = listing.folders.first,
            try partFolders(of: folder, listing).isEmpty
        else { return nil }
        return folder + "/" + inner
    }

    /// The name of the training part's folder, where there is one.
    static func trainFolder(in listing: FolderListing) -> String? {
        listing.folders.first { trainNames.contains($0.lowercased()) }
    }

    var parts: [ImagePart] { ImagePart.allCases.filter { partFolders[$0] != nil } }

    var testPartProblem: String? {
        guard partFolders[.train] != nil, let listing = try? FolderListing(folder) else {
            return nil
        }
        let test = listing.folders.first { Self.testNames.contains($0.lowercased()) }
        return test.map { "‘\($0)’ has no folder for each class" }
    }

    func images(of part: ImagePart?, _ labels: ImageLabels) throws -> FoundImages {
        let prefix = part.flatMap { partFolders[$0] }.map { $0 + "/" } ?? ""
        let base = prefix.isEmpty ? folder : folder + "/" + prefix.dropLast()
        var found = FoundImages(folder: folder, layout: Self.layout, part: part)
        var visited: Set<FileStatus.Identity> = []
        if labels == .none {
            let files = try ImageFiles(beneath: base, visited: &visited)
            found.samples = files.paths.map { ImageSet.Sample(prefix + $0, label: -1) }
            found.ignore(files)
            return found
        }
        found.classNames = try FolderListing(base).folders
        // What a link within one class leads to must not be taken for its images.
        for place in [folder, base] + found.classNames.map({ base + "/" + $0 }) {
            visited.insert(folder: place)
        }
        for (label, name) in found.classNames.enumerated() {
            let files = try ImageFiles(beneath: base + "/" + name, visited: &visited)
            found.samples += files.paths.map {
                ImageSet.Sample(prefix + name + "/" + $0, label: label)
            }
            found.ignore(files)
        }
        return found
    }

    /// Parts, where a training part is there or every folder is called like a part.
    private static func partFolders(
        of folder: String, _ listing: FolderListing
    ) throws -> [ImagePart: String] {
        let train = trainFolder(in: listing)
        let tests = testNames.compactMap { name in
            listing.folders.first { $0.lowercased() == name }
        }
        guard train != nil || (!tests.isEmpty && tests.count == listing.folders.count) else {
            return [:]
        }
        var parts: [ImagePart: String] = [:]
        parts[.train] = train
        // Some sets have a test part without classes beside a validation part with them.
        parts[.test] = try tests.first { try isOfClasses(folder, $0) }
        return parts
    }

    private static func isOfClasses(_ folder: String, _ part: String) throws -> Bool {
        try !FolderListing(folder + "/" + part).folders.isEmpty
    }
}

/// Images without classes, however deep.
struct FlatReader: ImageReader {
    static let layout = ImageLayout.flat
    private let folder: String

    init(_ folder: String) { self.folder = folder }

    static func recognizes(_ folder: String, _ listing: FolderListing) -> Bool { true }

    var parts: [ImagePart] { [] }

    func images(of part: ImagePart?, _ labels: ImageLabels) throws -> FoundImages {
        var visited: Set<FileStatus.Identity> = []
        let files = try ImageFiles(beneath: folder, visited: &visited)
        var found = FoundImages(folder: folder, layout: Self.layout)
        found.samples = files.paths.map { ImageSet.Sample($0, label: -1) }
        found.ignore(files)
        return found
    }
}

/// Files that begin with their class and go on with a number, as those of Dogs vs Cats:
/// `cat.17.jpg`.
struct NamedFileReader: ImageReader {
    static let layout = ImageLayout.named
    private let folder: String
    private let prefix: String

    init(_ folder: String) throws {
        self.folder = folder
        let listing = try FolderListing(folder)
        let train = FolderReader.trainFolder(in: listing)
        prefix = ImageFiles(in: folder, listing).paths.isEmpty ? train.map { $0 + "/" } ?? "" : ""
    }

    static func recognizes(_ folder: String, _ listing: FolderListing) throws -> Bool {
        let files = ImageFiles(in: folder, listing).paths
        if files.isEmpty, let train = FolderReader.trainFolder(in: listing) {
            let inner = folder + "/" + train
            let listing = try FolderListing(inner)
            return listing.folders.isEmpty && isNamed(ImageFiles(in: inner, listing).paths)
        }
        return isNamed(files)
    }

    private static func isNamed(_ files: [String]) -> Bool {
        !files.isEmpty && files.allSatisfy { className(of: $0) != nil }
            && Set(files.compactMap(className)).count > 1
    }

    /// What stands before `.NUMBER.EXTENSION`.
    private static func className(of file: String) -> String? {
        let pieces = file.split(separator: ".", omittingEmptySubsequences: false)
        guard pieces.count == 3, !pieces[0].isEmpty, Int(pieces[1]) != nil else { return nil }
        return String(pieces[0])
    }

    var parts: [ImagePart] { prefix.isEmpty ? [] : [.train] }

    func images(of part: ImagePart?, _ labels: ImageLabels) throws -> FoundImages {
        let base = prefix.isEmpty ? folder : folder + "/" + prefix.dropLast()
        let files = ImageFiles(in: base, try FolderListing(base))
        var found = FoundImages(folder: folder, layout: Self.layout, part: part)
        found.classNames = Set(files.paths.compactMap(Self.className))
            .sorted(by: FolderListing.precedes)
        let indices = Dictionary(
            uniqueKeysWithValues: zip(found.classNames, found.classNames.indices))
        found.ignore(files)
        found.samples = try files.paths.map { file in
            guard let label = Self.className(of: file).flatMap({ indices[$0] }) else {
                throw DataError(
                    file: URL(fileURLWithPath: base + "/" + file),
                    "has no class in its name; expected CLASS.NUMBER.jpg, such as cat.17.jpg")
            }
            return ImageSet.Sample(prefix + file, label: label)
        }
        return found
    }
}
