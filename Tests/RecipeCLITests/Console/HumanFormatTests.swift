import Testing

@testable import Experiments
@testable import RecipeCLI

@Suite struct HumanFormatTests {
    @Test(arguments: [
        (0.0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 00 s"),
        (185, "3 min 05 s"), (7620, "2 h 07 min"), (172_800 + 4 * 3600, "2 d 4 h"), (.nan, "–"),
        (-1, "–"), (.infinity, "–"), (1e300, "–"),
    ])
    func writesDurations(seconds: Double, expected: String) {
        #expect(HumanFormat.duration(seconds) == expected)
    }

    @Test(arguments: [
        (18.84, "18.8/s"), (0.035, "2.10/min"), (1234.5, "1234/s"), (0, "–"), (.nan, "–"),
        (1e20, "1.00e+20/s"),
    ])
    func writesRates(perSecond: Double, expected: String) {
        #expect(HumanFormat.rate(perSecond) == expected)
    }

    @Test(
        arguments: [
            (0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (999_999, "1.00 MB"),
            (12_540_000, "12.5 MB"), (434_184_800, "434 MB"), (.max, "9.22 EB"), (.min, "-9.22 EB"),
        ] as [(Int64, String)])
    func writesSizes(count: Int64, expected: String) {
        #expect(HumanFormat.bytes(count) == expected)
    }

    @Test func writesCounts() {
        #expect(HumanFormat.count(0) == "0" && HumanFormat.count(999) == "999")
        #expect(HumanFormat.count(20_000) == "20,000" && HumanFormat.count(-1000) == "-1,000")
        #expect(HumanFormat.count(.min) == "-9,223,372,036,854,775,808")
        #expect(HumanFormat.shortCount(109_482_240) == "109M")
        #expect(HumanFormat.shortCount(4_386_178) == "4.39M")
        #expect(HumanFormat.shortCount(999) == "999" && HumanFormat.shortCount(999_950) == "1.00M")
    }
}

@Suite struct NearestNameTests {
    private let names = ["purify", "pretrain", "inspect", "evaluate", "--learning-rate", "lr"]

    @Test(arguments: [
        ("purfiy", "purify"), ("PURIFY", "purify"), ("pre-train", "pretrain"),
        ("--learnig-rat", "--learning-rate"), ("evalaute", "evaluate"),
    ])
    func findsTheNearest(name: String, expected: String) {
        #expect(suggestion(for: name, among: names) == expected)
    }

    @Test(arguments: ["", "l", "xyz", "zz", "doctor", String(repeating: "purify", count: 100)])
    func suggestsNothingFarOff(name: String) {
        #expect(suggestion(for: name, among: names) == nil)
    }

    @Test func countsEdits() {
        #expect(editDistance(Array("kitten"), Array("sitting")) == 3)
        #expect(editDistance(Array("ab"), Array("ba")) == 1)
        #expect(editDistance([], Array("abc")) == 3)
        #expect(editDistance(Array("abc"), []) == 3)
    }
}
