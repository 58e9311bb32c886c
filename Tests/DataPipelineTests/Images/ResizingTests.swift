import DataPipeline
import Foundation
import Testing

@Suite struct ResizingTests {
    @Test(
        "Every byte is Pillow's, up and down, in both filters", arguments: ImageFixture.cases.resize
    )
    func resizes(_ example: ImageFixture.Case) throws {
        let box = example.box.map { ImageBox(left: $0[0], top: $0[1], right: $0[2], bottom: $0[3]) }
        let image = try ImageFixture.image(example.file).resized(
            width: example.width, height: example.height, filter: example.imageFilter, box: box)
        #expect(
            image == example.expected, "off by \(image.largestDifference(from: example.expected))")
    }

    @Test(
        "Squares are made as torchvision makes them from Pillow's",
        arguments: ImageFixture.cases.prepare)
    func prepares(_ example: ImageFixture.Case) throws {
        let preparation = ImagePreparation(
            size: example.width, filter: example.imageFilter,
            mode: example.mode == "crop" ? .crop : .stretch)
        let image = try ImageFixture.image(example.file).prepared(preparation)
        #expect(
            image == example.expected, "off by \(image.largestDifference(from: example.expected))")
    }

    @Test("Both filters and modes are covered") func coverage() {
        #expect(Set(ImageFixture.cases.resize.compactMap(\.filter)) == ["bilinear", "bicubic"])
        #expect(Set(ImageFixture.cases.prepare.compactMap(\.mode)) == ["crop", "stretch"])
        #expect(ImageFixture.cases.resize.count > 35)
    }

    @Test("One colour stays that colour at any size") func plain() throws {
        for (width, height) in [(1, 1), (1, 300), (300, 1), (17, 31)] {
            let image = SampleImage.plain(width, height, [255, 0, 131])
            for filter in ImagePreparation.Filter.allCases {
                for (toWidth, toHeight) in [(1, 1), (64, 64), (5, 200)] {
                    let resized = try image.resized(
                        width: toWidth, height: toHeight, filter: filter)
                    #expect(resized == SampleImage.plain(toWidth, toHeight, [255, 0, 131]))
                }
            }
        }
    }

    @Test(
        "The middle of a crop is what the whole has there",
        arguments: [(200, 80), (80, 201), (64, 64)])
    func crop(_ width: Int, _ height: Int) throws {
        let image = SampleImage.noise(width, height)
        let square = try image.prepared(ImagePreparation(size: 40, filter: .bicubic, mode: .crop))
        let short = Double(min(width, height))
        let whole = (Int(40 * Double(width) / short), Int(40 * Double(height) / short))
        let resized = try image.resized(width: whole.0, height: whole.1, filter: .bicubic)
        let (left, top) = ((whole.0 - 40) / 2, (whole.1 - 40) / 2)
        for (row, column) in [(0, 0), (0, 39), (39, 0), (39, 39), (20, 11)] {
            #expect(square[row, column] == resized[top + row, left + column])
        }
    }

    @Test("Sizes and boxes that cannot be are refused") func refusals() throws {
        let image = SampleImage.noise(10, 8)
        for (width, height) in [(0, 5), (5, -1), (70_000, 5)] {
            #expect(throws: ImageError.self) { try image.resized(width: width, height: height) }
        }
        for box in [
            ImageBox(left: -1, top: 0, right: 5, bottom: 5),
            ImageBox(left: 0, top: 0, right: 11, bottom: 5),
            ImageBox(left: 3, top: 0, right: 3, bottom: 5),
            ImageBox(left: 0, top: .nan, right: 3, bottom: 5),
        ] {
            #expect(throws: ImageError.self) { try image.resized(width: 4, height: 4, box: box) }
        }
        for size in [0, -3, 5000] {
            #expect(throws: ImageError.self) { try image.prepared(ImagePreparation(size: size)) }
        }
    }

    @Test("A preparation is written and read as JSON") func codable() throws {
        let preparation = ImagePreparation(size: 224, filter: .bicubic, mode: .crop)
        let data = try JSONEncoder().encode(preparation)
        #expect(try JSONDecoder().decode(ImagePreparation.self, from: data) == preparation)
    }
}
