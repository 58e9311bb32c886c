// swift-tools-version: 6.0
import Foundation
import PackageDescription

// Flags of its own are what a package may not have that another one depends on by version. There libtorch's
// folders come from `recipe-libtorch.pc`, which `Scripts/bootstrap` writes: see Documentation/library.md.
let isDependency = Context.packageDirectory.contains("/checkouts/")

// libtorch comes from `LIBTORCH` (a `torch` package folder or an unpacked libtorch), else from the
// link that `Scripts/bootstrap` makes. Only `CTorch` sees its headers.
let libtorch =
    Context.environment["LIBTORCH"].flatMap { $0.isEmpty ? nil : $0 }
    ?? Context.packageDirectory + "/.recipe/libtorch"

if !isDependency, !FileManager.default.fileExists(atPath: libtorch + "/include/ATen/ATen.h") {
    print(
        """
        warning: no libtorch at \(libtorch): run Scripts/bootstrap, or set LIBTORCH to a folder \
        that holds include/ and lib/
        """)
}

// The commit that records name: the Makefile says it, for what SwiftPM knows of Git outlives the next
// commit in its cache of manifests.
let commit = (Context.environment["RECIPE_COMMIT"] ?? "").filter {
    $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-")
}

let torchHeaders: [CXXSetting] =
    isDependency
    ? []
    : [
        .unsafeFlags([
            "-isystem", libtorch + "/include",
            "-isystem", libtorch + "/include/torch/csrc/api/include",
            "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter",
        ])
    ]
let torchFolders: [LinkerSetting] =
    isDependency
    ? []
    : [
        .unsafeFlags([
            "-L" + libtorch + "/lib", "-Xlinker", "-rpath", "-Xlinker", libtorch + "/lib",
        ])
    ]
let torchLibraries: [LinkerSetting] =
    torchFolders + [
        .linkedLibrary("torch_cpu"),
        .linkedLibrary("c10"),
        .linkedLibrary("stdc++"),
        .linkedLibrary("dl"),
    ]

// Debug builds too decode real data in tests.
let cFlags: [CSetting] = isDependency ? [] : [.unsafeFlags(["-O2", "-Wall", "-Wextra"])]

let package = Package(
    name: "recipe",
    products: [
        .executable(name: "recipe", targets: ["recipe"]),
        .library(name: "RecipeKit", targets: ["RecipeKit"]),
        // For a tool with defenses of its own: Examples/defense.
        .library(name: "RecipeCLI", targets: ["RecipeCLI"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Rooms that need no libtorch.
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CFiles", cSettings: cFlags),
        .target(
            name: "Files",
            dependencies: ["CFiles", .product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "JSON", dependencies: ["Files"]),
        .target(
            name: "CBuild",
            cSettings: commit.isEmpty ? [] : [.define("RECIPE_COMMIT", to: commit)]),
        .target(
            name: "Provenance",
            dependencies: ["CBuild", "Files", "JSON", .product(name: "Yams", package: "Yams")]),
        .target(name: "TensorFormats", dependencies: ["CZlib", "Files", "JSON"]),
        .target(name: "Scanning", dependencies: ["CZlib", "Files", "TensorFormats"]),
        .target(name: "TextTokenizers", dependencies: ["CZlib", "Files", "JSON"]),
        .target(
            name: "CImage", cSettings: cFlags,
            linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png")]),
        .target(name: "Randomness"),
        .target(name: "Host"),
        .target(
            name: "DataPipeline",
            dependencies: ["Files", "JSON", "TextTokenizers", "CImage", "Randomness", "Host"]),
        .target(name: "Documents", dependencies: ["Files", "DataPipeline"]),
        .target(
            name: "Experiments", dependencies: ["Files", "JSON", "Provenance", "DataPipeline"]),

        // The tensor layer.
        .systemLibrary(name: "CLibtorch", pkgConfig: isDependency ? "recipe-libtorch" : nil),
        .target(
            name: "CTorch", dependencies: isDependency ? ["CLibtorch"] : [],
            cxxSettings: torchHeaders, linkerSettings: torchLibraries),
        .target(name: "Torch", dependencies: ["CTorch", "Host"]),
        .target(name: "TorchNN", dependencies: ["Torch"]),

        // Models, training, attacks, defenses.
        .target(
            name: "Checkpoints",
            dependencies: ["Files", "JSON", "TensorFormats", "Torch", "TorchNN"]),
        .target(
            name: "ModelZoo",
            dependencies: [
                "JSON", "TensorFormats", "TextTokenizers", "Randomness", "DataPipeline", "Torch",
                "TorchNN", "Checkpoints",
            ]),
        .target(
            name: "Training",
            dependencies: [
                "Files", "JSON", "Provenance", "TensorFormats", "TextTokenizers", "Randomness",
                "DataPipeline", "Torch", "TorchNN", "Checkpoints", "ModelZoo",
                .product(name: "Yams", package: "Yams"),
            ]),
        .target(
            name: "Attacks",
            dependencies: [
                "Files", "TextTokenizers", "Randomness", "DataPipeline", "Torch", "TorchNN",
                "Checkpoints", "ModelZoo", "Training",
            ]),
        .target(
            name: "Defenses",
            dependencies: [
                "Files", "JSON", "Provenance", "TensorFormats", "Randomness", "DataPipeline",
                "Torch", "TorchNN", "Checkpoints", "ModelZoo", "Training",
            ]),
        .target(
            name: "Audits",
            dependencies: [
                "DataPipeline", "TextTokenizers", "Randomness", "Torch", "TorchNN", "Checkpoints",
                "ModelZoo", "Training",
            ]),
        .target(
            name: "Evaluation",
            dependencies: [
                "Files", "JSON", "Provenance", "TextTokenizers", "Randomness", "DataPipeline",
                "Torch", "TorchNN", "Checkpoints", "ModelZoo", "Training", "Attacks", "Defenses",
            ]),
        .target(
            name: "Reports",
            dependencies: [
                "Documents", "Experiments",
                "Files", "JSON", "Randomness", "DataPipeline", "Torch", "TorchNN", "Checkpoints",
                "ModelZoo", "Training", "Attacks", "Defenses", "Audits", "Evaluation",
            ]),
        .target(
            name: "RecipeKit",
            dependencies: [
                "Documents", "Experiments",
                "Files", "JSON", "Provenance", "TensorFormats", "Scanning", "TextTokenizers",
                "Randomness", "DataPipeline", "Torch", "TorchNN", "Checkpoints", "ModelZoo",
                "Training", "Attacks", "Defenses", "Audits", "Evaluation", "Reports",
            ]),

        // The command line.
        .target(
            name: "RecipeCLI",
            dependencies: [
                "Documents", "Experiments",
                "Files", "JSON", "Provenance", "TensorFormats", "Scanning", "TextTokenizers",
                "Randomness", "Host", "DataPipeline", "Torch", "TorchNN", "Checkpoints", "ModelZoo",
                "Training", "Attacks", "Defenses", "Audits", "Evaluation", "Reports", "RecipeKit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Yams", package: "Yams"),
            ]),
        .target(name: "CLauncher"),
        .executableTarget(name: "recipe", dependencies: ["RecipeCLI", "CLauncher"]),

        .executableTarget(
            name: "recipe-bench",
            dependencies: [
                "Host", "RecipeKit", "JSON",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], path: "Benchmarks/recipe-bench"),

        // What our reader reads, beside the judges of Oracle/.
        .executableTarget(
            name: "tensor-digests", dependencies: ["TensorFormats", "Files", "JSON"],
            path: "Oracle/tensor-digests"),

        // A defense and an attack of another package, which the tests run as the tool's own.
        .target(name: "ExampleDefense", dependencies: ["RecipeKit"], path: "Examples/defense"),
        .target(name: "ExampleAttack", dependencies: ["RecipeKit"], path: "Examples/attack"),

        // Tests, a folder for each room; TestFiles is for rooms without libtorch.
        .target(name: "TestFiles", path: "Tests/TestFiles"),
        .target(name: "TestDocuments", dependencies: ["Documents"], path: "Tests/TestDocuments"),
        .target(
            name: "TestSupport",
            dependencies: [
                "TensorFormats", "TextTokenizers", "DataPipeline", "Torch", "Checkpoints",
                "TestFiles",
            ],
            path: "Tests/TestSupport"),
        .testTarget(name: "FilesTests", dependencies: ["Files", "TestFiles"]),
        .testTarget(name: "JSONTests", dependencies: ["JSON", "Files"]),
        .testTarget(name: "ProvenanceTests", dependencies: ["Provenance", "Files", "JSON"]),
        .testTarget(
            name: "TensorFormatsTests", dependencies: ["TensorFormats", "Files", "JSON"]),
        .testTarget(name: "HostTests", dependencies: ["Host"]),
        .testTarget(name: "RandomnessTests", dependencies: ["Randomness"]),
        .testTarget(
            name: "DocumentsTests", dependencies: ["Documents", "DataPipeline", "TestDocuments"]),
        .testTarget(name: "ExperimentsTests", dependencies: ["Experiments", "TestFiles"]),
        .testTarget(name: "ScanningTests", dependencies: ["Scanning"]),
        .testTarget(name: "TextTokenizersTests", dependencies: ["TextTokenizers", "TestFiles"]),
        .testTarget(
            name: "DataPipelineTests",
            dependencies: ["Files", "TextTokenizers", "Randomness", "DataPipeline"]),
        .testTarget(name: "TorchTests", dependencies: ["Torch", "CTorch", "TestSupport"]),
        .testTarget(name: "TorchNNTests", dependencies: ["Torch", "TorchNN", "TestSupport"]),
        .testTarget(
            name: "CheckpointsTests",
            dependencies: [
                "Files", "JSON", "TensorFormats", "Torch", "TorchNN", "Checkpoints", "ModelZoo",
                "TestSupport",
            ]),
        .testTarget(
            name: "ModelZooTests",
            dependencies: [
                "JSON", "TensorFormats", "TextTokenizers", "Randomness", "DataPipeline", "Torch",
                "TorchNN", "Checkpoints", "ModelZoo", "TestSupport",
            ]),
        .testTarget(
            name: "DefensesTests",
            dependencies: [
                "Files", "TensorFormats", "TextTokenizers", "Randomness", "DataPipeline", "Torch",
                "TorchNN", "Checkpoints", "ModelZoo", "Training", "Defenses", "TestSupport",
            ]),
        .testTarget(
            name: "TrainingTests",
            dependencies: [
                "Files", "Provenance", "TextTokenizers", "Randomness", "DataPipeline", "Torch",
                "TorchNN", "Checkpoints", "ModelZoo", "Training", "TestFiles", "TestSupport",
                .product(name: "Yams", package: "Yams"),
            ]),
        .testTarget(
            name: "AttacksTests",
            dependencies: [
                "TextTokenizers", "Randomness", "DataPipeline", "Torch", "TorchNN", "Checkpoints",
                "ModelZoo", "Training", "Attacks", "TestSupport",
            ]),
        .testTarget(
            name: "AuditsTests",
            dependencies: [
                "DataPipeline", "TextTokenizers", "Randomness", "Torch", "TorchNN",
                "ModelZoo", "Training", "Attacks", "Audits", "TestSupport", "TestFiles",
            ]),
        .testTarget(
            name: "EvaluationTests",
            dependencies: [
                "TextTokenizers", "Provenance", "Randomness", "DataPipeline", "Torch", "TorchNN",
                "Checkpoints",
                "ModelZoo", "Training", "Attacks", "Defenses", "Evaluation", "TestSupport",
            ]),
        .testTarget(
            name: "ReportsTests",
            dependencies: [
                "Randomness", "DataPipeline", "Torch", "TorchNN", "ModelZoo", "Training",
                "Evaluation", "Reports", "TestSupport", "TestDocuments", "Documents", "Experiments",
            ]),
        .executableTarget(
            name: "recipe-probe", dependencies: ["RecipeCLI"], path: "Tests/recipe-probe"),
        .testTarget(
            name: "RecipeCLITests",
            dependencies: [
                "Files", "JSON", "TensorFormats", "TextTokenizers", "DataPipeline", "Torch",
                "TorchNN", "Checkpoints", "ModelZoo", "Training", "Attacks", "Defenses",
                "Experiments", "RecipeKit", "RecipeCLI", "ExampleDefense", "ExampleAttack",
                "TestSupport", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .testTarget(name: "BenchmarkTests", dependencies: ["recipe-bench"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)

// libFuzzer's symbols are there only in builds that `Scripts/fuzz` makes.
if Context.environment["RECIPE_FUZZ"] != nil {
    package.targets += [
        .target(name: "CFuzzer", path: "Fuzz/CFuzzer"),
        .executableTarget(
            name: "recipe-fuzz", dependencies: ["CFuzzer", "JSON", "RecipeCLI", "RecipeKit"],
            path: "Fuzz/recipe-fuzz"),
    ]
}

// A file imports what it uses the members of: an arrow between rooms is never drawn by someone else.
for target in package.targets where target.type != .system {
    target.swiftSettings =
        (target.swiftSettings ?? []) + [.enableUpcomingFeature("MemberImportVisibility")]
}
