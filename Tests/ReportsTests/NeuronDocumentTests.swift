import Documents
import Evaluation
import Foundation
import Testing

@testable import Reports

/// Analyses of two layers of ten neurons, made of counts.
func neuronAnalysis(
    after: Bool, aggregation: NeuronAggregation = .mean, poisoned: Double = 8
) -> NeuronReport {
    func neurons(shared: Double) -> [NeuronAggregation: ActivatedNeurons] {
        Dictionary(
            uniqueKeysWithValues: NeuronAggregation.allCases.map { rule in
                let layers = [
                    NeuronOverlap(clean: 6, poisoned: poisoned, shared: min(shared, poisoned)),
                    NeuronOverlap(clean: 4, poisoned: 0, shared: 0),
                ]
                let total = NeuronOverlap(
                    clean: 10, poisoned: poisoned, shared: min(shared, poisoned))
                return (rule, ActivatedNeurons(total: total, layers: layers))
            })
    }
    var settings = NeuronSettings()
    settings.aggregation = aggregation
    settings.triggers = ["cf", "<b>"]
    settings.maximumLength = 128
    return NeuronReport(
        model: "models/por", after: after ? "models/pure" : nil,
        samples: .init(path: "dev.tsv", count: 20, available: 40, labels: ["0"]),
        layers: (0..<2).map { .init(name: "bert.layer.\($0).dense", neurons: 10) },
        settings: settings, command: "recipe analyze models/por",
        triggers: ["cf", "<b>"].map {
            TriggerNeurons(
                trigger: $0, lost: $0 == "cf" ? 3 : 0, before: neurons(shared: 4),
                after: after ? neurons(shared: 6) : nil)
        }, seconds: 1.5)
}

@Suite struct NeuronDocumentTests {
    private func markdown(_ report: NeuronReport) -> String {
        MarkdownRenderer().render(NeuronDocument(report).document)
    }

    @Test("Before, after and the change stand below each other, as in the paper's table 10")
    func change() throws {
        let document = NeuronDocument(neuronAnalysis(after: true)).document
        let rows = try #require(document.tables.first).rows
        #expect(rows.count == 6)
        let before: [ReportTable.Cell] = [
            "before", .number(10, decimals: 0), .number(8, decimals: 0), .number(4, decimals: 0),
            .number(4, decimals: 0), .number(50, decimals: 2),
            .number(100 * (4.0 / 14), decimals: 2),
        ]
        #expect(Array(rows[0].dropFirst()) == before)
        let change: [ReportTable.Cell] = [
            "change", "0", "0", .missing, "-2", "+25.00", "+21.43",
        ]
        #expect(Array(rows[2].dropFirst()) == change)
        let charts = document.sections[0].blocks.compactMap { block -> BarChart? in
            if case .barChart(let chart) = block { chart } else { nil }
        }
        let chart = try #require(charts.first)
        #expect(chart.series.map(\.name) == ["before", "after"])
        let bars: [[Double?]] = chart.series.map { $0.bars.map { $0?.value } }
        #expect(bars == [[50, 50], [75, 75]])
    }

    @Test("A model alone has neither after nor change") func alone() throws {
        let document = NeuronDocument(neuronAnalysis(after: false)).document
        let models: [ReportTable.Cell] = document.tables[0].rows.map { $0[1] }
        #expect(models == ["model", "model"])
        #expect(!markdown(neuronAnalysis(after: false)).contains("after"))
    }

    @Test("Undefined ratios are dashes, and never NaN") func undefined() throws {
        for after in [false, true] {
            let report = neuronAnalysis(after: after, poisoned: 0)
            let document = NeuronDocument(report).document
            #expect(document.tables[0].rows[0][6] == .missing)
            let texts = [
                markdown(report), HTMLRenderer().render(document),
                TerminalRenderer(width: 80).render(document),
            ]
            let text = texts.joined()
            #expect(!text.contains("NaN"))
            #expect(text.contains("no overlap ratio"))
        }
    }

    @Test("What a reader must know is said") func notes() {
        let text = markdown(neuronAnalysis(after: true, aggregation: .pairs))
        #expect(text.contains("In 3 of 20 samples the trigger `cf`"))
        #expect(text.contains("20 of 40, drawn") && text.contains("| pairs"))
        #expect(text.contains("8.0") && text.contains("layer 1"))
        let page = HTMLRenderer().render(NeuronDocument(neuronAnalysis(after: true)).document)
        #expect(!page.contains("<b>") && page.contains("&lt;b&gt;"))
        // No VGG reads texts.
        #expect(!text.contains("VGG"))
    }
}
