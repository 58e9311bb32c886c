import ArgumentParser
import TensorFormats

/// Which dictionary of tensors is the model, in a file of `torch.save` with several that differ.
struct WeightsOption: ParsableArguments {
    @Option(
        help: """
            The dictionary of tensors to take, where a file holds several that differ: teacher, \
            model.state_dict, or . for the file itself. An output holds that one alone.
            """)
    var weights: String?

    /// What `body` makes of files of which this one is read.
    func reading<Result>(_ body: () throws -> Result) rethrows -> Result {
        try WeightsChoice.$key.withValue(weights, operation: body)
    }
}
