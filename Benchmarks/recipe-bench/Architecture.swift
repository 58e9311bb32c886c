import ArgumentParser
import Foundation
import RecipeKit

/// The measured models of images, for 64 × 64 pixels and 1000 classes.
enum Architecture: String, CaseIterable, Codable, ExpressibleByArgument {
    /// VGG-16 with a linear head.
    case vgg
    /// ViT-B/16.
    case vit

    /// What people call it.
    func title(_ size: ModelSize) -> String {
        switch (self, size) {
        case (.vgg, .base): "VGG-16"
        case (.vit, .base): "ViT-B/16"
        case (.vgg, .tiny): "a tiny VGG"
        case (.vit, .tiny): "a tiny ViT"
        }
    }

    /// The shape; `dropout` is a ViT's, on hidden vectors and on attention probabilities.
    func configuration(_ size: ModelSize, dropout: Double) -> ImageConfiguration {
        switch (self, size) {
        case (.vgg, .base): ImageConfiguration(VGGConfiguration())
        case (.vgg, .tiny):
            ImageConfiguration(VGGConfiguration(.vgg11, channels: [8, 16, 32, 32, 32]))
        case (.vit, .base):
            ImageConfiguration(ViTConfiguration(hiddenDropout: dropout, attentionDropout: dropout))
        case (.vit, .tiny):
            ImageConfiguration(
                ViTConfiguration(
                    hiddenSize: 64, layerCount: 2, headCount: 2, hiddenDropout: dropout,
                    attentionDropout: dropout))
        }
    }

    /// Writes a model of random weights; what a former one left in `folder` is replaced.
    func make(_ size: ModelSize, dropout: Double, at folder: URL) throws {
        let model = try configuration(size, dropout: dropout).model(
            in: ParameterStore(source: FreshSource(seed: Seed(50).key("parameters"))))
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try ImageModelFolder.create(model, processor: ImageProcessor(), at: folder)
    }
}

extension ImageConfiguration {
    /// The dropout of a backbone with a linear head.
    var dropout: Double {
        (base as? ViTConfiguration)?.hiddenDropout ?? 0
    }

    /// The same without dropout.
    var withoutDropout: ImageConfiguration {
        guard var configuration = base as? ViTConfiguration else { return self }
        configuration.hiddenDropout = 0
        configuration.attentionDropout = 0
        return ImageConfiguration(configuration)
    }
}
