import Evaluation
import Experiments

/// The numbers of one of the paper's tables, or of the part of it that is about the same tasks.
public struct PaperTable: Sendable {
    /// One line of a table.
    public struct Row: Sendable, Equatable {
        /// `vgg`, `vit`, `clip` or `bert`.
        public let model: String
        /// `neuba`, `por` or `badpre`; `clean` for a model without a backdoor.
        public let attack: String
        /// `none`, `fp`, `fp-gm`, `fp-ga`, `recipe`, `only-pretrain` or `only-regularization`.
        public let defense: String
        /// What else tells the line apart: λ in Table 8, an attack's epochs in Table 9.
        public let variant: String?
        /// The numbers, task by task and metric by metric.
        public let values: [Double]
    }

    /// The table's number in the paper.
    public let number: Int
    /// The tasks, left to right.
    public let tasks: [String]
    /// What is given of each task: rates in percent, neurons as a count.
    public let metrics: [ReportMetric]
    /// The lines, top to bottom.
    public let rows: [Row]

    /// All tables, in the paper's order.
    public static let all: [PaperTable] = [
        .images, .texts, .cleanImages, .cleanTexts, .ablationOfImages, .ablationOfTexts,
        .fewImages, .fewTexts, .otherImages, .otherTexts, .adaptiveImages, .adaptiveTexts,
        .weights, .cleanEpochs, .neuronsOfImages, .neuronsOfTexts,
    ]

    /// The paper's number in table `number` where `keys` say; nil where the paper has none, or where
    /// `keys` leave open which.
    ///
    /// Letter case, spaces and punctuation of the values do not count: `SST-2` is `sst2`.
    public static func value(
        in number: Int, of metric: ReportMetric, for keys: [PaperReference.Key: String]
    ) -> Double? {
        let wanted = keys.mapValues(normalized)
        let found = all.filter { $0.number == number }.flatMap {
            $0.values(of: metric, for: wanted)
        }
        return found.count == 1 ? found[0] : nil
    }

    /// What a table gives of each task.
    enum Columns {
        case all, accuracy, neurons

        var metrics: [ReportMetric] {
            switch self {
            case .all: [.acc, .aasr, .masr]
            case .accuracy: [.acc]
            case .neurons: [.onlyPoisonedBefore, .onlyPoisonedAfter]
            }
        }
    }

    /// Reads lines of a model, an attack, a defense and perhaps a variant, followed by the numbers
    /// of each task.
    init(_ number: Int, tasks: [String], columns: Columns, _ text: String) {
        let metrics = columns.metrics
        let count = tasks.count * metrics.count
        self.number = number
        self.tasks = tasks
        self.metrics = metrics
        rows = text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            let values = words.suffix(count).compactMap { Double($0) }
            guard words.count >= count + 3, values.count == count else { return nil }
            return Row(
                model: String(words[0]), attack: String(words[1]), defense: String(words[2]),
                variant: words.count > count + 3 ? String(words[3]) : nil, values: values)
        }
    }

    private func values(
        of metric: ReportMetric, for keys: [PaperReference.Key: String]
    ) -> [Double] {
        guard let place = metrics.firstIndex(of: metric) else { return [] }
        return rows.filter { $0.fits(keys) }.flatMap { row in
            tasks.indices.compactMap { task in
                let isAsked = keys[.task].map { $0 == Self.normalized(tasks[task]) } ?? true
                return isAsked ? row.values[task * metrics.count + place] : nil
            }
        }
    }

    /// A value as it is compared: letters, digits and points, and one word for no defense.
    static func normalized(_ value: String) -> String {
        let letters = value.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "." }
        return ["wodefense", "withoutdefense", "nodefense"].contains(letters) ? "none" : letters
    }
}

extension PaperTable.Row {
    /// Whether nothing of `keys`, which are normalized, says that another line is meant.
    fileprivate func fits(_ keys: [PaperReference.Key: String]) -> Bool {
        let own: [PaperReference.Key: String?] = [
            .model: model, .attack: attack, .defense: defense, .variant: variant,
        ]
        return own.allSatisfy { key, value in
            guard let value, let asked = keys[key] else { return true }
            return PaperTable.normalized(value) == asked
        }
    }
}
