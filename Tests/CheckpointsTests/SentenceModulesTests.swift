import Foundation
import ModelZoo
import TensorFormats
import TestSupport
import Testing
import Torch

@testable import Checkpoints
@testable import TorchNN

@Suite struct SentenceModulesTests {
    private let manager = FileManager.default

    /// A model laid out as sentence-transformers does.
    private func withModel(
        transformer: String = "", pooling: String = "mean", isDense: Bool = false,
        _ body: (URL) throws -> Void
    ) throws {
        try withTemporaryFolder { scratch in
            let folder = scratch.appending(path: "model")
            try Fixture("bert-base-tiny").copyModel(to: folder.appending(path: transformer))
            try SentenceModel.write(
                into: folder, transformer: transformer, pooling: pooling, isDense: isDense)
            try body(folder)
        }
    }

    private func written(_ folder: URL) throws -> (URL, ModelFolder.WriteReport) {
        let output = folder.deletingLastPathComponent().appending(path: "out")
        try manager.createDirectory(at: output, withIntermediateDirectories: true)
        let bert = try TextModelFolder(folder)
        let model = try bert.load(
            parts: [], placement: Placement(trainable: BERT.recipeWeights))
        try withoutGradients { for p in model.store.trainable { try p.tensor.scale(by: 2) } }
        return (output, try bert.write(model.store.trainable, to: output))
    }

    @Test("Both layouts come out whole", arguments: ["", "0_Transformer"])
    func layouts(_ transformer: String) throws {
        try withModel(transformer: transformer) { folder in
            let (output, report) = try written(folder)
            #expect(report.omitted == [] && report.changed.count == 3)
            #expect(
                try FolderTree(output).entries.map(\.path)
                    == FolderTree(folder).entries.map(\.path))
            let comparison = try FolderComparison(
                before: ModelFolder.open(folder), after: ModelFolder.open(output))
            #expect(comparison.dropIn, "\(comparison.violations)")
            #expect(comparison.changed.count == 3)
        }
    }

    @Test(
        "The feature that pooling names is said",
        arguments: [
            ("mean", "the mean of the tokens' vectors (mean), at length 1"),
            ("cls", "the first token's vector (cls), at length 1"),
            ("max", "the maximum of the tokens' vectors (max), at length 1"),
        ])
    func pooling(_ mode: String, _ words: String) throws {
        try withModel(pooling: mode) { folder in
            #expect(try ModelFolder.open(folder).modules?.feature == words)
            try SentenceModel.write(
                ["embedding_dimension": 32, "pooling_mode": mode] as [String: Any],
                to: folder.appending(path: "1_Pooling/config.json"))
            #expect(try ModelFolder.open(folder).modules?.feature == words)
        }
    }

    @Test("A dense layer's weights are carried as they are, and said to be") func dense() throws {
        try withModel(isDense: true) { folder in
            try SentenceModel.write(
                ["in_features": 32, "activation_function": "torch.nn.modules.activation.Tanh"]
                    as [String: Any], to: folder.appending(path: "2_Dense/config.json"))
            let weights = folder.appending(path: "2_Dense/model.safetensors")
            try SafetensorsWriter.write(
                [StoredTensor(name: "linear.weight", .full([4, 32], 0.5))], metadata: [:],
                to: weights)
            try Data("x".utf8).write(to: folder.appending(path: "2_Dense/modeling.py"))
            let (output, report) = try written(folder)
            #expect(report.remarks.map(\.file) == ["2_Dense/model.safetensors"])
            #expect(report.omitted.map(\.file) == ["2_Dense/modeling.py"])
            #expect(
                manager.contentsEqual(
                    atPath: weights.path,
                    andPath: output.appending(path: "2_Dense/model.safetensors").path))
            // Whatever else such a file holds is no dense layer.
            try SafetensorsWriter.write(
                [StoredTensor(name: "bert.weight", .full([4, 32], 0.5))], metadata: [:], to: weights
            )
            #expect(
                try ModelFolder.open(folder).files().contains {
                    $0.file == "2_Dense/model.safetensors" && $0.fate == .leftOut
                })
        }
    }

    @Test("Modules and settings that read or run something else are refused") func refused() throws
    {
        let spoilings: [(String, (URL) throws -> Void)] = [
            (
                "modeling.Evil",
                {
                    try SentenceModel.write(
                        [["path": "", "type": "modeling.Evil"]],
                        to: $0.appending(path: "modules.json"))
                }
            ),
            (
                "../other",
                {
                    try SentenceModel.write(
                        [
                            ["path": "", "type": "sentence_transformers.models.Transformer"],
                            ["path": "../other", "type": "sentence_transformers.models.Pooling"],
                        ], to: $0.appending(path: "modules.json"))
                }
            ),
            (
                "LSTM",
                {
                    try SentenceModel.write(
                        [["path": "2_LSTM", "type": "sentence_transformers.models.LSTM"]],
                        to: $0.appending(path: "modules.json"))
                }
            ),
            (
                "model_args.variant",
                {
                    try SentenceModel.write(
                        ["model_args": ["variant": "evil"]],
                        to: $0.appending(path: "sentence_bert_config.json"))
                }
            ),
            (
                "tokenizer_name_or_path",
                {
                    try SentenceModel.write(
                        ["tokenizer_name_or_path": "evil"],
                        to: $0.appending(path: "sentence_bert_config.json"))
                }
            ),
        ]
        for (word, spoil) in spoilings {
            try withModel { folder in
                try spoil(folder)
                let error = #expect(throws: CheckpointError.self) {
                    _ = try TextModelFolder(folder)
                }
                #expect(error?.description.contains(word) == true, "\(String(describing: error))")
            }
        }
        try withModel(transformer: "0_Transformer") { folder in
            try Fixture("bert-masked-lm").copyModel(to: folder)
            let error = #expect(throws: CheckpointError.self) { _ = try TextModelFolder(folder) }
            #expect(error?.description.contains("0_Transformer") == true)
        }
        try withModel(isDense: true) { folder in
            try SentenceModel.write(
                ["activation_function": "os.system"],
                to: folder.appending(path: "2_Dense/config.json"))
            let error = #expect(throws: CheckpointError.self) { _ = try TextModelFolder(folder) }
            #expect(error?.description.contains("os.system") == true)
        }
    }
}
