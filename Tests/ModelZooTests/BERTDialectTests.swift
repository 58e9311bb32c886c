import Checkpoints
import TestSupport
import Testing

@testable import ModelZoo

@Suite struct BERTDialectTests {
    private func names(_ fixture: String) throws -> [String] {
        try ModelFolder.open(Fixture(fixture).folder).weights.names
    }

    /// Names whose copies of a tied parameter are one on disk come out under the original's name.
    private let copies = ["cls.predictions.decoder.weight", "cls.predictions.decoder.bias"]

    @Test("Names come back from canonical as they were", arguments: goldenFolders, [false, true])
    func roundTrip(_ fixture: String, _ isWrapped: Bool) throws {
        var random = RandomNumbers(seed: 11)
        let tied = fixture != "bert-untied"
        let prefix = isWrapped ? "module." : ""
        let all = try names(fixture).map { prefix + $0 }
        for round in 0..<20 {
            let subset = round == 0 ? all : all.filter { _ in Bool.random(using: &random) }
            let dialect = BERTDialects.dialect(of: subset, tiesEmbeddings: tied)
            for name in subset {
                let canonical = dialect.canonical(name)
                if tied, copies.contains(String(name.dropFirst(prefix.count))) {
                    #expect(!copies.contains(canonical))
                } else {
                    #expect(dialect.onDisk(canonical) == name)
                }
                #expect(!canonical.contains("gamma") && !canonical.hasPrefix("module."))
            }
            let exported = subset.filter {
                !tied || !copies.contains(String($0.dropFirst(prefix.count)))
            }
            #expect(Set(exported.map(dialect.canonical)).count == exported.count)
        }
    }

    @Test("All spellings of a model have the same canonical names")
    func oneModel() throws {
        let reference = Set(try names("bert-pretraining"))
        for fixture in ["bert-gamma-beta-zip", "bert-gamma-beta-legacy", "bert-strided-bin"] {
            let found = try names(fixture)
            let dialect = BERTDialects.dialect(of: found, tiesEmbeddings: true)
            #expect(Set(found.map(dialect.canonical)) == reference)
            #expect(dialect.name.contains("gamma/beta"))
        }
        let bare = try names("bert-bare-model")
        let dialect = BERTDialects.dialect(of: bare, tiesEmbeddings: true)
        let canonical = Set(bare.map(dialect.canonical))
        #expect(canonical.subtracting(reference) == ["bert.embeddings.position_ids"])
        #expect(canonical.contains("bert.pooler.dense.weight"))
    }

    @Test("A tied decoder is the embeddings, an untied one is itself") func aliases() {
        let names = ["bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"]
        let tied = BERTDialects.dialect(of: names, tiesEmbeddings: true)
        #expect(tied.canonical(names[1]) == names[0])
        #expect(tied.canonical("cls.predictions.decoder.bias") == "cls.predictions.bias")
        #expect(tied.onDisk(names[0]) == names[0])
        let untied = BERTDialects.dialect(of: names, tiesEmbeddings: false)
        #expect(untied.canonical(names[1]) == names[1])
    }

    @Test("A prefix is taken off only where every name has it") func prefix() {
        let some = BERTDialects.dialect(
            of: ["module.bert.a", "bert.b"], tiesEmbeddings: true)
        #expect(some.canonical("module.bert.a") == "module.bert.a")
        let all = BERTDialects.dialect(of: ["module.embeddings.a"], tiesEmbeddings: true)
        #expect(all.canonical("module.embeddings.a") == "bert.embeddings.a")
        #expect(all.onDisk("bert.embeddings.a") == "module.embeddings.a")
        #expect(all.name == "transformers, module., without ‘bert.’")
        #expect(BERTDialects.dialect(of: [], tiesEmbeddings: true).canonical("x") == "x")
    }
}
