import Checkpoints
import Foundation

/// What a model reads.
public enum ModelKind: String, Sendable, Codable, CaseIterable {
    /// Texts: a BERT.
    case texts
    /// Images: a VGG or a ViT, or CLIP's tower of images alone.
    case images
    /// Images and captions: a CLIP.
    case pairs

    /// Tells what the model at `url` reads by its `config.json`; weights without one are an image
    /// model's, for a BERT cannot do without.
    ///
    /// Throws where `config.json` cannot be read, or weights by themselves. Where nothing is there it says texts, and opening
    /// the folder says what is wrong.
    public init(at url: URL) throws {
        let manager = FileManager.default
        var isFolder: ObjCBool = false
        guard manager.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            self = .texts
            return
        }
        guard isFolder.boolValue else {
            // A file beside the configuration of a folder's model is that model's.
            let beside = url.deletingLastPathComponent().appendingPathComponent("config.json")
            let isDescribed = manager.fileExists(atPath: beside.path)
            self =
                url.pathExtension == "json"
                ? try Self.described(by: url)
                : isDescribed ? try Self.described(by: beside) : try Self.undescribed(url)
            return
        }
        let place = try ModelFolder.place(of: url)
        let file = place.appendingPathComponent("config.json")
        if manager.fileExists(atPath: file.path) {
            self = try Self.described(by: file)
        } else if manager.fileExists(
            atPath: url.appendingPathComponent(OpenCLIPConfiguration.file).path)
        {
            self = .pairs
        } else {
            let weights = try manager.contentsOfDirectory(atPath: url.path).filter {
                ["pkl", "pth", "pt"].contains(($0 as NSString).pathExtension.lowercased())
            }
            self =
                try weights.first.map { try Self.undescribed(url.appendingPathComponent($0)) }
                ?? .texts
        }
    }

    /// What a weights file without a configuration is, by the names in it.
    private static func undescribed(_ file: URL) throws -> ModelKind {
        CLIPConfiguration.dialect(of: try ModelFolder.open(file: file).weights.names) == nil
            ? .images : .pairs
    }

    private static func described(by file: URL) throws -> ModelKind {
        let configuration = try JSONFile(reading: file)
        // timm writes the architecture's name alone.
        let names =
            [
                try configuration.string("model_type"), try configuration.string("architecture"),
            ].compactMap { $0 } + configuration.architectures
        return Architectures.all.first { $0.isDescribed(by: names) }?.kind ?? .texts
    }
}

extension ModelFolder {
    /// Opens the files of a model of some kind: a folder, or for images also a single file of weights
    /// or the folder that was written for one.
    ///
    /// Throws `CheckpointError` or `FormatError` that name the file and what is wrong with it.
    public static func open(_ url: URL, of kind: ModelKind) throws -> ModelFolder {
        switch kind {
        case .texts: try open(url, for: .report)
        case .images, .pairs: try ImageModelFolder.open(url, nil, for: .report)
        }
    }

    /// How the names of one of the folder's state dictionaries are spelled, in a model of a kind.
    ///
    /// Throws `CheckpointError` where a field of `config.json` that it hangs on is of another kind.
    public func spelling(of state: StateDictionary, as kind: ModelKind) throws -> Spelling {
        switch kind {
        case .texts:
            Spelling(
                (Architectures.texts.first { $0.dialect(of: state.names) != nil }
                    ?? BERTConfiguration.self).dialect(
                        of: state.names,
                        tiesEmbeddings: try configuration.bool(
                            "tie_word_embeddings", default: true)))
        case .images, .pairs:
            ImageModelFolder.spelling(
                of: state, else: Dialect(name: "as they are", rules: []))
        }
    }
}
