import Files
import Foundation

extension ModelCard {
    /// What to do with the card of an output.
    public struct Edit: Sendable {
        /// The model that this one was made of, or nil where that is not known.
        public var baseModel: String?
        /// Whether the card is edited at all.
        public var isWanted: Bool

        /// An edit, or none.
        public init(baseModel: String? = nil, isWanted: Bool = true) {
            self.baseModel = baseModel
            self.isWanted = isWanted
        }
    }

    /// A card with everything but its paragraph's text, and what the proof says of it.
    ///
    /// `data` is the input's card, nil where there is none; `occupied` are the names of the files
    /// beside it.
    static func prepared(
        from data: Data?, _ edit: Edit, beside occupied: [String] = []
    ) -> (card: ModelCard?, record: Proof.CardRecord) {
        func left(_ reason: String) -> (ModelCard?, Proof.CardRecord) {
            (nil, Proof.CardRecord(state: .left, reason: reason))
        }
        guard edit.isWanted else { return left("as asked for") }
        let other = occupied.first { $0 != file && $0.lowercased() == file.lowercased() }
        if let other { return left("is beside \(other.quotedForMessage), which differs in case") }
        do {
            var card = try data.map { try ModelCard($0) } ?? ModelCard()
            try card.setFrontMatter(baseModel: edit.baseModel)
            card.set(paragraph: [])
            let rest = card.parted.map { Data($0.rest.utf8) } ?? Data()
            let record = Proof.CardRecord(
                state: data == nil ? .written : .patched, baseModel: edit.baseModel,
                size: rest.count, sha256: ContentDigest.hex(of: rest))
            return (card, record)
        } catch {
            return left("\(error)")
        }
    }

    /// This card with the paragraph that tells of `proof`.
    func telling(of proof: Proof) -> ModelCard {
        var card = self
        card.set(paragraph: Self.paragraph(of: proof))
        return card
    }

    /// What a card says of a purification.
    static func paragraph(of proof: Proof) -> [String] {
        let claims = proof.claims
        let tensors = claims.changed.count + claims.unchanged.tensors
        return [
            "## Purified",
            "",
            "This model was purified by \(claims.tool.name) \(claims.tool.version) (commit "
                + "\(claims.tool.commit)), method `\(claims.plan.method)`: "
                + "\(claims.changed.count) of \(tensors) tensors differ from the input's, all "
                + "others are the same to the bit.",
            "`\(Proof.file)` says what was done, with which settings and data, and the SHA-256 "
                + "digest of each file that went in and came out. Its own SHA-256 digest is",
            "`\(proof.digest)`.",
            "`recipe verify BEFORE AFTER` checks all of them. It is a record of what was done, "
                + "not a promise that the model is clean.",
        ]
    }

    /// Whether the card says of `proof` what it should, and nothing else changed since: why not, or
    /// nil.
    func contradiction(of proof: Proof) -> String? {
        guard let parted else { return "does not have one paragraph about the purification" }
        let end = Self.lineEnd(of: text)
        let told = ([""] + Self.paragraph(of: proof) + [""]).joined(separator: end)
        guard parted.paragraph.utf8.elementsEqual(told.utf8) else {
            return "says something else of the purification than the proof"
        }
        let rest = Data(parted.rest.utf8)
        guard rest.count == proof.claims.card.size,
            ContentDigest.hex(of: rest) == proof.claims.card.sha256
        else { return "was changed" }
        return nil
    }
}

extension Proof {
    /// Takes the proof of an earlier purification out of a folder that holds another model now, and
    /// what its card says of it.
    ///
    /// A card whose front matter cannot be edited keeps its tag. Throws where files cannot be
    /// written.
    public static func remove(from folder: URL) throws {
        let proof = folder.appendingPathComponent(file)
        if FileManager.default.fileExists(atPath: proof.path) {
            try FileManager.default.removeItem(at: proof)
        }
        guard let data = try ProofDraft.card(of: folder), var card = try? ModelCard(data),
            card.isOfPurification
        else { return }
        try? card.removePurification()
        try atomicWrite(card.data, to: folder.appendingPathComponent(ModelCard.file))
    }
}
