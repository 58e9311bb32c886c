import Files
import Provenance

extension OutputFolder {
    /// Gives its name to an output that is no purification's: without the proof of its input, and
    /// with a card that does not tell of one.
    public func commitUnproven() throws {
        try Proof.remove(from: staging)
        try commit()
    }
}
