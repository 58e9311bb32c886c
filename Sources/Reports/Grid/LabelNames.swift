import Documents
import Evaluation
import Experiments

/// What values of labels are shown as.
struct LabelNames {
    /// Those that the plan names, by value.
    var own: [String: String] = [:]

    /// What a value is shown as.
    func callAsFunction(_ value: String) -> String { own[value] ?? Self.known[value] ?? value }

    /// Values of some labels in a row.
    func callAsFunction(_ values: [String]) -> String {
        values.map { self($0) }.joined(separator: ", ")
    }

    /// As the paper writes them.
    private static let known = [
        "none": "w/o defense", "fp": "FP", "fp-gm": "FP-GM", "fp-ga": "FP-GA",
        "recipe": "RECIPE", "only-pretrain": "Only pre-train",
        "only-regularization": "Only regularization", "clean": "Clean", "neuba": "NeuBA",
        "por": "POR", "badpre": "BadPre", "sst2": "SST-2", "hsol": "HSOL", "agnews": "AG News",
        "waste": "Waste", "catdog": "CatDog", "gtsrb": "GTSRB", "cifar10": "CIFAR10",
        "bert": "BERT", "vit": "ViT", "vgg": "VGG", "clip": "CLIP",
    ]
}

extension ReportMetric {
    /// The heading of its columns.
    var title: String {
        switch self {
        case .acc: "ACC"
        case .aasr: "AASR"
        case .masr: "MASR"
        case .excess: "Excess"
        case .overlapBefore: "Overlap before"
        case .overlapAfter: "Overlap after"
        case .onlyPoisonedBefore: "Only poisoned, before"
        case .onlyPoisonedAfter: "Only poisoned, after"
        }
    }

    /// The heading of its columns in a table of `metrics`: shorter where all are of one kind.
    func title(among metrics: [ReportMetric]) -> String {
        let kinds: [(before: ReportMetric, after: ReportMetric)] = [
            (.overlapBefore, .overlapAfter), (.onlyPoisonedBefore, .onlyPoisonedAfter),
        ]
        let isOneKind = kinds.contains { kind in
            metrics.allSatisfy { $0 == kind.before || $0 == kind.after }
        }
        guard isOneKind else { return title }
        return self == .overlapBefore || self == .onlyPoisonedBefore ? "Before" : "After"
    }

    /// How many decimals it is shown with.
    var decimals: Int { isCount ? 0 : 2 }

    /// Whether it is a number of neurons and no percentage.
    var isCount: Bool { self == .onlyPoisonedBefore || self == .onlyPoisonedAfter }

    /// Whether it comes from an analysis of neurons and not from an evaluation.
    var isOfNeurons: Bool {
        switch self {
        case .acc, .aasr, .masr, .excess: false
        case .overlapBefore, .overlapAfter, .onlyPoisonedBefore, .onlyPoisonedAfter: true
        }
    }

    /// Which value is the best one; nothing of what a model was before.
    var best: ReportTable.Best? {
        switch self {
        case .acc, .overlapAfter: .max
        case .aasr, .masr, .excess, .onlyPoisonedAfter: .min
        case .overlapBefore, .onlyPoisonedBefore: nil
        }
    }
}

extension StageResult {
    /// The values of some labels; nil where one is missing.
    func values(of names: [String]) -> [String]? {
        let values = names.compactMap { labels[$0] }
        return values.count == names.count ? values : nil
    }
}
