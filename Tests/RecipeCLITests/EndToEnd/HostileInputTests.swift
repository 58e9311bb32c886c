import Foundation
import TestSupport
import Testing

/// Inputs of one MB or less that ask for much memory or time. Each is a clear error or is read, takes
/// at most 64 MB above its size more than the same command takes for a trivial input, and ends soon.
@Suite(.serialized) struct HostileInputTests {
    /// What a command makes of an input.
    enum Expected {
        /// An error that says these words.
        case refused(String)
        /// The tool reads it.
        case read
    }

    /// A command, and what it takes for a trivial input.
    private struct Probe {
        let command: String
        let place: Workplace
        let base: Measured

        init(_ command: String, in place: Workplace) throws {
            (self.command, self.place) = (command, place)
            base = try Self.measure(command, in: place)
            #expect(base.status == 0, "\(base.errors)")
        }

        private static let process = Result { try MeasuringProcess() }

        /// In the process that is there for it; in one of its own where that one ended, which a
        /// command that crashes does, or may not measure itself.
        private static func measure(_ command: String, in place: Workplace) throws -> Measured {
            try process.get().measure(command, in: place.folder, limit: limit)
                ?? Measured(command, in: place.folder, limit: limit)
        }

        /// Runs the command once more, on an input of at most so many bytes.
        @discardableResult
        func expect(
            _ expected: Expected, bytes: Int = 1 << 20,
            location: SourceLocation = #_sourceLocation
        ) throws -> Measured {
            let run = try Self.measure(command, in: place)
            let added = run.peak - base.peak
            #expect(
                added <= 64 << 20 + bytes,
                "\(added >> 20) MB more than \(base.peak >> 20) MB: \(run.errors.prefix(400))",
                sourceLocation: location)
            #expect(run.seconds < limit, "\(run.seconds) s", sourceLocation: location)
            switch expected {
            case .read:
                #expect(run.status == 0, "\(run.errors.suffix(400))", sourceLocation: location)
            case .refused(let words):
                let said = run.errors.suffix(400)
                #expect(run.status == 2, "\(run.status): \(said)", sourceLocation: location)
                #expect(
                    words.isEmpty || run.errors.contains(words), "\(said)",
                    sourceLocation: location)
            }
            #expect(run.errors.utf8.count < 4000, "a long message", sourceLocation: location)
            return run
        }
    }

    private static let limit = 90.0

    private func replace(_ file: URL, with data: Data) throws {
        try? FileManager.default.removeItem(at: file)
        try data.write(to: file)
    }

    private func link(_ file: URL, to target: String) throws {
        try? FileManager.default.removeItem(at: file)
        try FileManager.default.createSymbolicLink(
            atPath: file.path, withDestinationPath: target)
    }

    private func text(_ piece: String, _ count: Int) -> Data {
        Data(String(repeating: piece, count: count).utf8)
    }

    @Test(
        "Texts",
        arguments: [
            ("long.txt", "good ", 200_000, nil), ("word.txt", "x", 1_000_000, "unknown"),
            ("many.txt", "a\n", 500_000, nil), ("marks.txt", "\u{301}", 500_000, ""),
            ("columns.tsv", "a\t", 500_000, "columns"), ("quotes.csv", "\"", 1_000_000, "column"),
            ("deep.jsonl", "[", 1_000_000, "row 1"), ("keys.jsonl", #"{"a":"#, 200_000, "row 1"),
            ("text.jsonl", #"{"text":"a"},"#, 80_000, "row 1"),
        ] as [(String, String, Int, String?)])
    func texts(_ name: String, _ piece: String, _ count: Int, _ words: String?) throws {
        try withWorkplace { place in
            let row = name.hasSuffix(".jsonl") ? #"{"text": "a good film"}"# : "a good film"
            let header = name.hasSuffix(".tsv") || name.hasSuffix(".csv") ? ["text"] : []
            try place.write(header + [row], to: name)
            let probe = try Probe(
                "purify model --auxiliary \(name) --samples 4 --epochs 1 --max-length 24 -o out "
                    + "--force", in: place)
            try replace(place[name], with: text(piece, count))
            try probe.expect(words.map { .refused($0) } ?? .read)
        }
    }

    @Test(
        "Files without an end, or that wait for a writer",
        arguments: [
            ("/dev/zero", "not a regular file"), ("/dev/urandom", "not a regular file"),
            ("/proc/kmsg", ""), ("pipe", "the pipe"),
        ])
    func endless(_ target: String, _ words: String) throws {
        try withWorkplace { place in
            if target == "pipe" { #expect(mkfifo(place["pipe"].path, 0o600) == 0) }
            for (command, name) in [
                (
                    "purify model --auxiliary in.txt --max-length 24 --epochs 1 -o out --force",
                    "in.txt"
                ),
                ("plans validate in.yaml", "in.yaml"),
                (
                    "evaluate model --train in.tsv --test test.tsv --triggers cf --seeds 1 "
                        + "--epochs 1 --max-length 24", "in.tsv"
                ),
            ] {
                switch name {
                case "in.yaml": try place.write(Self.plan, to: name)
                case "in.tsv": try replace(place[name], with: place.data("train.tsv"))
                default: try replace(place[name], with: place.data("aux.txt"))
                }
                let probe = try Probe(command, in: place)
                try link(place[name], to: target)
                try probe.expect(.refused(words))
            }
        }
    }

    private static let plan = [
        "title: t", "data: {model: ./model, aux: ./aux.txt}", "stages:", "  clean:",
        "    command: pretrain", "    model: $model", "    auxiliary: $aux", "    epochs: 1",
    ]

    @Test("Plans") func plans() throws {
        func bomb(asKey: Bool) -> Data {
            var lines = ["a0: &a0 [x, x]"]
            for level in 1...40 {
                lines.append(
                    asKey
                        ? "? &a\(level) {? *a\(level - 1) : x, ? [*a\(level - 1)] : y}\n: z"
                        : "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]")
            }
            return Data(lines.joined(separator: "\n").utf8)
        }
        let axes = (0..<30).map {
            "  a\($0): [\((0..<20).map { "v\($0)" }.joined(separator: ", "))]"
        }
        let name = (0..<30).map { "$a\($0)" }.joined(separator: "-")
        let product =
            (["title: t", "axes:"] + axes + ["stages:", "  \(name):", "    command: inspect"])
            .joined(separator: "\n")
        try withWorkplace { place in
            try place.write(Self.plan, to: "in.yaml")
            let probe = try Probe("plans validate in.yaml", in: place)
            for (data, words) in [
                (bomb(asKey: false), "anchors"), (bomb(asKey: true), "anchors"),
                (text("[", 200_000), "brackets"), (text("{a: ", 50_000), "brackets"),
                (text("- ", 100_000), "YAML"), (text("a", 200_000), ""),
                (text("a: b\n", 40_000), "in.yaml"), (Data(product.utf8), "10000 stages"),
                (text("title: x\ntitle: y\n", 1), "in.yaml"),
                (Data("1: a\n\"1\": b\n".utf8), "twice"),
                (text("x\n", 1_000_000), "is above"),
            ] {
                try replace(place["in.yaml"], with: data)
                try probe.expect(.refused(words), bytes: data.count)
            }
        }
    }

    @Test(
        "Configurations",
        arguments: [
            "num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size",
            "vocab_size", "max_position_embeddings", "type_vocab_size",
        ])
    func configurations(_ field: String) throws {
        try withWorkplace { place in
            let probe = try Probe("inspect model", in: place)
            var fields = try #require(
                JSONSerialization.jsonObject(with: place.data("model/config.json"))
                    as? [String: Any])
            fields[field] = nil
            let rest = String(
                decoding: try JSONSerialization.data(withJSONObject: fields), as: UTF8.self)
            let isFirst = field == "num_hidden_layers"
            for value in ["1000000000", "9223372036854775807"]
                + (isFirst ? ["1e400", "-5", "0"] : [])
            {
                try replace(
                    place["model/config.json"],
                    with: Data("{\"\(field)\": \(value), \(rest.dropFirst())".utf8))
                try probe.expect(.refused("config.json"))
            }
        }
    }

    @Test("Tokenizers") func tokenizers() throws {
        let roles = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
        try withWorkplace { place in
            try? FileManager.default.removeItem(at: place["model/tokenizer.json"])
            let probe = try Probe(
                "purify model --auxiliary aux.txt --max-length 24 --epochs 1 -o out --force",
                in: place)
            for (data, words) in [
                (Data(roles.utf8) + text("x", 1_000_000), "unknown"),
                (Data(roles.utf8) + text("y\n", 400_000), ""),
                (Data(roles.utf8) + text("\u{301}", 400_000), "unknown"),
            ] {
                try replace(place["model/vocab.txt"], with: data)
                try probe.expect(.refused(words))
            }
        }
    }

    @Test(
        "Images",
        arguments: [
            ("one-bit.png", false), ("interlaced.png", false), ("progressive.jpg", false),
            ("allowed.png", true), ("lying.ppm", false), ("narrow.ppm", true),
        ])
    func images(_ name: String, _ isRead: Bool) throws {
        try withWorkplace("vit-classifier") { place in
            let folder = place["images"]
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let small = Data("P6 4 4 255\n".utf8) + Data(repeating: 7, count: 48)
            for number in 0..<4 { try small.write(to: folder.appending(path: "\(number).ppm")) }
            let command =
                "purify model --images images --labels none --epochs 1 --batch-size 4 "
                + "--max-skipped 0.5 -o out --force"
            try small.write(to: folder.appending(path: name))
            let probe = try Probe(command, in: place)
            let data: Data
            switch name {
            case "lying.ppm": data = Data("P6 9000 9000 255\n".utf8) + small
            case "narrow.ppm":
                data = Data("P5 1 65535 255\n".utf8) + Data(repeating: 9, count: 65535)
            default: data = try Data(contentsOf: Fixture("hostile-images").file(name))
            }
            try replace(folder.appending(path: name), with: data)
            let run = try probe.expect(.read)
            #expect(run.errors.contains("\(name) is left out") != isRead, "\(run.errors)")
        }
    }

    @Test("Captions") func captions() throws {
        try withWorkplace { place in
            try FileManager.default.createDirectory(
                at: place["pictures"], withIntermediateDirectories: true)
            let small = Data("P6 4 4 255\n".utf8) + Data(repeating: 7, count: 48)
            for number in 0..<4 { try small.write(to: place["pictures/\(number).ppm"]) }
            try place.writeTinyCLIP()
            func document(_ images: [String], _ annotations: [String]) -> Data {
                Data(
                    #"{"images": [\#(images.joined(separator: ","))], "annotations": [\#(annotations.joined(separator: ","))]}"#
                        .utf8)
            }
            let images = (0..<4).map { #"{"id": \#($0), "file_name": "\#($0).ppm"}"# }
            let captions = (0..<4).map { #"{"image_id": \#($0), "caption": "a cat \#($0)"}"# }
            let ids = (0..<30_000).map { #"{"id":\#($0 + 9),"file_name":"x\#($0)"}"# }
            let said = (0..<30_000).map { #"{"image_id":\#($0 % 4),"caption":"c"}"# }
            try replace(place["captions.json"], with: document(images, captions))
            let probe = try Probe(
                "pretrain clip.json --from-scratch --tokenizer words --pairs captions.json "
                    + "--images pictures --epochs 1 -o out --force", in: place)
            for (data, expected) in [
                (document(images + ids, captions), Expected.read),
                (document(images, captions + said), .read),
                (text("[", 1_000_000), .refused("captions.json")),
                (text(#"{"images":"#, 100_000), .refused("captions.json")),
            ] {
                try replace(place["captions.json"], with: data)
                try probe.expect(expected, bytes: data.count)
            }
        }
    }
}
