import Foundation
import Randomness

/// How a set of images lies on the disk.
public enum ImageLayout: String, Sendable, Codable, CaseIterable {
    /// A folder for each class: `class/name.jpg`, or `train/class/name.jpg` beside `test/`.
    case folders
    /// CIFAR-10's binary batches, `data_batch_1.bin` … and `test_batch.bin`.
    case cifar10
    /// The German traffic signs: `Final_Training/Images/00013/*.ppm`, `Final_Test/Images/*.ppm`.
    case gtsrb
    /// `train/WNID/images/*.JPEG`, and `val/images` with `val_annotations.txt`.
    case tinyImageNet = "tiny-imagenet"
    /// The class in the file's name, as in Dogs vs Cats: `cat.17.jpg`.
    case named
    /// Images without classes.
    case flat
}

/// A part of a set of images.
public enum ImagePart: String, Sendable, Codable, CaseIterable {
    /// What is trained on.
    case train
    /// What is tested on; where there is none, what the set calls validation.
    case test
}

/// Where classes come from.
public enum ImageLabels: String, Sendable, Codable, CaseIterable {
    /// From where the images lie.
    case folder
    /// From nowhere: images without classes.
    case none
}

/// Images with where they are and what they show, in an order that is the same on every machine.
///
/// Nothing is decoded yet: see `PreparedImages`.
public struct ImageSet: Sendable, Hashable {
    /// One image.
    public struct Sample: Sendable, Hashable {
        /// The file's path from the set's folder.
        public let path: String
        /// Which record of a file of many images, counted from 0; nil where the file is the image.
        public let record: Int?
        /// The class, an index into `ImageSet.classNames`; -1 where there are none.
        public internal(set) var label: Int

        /// The image's name within its set: `path`, or `path#record`.
        public var identifier: String { record.map { "\(path)#\($0)" } ?? path }

        init(_ path: String, record: Int? = nil, label: Int) {
            self.path = path
            self.record = record
            self.label = label
        }
    }

    /// What the set is called in messages: its folder's name, and which part it is.
    public let name: String
    /// The folder that paths count from.
    public let folder: String
    /// How it lies on the disk.
    public let layout: ImageLayout
    /// Which part of the whole it is; nil where the whole has no parts.
    public let part: ImagePart?
    /// The images, ordered by path.
    public internal(set) var samples: [Sample]
    /// The classes, in the order of their labels; empty where there are none.
    public let classNames: [String]
    /// Images of classes that were not asked for, which are left out.
    public let excluded: Int
    /// Files that are no images, which are left out.
    public let ignored: Int

    /// The class of each image; empty where there are none.
    public var labels: [Int] { classNames.isEmpty ? [] : samples.map(\.label) }
    /// How many images there are.
    public var count: Int { samples.count }
    /// How many images each class has.
    public var classCounts: [Int] {
        var counts = [Int](repeating: 0, count: classNames.count)
        for sample in samples where sample.label >= 0 { counts[sample.label] += 1 }
        return counts
    }

    /// Some of the images, in their order; classes stay as they are.
    public func selecting(_ isWanted: (Sample) -> Bool) -> ImageSet {
        var selected = self
        selected.samples = samples.filter(isWanted)
        return selected
    }

    /// `count` of the images, drawn at random, in their order; all where there are no more.
    public func randomSubset(of count: Int, seed: Seed) -> ImageSet {
        var subset = self
        subset.samples = seed.places(count, of: samples.count, "images.subset").map { samples[$0] }
        return subset
    }
}
