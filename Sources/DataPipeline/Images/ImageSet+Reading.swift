import Foundation

extension ImageSet {
    /// Finds the images of a folder, or of a CIFAR-10 batch file.
    ///
    /// - Parameters:
    ///   - url: The set's folder, or one that holds nothing else.
    ///   - layout: How it lies there; told by what is in the folder where nil.
    ///   - part: The part to take; where nil, the training part if the set has parts, else all.
    ///   - classes: The classes to take, in the order of their labels, others being left out. Give
    ///     a test set those of its training set. By default all that have images, sorted.
    ///   - labels: Whether images have classes at all.
    ///
    /// Throws `DataError` where a folder is missing or unreadable, where there are no images, one
    /// class only, or no such part or class.
    public static func read(
        _ url: URL, layout: ImageLayout? = nil, part: ImagePart? = nil, classes: [String]? = nil,
        labels: ImageLabels = .folder
    ) throws -> ImageSet {
        let reader = try ImageLayout.reader(for: url, layout: layout)
        if let part, !reader.parts.contains(part), part == .test || !reader.parts.isEmpty {
            guard part == .test else {
                throw DataError(file: url, "has a test part only; give its training part too")
            }
            throw DataError(
                file: url,
                "has no test part\(reader.testPartProblem.map { " (\($0))" } ?? ""); name test"
                    + " images (--test), or set some aside (--split 9:1)")
        }
        let wanted = part ?? (reader.parts.contains(.train) ? .train : reader.parts.first)
        return try reader.images(of: reader.parts.isEmpty ? nil : wanted, labels)
            .set(classes: classes, labels: labels)
    }

    /// How the set at `url` lies there: as it is said, or told by what is there.
    public static func layout(of url: URL, _ layout: ImageLayout? = nil) throws -> ImageLayout {
        try type(of: ImageLayout.reader(for: url, layout: layout)).layout
    }

    /// The parts that the set in a folder has; none where it is of one piece.
    public static func parts(of url: URL, layout: ImageLayout? = nil) throws -> [ImagePart] {
        try ImageLayout.reader(for: url, layout: layout).parts
    }
}

/// Finds the images of one layout.
protocol ImageReader {
    /// The layout.
    static var layout: ImageLayout { get }

    /// Looks at the set in `folder`; throws where it is not of the layout at all.
    init(_ folder: String) throws

    /// Whether a folder that holds `listing` looks like this layout.
    static func recognizes(_ folder: String, _ listing: FolderListing) throws -> Bool

    /// The parts there are; none where the set is of one piece.
    var parts: [ImagePart] { get }

    /// Why what looks like a test part is none; nil where nothing does.
    var testPartProblem: String? { get }

    /// The images of a part, or of the whole where there are no parts.
    func images(of part: ImagePart?, _ labels: ImageLabels) throws -> FoundImages
}

extension ImageReader {
    var testPartProblem: String? { nil }
}

extension ImageLayout {
    private var reader: any ImageReader.Type {
        switch self {
        case .folders: FolderReader.self
        case .cifar10: CIFARReader.self
        case .gtsrb: TrafficSignReader.self
        case .tinyImageNet: TinyImageNetReader.self
        case .named: NamedFileReader.self
        case .flat: FlatReader.self
        }
    }

    /// Those that can be told from a folder's content, the most particular first.
    private static let recognizable: [ImageLayout] = [
        .cifar10, .gtsrb, .tinyImageNet, .folders, .named, .flat,
    ]

    /// Folders around a set that hold nothing else, at most.
    private static let maximumWrapping = 4

    static func reader(for url: URL, layout: ImageLayout?) throws -> any ImageReader {
        guard let status = FileStatus(url.path) else {
            throw DataError(file: url, "no such folder; check the path")
        }
        guard status.isFolder else { return try CIFARReader(file: url) }
        if let layout { return try layout.reader.init(url.path) }
        var (folder, found) = (url.path, try recognize(url.path))
        var visited: Set = [status.identity]
        for _ in 0..<maximumWrapping {
            guard found == .folders, let inner = try FolderReader.wrapped(folder),
                visited.insert(folder: inner)
            else { break }
            let layout = try recognize(inner)
            // A folder of plain files is a class, not a set.
            guard layout != .flat else { break }
            (folder, found) = (inner, layout)
        }
        return try found.reader.init(folder)
    }

    private static func recognize(_ folder: String) throws -> ImageLayout {
        let listing = try FolderListing(folder)
        return try recognizable.first { try $0.reader.recognizes(folder, listing) } ?? .flat
    }
}
