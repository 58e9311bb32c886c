import Torch
import TorchNN

extension TextModel {
    /// Hands `body` what the first token of each text makes of the neurons of every block, block by
    /// block, without dropout or gradients.
    public func readNeurons(
        _ input: TokenInput, _ body: (NeuronReading) throws -> Void
    ) throws {
        try withoutActuallyEscaping(body) { body in
            let recorder = SampleRecorder(
                samples: input.rows, firstTokens: input.firstTokens, body)
            _ = try withoutGradients {
                try hiddenStates(
                    input, selection: input.firstTokens, in: .recording(recorder))
            }
        }
    }
}

extension ImageModel {
    /// Hands `body` what each image of normalized `pixels` [n, 3, height, width] makes of the
    /// neurons at every site, in their order, without dropout or gradients: the class token in a
    /// transformer, all places in a VGG.
    public func readNeurons(
        _ pixels: Tensor, _ body: (NeuronReading) throws -> Void
    ) throws {
        try withoutActuallyEscaping(body) { body in
            let recorder = SampleRecorder(samples: pixels.shape[0], body)
            _ = try withoutGradients { try features(pixels, in: .recording(recorder)) }
        }
    }
}
