extension FileScan {
    /// Looks into what has no magic number, by its name and as text.
    func examineByName(
        _ bytes: UnsafeRawBufferPointer, _ kinds: [ContentKind], at place: Place
    ) {
        examined += 1
        let name = place.name.lowercased()
        let isText = TextKind.isText(bytes)
        if TextKind.binaries.contains(place.suffix) || name.contains(".so.") {
            report(
                .codeNative, isText ? .warning : .error, at: place, "has the name of machine code")
        }
        switch place.suffix {
        case "json": examineJSON(bytes, at: place)
        case "ipynb":
            report(.codeSource, at: place, "is a notebook: its cells are programs")
        case "yaml", "yml", "mlmodel": examineYAML(bytes, at: place)
        case "onnx": examineONNX(bytes, at: place)
        case "pb", "pbtxt", "meta": examineTensorFlow(bytes, at: place)
        case "jinja", "jinja2", "j2": checkTemplate(bytes.text, named: "the template", at: place)
        case "xml", "pmml", "svg":
            if bytes.contains("<!ENTITY") {
                report(.configExternalData, .warning, at: place, "declares an XML entity")
            }
            if place.suffix != "svg" { break }
            if bytes.contains("<script") { report(.codeSource, at: place, "holds a script") }
        case "pth" where isText && Self.importsOnStart(bytes):
            report(
                .codeSource, .error, at: place,
                "is a path file whose lines Python runs at every start")
        default: break
        }
        if name == "mlmodel" { examineYAML(bytes, at: place) }
        if isText {
            examineText(bytes, kinds, at: place)
        } else if !["onnx", "pb", "meta", "msgpack", "model", "data-00000-of-00001", "index"]
            .contains(place.suffix)
        {
            examineUnknown(bytes, at: place)
        } else {
            searchPickles(bytes, from: 0, at: place)
        }
    }

    private static func importsOnStart(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.rest(from: 0, atMost: 1 << 16).text.split(whereSeparator: \.isNewline)
            .contains { $0.hasPrefix("import ") || $0.hasPrefix("import\t") }
    }

    private func examineText(
        _ bytes: UnsafeRawBufferPointer, _ kinds: [ContentKind], at place: Place
    ) {
        let name = place.name.lowercased()
        if TextKind.sources.contains(place.suffix)
            || ["makefile", "dockerfile", "setup.cfg"].contains(name),
            place.suffix != "ipynb", !kinds.contains(.script)
        {
            if isTorchScriptSource(place) {
                checkTorchScript(bytes.text, at: place)
            } else {
                report(.codeSource, at: place, "is a program: .\(place.suffix)")
            }
        }
        if place.suffix.isEmpty || !TextKind.plain.contains(place.suffix),
            bytes.count < 1 << 20, Self.looksLikePython(bytes.text),
            !TextKind.sources.contains(place.suffix), place.suffix != "json",
            place.suffix != "jinja"
        {
            report(.codeSource, at: place, "reads like a Python program")
        }
        let isWeights = [
            "bin", "pt", "pth", "ckpt", "safetensors", "h5", "pkl", "pickle", "joblib", "npy",
            "npz", "gguf", "onnx",
        ].contains(place.suffix)
        if isWeights {
            report(.formatDamaged, at: place, "is text, not what .\(place.suffix) says")
        }
    }

    private static func looksLikePython(_ text: String) -> Bool {
        let lines = text.split(whereSeparator: \.isNewline).prefix(400)
        let marks = lines.filter { line in
            line.hasPrefix("import ") || line.hasPrefix("from ") && line.contains(" import ")
                || line.hasPrefix("def ") && line.hasSuffix(":")
                || line.hasPrefix("class ") && line.hasSuffix(":")
        }
        return marks.count >= 2
            || (marks.count == 1
                && lines.contains {
                    $0.contains("os.system(") || $0.contains("subprocess.") || $0.contains("exec(")
                })
    }

    private func isTorchScriptSource(_ place: Place) -> Bool {
        place.depth > 0 && place.suffix == "py"
            && (place.member ?? "").split(separator: "!").last.map {
                $0.contains("/code/") || $0.hasPrefix("code/")
            } ?? false
    }

    /// Data without a sign of what they are: searched for whatever may hide in them.
    private func examineUnknown(_ bytes: UnsafeRawBufferPointer, at place: Place) {
        searchHidden(bytes, at: place)
        // What an ONNX model keeps beside itself are numbers.
        if place.name.contains(".onnx") && place.suffix.hasSuffix("data") { return }
        // A text in another encoding than UTF-8.
        if TextKind.plain.contains(place.suffix), bytes.first(0, from: 0) == nil { return }
        report(
            .formatUnknown, place.depth == 0 ? nil : .note, at: place,
            "no known kind of data; it was searched for pickles and archives")
    }

    /// Looks for pickles, zips and tars that begin somewhere within other data.
    func searchHidden(_ bytes: UnsafeRawBufferPointer, at place: Place) {
        searchPickles(bytes, from: 0, at: place)
        let searched = bytes.rest(from: 0, atMost: 256 << 20)
        var position = 0
        while let hidden = searched.first([0x50, 0x4B, 3, 4], from: position) {
            position = hidden + 4
            guard hidden > 0, let entry = ZipHeader.local(bytes, at: hidden), !entry.name.isEmpty,
                entry.name.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
            else { continue }
            let inner = place.entering("byte \(hidden)")
            report(
                .containerUnaccountedBytes, at: place, offset: hidden,
                "a zip entry ‘\(entry.name)’ begins here")
            let rest = bytes.rest(from: hidden)
            if place.depth < limits.maximumDepth, admits(rest.count, at: inner) {
                examineZip(rest, at: inner)
            }
            break
        }
        position = 257
        while let mark = searched.first(Array("ustar".utf8), from: position) {
            position = mark + 5
            let start = mark - 257
            guard start > 0, TarHeader(bytes, at: start)?.isPlausible == true else { continue }
            report(
                .containerUnaccountedBytes, at: place, offset: start, "a tar archive begins here")
            let inner = place.entering("byte \(start)")
            let rest = bytes.rest(from: start)
            if place.depth < limits.maximumDepth, admits(rest.count, at: inner) {
                examineTar(rest, at: inner)
            }
            break
        }
    }
}
