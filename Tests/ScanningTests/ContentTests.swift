import Foundation
import Testing

@testable import Scanning

/// What files say of themselves is compared with what they hold.
@Suite struct ContentTests {
    private static let one = #"{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#

    static let lies: [(String, Int, ScanRule)] = [
        (#"{"a":\#(one),"b":\#(one)}"#, 8, .safetensorsLayout),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#, 16, .safetensorsLayout),
        (#"{"a":\#(one)}"#, 12, .safetensorsLayout),
        (#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, 8, .safetensorsLayout),
        (
            #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#, 8,
            .safetensorsLayout
        ),
        (#"{"a":\#(one)}"#, 4, .formatDamaged),
        (#"{"a":\#(one),"a":\#(one)}"#, 8, .safetensorsDuplicateKey),
        (#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, 8, .safetensorsHeader),
        (#"{"a":\#(one)"#, 8, .safetensorsHeader),
        (#"{"a\u001b[2J":\#(one)}"#, 8, .tensorName),
    ]

    @Test(arguments: lies)
    func findsLiesOfSafetensors(_ header: String, _ count: Int, _ rule: ScanRule) {
        let file = safetensors(header, data: [UInt8](repeating: 0, count: count))
        #expect(scan(file, named: "m.safetensors").rules == [rule])
    }

    /// The length of a header can look like another format's magic number.
    @Test(arguments: [0x5D, 0x280, 0x780, 0x2123, 0x5A4D, 0x9C78])
    func takesNoLengthForAMagicNumber(_ length: Int) {
        let header = #"{"a":\#(Self.one)}"#
        let padded = header + String(repeating: " ", count: length - header.utf8.count)
        let file = safetensors(padded, data: [UInt8](repeating: 0, count: 8))
        let found = scan(file, named: "m.safetensors")
        #expect(found.findings.isEmpty && found.format == "safetensors")
    }

    @Test func passesWholeSafetensors() {
        let file = safetensors(
            #"{"__metadata__":{"format":"pt"},"a":\#(Self.one)}"#,
            data: [UInt8](repeating: 0, count: 8))
        #expect(scan(file, named: "m.safetensors").findings.isEmpty)
    }

    // MARK: - Values

    private func matrix(_ type: String, _ values: [[Float]]) -> [UInt8] {
        let flat = values.flatMap { $0 }
        let data: [UInt8] =
            switch type {
            case "F32": flat.flatMap { ZipBuilder.little($0.bitPattern) }
            case "BF16": flat.flatMap { ZipBuilder.little(UInt16($0.bitPattern >> 16)) }
            case "F64": flat.flatMap { ZipBuilder.little(Double($0).bitPattern) }
            default: flat.flatMap { ZipBuilder.little(Float16($0).bitPattern) }
            }
        let shape = "[\(values.count),\(values[0].count)]"
        let header =
            #"{"w":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":[0,\#(data.count)]}}"#
        return safetensors(header, data: data)
    }

    private func rows(_ count: Int, _ width: Int) -> [[Float]] {
        (0..<count).map { row in
            (0..<width).map { column -> Float in
                let step: Int = (column * 7 + row * 3) % 11 - 5
                return Float(step) / 10 + 0.05
            }
        }
    }

    @Test(arguments: ["F64", "F32", "F16", "BF16"])
    func countsWhatIsNotFinite(_ type: String) throws {
        var values = rows(9, 21)
        #expect(scan(matrix(type, values), named: "m.safetensors").findings.isEmpty)
        values[4][20] = .nan
        values[8][3] = -.infinity
        let found = scan(matrix(type, values), named: "m.safetensors")
        let finding = try #require(found.findings.first { $0.rule == .valuesNotFinite })
        #expect(finding.message.contains("1 NaN and 1 infinite of 189"))
    }

    @Test(arguments: ["F32", "F16", "BF16"])
    func findsARowOfAnotherMagnitude(_ type: String) {
        var values = rows(40, 16)
        values[17] = values[17].map { $0 * 3000 }
        let found = scan(matrix(type, values), named: "m.safetensors")
        #expect(found.rules == [.valuesOutlier])
        values[17] = values[17].map { $0 / 60 }
        let mild = scan(matrix(type, values), named: "m.safetensors")
        #expect(mild.findings.map(\.severity) == [.note], "a note does not change the exit code")
        values[17] = values[17].map { $0 / 25 }
        #expect(scan(matrix(type, values), named: "m.safetensors").findings.isEmpty)
    }

    @Test func notesDenormals() {
        let values = (0..<20).map { _ in (0..<20).map { _ in Float.leastNonzeroMagnitude * 5 } }
        let found = scan(matrix("F32", values), named: "m.safetensors")
        #expect(found.findings.map(\.rule) == [.valuesDenormal])
    }

    /// The sums of squares are those of the plain sum, for every length around the width of a step.
    @Test(arguments: [1, 2, 15, 16, 17, 31, 33, 100])
    func sumsSquares(_ count: Int) {
        let values = (0..<count).map { Float($0 + 1) / 8 }
        let expected = values.reduce(0) { $0 + Double($1 * $1) }
        let single = values.flatMap { ZipBuilder.little($0.bitPattern) }
        let half = values.flatMap { ZipBuilder.little(Float16($0).bitPattern) }
        let tiny = [Float16.leastNonzeroMagnitude].flatMap { ZipBuilder.little($0.bitPattern) }
        #expect(
            abs(
                single.withUnsafeBytes { FloatKind.float32.statistics(of: $0).squares } / expected
                    - 1) < 1e-5)
        #expect(
            abs(
                half.withUnsafeBytes { FloatKind.float16.statistics(of: $0).squares } / expected - 1
            ) < 1e-5)
        let small = Double(Float16.leastNonzeroMagnitude)
        #expect(
            abs(
                tiny.withUnsafeBytes { FloatKind.float16.statistics(of: $0).squares }
                    / (small * small) - 1) < 1e-3)
    }

    // MARK: - Configs

    static let configs: [(String, String, ScanRule)] = [
        ("config.json", #"{"auto_map": {"AutoModel": "m.X"}}"#, .configRemoteCode),
        ("config.json", #"{"trust_remote_code": true}"#, .configRemoteCode),
        ("config.json", #"{"transformers_weights": "other.bin"}"#, .configRedirect),
        ("config.json", #"{"a": {"b": 1, "b": 2}}"#, .configDuplicateKey),
        ("config.json", #"{"a": 1, "\u0061": 2}"#, .configDuplicateKey),
        ("config.json", #"{"num_hidden_layers": 1e9}"#, .configNumber),
        ("config.json", #"{"a": "#, .configDamaged),
        ("config.json", #"{"a": [1,],}"#, .configDamaged),
        (
            "m.safetensors.index.json", #"{"weight_map": {"a": "../x.safetensors"}}"#,
            .configRedirect
        ),
        ("modules.json", #"[{"type": "evil.Module", "path": ""}]"#, .codeNamedClass),
        ("adapter_config.json", #"{"base_model_name_or_path": "a/b"}"#, .configRedirect),
        ("model_index.json", #"{"unet": ["evil", "Net"]}"#, .codeNamedClass),
        ("o.json", #"{"py/object": "os.system"}"#, .codeNamedClass),
        ("schema.json", #"{"__module__": "os", "__class__": "system"}"#, .codeNamedClass),
        (
            "tokenizer_config.json", #"{"chat_template": "{{ ''.__class__.__mro__ }}"}"#,
            .codeTemplate
        ),
        ("chat_template.jinja", "{{ x|attr('y') }}", .codeTemplate),
        ("c.yaml", "a: !!python/object/apply:os.system [x]\n", .codeYAMLObject),
        ("c.yaml", "m:\n  _target_: subprocess.Popen\n", .codeNamedClass),
        ("x.py", "print(1)\n", .codeSource), ("x.ipynb", "{}", .codeSource),
        ("weights.bin", "#!/bin/sh\n", .codeSource),
        ("notes", "import os\nimport sys\nos.system('x')\n", .codeSource),
    ]

    @Test(arguments: configs)
    func findsWhatALoaderWouldFollow(_ name: String, _ text: String, _ rule: ScanRule) {
        #expect(scan(Array(text.utf8), named: name).rules.contains(rule))
    }

    @Test(arguments: [
        ("config.json", #"{"hidden_size": 8, "auto_map": {}, "model_type": "bert"}"#),
        ("tokenizer_config.json", #"{"chat_template": "{{ messages[0]['content'] | trim }}"}"#),
        (
            "modules.json",
            #"[{"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}]"#
        ),
        ("vocab.json", "{\"e\u{301}\": 1, \"\u{E9}\": 2}"),
        ("data.json", "{\"a\": 1}\n{\"a\": 2}\n"), ("README.md", "# A model\n\nimport it.\n"),
    ])
    func passesPlainConfigs(_ name: String, _ text: String) {
        #expect(scan(Array(text.utf8), named: name).rules.isEmpty)
    }

    // MARK: - Other formats

    @Test func looksIntoNumpy() {
        func npy(_ header: String, _ data: [UInt8]) -> [UInt8] {
            bytes("\\x93NUMPY\\x01\\x00") + ZipBuilder.little(UInt16(header.utf8.count))
                + Array(header.utf8) + data
        }
        let plain = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"
        #expect(scan(npy(plain, [UInt8](repeating: 0, count: 8)), named: "a.npy").findings.isEmpty)
        #expect(scan(npy(plain, [0, 0]), named: "a.npy").rules == [.formatDamaged])
        let tail = npy(plain, [UInt8](repeating: 0, count: 8) + payload())
        #expect(scan(tail, named: "a.npy").rules.contains(.pickleDangerousGlobal))
        let objects = npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", payload())
        #expect(scan(objects, named: "a.npy").rules.contains(.pickleDangerousGlobal))
    }

    @Test func looksIntoKeras() {
        func model(_ layer: String) -> [UInt8] {
            ZipBuilder(entries: [
                ("config.json", Array(layer.utf8)), ("metadata.json", Array("{}".utf8)),
            ])
            .make()
        }
        let dense = #"{"module": "keras.layers", "class_name": "Dense", "config": {"units": 2}}"#
        #expect(scan(model(dense), named: "m.keras").rules.isEmpty)
        let evil = #"{"module": "keras.layers", "class_name": "Lambda", "config": {}}"#
        #expect(scan(model(evil), named: "m.keras").rules == [.codeKerasLambda])
        let foreign = #"{"module": "os", "class_name": "function", "config": "system"}"#
        #expect(scan(model(foreign), named: "m.keras").rules == [.codeKerasModule])
        let hdf5 = bytes("\\x89HDF\r\n\\x1a\n") + [UInt8](repeating: 0, count: 40)
        let old = #"{"class_name": "Sequential", "config": [{"class_name": "Lambda"}]}"#
        #expect(scan(hdf5 + Array(old.utf8), named: "m.h5").rules.contains(.codeKerasLambda))
    }

    @Test func followsOnnxToItsData() {
        func field(_ number: UInt8, _ value: [UInt8]) -> [UInt8] {
            [number << 3 | 2, UInt8(value.count)] + value
        }
        func model(_ location: String) -> [UInt8] {
            let pair = field(1, Array("location".utf8)) + field(2, Array(location.utf8))
            return field(7, field(5, field(13, pair)))
        }
        #expect(scan(model("weights.data"), named: "m.onnx").rules.isEmpty)
        #expect(scan(model("../secret"), named: "m.onnx").rules == [.configExternalData])
        #expect(scan(model("/etc/x"), named: "m.onnx").rules == [.configExternalData])
    }

    @Test func findsMachineCode() {
        let elf = bytes("\\x7fELF\\x02\\x01\\x01") + [UInt8](repeating: 0, count: 60)
        #expect(scan(elf, named: "pytorch_model.bin").rules.contains(.codeNative))
    }
}
