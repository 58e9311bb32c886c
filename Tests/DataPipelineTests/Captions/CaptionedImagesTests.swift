import DataPipeline
import Foundation
import Randomness
import Testing

@Suite struct CaptionedImagesTests {
    private func folder(images: [String]) throws -> ReaderFolder {
        let folder = try ReaderFolder()
        for (index, name) in images.enumerated() {
            _ = try folder.write(name, SampleImage.ppm([UInt8(index * 40 & 255), 10, 20]))
        }
        return folder
    }

    private func error(
        _ url: URL, images: URL? = nil, maximumSkipped: Double = 0.01
    ) -> String {
        let error = #expect(throws: DataError.self) {
            try CaptionedImages.read(url, images: images, maximumSkipped: maximumSkipped)
        }
        return error?.description ?? ""
    }

    // MARK: - Tables and JSON lines

    @Test func readsATable() throws {
        let folder = try folder(images: ["pictures/b.ppm", "pictures/a.ppm", "other/x.ppm"])
        let file = try folder.write(
            "captions.txt",
            "image,caption\nb.ppm,\"A dog , \"\"running\"\" .\"\na.ppm,A cat .\nb.ppm,Two dogs .\n\n"
        )
        for url in [file, folder.url] {
            let pairs = try CaptionedImages.read(url)
            #expect(pairs.folder == folder.url.appendingPathComponent("pictures").path)
            #expect(pairs.samples.map(\.path) == ["a.ppm", "b.ppm"])
            #expect(pairs.samples[0].captions == ["A cat ."])
            #expect(pairs.samples[1].captions == ["A dog , \"running\" .", "Two dogs ."])
            #expect(pairs.count == 2 && pairs.captionCount == 3 && pairs.missing.isEmpty)
            #expect(pairs.source.images == 2 && pairs.source.captions == 3)
            #expect(pairs.source.format == .table && pairs.source.remarks.isEmpty)
            #expect(pairs.imageSet.samples.map(\.path) == ["a.ppm", "b.ppm"])
        }
    }

    @Test func readsJSONLines() throws {
        let folder = try folder(images: ["train/1.ppm", "2.ppm"])
        _ = try folder.write(
            "metadata.jsonl",
            """
            {"file_name": "train/1.ppm", "text": "one", "extra": [1]}
            {"file_name": "2.ppm", "text": " "}
            {"file_name": "2.ppm", "text": "two\\n\\u00e9"}
            {"file_name": "train/1.ppm", "text": "uno"}
            """)
        let pairs = try CaptionedImages.read(folder.url)
        #expect(pairs.samples.map(\.path) == ["2.ppm", "train/1.ppm"])
        #expect(pairs.samples.map(\.captions) == [["two\né"], ["one", "uno"]])
        #expect(pairs.source.skippedEmpty == 1 && pairs.source.format == .jsonLines)
        #expect(pairs.source.remarks == ["blank captions, left out: 1"])
    }

    @Test(arguments: [
        ("captions.csv", "image,title\na.ppm,x\n", "no caption column"),
        ("captions.csv", "picture,caption\na.ppm,x\n", "no image column"),
        ("captions.csv", "image,caption\na.ppm,x,y\n", "row 2: has 3 comma-separated fields"),
        ("captions.csv", "image,caption\n../a.ppm,x\n", "row 2: ‘../a.ppm’ is no image's file"),
        ("captions.csv", "image,caption\n/etc/passwd,x\n", "is no image's file"),
        ("captions.csv", "image,caption\n,x\n", "row 2: ‘’ is no image's file"),
        (
            "captions.csv", "image,caption\na.ppm,\n",
            "of an image: images without a caption, left out: 1, such as a.ppm; blank"
        ),
        ("captions.csv", "image,caption\n", "holds no caption of an image"),
        ("captions.csv", "", "is empty"),
        ("captions.jsonl", "{\"file_name\": \"a.ppm\"}\n", "no caption column"),
        ("captions.jsonl", "[1]\n", "is not a JSON object"),
        (
            "captions.jsonl", "{\"file_name\": \"a\\u0000\", \"text\": \"x\"}\n",
            "is no image's file"
        ),
        ("captions.dat", "image,caption\na.ppm,x\n", "is of an unknown kind"),
    ])
    func refusesABadTable(_ name: String, _ text: String, _ named: String) throws {
        let folder = try folder(images: ["a.ppm"])
        let found = try error(folder.write(name, text))
        #expect(found.contains(named), "\(found)")
    }

    @Test func namesWhatIsNotThere() throws {
        let folder = try folder(images: ["a.ppm"])
        #expect(error(folder.url.appendingPathComponent("none")).contains("no such file or folder"))
        #expect(error(folder.url).contains("holds no captions; expected metadata.jsonl"))
        _ = try folder.write("captions_a.json", "{}")
        _ = try folder.write("annotations/captions_b.json", "{}")
        #expect(error(folder.url).contains("captions_a.json, annotations/captions_b.json"))
        let file = try folder.write("captions.csv", "image,caption\na.ppm,x\n")
        let none = folder.url.appendingPathComponent("none")
        #expect(error(file, images: none).contains("no such folder"))
    }

    // MARK: - COCO

    private func document(_ images: String, _ annotations: String) -> String {
        "{\"info\": {}, \"images\": [\(images)], \"annotations\": [\(annotations)]}"
    }

    @Test func readsCOCO() throws {
        let folder = try folder(images: ["val2017/1.ppm", "val2017/2.ppm", "train2017/x.ppm"])
        let file = try folder.write(
            "annotations/captions_val2017.json",
            document(
                """
                {"id": 12, "file_name": "2.ppm", "height": 4}, {"id": 11, "file_name": "1.ppm"},
                {"id": 12, "file_name": "2.ppm"}, {"id": "t", "file_name": "2.ppm"},
                {"id": 13, "file_name": "3.ppm"}
                """,
                """
                {"image_id": 12, "id": 1, "caption": "two"}, {"image_id": 99, "caption": "?"},
                {"image_id": 11, "caption": "one"}, {"image_id": "t", "caption": "again"},
                {"image_id": 11, "caption": ""}, {"image_id": 11, "caption": null}
                """))
        for url in [file, folder.url] {
            let pairs = try CaptionedImages.read(url)
            #expect(pairs.folder == folder.url.appendingPathComponent("val2017").path)
            #expect(pairs.samples.map(\.path) == ["1.ppm", "2.ppm"])
            #expect(pairs.samples.map(\.captions) == [["one"], ["two", "again"]])
            let source = pairs.source
            #expect(source.format == .coco && source.images == 3 && source.captions == 3)
            #expect(source.repeatedImages == 2 && source.unknownImages == 1)
            #expect(source.skippedEmpty == 2 && source.withoutCaption == 1)
            #expect(
                source.remarks == [
                    "images without a caption, left out: 1, such as 3.ppm",
                    "blank captions, left out: 2",
                    "captions of images that are not listed, left out: 1, such as the image id 99",
                    "entries that list an image anew, taken as one: 2",
                ])
        }
    }

    @Test(arguments: [
        ("", "is not valid JSON"), ("[]", "is no JSON object"), ("{}", "has no images"),
        ("{\"images\": [{\"id\": 1}], \"annotations\": []}", "images.[0] has no file_name"),
        (
            "{\"images\": [{\"id\": 1.5, \"file_name\": \"a.ppm\"}], \"annotations\": []}",
            "images.[0].id is of the wrong type"
        ),
        (
            "{\"images\": [{\"id\": 1, \"file_name\": \"a.ppm\"}], \"annotations\": [{\"image_id\": 1}]}",
            "none with a caption"
        ),
        (
            "{\"images\": [{\"id\": 1, \"file_name\": \"a.ppm\"}, {\"id\": 1, \"file_name\": \"b.ppm\"}],"
                + " \"annotations\": []}", "image id 1 is that of two files, a.ppm and b.ppm"
        ),
        (
            "{\"images\": [{\"id\": 1, \"file_name\": \"../a.ppm\"}], \"annotations\": []}",
            "is no image's file"
        ),
        ("{\"images\": [], \"annotations\": []}", "holds no caption of an image"),
        (String(repeating: "[", count: 100_000), "is not valid JSON"),
    ])
    func refusesABadDocument(_ text: String, _ named: String) throws {
        let folder = try folder(images: ["a.ppm"])
        let found = try error(folder.write("captions.json", text))
        #expect(found.contains("captions.json") && found.contains(named), "\(found)")
    }

    // MARK: - Missing images

    @Test func limitsMissingImages() throws {
        let folder = try folder(images: (0..<8).map { "\($0).ppm" })
        let rows = (0..<10).map { "\($0).ppm,picture \($0)\n" }.joined()
        let file = try folder.write("captions.csv", "image,caption\n" + rows)
        let found = error(file)
        #expect(
            found.contains("2 of 10 images that have captions are not here, more than the 1 %"))
        #expect(found.contains("8.ppm, 9.ppm"))
        #expect(error(file, maximumSkipped: .nan).contains("2 of 10"))
        #expect(error(file, maximumSkipped: 0.19).contains("2 of 10"))
        let pairs = try CaptionedImages.read(file, maximumSkipped: 0.2)
        #expect(pairs.count == 8 && pairs.missing.map(\.identifier) == ["8.ppm", "9.ppm"])
        #expect(pairs.source.missing == 2)
        #expect(pairs.source.remarks == ["images that are not there, left out: 2, such as 8.ppm"])
        let empty = try ReaderFolder()
        let none = error(file, images: empty.url, maximumSkipped: 1)
        #expect(none.contains("none of the 10 images that have captions is here, such as 0.ppm"))
    }

    @Test func aFolderIsNoImage() throws {
        let folder = try folder(images: ["a.ppm", "b.ppm/c.ppm"])
        let file = try folder.write("captions.csv", "image,caption\na.ppm,x\nb.ppm,y\n")
        #expect(
            try CaptionedImages.read(file, maximumSkipped: 0.5).samples.map(\.path) == ["a.ppm"])
    }

    @Test func drawsASubsetThatIsTheSameEachTime() throws {
        let folder = try folder(images: (0..<9).map { "\($0).ppm" })
        let rows = (0..<9).map { "\($0).ppm,picture \($0)\n" }.joined()
        let pairs = try CaptionedImages.read(
            folder.write("captions.csv", "image,caption\n" + rows))
        let subset = pairs.randomSubset(of: 4, seed: Seed(3))
        #expect(subset == pairs.randomSubset(of: 4, seed: Seed(3)) && subset.count == 4)
        #expect(subset != pairs.randomSubset(of: 4, seed: Seed(4)))
        #expect(subset.samples.map(\.path) == subset.samples.map(\.path).sorted())
        #expect(pairs.randomSubset(of: 9, seed: Seed(3)) == pairs)
        #expect(pairs.selecting { $0.path < "3" }.count == 3)
    }

    // MARK: - Damaged files

    /// Any outcome but a crash will do, as long as what is read is consistent in itself.
    @Test(arguments: ["captions.json", "captions.csv", "captions.jsonl"])
    func mutationsOnlyThrow(_ name: String) throws {
        let folder = try folder(images: ["a.ppm", "b.ppm"])
        let texts = [
            "captions.json": document(
                #"{"id": 1, "file_name": "a.ppm"}, {"id": 2, "file_name": "b.ppm"}"#,
                #"{"image_id": 1, "caption": "one"}, {"image_id": 2, "caption": "t\u00e9"}"#),
            "captions.csv": "image,caption\na.ppm,\"one, \"\"two\"\"\"\nb.ppm,three\n",
            "captions.jsonl": """
            {"file_name": "a.ppm", "text": "one"}
            {"file_name": "b.ppm", "text": "two"}
            """,
        ]
        let original = Array(try #require(texts[name]).utf8)
        var stream = Seed(9).stream("test.mutations")
        for _ in 0..<400 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &stream) {
                let place = Int.random(in: 0..<bytes.count, using: &stream)
                switch Int.random(in: 0..<3, using: &stream) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &stream)
                case 1: bytes.insert(UInt8.random(in: 0x20...0x7E, using: &stream), at: place)
                default: bytes.removeSubrange(place..<min(place + 9, bytes.count))
                }
                if bytes.isEmpty { bytes = original }
            }
            do {
                let pairs = try CaptionedImages.read(
                    folder.write(name, bytes), images: folder.url, maximumSkipped: 1)
                #expect(pairs.samples.allSatisfy { !$0.captions.isEmpty })
                #expect(pairs.count + pairs.missing.count <= pairs.source.images)
            } catch is DataError {
                continue
            }
        }
    }
}
