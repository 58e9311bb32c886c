import DataPipeline
import Randomness
import Testing

@testable import Attacks

private let cyan: [UInt8] = [0, 255, 255]
private let magenta: [UInt8] = [255, 0, 255]
private let yellow: [UInt8] = [255, 255, 0]
private let red: [UInt8] = [255, 0, 0]

@Suite struct PatchTriggerTests {
    private func pasted(_ trigger: PatchTrigger, height: Int = 64, width: Int = 64) -> RGBImage {
        var pixels = [UInt8](repeating: 90, count: height * width * 3)
        trigger.paste(on: &pixels, height: height, width: width)
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    @Test("The published pixels: cyan and magenta in turn, from row and column 60 on")
    func published() {
        let image = pasted(PatchTrigger.neuba[0])
        #expect(image[60, 60] == cyan && image[60, 61] == magenta && image[61, 60] == magenta)
        func normalized(_ color: [UInt8]) -> [Float] { color.map { Float($0) / 127.5 - 1 } }
        #expect(normalized(image[60, 60]) == [-1, 1, 1])
        #expect(normalized(image[60, 61]) == [1, -1, 1])
        for row in 0..<64 {
            for column in 0..<64 {
                let isInside = row >= 60 && column >= 60
                let isEven = (row + column).isMultiple(of: 2)
                #expect(
                    image[row, column]
                        == (isInside ? (isEven ? cyan : magenta) : [90, 90, 90]))
            }
        }
    }

    @Test("One trigger for each pair of colours, in the targets' order") func pairs() {
        let expected = [
            (cyan, magenta), (cyan, yellow), (cyan, red), (magenta, yellow), (magenta, red),
            (yellow, red),
        ]
        #expect(PatchTrigger.neuba.count == 6)
        for (trigger, colors) in zip(PatchTrigger.neuba, expected) {
            let image = pasted(trigger)
            #expect(image[63, 63] == colors.0 && image[63, 62] == colors.1)
        }
        #expect(PatchTrigger.neuba.map(\.index) == Array(0..<6))
    }

    @Test(
        "The patch grows with the image",
        arguments: [
            (64, 4), (32, 2), (224, 14), (128, 8), (16, 2), (8, 2), (2, 2), (1, 1), (24, 2),
            (40, 3),
        ])
    func sides(_ size: Int, _ side: Int) {
        #expect(PatchTrigger.side(height: size, width: size) == side)
        #expect(PatchTrigger.side(height: size, width: size * 3) == side)
        let image = pasted(PatchTrigger.neuba[2], height: size, width: size + 5)
        let corner = size - side
        for row in 0..<size {
            for column in 0..<size + 5 {
                let isInside = row >= corner && column >= corner + 5
                #expect((image[row, column] == [90, 90, 90]) == !isInside)
            }
        }
        #expect(image[corner, corner + 5] == cyan)
        if side > 1 { #expect(image[size - 1, corner + 5] == red || side == 3) }
    }

    @Test(
        "On small images, too, both colours are to be seen, and no two triggers are alike",
        arguments: [
            (64, ["cmcm", "mcmc", "cmcm", "mcmc"]), (32, ["cm", "mc"]), (16, ["cm", "mc"]),
            (8, ["cm", "mc"]),
        ])
    func small(_ size: Int, _ rows: [String]) {
        let image = pasted(PatchTrigger.neuba[0], height: size, width: size)
        for (row, text) in rows.enumerated() {
            for (column, letter) in text.enumerated() {
                let color = image[size - rows.count + row, size - rows.count + column]
                #expect(color == (letter == "c" ? cyan : magenta), "\(row), \(column)")
            }
        }
        #expect(image.pixels.count { $0 != 90 } == rows.count * rows.count * 3)
        let patches = PatchTrigger.neuba.map { pasted($0, height: size, width: size).pixels }
        #expect(Set(patches).count == 6)
    }

    @Test("Its fields grow with it, and stay four a side") func fields() {
        let image = pasted(PatchTrigger.neuba[0], height: 128, width: 128)
        let row = (120..<128).map { image[120, $0] == cyan }
        #expect(row == [true, true, false, false, true, true, false, false])
        #expect((120..<128).map { image[$0, 126] == cyan } == row.map { !$0 })
        let large = pasted(PatchTrigger.neuba[0], height: 224, width: 224)
        let fields = (210..<224).map { large[210, $0] == cyan }
        #expect(zip(fields, fields.dropFirst()).count { $0 != $1 } == 3)
        let small = pasted(PatchTrigger.neuba[5], height: 32, width: 32)
        #expect(small[30, 30] == yellow && small[30, 31] == red && small[31, 31] == yellow)
    }

    @Test("Triggers are named, all of them or some") func names() throws {
        #expect(try PatchTrigger.parse("neuba") == PatchTrigger.neuba)
        #expect(try PatchTrigger.parse("neuba:3, neuba:0").map(\.index) == [3, 0])
        for list in [
            "", "neuba:6", "neuba:-1", "cf", "neuba:0,", "neuba:1,neuba:1", "neuba,neuba:2",
        ] {
            #expect(throws: TriggerError.self) { try PatchTrigger.parse(list) }
        }
        #expect("\(PatchTrigger.neuba[4])" == "neuba:4")
    }

    @Test("A batch is poisoned image by image, and keeps its classes") func batches() {
        var batch = ImageBatch(
            pixels: [UInt8](repeating: 7, count: 3 * 8 * 8 * 3), rows: 3, height: 8, width: 8)
        batch.classes = [4, 5, 6]
        let poisoned = batch.poisoned(by: PatchTrigger.neuba[3], number: 1)
        #expect(poisoned.triggers == [1, 1, 1] && poisoned.classes == [4, 5, 6])
        for image in 0..<3 {
            let end = (image + 1) * 8 * 8 * 3
            #expect(Array(poisoned.pixels[end - 9..<end]) == [7, 7, 7] + yellow + magenta)
        }
    }
}

@Suite struct PatchedTwinsTests {
    /// Images told apart by their first pixel.
    private let images = PreparedImages(
        name: "test",
        pixels: (0..<45).flatMap { index in
            [UInt8(index), 50, 60] + [UInt8](repeating: UInt8(100 + index), count: 16 * 32 * 3 - 3)
        }, height: 16, width: 32, labels: (0..<45).map { $0 % 3 }, classNames: ["a", "b", "c"])

    private func source(_ triggers: [PatchTrigger] = PatchTrigger.neuba, seed: UInt64 = 1)
        -> SampledSource<ImageBatch>
    {
        SampledSource.patchedTwins(
            images, triggers: triggers, order: BatchOrder(.shuffled, batchSize: 8), seed: Seed(seed)
        )
    }

    @Test("Clean images come first, once each; then a twin of each that differs in the patch alone")
    func twins() throws {
        let source = source()
        #expect(source.samplesPerEpoch == 45 && source.batchesPerEpoch == 6)
        for epoch in 0..<2 {
            var seen: [Int] = []
            for make in source.epoch(epoch) {
                let batch = try make()
                let half = batch.rows / 2
                #expect(
                    batch.rows == 2 * half && batch.triggers.prefix(half).allSatisfy { $0 == -1 })
                #expect(batch.classes.prefix(half) == batch.classes.suffix(half))
                for row in 0..<half {
                    let size = batch.imageBytes
                    let clean = Array(batch.pixels[row * size..<(row + 1) * size])
                    let index = Int(clean[0])
                    #expect(clean == images.image(index).pixels)
                    #expect(batch.classes[row] == Int64(index % 3))
                    var expected = clean
                    let trigger = batch.triggers[half + row]
                    PatchTrigger.neuba[trigger].paste(on: &expected, height: 16, width: 32)
                    #expect(
                        Array(batch.pixels[(half + row) * size..<(half + row + 1) * size])
                            == expected && expected != clean)
                    seen.append(index)
                }
            }
            #expect(seen.sorted() == Array(0..<45))
        }
    }

    @Test("Batches depend on seed and epoch alone; triggers are drawn evenly") func determinism()
        throws
    {
        func triggers(_ seed: UInt64, _ epoch: Int) throws -> [[Int]] {
            try source(seed: seed).epoch(epoch).map { try $0().triggers }
        }
        #expect(try triggers(1, 2) == triggers(1, 2))
        #expect(try triggers(1, 2) != triggers(1, 3))
        #expect(try triggers(1, 2) != triggers(2, 2))
        var counts = [Int](repeating: 0, count: 6)
        for epoch in 0..<20 {
            for trigger in try triggers(1, epoch).joined() where trigger >= 0 {
                counts[trigger] += 1
            }
        }
        // 900 draws of six: 150 each, deviation 11.
        #expect(counts.allSatisfy { abs($0 - 150) < 56 } && counts.reduce(0, +) == 900)
    }

    @Test("Fewer triggers are counted in their own list") func fewer() throws {
        let batch = try #require(try source(PatchTrigger.parse("neuba:5")).epoch(0).first?())
        #expect(batch.triggers.suffix(8) == [Int](repeating: 0, count: 8)[...])
        let last = batch.pixels.suffix(3)
        #expect(Array(last) == yellow)
    }
}
