import Foundation
import RecipeKit
import TestSupport
import Testing

/// A small ViT, `vit`, and `good`, eight blue and eight red images.
private struct Shelf {
    let folder: URL
    var tool: Tool { Tool(folder: folder) }

    init(_ folder: URL) throws {
        self.folder = folder
        let configuration = ImageConfiguration(
            ViTConfiguration(
                imageSize: PixelSize(16, 16), patchSize: PixelSize(8, 8), hiddenSize: 16,
                layerCount: 1, headCount: 2, intermediateSize: 32, labelCount: 2))
        let model = try configuration.model(in: ParameterStore(source: FreshSource(seed: 7)))
        try FileManager.default.createDirectory(
            at: self["vit"], withIntermediateDirectories: true)
        try ImageModelFolder.create(
            model, processor: ImageProcessor(resize: .exactly(PixelSize(16, 16))), at: self["vit"])
        for index in 0..<8 {
            try image("good/blue/\(index).ppm", [UInt8(index), 20, 220])
            try image("good/red/\(index).ppm", [220, 20, UInt8(index)])
        }
    }

    subscript(name: String) -> URL { folder.appending(path: name) }

    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws {
        try FileManager.default.createDirectory(
            at: self[name].deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: self[name])
    }

    func image(_ name: String, _ color: [UInt8], side: Int = 6) throws {
        let pixels = repeatElement(color, count: side * side).joined()
        try write(name, Array("P6 \(side) \(side) 255\n".utf8) + pixels)
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: self[name].path, withDestinationPath: target)
    }

    /// What is in the folder, however deep.
    func names() throws -> Set<String> {
        Set(try FileManager.default.subpathsOfDirectory(atPath: folder.path))
    }

    /// Runs a line and expects a refusal: one line that says `words`, and nothing left behind.
    func refuse(
        _ line: String, saying words: String..., status: Int32 = 2,
        location: SourceLocation = #_sourceLocation
    ) throws {
        let before = try names()
        let run = try tool.run(line + " --threads 1")
        #expect(run.status == status, "\(line): \(run.errors)", sourceLocation: location)
        #expect(run.output.isEmpty, sourceLocation: location)
        let errors = run.errors.split(separator: "\n").filter {
            $0.lowercased().hasPrefix("error: ")
        }
        #expect(errors.count == 1, "\(line): \(run.errors)", sourceLocation: location)
        for word in words {
            #expect(
                errors.first?.contains(word) == true, "‘\(word)’: \(run.errors)",
                sourceLocation: location)
        }
        #expect(try names() == before, "\(line)", sourceLocation: location)
    }

    /// Runs a line that is to go well, and gives what it wrote on standard error.
    func pass(_ line: String, location: SourceLocation = #_sourceLocation) throws -> String {
        let run = try tool.run(line + " --threads 1")
        #expect(run.status == 0, "\(line): \(run.errors)", sourceLocation: location)
        return run.errors
    }
}

private func withShelf(_ body: (Shelf) throws -> Void) throws {
    try withTemporaryFolder { try body(Shelf($0)) }
}

/// What can be wrong with images gets a message that names it and says what to do.
@Suite struct BadImageTests {
    private static let purify = "purify vit --epochs 1 -o out --images"
    private static let evaluate =
        "evaluate vit --epochs 1 --seeds 1 --triggers neuba:0 --report r --train"

    @Test("Folders without images, loops of links around nothing, files") func noImages() throws {
        try withShelf { shelf in
            try shelf.write("texts/a/notes.txt", Array("no image".utf8))
            try shelf.write("loop/a/notes.txt", Array("no image".utf8))
            try shelf.link("loop/a/up", to: "..")
            for line in [Self.purify, "pretrain vit --epochs 1 -o out --images", Self.evaluate] {
                try shelf.refuse("\(line) texts", saying: "texts: holds no images; expected JPEG")
            }
            try shelf.refuse("\(Self.purify) texts", saying: "found 1 of other kinds, such as")
            try shelf.refuse("features vit -o out --images texts", saying: "holds no images")
            try shelf.refuse("\(Self.purify) loop", saying: "holds no images")
            try shelf.refuse("\(Self.purify) none", saying: "none: no such folder; check the path")
            try shelf.refuse(
                "\(Self.purify) good/blue/1.ppm", saying: "is a file; expected a folder of images")
        }
    }

    @Test("A loop of links ends, and no image is taken twice") func loops() throws {
        try withShelf { shelf in
            try shelf.link("good/blue/up", to: "..")
            try shelf.link("good/blue/across", to: "../red")
            try shelf.link("good/one", to: "other")
            try shelf.link("good/other", to: "one")
            let run = try shelf.tool.run("\(Self.purify) good --format json --threads 1")
            #expect(run.status == 0, "\(run.errors)")
            #expect(try run.json()["images"] as? Int == 16)
        }
    }

    @Test("One class, classes that are not there, classes the head does not know") func classes()
        throws
    {
        try withShelf { shelf in
            try FileManager.default.createDirectory(
                at: shelf["one"], withIntermediateDirectories: true)
            try FileManager.default.copyItem(at: shelf["good/blue"], to: shelf["one/blue"])
            for line in [
                Self.purify, "attack neuba vit --epochs 1 -o out --images",
                "pretrain vit --epochs 1 -o out --images", Self.evaluate,
            ] {
                let line = line == Self.evaluate ? line + " one --split 9:1" : line + " one"
                try shelf.refuse(
                    line, saying: "one: holds one class only, ‘blue’ (8 images)",
                    "a folder for each of two or more classes")
            }
            try shelf.refuse(
                "\(Self.purify) good --classes blue,pink",
                saying: "no class ‘pink’; its 2 classes are: blue, red", "(--classes)")
            try shelf.refuse("\(Self.purify) good --classes blue,blue", saying: "named twice")
            try shelf.refuse("\(Self.purify) good --classes blue,", saying: "--classes", status: 64)
            try shelf.refuse(
                "\(Self.evaluate) good --test one",
                saying: "no class ‘red’; its only class is ‘blue’")
            try FileManager.default.copyItem(at: shelf["good"], to: shelf["three"])
            try shelf.image("three/green/1.ppm", [0, 255, 0])
            try shelf.refuse("\(Self.evaluate) three --test good", saying: "no class ‘green’")
            for line in [
                Self.purify, "attack neuba vit --epochs 1 -o attacked --images",
                "pretrain vit --epochs 1 -o trained --images",
            ] {
                #expect(try shelf.pass("\(line) three").contains("one was fitted first"), "\(line)")
            }
        }
    }

    @Test("An image of one pixel is an image; a model that asks for more says so") func onePixel()
        throws
    {
        try withShelf { shelf in
            try shelf.image("good/blue/pixel.ppm", [1, 2, 3], side: 1)
            let errors = try shelf.pass("\(Self.purify) good")
            #expect(!errors.contains("left out"), "\(errors)")
            try shelf.refuse(
                "purify vit --epochs 1 -o other --images good --image-size 1",
                saying: "1×1 pixels", "8×8 at least", "--image-size")
            try shelf.refuse(
                "attack neuba vit --epochs 1 -o other --images good --image-size 1",
                saying: "8×8 at least")
        }
    }

    /// Headers of 30,000 × 30,000 and 2,147,483,647 × 2,147,483,647 pixels with nothing behind.
    private static let bombs = [
        "iVBORw0KGgoAAAANSUhEUgAAdTAAAHUwCAIAAADpRW/tAAAAC0lEQVR4nGNggAIAAAkAAftSuKkAAAAASUVORK5CYII=",
        "iVBORw0KGgoAAAANSUhEUn////9/////CAIAAACbq5wxAAAAC0lEQVR4nGNggAIAAAkAAftSuKkAAAAASUVORK5CYII=",
    ]

    /// A damaged file, and what is said of it.
    private static func damaged() throws -> [(file: [UInt8], words: String)] {
        let jpeg = Array(try Data(contentsOf: Fixture("images").file("baseline-420.jpg")))
        var huge = jpeg
        let frame = try #require(
            jpeg.indices.dropLast().first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
        huge.replaceSubrange(frame + 5..<frame + 9, with: [0x4E, 0x20, 0x4E, 0x20])
        return [
            (huge, "is 20000 x 20000 pixels large, above the budget of 100000000 pixels"),
            ([], "is empty"),
            (Array(jpeg.prefix(jpeg.count / 2)), "is a JPEG that is cut short"),
            (Array("nonsense".utf8), "is no image: neither JPEG, PNG, PPM nor PGM"),
        ]
            + zip(bombs, [30_000, 2_147_483_647]).map { file, side in
                (
                    Array(Data(base64Encoded: file) ?? Data()),
                    "is \(side) x \(side) pixels large"
                )
            }
    }

    @Test("A damaged file among good ones is named once, and limited") func damaged() throws {
        for (file, words) in try Self.damaged() {
            try withShelf { shelf in
                try shelf.write("good/blue/bad.jpg", file)
                try shelf.refuse(
                    "\(Self.purify) good",
                    saying: "good: 1 of 17 images cannot be used, more than the 1 %",
                    "blue/bad.jpg \(words)", "--max-skipped")
                let errors = try shelf.pass("\(Self.purify) good --max-skipped 0.1")
                #expect(errors.contains("warning: blue/bad.jpg is left out: it \(words)"))
                #expect(errors.components(separatedBy: "bad.jpg").count == 2, "\(errors)")
            }
        }
    }

    @Test("More damaged files than may be skipped, up to all") func manyDamaged() throws {
        try withShelf { shelf in
            for index in 0..<4 { try shelf.write("good/blue/\(index).ppm", []) }
            try shelf.refuse(
                "\(Self.purify) good --max-skipped 0.2",
                saying: "4 of 16 images cannot be used, more than the 20 % that may be skipped",
                "blue/0.ppm is empty; blue/1.ppm is empty; blue/2.ppm is empty; …")
            for index in 0..<8 {
                for name in ["blue", "red"] { try shelf.write("good/\(name)/\(index).ppm", []) }
            }
            try shelf.refuse(
                "\(Self.purify) good --max-skipped 1", saying: "none of the 16 images can be used")
        }
    }

    @Test("CIFAR-10 with a torn last record, on either side") func cifar() throws {
        try withShelf { shelf in
            let records = (0..<6).flatMap { index in
                [UInt8(index % 2)] + [UInt8](repeating: UInt8(20 * index), count: 3072)
            }
            try shelf.write("cifar/data_batch_1.bin", records)
            try shelf.write("cifar/test_batch.bin", records.dropLast(1000))
            _ = try shelf.pass("\(Self.purify) cifar")
            let words = "no whole number of CIFAR-10 records of 3073: it is cut short"
            try shelf.refuse(
                "\(Self.evaluate) cifar", saying: "test_batch.bin: has 17438 bytes", words)
            try shelf.write("cifar/data_batch_1.bin", records.dropLast(1))
            try shelf.refuse(
                "\(Self.evaluate) cifar", saying: "data_batch_1.bin: has 18437 bytes", words)
        }
    }

    @Test("GTSRB's tables with another separator, without a column, or not there") func gtsrb()
        throws
    {
        try withShelf { shelf in
            let header = "Filename;Width;Height;ClassId"
            for sign in ["13", "38"] {
                for index in 0..<3 {
                    try shelf.image("s/Final_Training/Images/000\(sign)/\(index).ppm", [9, 9, 9])
                }
                let rows = (0..<3).map { "\($0).ppm;6;6;\(sign)" }
                try shelf.write(
                    "s/Final_Training/Images/000\(sign)/GT-000\(sign).csv",
                    Array(([header] + rows).joined(separator: "\r\n").utf8))
            }
            try shelf.image("s/Final_Test/Images/0.ppm", [9, 9, 9])
            try shelf.refuse(
                "\(Self.evaluate) s", saying: "Final_Test/Images: has no table of its classes",
                "GT-final_test.csv")
            for table in ["Filename,ClassId\n0.ppm,13\n", "Filename;Width\n0.ppm;6\n"] {
                try shelf.write("s/Final_Test/GT-final_test.csv", Array(table.utf8))
                try shelf.refuse(
                    "\(Self.evaluate) s", saying: "GT-final_test.csv, row 1: does not say",
                    "Filename and ClassId, with semicolons")
            }
            let table = "s/Final_Training/Images/00013/GT-00013.csv"
            try shelf.write(table, Array("Filename,ClassId\n0.ppm,13\n".utf8))
            try shelf.refuse("\(Self.purify) s", saying: "GT-00013.csv, row 1: does not say")
            try shelf.write(table, Array("Filename;ClassId\n0.ppm;yes\n".utf8))
            try shelf.refuse("\(Self.purify) s", saying: "GT-00013.csv, row 2: expected 2 fields")
        }
    }

    @Test("tiny-imagenet without its table of validation classes, or with a broken one")
    func tinyImageNet() throws {
        try withShelf { shelf in
            for name in ["n01", "n02"] {
                for index in 0..<3 {
                    try shelf.image("t/train/\(name)/images/\(index).JPEG", [9, 9, 9])
                }
            }
            try shelf.image("t/val/images/val_0.JPEG", [9, 9, 9])
            _ = try shelf.pass("\(Self.purify) t")
            try shelf.refuse(
                "\(Self.evaluate) t",
                saying: "has no test part (val/val_annotations.txt, which says the classes of"
                    + " val/images, is missing)", "--test", "--split 9:1")
            try shelf.write("t/val/val_annotations.txt", Array("val_0.JPEG n01\n".utf8))
            try shelf.refuse(
                "\(Self.evaluate) t", saying: "val_annotations.txt, row 1: expected a file's name")
            try shelf.write("t/val/val_annotations.txt", [])
            try shelf.refuse("\(Self.evaluate) t", saying: "val_annotations.txt: is empty")
        }
    }
}
