import Files
import Foundation
import JSON
import Testing

@Suite("Reading JSON") struct JSONReadingTests {
    private func message(_ text: String, keys: JSONKeyRule = .equivalent) -> String {
        do {
            _ = try JSONValue(parsing: text, keys: keys)
            return "accepted"
        } catch {
            return "\(error)"
        }
    }

    @Test func readsEveryKindInOrder() throws {
        let value = try JSONValue(
            parsing:
                #" {"z": [1, -2.5, 1e3, true, false, null], "a": {"é\n\u00e9\ud83d\ude00": ""}} "#)
        #expect(value.object?.keys == ["z", "a"])
        #expect(
            value["z"]
                == .array([
                    .integer(1), .number(-2.5), .number(1000), .bool(true), .bool(false), .null,
                ]))
        #expect(value["a"]?.object?.keys == ["é\né😀"])
        #expect(value["missing"] == nil && value["z"]?["z"] == nil)
    }

    /// What Python's `json`, serde and Foundation read differently, or not at all.
    @Test(arguments: [
        (#"{"a": 1, "a": 2}"#, "key 'a' appears twice (line 1, byte 9)"),
        ("{\n\"b\": {\"a\": 1,\n \"\\u0061\": 1}}", "'a' appears twice (line 3, byte 17 in 'b')"),
        (#"[{"x": [0, {"k": 1, "k": 1}]}]"#, "in '[0].x.[1]'"),
        ("{\"\u{E9}\": 1, \"e\u{301}\": 2}", "appears twice"),
        ("\u{FEFF}{}", "byte order mark"), ("{} {}", "after the end"), ("", "ends early"),
        ("NaN", "NaN and Infinity are none"), ("[-Infinity]", "NaN and Infinity are none"),
        ("1e999", "no number"), ("01", "expected a JSON value"), ("-", "expected a JSON value"),
        ("1.", "expected a JSON value"), (".5", "expected a JSON value"),
        ("+1", "expected a JSON value"), ("1e", "expected a JSON value"),
        ("0x1", "after the end"), ("[1,]", "expected a JSON value"),
        ("{\"a\":1,}", "expected a key"),
        ("{a: 1}", "expected a key"), ("['a']", "expected a JSON value"),
        ("[1 2]", "expected ',' or ']'"), ("{\"a\" 1}", "expected ':'"),
        ("\"\u{1}\"", "control character"), (#""\q""#, "unknown escape"),
        (#""\ud800""#, "surrogate"), (#""\udc00\ud800""#, "surrogate"),
        (#""\ud800\u0041""#, "surrogate"), (#""\u12g4""#, "hexadecimal"), ("\"a", "ends within"),
        ("tru", "expected a JSON value"), ("// x\n1", "expected a JSON value"),
        (String(repeating: "[", count: 100_000), "nested deeper than 128"),
        (String(repeating: "{\"a\":", count: 100_000), "nested deeper than 128"),
        (String(repeating: "1", count: 5000), "more than 4300 characters"),
    ])
    func refuses(_ text: String, _ reason: String) {
        let message = message(text)
        #expect(message.contains(reason), "\(message)")
        #expect(throws: JSONError.self) { try JSONValue.check(Array(text.utf8)) }
    }

    @Test func refusesWhatIsNotUTF8() {
        for bytes: [UInt8] in [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0xFE, 0xFF]] {
            #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
        }
        #expect(throws: JSONError.self) {
            try JSONValue(parsing: [0x22, 0xED, 0xA0, 0x80, 0x22] as [UInt8])
        }
    }

    @Test("A composed and a decomposed letter are two tokens of a vocabulary") func exactKeys()
        throws
    {
        let text = "{\"\u{E9}\": 1, \"e\u{301}\": 2}"
        let object = try #require(JSONValue(parsing: text, keys: .exact).object)
        #expect(object.count == 2)
        #expect(object["\u{E9}"] == .integer(1) && object["e\u{301}"] == .integer(2))
        #expect(message("{\"\u{E9}\": 1, \"\\u00e9\": 2}", keys: .exact).contains("twice"))
    }

    @Test("Integers keep all their digits") func longIntegers() throws {
        let text = "[9223372036854775807,-9223372036854775808,1000000000000000019884624838656]"
        let value = try JSONValue(parsing: text)
        #expect(value.array?[0].integer == .max && value.array?[1].integer == .min)
        #expect(value.array?[2] == .longInteger("1000000000000000019884624838656"))
        #expect(value.array?[2].number == 1e30 && value.array?[2].integer == nil)
        #expect(try value.text() == text)
    }

    @Test func readsFilesUpToALimit() throws {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("{\"a\": [1, 2]}".utf8).write(to: file)
        #expect(try JSONValue(reading: file)["a"]?.array?.count == 2)
        #expect(throws: FileError.self) { try JSONValue(reading: file, atMost: 12) }
        try Data("{\"a\": 1, \"a\": 2}".utf8).write(to: file)
        #expect {
            try JSONValue(reading: file)
        } throws: {
            "\($0)".hasPrefix("\(file.path): is not valid JSON: key 'a' appears twice")
        }
        for path in ["/dev/zero", "/", "/nonexistent.json"] {
            #expect(throws: FileError.self) { try JSONValue(reading: URL(filePath: path)) }
        }
    }

    @Test func decodesWhereNoKeyAppearsTwice() throws {
        let decoder = JSONDecoder()
        #expect(
            try decoder.decodeStrictly([String: Int].self, from: Data("{\"a\":1}".utf8)) == ["a": 1]
        )
        #expect(throws: JSONError.self) {
            try decoder.decodeStrictly([String: Int].self, from: Data("{\"a\":1,\"a\":2}".utf8))
        }
        #expect(throws: DecodingError.self) {
            try decoder.decodeStrictly([String: Int].self, from: Data("{\"a\":\"\"}".utf8))
        }
    }
}

@Suite("JSON objects and writing") struct JSONWritingTests {
    @Test func writesAsPythonDoes() throws {
        let value: JSONValue = .object([
            "b": .array([.integer(1), .number(0.1), .number(1), .null, .bool(true)]),
            "a": .object([:]), "é\"\\\n\u{1}\u{1F}": .string("/"), "n": .array([]),
        ])
        #expect(
            try value.text()
                == #"{"b":[1,0.1,1.0,null,true],"a":{},"é\"\\\n\u0001\u001f":"/","n":[]}"#)
        #expect(
            try JSONValue.object(["a": .array([.object(["b": .integer(1)])])]).text(
                isIndented: true)
                == "{\n  \"a\": [\n    {\n      \"b\": 1\n    }\n  ]\n}")
        #expect(throws: JSONError.self) { try JSONValue.number(.nan).text() }
    }

    @Test func comesBackAsItWas() throws {
        let text = #"{"é":"😀\u0000","e":[-0.5,1e-12,1e+300,{"x":[[]]},123456789012345678901234]}"#
        let value = try JSONValue(parsing: text)
        #expect(try JSONValue(parsing: try value.text()) == value)
        #expect(try JSONValue(parsing: try value.text(isIndented: true)) == value)
    }

    @Test func setsMembersInPlace() {
        var object: JSONObject = ["a": .integer(1), "b": .integer(2), "a": .integer(3)]
        #expect(object.members.map(\.value.integer) == [1, 2])
        object["a"] = .integer(4)
        object["c"] = .null
        object["b"] = nil
        #expect(object.keys == ["a", "c"] && object["a"] == .integer(4))
        #expect(object == ["c": .null, "a": .integer(4)])
        #expect(object != ["c": .null, "a": .integer(5)] && object != ["a": .integer(4)])
        #expect(object.merging(["d": .null]).keys == ["a", "c", "d"])
    }
}
