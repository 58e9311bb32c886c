import Foundation

/// What a reader found, before classes are picked and the whole is checked.
struct FoundImages {
    /// The folder that paths count from.
    var folder: String
    var layout: ImageLayout
    var part: ImagePart?
    /// Labels are indices into `classNames`.
    var samples: [ImageSet.Sample] = []
    /// All classes, also those without an image.
    var classNames: [String] = []
    var ignored = 0
    var firstIgnored: String?

    var url: URL { URL(fileURLWithPath: folder) }

    mutating func ignore(_ files: ImageFiles) {
        ignored += files.ignored
        firstIgnored = firstIgnored ?? files.firstIgnored
    }

    /// The set, with the classes asked for, or without any.
    func set(classes: [String]?, labels: ImageLabels) throws -> ImageSet {
        try requireImages()
        var (kept, names) = (samples, [String]())
        if labels == .folder {
            guard !classNames.isEmpty else {
                throw DataError(
                    file: url,
                    "holds \(samples.count) images without classes; put each class into a folder of"
                        + " its own (to purify, they may be without: --labels none)")
            }
            (kept, names) = try picking(classes)
            try requireTwoClasses(kept, names)
        } else if classes != nil {
            throw DataError(file: url, "classes were named, but labels are not to be read")
        } else {
            for index in kept.indices { kept[index].label = -1 }
        }
        kept.sort {
            $0.path == $1.path
                ? ($0.record ?? 0) < ($1.record ?? 0)
                : FolderListing.precedes($0.path, $1.path)
        }
        let name = part.map { "\(url.lastPathComponent) (\($0.rawValue))" }
        return ImageSet(
            name: name ?? url.lastPathComponent, folder: folder, layout: layout, part: part,
            samples: kept, classNames: names, excluded: samples.count - kept.count,
            ignored: ignored)
    }

    private func requireImages() throws {
        guard samples.isEmpty else { return }
        var message = "holds no images; expected JPEG, PNG, PPM or PGM files"
        if let firstIgnored {
            message += " (found \(ignored) of other kinds, such as \(firstIgnored))"
        }
        throw DataError(file: url, message)
    }

    private func requireTwoClasses(_ kept: [ImageSet.Sample], _ names: [String]) throws {
        guard names.count < 2 else { return }
        throw DataError(
            file: url,
            "holds one class only, ‘\(names.first ?? "")’ (\(kept.count) images), and there is"
                + " nothing to tell it from; expected a folder for each of two or more classes")
    }

    /// The images of `classes`, labelled in that order; by default of all that have any.
    private func picking(_ classes: [String]?) throws -> ([ImageSet.Sample], [String]) {
        let chosen: [Int]
        if let classes {
            chosen = try classes.map(index)
            if let twice = chosen.first(where: { one in chosen.filter { $0 == one }.count > 1 }) {
                throw DataError(file: url, "the class ‘\(classNames[twice])’ was named twice")
            }
        } else {
            let present = Set(samples.map(\.label))
            chosen = classNames.indices.filter(present.contains)
        }
        let labels = Dictionary(uniqueKeysWithValues: zip(chosen, chosen.indices))
        let kept = samples.compactMap { sample in
            labels[sample.label].map {
                ImageSet.Sample(sample.path, record: sample.record, label: $0)
            }
        }
        guard !kept.isEmpty else {
            throw DataError(file: url, "holds no image of the classes that were named")
        }
        return (kept, chosen.map { classNames[$0] })
    }

    /// The class called `name`; numbers may be spelt with or without leading zeros.
    private func index(of name: String) throws -> Int {
        if let exact = classNames.firstIndex(of: name) { return exact }
        if let number = Int(name) {
            if let equal = classNames.firstIndex(where: { Int($0) == number }) { return equal }
            if layout == .cifar10, classNames.indices.contains(number) { return number }
        }
        let known = classNames.prefix(12).joined(separator: ", ")
        throw DataError(
            file: url,
            classNames.count == 1
                ? "has no class ‘\(name)’; its only class is ‘\(known)’"
                : "has no class ‘\(name)’; its \(classNames.count) classes are: \(known)"
                    + (classNames.count > 12 ? ", …" : "") + "; name some of these (--classes)")
    }
}
