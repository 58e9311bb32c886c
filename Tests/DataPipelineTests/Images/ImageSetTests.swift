import DataPipeline
import Foundation
import Testing

/// Sets of small images in the layouts that are read.
extension ReaderFolder {
    /// Writes a PPM file whose pixels tell it from others.
    @discardableResult
    func image(_ name: String, _ color: [UInt8] = [1, 2, 3]) throws -> URL {
        try write(name, SampleImage.ppm(color))
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: url.appending(path: name).path, withDestinationPath: target)
    }

    /// The error that reading a set ends with.
    func setError(
        _ name: String = "", layout: ImageLayout? = nil, part: ImagePart? = nil,
        classes: [String]? = nil, labels: ImageLabels = .folder
    ) -> String {
        let error = #expect(throws: DataError.self) {
            try ImageSet.read(
                url.appending(path: name), layout: layout, part: part, classes: classes,
                labels: labels)
        }
        return error?.description ?? ""
    }
}

extension ImageSet {
    var paths: [String] { samples.map(\.path) }
}

@Suite struct ImageSetTests {
    // MARK: Class folders

    @Test("A folder for each class, sorted, however deep") func folders() throws {
        let folder = try ReaderFolder()
        for name in ["dog/2.jpg", "dog/10.JPG", "cat/b.png", "cat/deep/er/a.ppm", "ant/x.jpeg"] {
            try folder.image(name)
        }
        _ = try folder.write("cat/notes.txt", "no image")
        _ = try folder.write("cat/.hidden.jpg", "no image")
        _ = try folder.write("README.md", "no image")
        let set = try ImageSet.read(folder.url)
        #expect(set.layout == .folders && set.part == nil)
        #expect(set.classNames == ["ant", "cat", "dog"])
        #expect(
            set.paths == [
                "ant/x.jpeg", "cat/b.png", "cat/deep/er/a.ppm", "dog/10.JPG", "dog/2.jpg",
            ])
        #expect(set.labels == [0, 1, 1, 2, 2] && set.classCounts == [1, 2, 2])
        #expect(set.ignored == 1 && set.excluded == 0)
        #expect(try ImageSet.parts(of: folder.url) == [])
    }

    @Test("Files without a known name are taken by their content") func unnamed() throws {
        let folder = try ReaderFolder()
        _ = try folder.write("a/photo", ImageFixture.bytes("gray.jpg"))
        _ = try folder.write("a/other.dat", ImageFixture.bytes("rgb-8.png"))
        _ = try folder.write("b/Thumbs.db", "no image")
        try folder.image("b/1.jpg")
        let set = try ImageSet.read(folder.url)
        #expect(set.paths == ["a/other.dat", "a/photo", "b/1.jpg"] && set.ignored == 1)
    }

    @Test(
        "Parts are told by their names",
        arguments: [("train", "test"), ("TRAIN", "TEST"), ("Training", "validation")])
    func parts(_ train: String, _ test: String) throws {
        let folder = try ReaderFolder()
        for name in ["\(train)/a/1.ppm", "\(train)/b/2.ppm", "\(test)/a/3.ppm", "\(test)/b/4.ppm"] {
            try folder.image(name)
        }
        #expect(try ImageSet.parts(of: folder.url) == [.train, .test])
        let whole = try ImageSet.read(folder.url)
        #expect(whole.paths == ["\(train)/a/1.ppm", "\(train)/b/2.ppm"] && whole.part == .train)
        let tested = try ImageSet.read(folder.url, part: .test, classes: ["b", "a"])
        #expect(tested.paths == ["\(test)/a/3.ppm", "\(test)/b/4.ppm"] && tested.labels == [1, 0])
        #expect(tested.name.hasSuffix("(test)"))
        // A part's folder by itself is a set too.
        let part = try ImageSet.read(folder.url.appending(path: test))
        #expect(part.paths == ["a/3.ppm", "b/4.ppm"] && part.part == nil)
    }

    @Test("A test part without classes gives way to a validation part with them") func validation()
        throws
    {
        let folder = try ReaderFolder()
        for name in ["train/a/1.ppm", "train/b/2.ppm", "test/9.ppm", "val/a/3.ppm", "val/b/4.ppm"] {
            try folder.image(name)
        }
        #expect(try ImageSet.read(folder.url, part: .test).paths == ["val/a/3.ppm", "val/b/4.ppm"])
        try FileManager.default.removeItem(at: folder.url.appending(path: "val"))
        #expect(
            folder.setError(part: .test).contains(
                "has no test part (‘test’ has no folder for each class)"))
    }

    @Test("Folders around a set that hold nothing else are passed through") func wrapped() throws {
        let folder = try ReaderFolder()
        for name in ["one/two/TRAIN/a/1.ppm", "one/two/TRAIN/b/2.ppm"] { try folder.image(name) }
        let set = try ImageSet.read(folder.url)
        #expect(set.paths == ["TRAIN/a/1.ppm", "TRAIN/b/2.ppm"])
        #expect(set.folder.hasSuffix("one/two"))
    }

    @Test("Classes are picked and labelled in the order asked for") func picks() throws {
        let folder = try ReaderFolder()
        for name in ["07/a.ppm", "13/b.ppm", "13/c.ppm", "38/d.ppm"] { try folder.image(name) }
        let set = try ImageSet.read(folder.url, classes: ["38", "7"])
        #expect(set.classNames == ["38", "07"] && set.labels == [1, 0] && set.excluded == 2)
        #expect(
            folder.setError(classes: ["38", "99"]).contains(
                "no class ‘99’; its 3 classes are: 07, 13, 38; name some of these (--classes)"))
        #expect(folder.setError(classes: ["38", "38"]).contains("twice"))
        #expect(folder.setError(classes: ["38"]).contains("one class only, ‘38’ (1 images)"))
    }

    @Test("Without labels all images of a tree are taken") func unlabelled() throws {
        let folder = try ReaderFolder()
        for name in ["a/1.ppm", "b/2.ppm"] { try folder.image(name) }
        let set = try ImageSet.read(folder.url, labels: .none)
        #expect(set.paths == ["a/1.ppm", "b/2.ppm"] && set.labels == [] && set.classNames == [])
        #expect(
            folder.setError(classes: ["a"], labels: .none).contains("labels are not to be read"))
    }

    // MARK: Links and errors

    @Test("Loops of links end, and lend no class another's images") func loops() throws {
        let folder = try ReaderFolder()
        for name in ["a/1.ppm", "b/2.ppm", "elsewhere.d/3.ppm"] { try folder.image(name) }
        try folder.link("a/self", to: ".")
        try folder.link("a/up", to: "..")
        try folder.link("b/across", to: "../a")
        try folder.link("b/nowhere", to: "missing")
        try folder.link("b/away", to: "../elsewhere.d")
        let set = try ImageSet.read(folder.url, classes: ["a", "b"])
        #expect(set.paths == ["a/1.ppm", "b/2.ppm"])
        #expect(try ImageSet.read(folder.url, labels: .none).count == 3)
    }

    @Test("A loop of links around nothing ends at the folder where it was met") func emptyLoop()
        throws
    {
        let folder = try ReaderFolder()
        _ = try folder.write("loop/x/notes.txt", "no image")
        try folder.link("loop/x/up", to: "..")
        try folder.link("loop/a", to: "b")
        try folder.link("loop/b", to: "a")
        let message = folder.setError("loop")
        #expect(message.contains("holds no images") && !message.contains("up/"), "\(message)")
    }

    @Test("A link to a folder of images is followed") func linked() throws {
        let folder = try ReaderFolder()
        for name in ["store/x/1.ppm", "set/a/2.ppm"] { try folder.image(name) }
        try folder.link("set/b", to: "../store/x")
        try folder.link("set/a/more", to: "../../store")
        let set = try ImageSet.read(folder.url.appending(path: "set"))
        #expect(set.paths == ["a/2.ppm", "b/1.ppm"])
    }

    @Test("What cannot be read says so") func errors() throws {
        let folder = try ReaderFolder()
        #expect(folder.setError("none").contains("no such folder"))
        #expect(folder.setError().contains("holds no images; expected JPEG, PNG, PPM or PGM"))
        _ = try folder.write("a/1.webp", "RIFF")
        _ = try folder.write("a/2.gif", "GIF89a")
        _ = try folder.write("b/3.txt", "text")
        #expect(folder.setError().contains("found 3 of other kinds, such as 1.webp"))
        #expect(folder.setError("a/1.webp").contains("is a file; expected a folder of images"))
        try folder.image("a/1.ppm")
        #expect(folder.setError().contains("one class only, ‘a’ (1 images)"))
        #expect(
            folder.setError(part: .test).contains(
                "has no test part; name test images (--test), or set some aside (--split 9:1)"))
        #expect(folder.setError(layout: .cifar10).contains("no CIFAR-10 batches"))
        #expect(folder.setError(layout: .gtsrb).contains("does not look like GTSRB"))
        #expect(folder.setError(layout: .tinyImageNet).contains("does not look like tiny-imagenet"))
    }

    @Test("A single class is an error, also one folder deeper") func oneClass() throws {
        let folder = try ReaderFolder()
        for name in ["set/cats/1.ppm", "set/cats/2.ppm"] { try folder.image(name) }
        #expect(folder.setError("set").contains("one class only, ‘cats’ (2 images)"))
        #expect(folder.setError("set/cats").contains("2 images without classes"))
        #expect(try ImageSet.read(folder.url, labels: .none).count == 2)
    }

    @Test(.enabled(if: geteuid() != 0, "root reads everything"))
    func unreadable() throws {
        let folder = try ReaderFolder()
        for name in ["a/1.ppm", "b/2.ppm"] { try folder.image(name) }
        let closed = folder.url.appending(path: "b").path
        #expect(chmod(closed, 0) == 0)
        defer { chmod(closed, 0o700) }
        #expect(folder.setError().contains("cannot be listed"))
    }

    // MARK: Names and no names

    @Test("The class in the name: Dogs vs Cats") func named() throws {
        let folder = try ReaderFolder()
        for name in ["dog.0.jpg", "cat.1.jpg", "cat.10.jpg", "cat.2.jpg"] {
            try folder.image("train/" + name)
        }
        _ = try folder.write("train/Thumbs.db", "no image")
        for url in [folder.url, folder.url.appending(path: "train")] {
            let set = try ImageSet.read(url)
            #expect(set.layout == .named && set.classNames == ["cat", "dog"])
            #expect(set.labels == [0, 0, 0, 1] && set.ignored == 1)
            #expect(
                set.paths.map { $0.split(separator: "/").last } == [
                    "cat.1.jpg", "cat.10.jpg", "cat.2.jpg", "dog.0.jpg",
                ])
        }
        #expect(folder.setError(part: .test).contains("no test part"))
        try folder.image("train/whatever.jpg")
        #expect(folder.setError("train").contains("images without classes"))
        #expect(folder.setError("train", layout: .named).contains("has no class in its name"))
    }

    @Test("Images without classes want to be told") func flat() throws {
        let folder = try ReaderFolder()
        for name in ["n01_tench.JPEG", "n02_shark.JPEG"] { try folder.image(name) }
        #expect(folder.setError().contains("2 images without classes"))
        let set = try ImageSet.read(folder.url, labels: .none)
        #expect(set.layout == .flat && set.count == 2 && set.labels.isEmpty)
    }

    // MARK: CIFAR-10

    private func batch(_ labels: [UInt8]) -> [UInt8] {
        labels.flatMap { label in
            [label]
                + [[label, 100, 200].map { [UInt8](repeating: $0, count: 1024) }].joined().joined()
        }
    }

    @Test("CIFAR-10's batches: planes, names and parts") func cifar() throws {
        let folder = try ReaderFolder()
        _ = try folder.write("data_batch_1.bin", batch([3, 0, 3]))
        _ = try folder.write("data_batch_2.bin", batch([9]))
        _ = try folder.write("test_batch.bin", batch([0, 9]))
        let set = try ImageSet.read(folder.url)
        #expect(set.layout == .cifar10 && set.part == .train)
        #expect(set.classNames == ["airplane", "cat", "truck"] && set.labels == [1, 0, 1, 2])
        #expect(set.samples.map(\.identifier).last == "data_batch_2.bin#0")
        let names = ["ship", "truck", "airplane"]
        #expect(throws: DataError.self) {
            try ImageSet.read(folder.url, part: .test, classes: ["boat"])
        }
        let tested = try ImageSet.read(folder.url, part: .test, classes: names)
        #expect(tested.labels == [2, 1] && tested.classNames == names)
        #expect(try ImageSet.read(folder.url, classes: ["9", "3"]).labels == [1, 1, 0])

        let images = try PreparedImages.prepare(set, ImagePreparation(size: 32))
        #expect(images.image(0) == SampleImage.plain(32, 32, [3, 100, 200]))
        let one = try ImageSet.read(folder.url.appending(path: "data_batch_1.bin"))
        #expect(one.count == 3)
    }

    @Test("The names of batches.meta.txt go before the official ones") func cifarNames() throws {
        let folder = try ReaderFolder()
        _ = try folder.write("data_batch_1.bin", batch([0, 1]))
        let names = (0..<10).map { "class \($0)" }
        _ = try folder.write("batches.meta.txt", names.joined(separator: "\r\n") + "\n\n")
        #expect(try ImageSet.read(folder.url).classNames == ["class 0", "class 1"])
        _ = try folder.write("batches.meta.txt", "a\nb\n")
        #expect(folder.setError().contains("names 2 different classes; expected 10"))
    }

    @Test("Batches of another size or with other classes are refused") func cifarErrors() throws {
        let folder = try ReaderFolder()
        _ = try folder.write("data_batch_1.bin", batch([0, 1]) + [7])
        #expect(folder.setError().contains("6147 bytes, which are no whole number"))
        #expect(folder.setError().contains("cut short, or not the binary version of CIFAR-10"))
        _ = try folder.write("data_batch_1.bin", batch([0, 10]))
        #expect(folder.setError().contains("record 2 is of class 10"))
        _ = try folder.write("data_batch_1.bin", "")
        #expect(folder.setError().contains("0 bytes"))
    }

    // MARK: GTSRB and tiny-imagenet

    private func signs(in folder: ReaderFolder) throws {
        let header = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\r\n"
        for sign in [13, 38, 4] {
            let path = "Final_Training/Images/000" + (sign < 10 ? "0" : "") + "\(sign)"
            var table = header
            for index in 0..<2 {
                try folder.image("\(path)/0000\(index)_00000.ppm")
                table += "0000\(index)_00000.ppm;4;4;0;0;4;4;\(sign)\r\n"
            }
            _ = try folder.write("\(path)/GT-000\(sign < 10 ? "0" : "")\(sign).csv", table)
        }
        for index in 0..<3 { try folder.image("Final_Test/Images/0000\(index).ppm") }
        _ = try folder.write(
            "Final_Test/GT-final_test.csv",
            header
                + [(0, 38), (1, 13), (2, 4)]
                .map { "0000\($0);4;4;0;0;4;4;\($1)\r\n".replacing(";4;4;0", with: ".ppm;4;4;0") }
                .joined())
    }

    @Test("GTSRB: folders to train on, a table to test by, classes picked and relabelled")
    func gtsrb() throws {
        let folder = try ReaderFolder()
        try signs(in: folder)
        let all = try ImageSet.read(folder.url)
        #expect(all.layout == .gtsrb && all.classNames == ["4", "13", "38"] && all.count == 6)
        let set = try ImageSet.read(folder.url, part: .train, classes: ["13", "38"])
        #expect(set.labels == [0, 0, 1, 1] && set.excluded == 2)
        #expect(set.paths.first == "Final_Training/Images/00013/00000_00000.ppm")
        let tested = try ImageSet.read(folder.url, part: .test, classes: set.classNames)
        #expect(tested.labels == [1, 0] && tested.paths.last == "Final_Test/Images/00001.ppm")
        for inner in ["Final_Training", "Final_Training/Images"] {
            #expect(try ImageSet.read(folder.url.appending(path: inner)).layout == .gtsrb)
        }
        let inner = try ImageSet.read(
            folder.url.appending(path: "Final_Test/Images"), layout: .gtsrb)
        #expect(inner.part == .test && inner.labels == [2, 1, 0])
    }

    @Test("GTSRB without its tables, or with broken ones") func gtsrbErrors() throws {
        let folder = try ReaderFolder()
        try signs(in: folder)
        let table = "Final_Training/Images/00013/GT-00013.csv"
        try FileManager.default.removeItem(at: folder.url.appending(path: table))
        #expect(try ImageSet.read(folder.url, classes: ["13", "38"]).labels == [0, 0, 1, 1])
        _ = try folder.write(table, "Filename;ClassId\r\n00000_00000.ppm;yes\r\n")
        #expect(folder.setError().contains("row 2: expected 2 fields"))
        for header in ["Filename,Width,ClassId", "Filename\tWidth\tClassId", "Filename;Width", ""] {
            _ = try folder.write(table, header + "\r\n00000_00000.ppm,4,13\r\n")
            let message = folder.setError()
            #expect(message.contains("GT-00013.csv, row 1: does not say which sign"), "\(message)")
            #expect(message.contains("columns Filename and ClassId, with semicolons between"))
        }
        // The table that comes with the test images does not say their classes.
        let test = "Final_Test/GT-final_test.csv"
        _ = try folder.write(test, "Filename;Width\r\n00000.ppm;4\r\n")
        #expect(folder.setError(part: .test).contains("GT-final_test.csv, row 1: does not say"))
        try FileManager.default.removeItem(at: folder.url.appending(path: test))
        #expect(folder.setError(part: .test).contains("no table of its classes"))
    }

    @Test("tiny-imagenet: folders of folders, and a table for validation") func tinyImageNet()
        throws
    {
        let folder = try ReaderFolder()
        for name in ["n02/images/n02_0.JPEG", "n02/images/n02_1.JPEG", "n01/images/n01_7.JPEG"] {
            try folder.image("tiny/train/" + name)
        }
        _ = try folder.write("tiny/train/n01/n01_boxes.txt", "n01_7.JPEG\t0\t0\t1\t1\n")
        for index in 0..<3 { try folder.image("tiny/val/images/val_\(index).JPEG") }
        _ = try folder.write(
            "tiny/val/val_annotations.txt",
            "val_0.JPEG\tn01\t0\t0\t9\t9\nval_1.JPEG\tn03\t0\t0\t9\t9\nval_2.JPEG\tn02\t0\t0\t9\t9\n"
        )
        let set = try ImageSet.read(folder.url)
        #expect(set.layout == .tinyImageNet && set.part == .train)
        #expect(set.classNames == ["n01", "n02"] && set.labels == [0, 1, 1])
        let tested = try ImageSet.read(folder.url, part: .test, classes: set.classNames)
        #expect(tested.paths == ["val/images/val_0.JPEG", "val/images/val_2.JPEG"])
        #expect(tested.labels == [0, 1] && tested.excluded == 1)
        for inner in ["tiny/train", "tiny/val"] {
            #expect(try ImageSet.read(folder.url.appending(path: inner)).layout == .tinyImageNet)
        }
        _ = try folder.write("tiny/val/val_annotations.txt", "val_0.JPEG n01\n")
        #expect(folder.setError(part: .test).contains("row 1: expected a file's name, a tab"))
        _ = try folder.write("tiny/val/val_annotations.txt", "")
        #expect(folder.setError(part: .test).contains("val_annotations.txt: is empty"))
        try FileManager.default.removeItem(
            at: folder.url.appending(path: "tiny/val/val_annotations.txt"))
        #expect(
            folder.setError(part: .test).contains(
                "has no test part (val/val_annotations.txt, which says the classes of val/images"))
        #expect(try ImageSet.read(folder.url).count == 3, "there is enough to train on")
    }
}
