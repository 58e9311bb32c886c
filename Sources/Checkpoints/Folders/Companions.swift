import Files
import Foundation
import JSON

/// The list of files that a model may have beside its weights, by name and by content.
///
/// What is on it is copied into an output; everything else is left out and named.
enum Companions {
    /// What the content of a file must be.
    enum Content: Sendable {
        /// A JSON object.
        case object
        /// A JSON list.
        case list
        /// Text for people, without control characters.
        case text
        /// Text whose lines are tokens, which may hold any character but NUL.
        case vocabulary
        /// A SentencePiece model.
        case sentencePiece
        /// OpenAI's packed list of merges.
        case merges
    }

    /// A file on the list.
    struct Rule: Sendable {
        let content: Content
        /// The most bytes that it may have.
        let limit: Int

        init(_ content: Content, limit: Int = 16 << 20) {
            self.content = content
            self.limit = limit
        }
    }

    /// The most bytes of a vocabulary.
    static let vocabularyLimit = 64 << 20

    private static let rules: [String: Rule] = {
        var rules: [String: Rule] = [:]
        for name in [
            "config.json", "generation_config.json", "tokenizer_config.json",
            "special_tokens_map.json", "added_tokens.json", "preprocessor_config.json",
            "processor_config.json", "video_preprocessor_config.json", "chat_template.json",
            "config_sentence_transformers.json", "open_clip_config.json", "pruned-neurons.json",
        ] + SentenceModules.settingsFiles {
            rules[name] = Rule(.object)
        }
        for name in ["tokenizer.json", "vocab.json"] {
            rules[name] = Rule(.object, limit: vocabularyLimit)
        }
        rules["modules.json"] = Rule(.list)
        for name in ["vocab.txt", "merges.txt"] {
            rules[name] = Rule(.vocabulary, limit: vocabularyLimit)
        }
        for name in [
            "spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "spm.model",
            "source.spm", "target.spm",
        ] {
            rules[name] = Rule(.sentencePiece, limit: vocabularyLimit)
        }
        rules["bpe_simple_vocab_16e6.txt.gz"] = Rule(.merges)
        for name in [
            "README", "MODEL_CARD", "LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS",
            "USE_POLICY", "CITATION", "CHANGELOG",
        ] {
            for type in ["", ".md", ".txt", ".rst"] { rules[name + type] = Rule(.text) }
        }
        for name in [
            "CITATION.cff", "CITATION.bib", ".gitattributes", ".gitignore", "chat_template.jinja",
        ] {
            rules[name] = Rule(.text)
        }
        return rules
    }()

    /// The rule for a file called `name` in a folder that holds a model or a module of one.
    static func rule(for name: String) -> Rule? { rules[name] }

    /// Where a file of the list is what its name says, its bytes; else what is wrong with it.
    static func read(_ entry: FolderTree.Entry, as rule: Rule) throws(FileNote.Failure) -> Data {
        func failure(_ kind: FileNote.Kind, _ reason: String) -> FileNote.Failure {
            FileNote.Failure(note: FileNote(entry.path, kind, reason))
        }
        guard entry.size <= rule.limit else {
            throw failure(
                .content, "it is above \(rule.limit >> 20) MB, which no file of its kind is")
        }
        let data: Data
        do {
            data = try BoundedRead.data(of: entry.url, atMost: rule.limit)
        } catch {
            throw failure(
                .unreadable, "it " + ((error as? FileError)?.problem ?? error.localizedDescription))
        }
        if let problem = problem(of: data, as: rule.content) {
            throw failure(problem.kind, problem.reason)
        }
        return data
    }

    private static func problem(
        of data: Data, as content: Content
    ) -> (kind: FileNote.Kind, reason: String)? {
        let head = data.prefix(FileSignature.length)
        switch (FileSignature(head), content) {
        case (.none, _), (.archive("gzip"), .merges): break
        // A vocabulary may begin with any words.
        case (.pickle, .vocabulary) where data.first != 0x80: break
        case (.code(let what), _): return (.code, "it is named like data, but is \(what)")
        case (.pickle, _): return (.pickle, "it is named like data, but is a pickle")
        case (.archive(let what), _): return (.archive, "it is named like data, but is \(what)")
        case (.weights(let what), _): return (.weights, "it is named like data, but is \(what)")
        }
        func wrong(_ reason: String) -> (FileNote.Kind, String) { (.content, reason) }
        switch content {
        case .object, .list:
            do {
                // Tokens may be what Unicode takes for equivalent.
                try JSONValue.check(data, keys: .exact)
            } catch {
                return wrong("is not valid JSON: \(error)")
            }
            let isObject = data.first { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: "{")
            if case .object = content, !isObject { return wrong("is no JSON object") }
            if case .list = content, isObject { return wrong("is no JSON list") }
        case .text:
            guard isText(data, allowingControls: false) else { return wrong("is not text") }
        case .vocabulary:
            guard isText(data, allowingControls: true) else { return wrong("is not text") }
        case .sentencePiece:
            guard isMessage(data) else { return wrong("is no SentencePiece model") }
        case .merges:
            guard data.starts(with: [0x1F, 0x8B]) else { return wrong("is not gzipped text") }
        }
        return nil
    }

    private static func isText(_ data: Data, allowingControls: Bool) -> Bool {
        guard String(validating: data, as: UTF8.self) != nil else { return false }
        return data.allSatisfy { byte in
            byte >= 0x20 && byte != 0x7F || byte == 0x09 || byte == 0x0A || byte == 0x0D
                || byte == 0x0C || (allowingControls && byte != 0)
        }
    }

    /// Whether `data` is a Protocol Buffers message from its first to its last byte, beginning with
    /// a field of parts, as a SentencePiece model's list of pieces is.
    private static func isMessage(_ data: Data) -> Bool {
        var position = data.startIndex
        func number() -> UInt64? {
            var value: UInt64 = 0
            for shift in stride(from: 0, to: 63, by: 7) where position < data.endIndex {
                let byte = data[position]
                position += 1
                value |= UInt64(byte & 0x7F) << UInt64(shift)
                if byte & 0x80 == 0 { return value }
            }
            return nil
        }
        guard data.first == 0x0A else { return false }
        while position < data.endIndex {
            guard let key = number(), key >> 3 > 0 else { return false }
            let length: UInt64?
            switch key & 7 {
            case 0: length = number() == nil ? nil : 0
            case 1: length = 8
            case 2: length = number()
            case 5: length = 4
            default: length = nil
            }
            guard let length, length <= UInt64(data.endIndex - position) else { return false }
            position += Int(length)
        }
        return true
    }
}

extension FileNote {
    /// A note that keeps a file from being carried.
    struct Failure: Error {
        let note: FileNote
    }
}
