import DataPipeline
import TextTokenizers

extension TextTokenizer {
    /// BERT's masking over this vocabulary.
    public var masking: TokenMasking {
        TokenMasking(maskID: maskID, specialIDs: specialIDs, vocabularySize: vocabularySize)
    }
}
