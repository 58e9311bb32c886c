import DataPipeline
import Foundation
import ModelZoo

// In a plan, places are paths and what says nothing is left out.

/// A file or folder as a plan has it.
private struct Path: Codable {
    let url: URL

    init(_ url: URL) { self.url = url }

    init(from decoder: any Decoder) throws {
        let path = try decoder.singleValueContainer().decode(String.self)
        guard !path.isEmpty else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "expected a path"))
        }
        url = URL(fileURLWithPath: path)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(url.path)
    }
}

extension KeyedDecodingContainer {
    /// The file or folder at a key, which a plan has as a path.
    package func url(_ key: Key) throws -> URL? {
        try decodeIfPresent(Path.self, forKey: key)?.url
    }
}

extension KeyedEncodingContainer {
    /// Writes a file or folder at a key, as a path.
    package mutating func encode(_ url: URL?, at key: Key) throws {
        try encodeIfPresent(url.map { Path($0) }, forKey: key)
    }
}

extension AuxiliaryData.Texts: Codable {
    private enum CodingKeys: String, CodingKey {
        case files, column, limit, minimumWords, head
    }

    /// Reads them from a plan.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(try container.decode([Path].self, forKey: .files).map(\.url))
        column = try container.decodeIfPresent(String.self, forKey: .column)
        limit = try container.decodeIfPresent(Int.self, forKey: .limit)
        minimumWords = try container.decode(Int.self, forKey: .minimumWords)
        head = TextModelFolder.HeadSource(try container.decode(String.self, forKey: .head))
    }

    /// Writes them into a plan.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(files.map { Path($0) }, forKey: .files)
        try container.encodeIfPresent(column, forKey: .column)
        try container.encodeIfPresent(limit, forKey: .limit)
        try container.encode(minimumWords, forKey: .minimumWords)
        try container.encode(head.text, forKey: .head)
    }
}

extension TextModelFolder.HeadSource {
    /// What `keep`, `fresh` or a path says.
    public init(_ text: String) {
        switch text {
        case "keep": self = .keep
        case "fresh": self = .fresh
        default: self = .folder(URL(fileURLWithPath: (text as NSString).expandingTildeInPath))
        }
    }

    /// `keep`, `fresh` or a path.
    public var text: String {
        switch self {
        case .keep: "keep"
        case .fresh: "fresh"
        case .folder(let url): url.path
        }
    }
}

extension AuxiliaryData.Images: Codable {
    // Where prepared images are kept is the machine's, not the plan's.
    private enum CodingKeys: String, CodingKey {
        case folder, layout, classes, labels, size, maximumSkipped
    }

    /// Reads them from a plan.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(try container.url(.folder))
        layout = try container.decodeIfPresent(ImageLayout.self, forKey: .layout)
        classes = try container.decodeIfPresent([String].self, forKey: .classes)
        labels = try container.decode(ImageLabels.self, forKey: .labels)
        size = try container.decodeIfPresent(Int.self, forKey: .size)
        maximumSkipped = try container.decode(Double.self, forKey: .maximumSkipped)
    }

    /// Writes them into a plan.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(url, at: .folder)
        try container.encodeIfPresent(layout, forKey: .layout)
        try container.encodeIfPresent(classes, forKey: .classes)
        try container.encode(labels, forKey: .labels)
        try container.encodeIfPresent(size, forKey: .size)
        try container.encode(maximumSkipped, forKey: .maximumSkipped)
    }
}

extension AuxiliaryData.Pairs: Codable {
    private enum CodingKeys: String, CodingKey { case captions, tokenizer }

    /// Reads them from a plan.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(try container.decode(Path.self, forKey: .captions).url)
        tokenizer = try container.url(.tokenizer)
    }

    /// Writes them into a plan.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Path(captions), forKey: .captions)
        try container.encode(tokenizer, at: .tokenizer)
    }
}

extension ModelBeginning: Codable {
    private enum CodingKeys: String, CodingKey { case configuration, tokenizer, vision }

    /// Reads it from a plan.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(try container.decode(Path.self, forKey: .configuration).url)
        (tokenizer, vision) = (try container.url(.tokenizer), try container.url(.vision))
    }

    /// Writes it into a plan.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Path(configuration), forKey: .configuration)
        try container.encode(tokenizer, at: .tokenizer)
        try container.encode(vision, at: .vision)
    }
}
