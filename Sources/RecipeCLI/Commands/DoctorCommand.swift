import ArgumentParser
import Foundation
import Host
import Provenance
import RecipeKit
import Torch

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what this machine has: versions, devices, threads, instruction set.")

    @Option(help: "How to print the result: text or json.")
    var format = OutputFormat.text

    /// What a machine has.
    struct Diagnosis: Codable {
        var recipe = RecipeKit.version
        var commit = Tool.commit
        var libtorch = Hardware.libtorchVersion
        var libtorchPath = Hardware.libtorchPath ?? "linked in"
        var system = ProcessInfo.processInfo.operatingSystemVersionString
        var processors = ProcessorShare.current.processors
        var processorQuota = ProcessorShare.current.quota
        var threads = Hardware.threadCount
        var waitingThreads = WaitPolicy.current
        var memory = ProcessInfo.processInfo.physicalMemory
        var instructionSet = Hardware.instructionSet
        var fastBFloat16 = Hardware.hasFastBFloat16
        var cudaDevices = Hardware.cudaDeviceCount
        var automaticDevice = (try? Device.named("auto").description) ?? "cpu"
    }

    func run() throws {
        let found = Diagnosis()
        if format == .json {
            Console.standard.write(try json(found))
            return
        }
        let lines = [
            ("recipe", "\(found.recipe) (commit \(found.commit))"),
            ("libtorch", "\(found.libtorch) (\(found.libtorchPath))"),
            ("system", found.system),
            ("processors", processors(found)),
            ("waiting", waiting(found.waitingThreads)),
            ("memory", HumanFormat.bytes(Int64(found.memory))),
            ("instructions", found.instructionSet),
            (
                "bf16",
                found.fastBFloat16
                    ? "in hardware; --precision auto uses it"
                    : "not in hardware; --precision auto computes in fp32"
            ),
            ("CUDA devices", "\(found.cudaDevices)"),
            ("device auto", found.automaticDevice),
        ]
        Console.standard.write(
            lines.map { $0.0.padding(toLength: 14, withPad: " ", startingAt: 0) + $0.1 }
                .joined(separator: "\n"))
    }
    private func processors(_ found: Diagnosis) -> String {
        let quota = found.processorQuota.map {
            ", of which the control group grants \(String(format: "%.2g", $0))"
        }
        return "\(found.processors)\(quota ?? ""); threads used: \(found.threads)"
    }

    private func waiting(_ policy: WaitPolicy) -> String {
        switch policy {
        case .passive: "threads that wait sleep after a moment (OMP_WAIT_POLICY=passive)"
        case .active:
            "threads spin while they wait, and slow everything down where other work runs; unset "
                + "OMP_WAIT_POLICY, or set it to passive"
        case .counted: "threads spin while they wait as long as GOMP_SPINCOUNT says"
        }
    }
}
