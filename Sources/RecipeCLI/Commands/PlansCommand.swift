import ArgumentParser
import DataPipeline
import Evaluation
import Experiments
import Files
import Foundation
import Training

struct PlansCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plans",
        abstract: "List, show, copy and check plans for `recipe run`.",
        discussion: """
            The plans that come with the tool lie in its folder Plans: that of $RECIPE_PLANS, else one \
            beside or above the executable, else one in the working folder. lab/… are the paper's \
            tables and figures at a size that two cores finish, paper/… its own settings.
            """,
        subcommands: [List.self, Show.self, Copy.self, Validate.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the plans that come with the tool.")

        func run() throws {
            let names = try ShippedPlans.names()
            let width = names.map(\.count).max() ?? 0
            for name in names {
                let title = try PlanFile(ShippedPlans.find(name)).root["title"]?.text ?? ""
                Console.standard.write(
                    name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + title)
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print a plan.")

        @Argument(help: "Its name, such as lab/text-main, or its file.")
        var plan: String

        func run() throws {
            let file = try ShippedPlans.find(plan)
            guard let data = try? Data(contentsOf: file) else {
                throw DataError(file: file, "cannot be read")
            }
            Console.standard.write(String(decoding: data, as: UTF8.self))
        }
    }

    struct Copy: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy a plan, and the files beside it that it reads, to change it.")

        @Argument(help: "Its name, such as lab/text-main.")
        var plan: String
        @Argument(help: "The file to write.")
        var destination: URL
        @Flag(help: "Replace files that exist.")
        var force = false

        func run() throws {
            let file = try PlanFile(ShippedPlans.find(plan))
            let (parsed, _, _) = try file.plan()
            var copies = [(file.url, destination)]
            for path in file.companions(of: parsed) {
                copies.append(
                    (
                        file.url.deletingLastPathComponent().appendingPathComponent(path)
                            .standardizedFileURL,
                        destination.deletingLastPathComponent().appendingPathComponent(path)
                            .standardizedFileURL
                    ))
            }
            for (source, target) in copies {
                try Inputs.refuse(output: target, touching: copies.map(\.0))
                try refuse(target, copyOf: source)
            }
            for (source, target) in copies {
                try makeFolder(target.deletingLastPathComponent())
                try atomicWrite(try Data(contentsOf: source), to: target)
                Console.standard.write(target.path)
            }
        }

        /// Refuses to replace what is no copy: with --force, a plan is, and what is the same already.
        private func refuse(_ target: URL, copyOf source: URL) throws {
            guard let stamp = FileStamp(target.path, followingLinks: false) else { return }
            guard force else { throw OutputError.destinationExists(path: target.path) }
            let isCopy =
                stamp.kind == .file
                && (FileManager.default.contentsEqual(atPath: source.path, andPath: target.path)
                    || (source.pathExtension == "yaml" && (try? PlanFile(target).plan()) != nil))
            guard isCopy else {
                throw OutputError.notOurs(path: target.path, reason: "is no copy of a plan's file")
            }
        }
    }

    struct Validate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check plans without running anything.",
            discussion: "Data need not be there: `recipe run --dry-run` tells what is missing.")

        @Argument(
            help: "Files, or names of plans that come with the tool; by default all of these.")
        var plans: [String] = []
        @OptionGroup var options: PlanOptions

        func run() throws {
            for name in plans.isEmpty ? try ShippedPlans.names() : plans {
                let reading = try options.read(name, folder: URL(fileURLWithPath: "RUN"))
                Console.standard.write("\(name): \(reading.run.stages.count) stages")
            }
        }
    }
}
