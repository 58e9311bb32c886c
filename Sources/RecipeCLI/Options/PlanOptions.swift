import ArgumentParser
import Evaluation
import Experiments
import Foundation
import RecipeKit
import Training

/// Options of commands that read a plan.
struct PlanOptions: ParsableArguments {
    @Option(
        help: "Folder that the plan's data lie in: $RECIPE_DATA, or .data.")
    var data: URL?
    @Option(
        help: "Set a value of the plan, as in data.book=/texts.tsv or stages.clean.epochs=2.")
    var set: [String] = []
    @Option(
        help: """
            Take this model in place of what a stage makes, as in clean=MODEL; stages that lead to it \
            alone are left out.
            """)
    var given: [String] = []
    @Option(help: "Take only these values of an axis, as in seed=42,43.")
    var axis: [String] = []

    /// A plan that was understood, in the folder of a run.
    struct Reading {
        let file: PlanFile
        let plan: ExperimentPlan
        let root: PlanNode
        let run: GridRun
    }

    /// Reads the plan that `name` is the file or the shipped name of, and checks all of its stages.
    func read(_ name: String, folder: URL) throws -> Reading {
        let file = try PlanFile(ShippedPlans.find(name))
        let (plan, report, root) = try file.plan(sets: set, given: given, axes: axis)
        let environment = ProcessInfo.processInfo.environment["RECIPE_DATA"] ?? ""
        let data = data ?? URL(fileURLWithPath: environment.isEmpty ? ".data" : environment)
        do {
            let run = try GridRun(
                plan, report: report, folder: folder.absoluteURL.standardizedFileURL,
                data: file.data(of: plan, in: data), commands: try StageCommand.catalog(),
                version: RecipeKit.version)
            var checked: Set<[String]> = []
            for stage in run.stages where checked.insert(stage.form).inserted {
                try check(stage, of: run)
            }
            return Reading(file: file, plan: plan, root: root, run: run)
        } catch var error as PlanError {
            error.file = file.url.path
            throw error
        }
    }

    private func check(_ stage: GridStage, of run: GridRun) throws {
        do {
            try StageCommand.check(try run.arguments(of: stage))
        } catch var error as PlanError {
            error.stage = stage.name
            error.line = error.line ?? stage.line
            throw error
        }
    }
}

/// The plans that come with the tool.
enum ShippedPlans {
    /// The folder that holds them: `RECIPE_PLANS`, or `Plans` beside or above the executable, or in
    /// the working folder.
    static var folder: URL? {
        let manager = FileManager.default
        if let named = ProcessInfo.processInfo.environment["RECIPE_PLANS"], !named.isEmpty {
            return URL(fileURLWithPath: named)
        }
        let own = try? manager.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        var above = own.map { URL(fileURLWithPath: $0) } ?? Bundle.main.bundleURL
        var candidates = [URL(fileURLWithPath: manager.currentDirectoryPath)]
        while above.pathComponents.count > 1 {
            above.deleteLastPathComponent()
            candidates.insert(above, at: candidates.count - 1)
        }
        return candidates.map { $0.appendingPathComponent("Plans") }.first {
            manager.fileExists(atPath: $0.appendingPathComponent("lab").path)
        }
    }

    /// Their names, such as `lab/text-main`, in order.
    static func names() throws -> [String] {
        guard let folder else {
            throw PlanError(
                "the folder Plans was not found near the executable; name it by RECIPE_PLANS")
        }
        let found = FileManager.default.enumerator(atPath: folder.path)?.allObjects ?? []
        return found.compactMap { $0 as? String }.filter { $0.hasSuffix(".yaml") }
            .map { String($0.dropLast(5)) }.sorted()
    }

    /// The file of a plan: a path, or the name of one that comes with the tool.
    static func find(_ name: String) throws -> URL {
        let path = (name as NSString).expandingTildeInPath
        if FileManager.default.fileExists(atPath: path) { return URL(fileURLWithPath: path) }
        let plain = name.hasSuffix(".yaml") ? String(name.dropLast(5)) : name
        let known = (try? names()) ?? []
        guard let folder, known.contains(plain) else {
            throw PlanError("no such file; " + ExperimentPlan.unknown("plan", plain, among: known))
        }
        return folder.appendingPathComponent(plain + ".yaml")
    }
}
