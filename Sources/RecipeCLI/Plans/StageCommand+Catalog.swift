import ArgumentParser
import Evaluation
import Experiments
import Foundation

extension StageCommand {
    /// The tool's commands by name, as the argument parser itself describes them.
    static func catalog() throws -> [String: StageCommand] {
        let help = try JSONDecoder().decode(
            Help.self, from: Data(RecipeCommand._dumpHelp().utf8))
        let commands = (help.command.subcommands ?? []).map(StageCommand.init)
        return Dictionary(commands.map { ($0.name, $0) }) { first, _ in first }
    }

    /// Whether the tool's own parser takes a command line.
    ///
    /// - Throws: ``PlanError`` with what the parser says.
    static func check(_ arguments: [String]) throws {
        do {
            _ = try RecipeCommand.parseAsRoot(arguments)
        } catch {
            throw PlanError(RecipeCommand.message(for: error))
        }
    }

    private struct Help: Decodable {
        struct Command: Decodable {
            var commandName: String
            var subcommands: [Command]?
            var arguments: [Argument]?
        }
        struct Argument: Decodable {
            struct Name: Decodable { var name: String }
            var kind: String
            var isRepeating: Bool
            var names: [Name]?
            var valueName: String?
        }
        var command: Command
    }

    private init(_ command: Help.Command) {
        self.init(name: command.commandName, arguments: [], options: [:], repeated: [])
        for argument in command.arguments ?? [] {
            if argument.kind == "positional" {
                arguments.append(argument.valueName ?? "")
            }
            for name in argument.names ?? [] where name.name.count > 1 {
                options[name.name] = argument.kind == "flag"
                if argument.isRepeating { repeated.insert(name.name) }
            }
        }
    }
}
