import ArgumentParser
import Foundation

/// Where things are: options that every comparison has.
struct PlaceOptions: ParsableArguments {
    @Option(help: "The package's folder.", transform: URL.init(fileURLWithPath:))
    var packageFolder = URL(fileURLWithPath: ".")
    @Option(
        help: "A Python with what Oracle/requirements.txt names; by default .recipe/oracle's.",
        transform: URL.init(fileURLWithPath:))
    var python: URL?
    @Option(
        name: .shortAndLong,
        help: "Folder for what is measured and the results; by default .recipe/bench.",
        transform: URL.init(fileURLWithPath:))
    var output: URL?

    /// The folder for the results, which is made where it is not there.
    func makeOutput() throws -> URL {
        let folder = output ?? packageFolder.appendingPathComponent(".recipe/bench")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    /// A script under Oracle/ with these arguments.
    func script(_ name: String, _ arguments: [String]) -> ChildProcess {
        ChildProcess(
            program: python ?? packageFolder.appendingPathComponent(".recipe/oracle/bin/python"),
            arguments: [packageFolder.appendingPathComponent("Oracle/\(name)").path] + arguments)
    }
}

/// How the two sides of a training loop are measured, whatever they train.
struct RoundOptions: ParsableArguments {
    @Option(help: "How often each side is measured.")
    var rounds = 3
    @Option(help: "First steps of ours that the rates leave out.")
    var warmupSteps = 2
    @Option(help: "First steps of the authors' loop that the rates leave out.")
    var theirWarmupSteps = 1
    @Option(help: "Steps over which the losses of the two sides are compared.")
    var agreementSteps = 3
    @Flag(inversion: .prefixedNo, help: "Measure bf16 too.")
    var bf16 = true
    @Option(help: "base (the paper's sizes) or tiny, to try the harness out.")
    var modelSize = ModelSize.base
    @Option(help: "Processor threads of both sides; by default libtorch's own choice.")
    var threads: Int?

    func validate() throws {
        guard rounds > 0, agreementSteps > 1 else {
            throw ValidationError(
                "expected --rounds of at least 1, --agreement-steps of at least 2")
        }
    }

    /// Throws where the warm-up leaves no step to measure.
    func check(steps: Int, theirSteps: Int) throws {
        guard 0..<steps ~= warmupSteps, 0..<theirSteps ~= theirWarmupSteps else {
            throw ValidationError("warm-up steps must be fewer than steps")
        }
    }
}
