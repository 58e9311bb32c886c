import Checkpoints
import Foundation

/// What a model reads.
public enum ModelKind: Sendable, Equatable {
    /// Texts: a BERT.
    case texts
    /// Images: a VGG or a ViT.
    case images

    /// Tells what the model at `url` reads by its `config.json`; weights without one are an image
    /// model's, for a BERT cannot do without.
    ///
    /// Throws where `config.json` cannot be read. Where nothing is there it says texts, and opening
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
                : isDescribed ? try Self.described(by: beside) : .images
            return
        }
        let file = url.appendingPathComponent("config.json")
        if manager.fileExists(atPath: file.path) {
            self = try Self.described(by: file)
        } else {
            let weights = try manager.contentsOfDirectory(atPath: url.path).filter {
                ["pkl", "pth", "pt"].contains(($0 as NSString).pathExtension.lowercased())
            }
            self = weights.isEmpty ? .texts : .images
        }
    }

    private static func described(by file: URL) throws -> ModelKind {
        let configuration = try JSONFile(reading: file)
        // timm writes the architecture's name alone.
        let names =
            [
                try configuration.string("model_type"), try configuration.string("architecture"),
            ].compactMap { $0 } + configuration.architectures
        return names.contains { $0.lowercased().hasPrefix("vit") || $0.hasPrefix("vgg") }
            ? .images : .texts
    }
}
