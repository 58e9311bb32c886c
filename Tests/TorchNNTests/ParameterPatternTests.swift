import Foundation
import Testing
import TorchNN

@Suite struct ParameterPatternTests {
    @Test(
        "Patterns select names",
        arguments: [
            ("a.b", "a.b", true), ("a.b", "a.c", false), ("a.b", "a", false),
            ("a.b", "a.b.c", false), ("a.*", "a.b", true), ("a.*", "a", false),
            ("a.*", "a.b.c", false), ("*", "a", true), ("*", "a.b", false),
            ("a.**", "a", true), ("a.**", "a.b", true), ("a.**", "a.b.c.d", true),
            ("a.**", "ab", false), ("**.weight", "weight", true), ("**.weight", "a.b.weight", true),
            ("**.weight", "a.weight.b", false), ("a.**.b", "a.b", true),
            ("a.**.b", "a.x.y.b", true),
            ("a.**.b", "a.b.c", false), ("**", "anything.at.all", true), ("**.*.c", "c", false),
            ("**.*.c", "b.c", true), ("**.a.**.b.**", "x.a.y.b.z", true),
            ("**.a.**.b.**", "x.b.y.a.z", false), ("a*", "ab", false), ("", "a", false),
            (
                "bert.encoder.layer.*.intermediate.dense.weight",
                "bert.encoder.layer.11.intermediate.dense.weight", true
            ),
            (
                "bert.encoder.layer.*.intermediate.dense.weight",
                "bert.encoder.layer.11.output.dense.weight", false
            ),
        ])
    func selects(pattern: String, name: String, expected: Bool) {
        #expect(ParameterPattern(stringLiteral: pattern).matches(name) == expected)
        #expect(ParameterPattern(["no.such.name", pattern]).matches(name) == expected)
    }

    @Test("All selects all, none selects none") func allAndNone() {
        #expect(ParameterPattern.all.matches("a.b.c") && ParameterPattern.all.matches(""))
        #expect(!ParameterPattern.none.matches("a.b.c") && !ParameterPattern.none.matches(""))
    }

    @Test("A text or a list of texts is read, a list is written") func coding() throws {
        let decoder = JSONDecoder()
        let one = try decoder.decode(ParameterPattern.self, from: Data(#""a.*""#.utf8))
        #expect(one == "a.*")
        let two = try decoder.decode(ParameterPattern.self, from: Data(#"["a.*", "b"]"#.utf8))
        #expect(two.alternatives == ["a.*", "b"] && two.description == "a.*, b")
        let again = try decoder.decode(ParameterPattern.self, from: JSONEncoder().encode(two))
        #expect(again == two)
        #expect(throws: DecodingError.self) {
            try decoder.decode(ParameterPattern.self, from: Data("3".utf8))
        }
    }
}
