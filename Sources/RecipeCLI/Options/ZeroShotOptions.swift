import ArgumentParser
import DataPipeline
import Foundation
import JSON
import ModelZoo
import Provenance
import Training

/// Options of an evaluation of a CLIP without training.
struct ZeroShotOptions: ParsableArguments {
    @Flag(
        name: .customLong("zero-shot"),
        help: "Train nothing: a CLIP tells the classes of the --test images by prompts.")
    var isOn = false

    @Option(
        help: """
            What a CLIP is asked, with {} for the class's name; give it again for more, whose \
            embeddings are averaged: 'a photo of a {}.'.
            """)
    var prompt: [String] = []

    @Option(help: "A file of such prompts, one a line.")
    var prompts: URL?

    @Option(help: "What prompts call the classes, separated by commas, in the classes' order.")
    var classNames: String?

    @Option(
        help: """
            Folder with the tokenizer, where it is not the model's own; also OpenAI's \
            bpe_simple_vocab_16e6.txt.gz.
            """)
    var tokenizer: URL?

    func validate() throws {
        if let option = given.first, !isOn {
            throw ValidationError("\(option) goes with --zero-shot, which is not given")
        }
        if !prompt.isEmpty {
            guard prompts == nil else {
                throw ValidationError(
                    "give prompts by --prompt or in a file by --prompts, not both")
            }
            do {
                _ = try ClassPrompts(prompt)
            } catch {
                throw ValidationError("--prompt: \(PlainWords.of(error))")
            }
        }
        if let classNames, names?.contains("") == true {
            throw ValidationError("--class-names \(classNames): expected names with commas between")
        }
    }

    /// The options that were given beside the flag, by their names.
    private var given: [String] {
        [
            prompt.isEmpty ? nil : "--prompt", prompts.map { _ in "--prompts" },
            classNames.map { _ in "--class-names" }, tokenizer.map { _ in "--tokenizer" },
        ].compactMap { $0 }
    }

    /// The names of the list, or nil where they are those of the data.
    private var names: [String]? {
        classNames?.split(separator: ",", omittingEmptySubsequences: false).map {
            $0.trimmingCharacters(in: .whitespaces)
        }
    }

    /// What was given, as settings.
    func overlays() throws -> [SettingsOverlay] {
        let named = try read()
        return [
            try named.map {
                SettingsOverlay(
                    prompts == nil ? "--prompt" : "--prompts", ["prompts"],
                    try JSONValue(encoding: $0))
            },
            names.map {
                SettingsOverlay("--class-names", ["classNames"], .array($0.map { .string($0) }))
            },
            tokenizer.map { SettingsOverlay("--tokenizer", ["tokenizer"], .string($0.path)) },
        ].compactMap { $0 }
    }

    /// The prompts that were given, read from their file where there is one.
    private func read() throws -> ClassPrompts? {
        guard let prompts else { return prompt.isEmpty ? nil : try ClassPrompts(prompt) }
        do {
            return try ClassPrompts(TextCorpus.read([prompts]).texts)
        } catch let error as ClassPromptError {
            throw DataError(file: prompts, error.description)
        }
    }
}
