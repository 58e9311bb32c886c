extension ScanReport {
    /// The report for people: findings by file, then a line that sums up.
    ///
    /// - Parameter listsGlobals: Whether every imported name is listed, safe ones too.
    public func text(listsGlobals: Bool = false) -> String {
        var lines: [String] = []
        let byPath = Dictionary(grouping: findings, by: \.path)
        let imported = Dictionary(grouping: globals, by: \.path)
        for file in files {
            let found = byPath[file.path] ?? []
            let names = listsGlobals ? imported[file.path] ?? [] : []
            guard !found.isEmpty || !names.isEmpty else { continue }
            lines.append(
                "\(harmless(file.path, atMost: 400)): \(file.format), \(file.verdict.rawValue)")
            lines += found.map(line)
            lines += names.map { global in
                "    \(global.grade.rawValue): \(harmless(global.module)).\(harmless(global.name)), "
                    + (global.member.map { "\($0), " } ?? "") + "byte \(global.offset)"
            }
        }
        lines.append(summaryLine)
        return lines.joined(separator: "\n")
    }

    private func line(_ finding: Finding) -> String {
        var place = finding.member ?? ""
        if let offset = finding.offset {
            place += place.isEmpty ? "byte \(offset)" : ", byte \(offset)"
        }
        let mark =
            switch finding.severity {
            case .error: "✗"
            case .warning: "!"
            case .note: "·"
            }
        return "  \(mark) \(finding.rule.rawValue): " + (place.isEmpty ? "" : "\(place): ")
            + finding.message
    }

    private var summaryLine: String {
        func counted(_ counts: [String: Int], _ order: [String]) -> String {
            order.compactMap { key in counts[key].map { "\($0) \(key)" } }.joined(separator: ", ")
        }
        let verdicts = counted(summary.verdicts, Verdict.allCases.map(\.rawValue))
        let found = counted(summary.findings, ["error", "warning", "note"])
        let grades = counted(summary.globals, Grade.allCases.map(\.rawValue))
        let parts = [
            "\(summary.files) files" + (verdicts.isEmpty ? "" : ": \(verdicts)"),
            found.isEmpty ? "nothing found" : "found: \(found)",
            grades.isEmpty ? "" : "imported names: \(grades)",
        ]
        let end =
            switch status {
            case .clean: "nothing found that a loader would run or read differently"
            case .findings: "look at the findings before you load anything"
            case .incomplete:
                files.isEmpty ? "nothing was examined" : "not everything could be examined"
            }
        return parts.filter { !$0.isEmpty }.joined(separator: "; ") + "; " + end
    }
}
