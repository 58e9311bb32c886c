import ArgumentParser
import Foundation
import RecipeKit

/// The command line.
public struct RecipeCommand: ParsableCommand {
    /// What it is and what it can do.
    public static let configuration = CommandConfiguration(
        commandName: "recipe",
        abstract: "Purify pre-trained models that may carry a backdoor.",
        discussion: ExitStatus.explanation, version: RecipeKit.version,
        subcommands: [
            InspectCommand.self, ScanCommand.self, AuditCommand.self, PretrainCommand.self,
            AttackCommand.self, PurifyCommand.self, DoCommand.self,
            EvaluateCommand.self, AnalyzeCommand.self, CompareCommand.self, RunCommand.self,
            PlansCommand.self, ReportCommand.self, FeaturesCommand.self, VerifyCommand.self,
            DoctorCommand.self, SampleDataCommand.self,
        ])

    /// A command line before parsing.
    public init() {}
}
