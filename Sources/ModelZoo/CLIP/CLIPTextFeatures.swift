import TextTokenizers
import Torch
import TorchNN

/// Vectors of captions, in their order.
public struct CLIPTextFeatures {
    /// The normalized state of the token that is read for all, before projection [texts, width of
    /// the tower], float32.
    public let features: Tensor
    /// The vectors that are compared with those of images [texts, projection], of length 1, float32.
    public let embeddings: Tensor

    /// The vectors of `texts`, at least one (ids with start and end, as a tokenizer gives them).
    ///
    /// Throws `CLIPTextError` where a text is too long, does not end, or holds an unknown id.
    public init(of texts: [[Int32]], by model: CLIP) throws {
        let device = model.store.placement.device
        var features: [Tensor] = []
        var embeddings: [Tensor] = []
        for start in stride(from: 0, to: texts.count, by: Self.batchSize) {
            let rows = Array(texts[start..<min(start + Self.batchSize, texts.count)])
            let tokens = PaddedTokens(rows, length: rows.map(\.count).max() ?? 0, padding: 0)
            try withoutGradients {
                let input = try CLIPTextInput(
                    tokens, model.configuration.text, device: device)
                let found = try model.textFeatures(input, in: .evaluation)
                features.append(try found.cast(to: .float32))
                embeddings.append(try model.textEmbeddings(ofFeatures: found))
            }
        }
        self.features = try .concatenated(features, along: 0)
        self.embeddings = try .concatenated(embeddings, along: 0)
    }

    private static let batchSize = 64
}
