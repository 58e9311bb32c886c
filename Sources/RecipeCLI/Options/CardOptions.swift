import ArgumentParser
import Foundation
import Provenance
import Training

/// What the output says of itself, beside its proof.
struct CardOptions: ParsableArguments {
    @Option(
        help: """
            The suspect model's name on a hub, OWNER/NAME, for the output's card; by default that of \
            a folder in the hub's cache.
            """)
    var baseModel: String?

    @Flag(help: "Leave the output's card (README.md) as it is, and write none.")
    var noCard = false

    @Flag(help: "Write an in-toto statement about the output, to be signed: OUTPUT.intoto.json.")
    var attest = false

    func validate() throws {
        guard let baseModel else { return }
        guard ProofOptions.isModelName(baseModel) else {
            throw ValidationError(
                "--base-model \(baseModel): expected a name on a hub, such as owner/name")
        }
        if noCard { throw ValidationError("--base-model is for the card, which --no-card leaves") }
    }

}

extension WorkFiles {
    /// The options of a proof for a run that reads `sources` beside the model.
    func proof(reading sources: [DataSource]) -> ProofOptions {
        var options = ProofOptions()
        options.sources = sources
        (options.baseModel, options.editsCard, options.attests) = (baseModel, editsCard, attests)
        return options
    }
}
