import Foundation

/// CIFAR-10's binary batches: records of a class and 32 × 32 pixels, red, then green, then blue.
struct CIFARReader: ImageReader {
    static let layout = ImageLayout.cifar10
    /// Pixels of an image's side.
    static let side = 32
    /// Bytes of a record.
    static let recordBytes = 1 + 3 * side * side

    private static let officialNames = [
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ]

    private let folder: String
    private let files: [ImagePart: [String]]

    init(_ folder: String) throws {
        self.folder = folder
        files = Self.batches(try FolderListing(folder))
        guard !files.isEmpty else {
            throw DataError(
                file: URL(fileURLWithPath: folder),
                "holds no CIFAR-10 batches; expected data_batch_1.bin … and test_batch.bin")
        }
    }

    /// A single batch.
    init(file: URL) throws {
        guard file.pathExtension.lowercased() == "bin" else {
            throw DataError(
                file: file, "is a file; expected a folder of images, or a CIFAR-10 batch (.bin)")
        }
        folder = file.deletingLastPathComponent().path
        let part: ImagePart = file.lastPathComponent.hasPrefix("test") ? .test : .train
        files = [part: [file.lastPathComponent]]
    }

    static func recognizes(_ folder: String, _ listing: FolderListing) -> Bool {
        !batches(listing).isEmpty
    }

    private static func batches(_ listing: FolderListing) -> [ImagePart: [String]] {
        let batches = listing.files.filter { $0.hasSuffix(".bin") }
        let train = batches.filter { $0.hasPrefix("data_batch") }
        let test = batches.filter { $0.hasPrefix("test_batch") }
        return [ImagePart.train: train, .test: test].filter { !$0.value.isEmpty }
    }

    var parts: [ImagePart] { ImagePart.allCases.filter { files[$0] != nil } }

    func images(of part: ImagePart?, _ labels: ImageLabels) throws -> FoundImages {
        var found = FoundImages(folder: folder, layout: Self.layout, part: part)
        found.classNames = try classNames()
        for file in part.flatMap({ files[$0] }) ?? [] {
            for (record, label) in try Self.labels(of: folder + "/" + file).enumerated() {
                found.samples.append(ImageSet.Sample(file, record: record, label: label))
            }
        }
        return found
    }

    /// The names in `batches.meta.txt`, else the official ones.
    private func classNames() throws -> [String] {
        let file = URL(fileURLWithPath: folder).appendingPathComponent("batches.meta.txt")
        guard FileManager.default.fileExists(atPath: file.path) else { return Self.officialNames }
        let lines = try LineReader(file)
        var names: [String] = []
        while let line = try lines.next() {
            let name = line.trimmingCharacters(in: .whitespaces)
            if !name.isEmpty { names.append(name) }
        }
        guard names.count == Self.officialNames.count, Set(names).count == names.count else {
            throw DataError(
                file: file,
                "names \(Set(names).count) different classes; expected"
                    + " \(Self.officialNames.count), one on each line")
        }
        return names
    }

    private static func labels(of path: String) throws -> [Int] {
        let url = URL(fileURLWithPath: path)
        var buffer = FileBuffer()
        let bytes: UnsafeRawBufferPointer
        do {
            bytes = try buffer.read(path, limit: ImageLimits().fileBytes)
        } catch let error as ImageError {
            throw DataError(file: url, error.description)
        }
        guard !bytes.isEmpty, bytes.count.isMultiple(of: recordBytes) else {
            throw DataError(
                file: url,
                "has \(bytes.count) bytes, which are no whole number of CIFAR-10 records of"
                    + " \(recordBytes): it is cut short, or not the binary version of CIFAR-10;"
                    + " fetch it again")
        }
        return try (0..<bytes.count / recordBytes).map { record in
            let label = Int(bytes[record * recordBytes])
            guard officialNames.indices.contains(label) else {
                throw DataError(
                    file: url,
                    "record \(record + 1) is of class \(label); expected 0 to 9, as in the binary"
                        + " version of CIFAR-10")
            }
            return label
        }
    }
}
