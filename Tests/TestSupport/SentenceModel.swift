import Foundation

/// Lays a model out as sentence-transformers does.
public enum SentenceModel {
    /// Writes the list of modules and their settings into `folder`, beside the model or, with a
    /// `transformer`, around the folder of that name.
    public static func write(
        into folder: URL, transformer: String = "", pooling: String = "mean", width: Int = 32,
        isDense: Bool = false
    ) throws {
        let package = "sentence_transformers.models."
        var modules = [
            ["idx": "0", "name": "0", "path": transformer, "type": package + "Transformer"],
            ["idx": "1", "name": "1", "path": "1_Pooling", "type": package + "Pooling"],
        ]
        if isDense {
            modules.append(["idx": "2", "name": "2", "path": "2_Dense", "type": package + "Dense"])
        }
        modules.append([
            "idx": "3", "name": "3", "path": "3_Normalize", "type": package + "Normalize",
        ])
        try write(modules, to: folder.appending(path: "modules.json"))
        try write(
            [
                "word_embedding_dimension": width, "pooling_mode_cls_token": pooling == "cls",
                "pooling_mode_mean_tokens": pooling == "mean",
                "pooling_mode_max_tokens": pooling == "max",
            ] as [String: Any], to: folder.appending(path: "1_Pooling/config.json"))
        try write(
            ["__version__": ["sentence_transformers": "2.0.0"]],
            to: folder.appending(path: "config_sentence_transformers.json"))
        let settings = folder.appending(path: transformer)
            .appending(path: "sentence_bert_config.json")
        try write(["max_seq_length": 32, "do_lower_case": false] as [String: Any], to: settings)
    }

    /// Writes a JSON value, making the folder it is in.
    public static func write(_ value: Any, to file: URL) throws {
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try JSONSerialization.data(withJSONObject: value).write(to: file)
    }
}
