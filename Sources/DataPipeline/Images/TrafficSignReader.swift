import Foundation

/// GTSRB as its publishers lay it out: numbered folders of PPM files to train on, one folder of
/// them to test on, and tables `Filename;Width;…;ClassId` that say what each shows.
struct TrafficSignReader: ImageReader {
    static let layout = ImageLayout.gtsrb
    private let folder: String
    private let trainFolder: String?
    private let testFolder: String?

    init(_ folder: String) throws {
        self.folder = folder
        let places = ["Final_Training/Images/", "Images/", ""]
        trainFolder = try places.first {
            try FolderListing.ofFolder($0, in: folder).folders.contains(where: Self.isNumber)
        }
        testFolder = try ["Final_Test/Images/", "Images/", ""].first {
            let listing = try FolderListing.ofFolder($0, in: folder)
            return !ImageFiles(in: folder + "/" + $0, listing).paths.isEmpty
        }
        guard trainFolder != nil || testFolder != nil else {
            throw DataError(
                file: URL(fileURLWithPath: folder),
                "does not look like GTSRB; expected Final_Training/Images or Final_Test/Images")
        }
    }

    static func recognizes(_ folder: String, _ listing: FolderListing) throws -> Bool {
        if listing.folders.contains(where: ["Final_Training", "Final_Test"].contains) {
            return true
        }
        if listing.files.contains(where: isTable) { return true }
        guard let first = listing.folders.first(where: isNumber) else { return false }
        return try FolderListing(folder + "/" + first).files.contains(where: isTable)
    }

    private static func isNumber(_ name: String) -> Bool { !name.isEmpty && Int(name) != nil }

    private static func isTable(_ name: String) -> Bool {
        name.hasPrefix("GT-") && name.lowercased().hasSuffix(".csv")
    }

    var parts: [ImagePart] {
        (trainFolder != nil ? [.train] : []) + (testFolder != nil ? [.test] : [])
    }

    func images(of part: ImagePart?, _ labels: ImageLabels) throws -> FoundImages {
        let signs = try part == .test ? testSigns() : trainSigns()
        var found = FoundImages(folder: folder, layout: Self.layout, part: part)
        let classes = Set(signs.map(\.classID)).sorted()
        let indices = Dictionary(uniqueKeysWithValues: zip(classes, classes.indices))
        found.classNames = classes.map(String.init)
        found.samples = signs.map { ImageSet.Sample($0.path, label: indices[$0.classID] ?? -1) }
        return found
    }

    private typealias Sign = (path: String, classID: Int)

    private func trainSigns() throws -> [Sign] {
        let prefix = trainFolder ?? ""
        var signs: [Sign] = []
        for name in try FolderListing.ofFolder(prefix, in: folder).folders {
            guard let classID = Int(name) else { continue }
            let path = prefix + name + "/"
            let listing = try FolderListing(folder + "/" + path)
            if let table = listing.files.first(where: Self.isTable) {
                let file = folder + "/" + path + table
                guard let rows = try Self.rows(of: file) else { throw Self.noColumns(file) }
                signs += rows.map { (path + $0.path, $0.classID) }
            } else {
                signs += ImageFiles(in: folder + "/" + path, listing).paths
                    .map { (path + $0, classID) }
            }
        }
        return signs
    }

    private func testSigns() throws -> [Sign] {
        let prefix = testFolder ?? ""
        // Beside the images, or in one of the two folders around them.
        let parents =
            prefix.isEmpty
            ? ["", "../", "../../"] : [prefix, String(prefix.dropLast("Images/".count)), ""]
        var strange: String?
        for place in parents {
            let tables = try FolderListing.ofFolder(place, in: folder).files.filter(Self.isTable)
            // Some copies have a longer table too: that of all images, of which they hold some.
            for table in tables.sorted(by: { $0.utf8.count < $1.utf8.count }) {
                let file = folder + "/" + place + table
                if let rows = try Self.rows(of: file) {
                    return rows.map { (prefix + $0.path, $0.classID) }
                }
                strange = strange ?? file
            }
        }
        if let strange { throw Self.noColumns(strange) }
        throw DataError(
            file: URL(fileURLWithPath: folder + "/" + prefix),
            "has no table of its classes; expected GT-final_test.csv with the column ClassId")
    }

    private static func noColumns(_ path: String) -> DataError {
        DataError(
            file: URL(fileURLWithPath: path), row: 1,
            "does not say which sign each image shows; expected the columns Filename and ClassId,"
                + " with semicolons between columns")
    }

    /// The files and classes of a table; nil where it has no column of classes.
    private static func rows(of path: String) throws -> [Sign]? {
        let lines = try LineReader(URL(fileURLWithPath: path))
        func fields(_ line: String) -> [String] {
            line.split(separator: ";", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let header = try lines.next().map(fields) ?? []
        guard let file = header.firstIndex(of: "Filename"),
            let classID = header.firstIndex(of: "ClassId")
        else { return nil }
        var rows: [Sign] = []
        while let line = try lines.next() {
            if line.isBlank { continue }
            let fields = fields(line)
            guard fields.count == header.count, !fields[file].isEmpty,
                let number = Int(fields[classID]), number >= 0
            else {
                throw DataError(
                    file: lines.file, row: lines.row,
                    "expected \(header.count) fields separated by semicolons, with a file's name"
                        + " and a class's number")
            }
            rows.append((fields[file], number))
        }
        return rows
    }
}
