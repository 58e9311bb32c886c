import TestSupport
import Testing
import Torch
import TorchNN

/// One trajectory of the fixture's `cases.json`.
struct OptimizerCase: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let optimizer: String
    let lr: Double
    let betas: [Double]?
    let eps: Double?
    let momentum: Double?
    let weight_decay: Double
    let clip: Double?
    let schedule: String?

    var testDescription: String { name }

    func configuration() throws -> OptimizerConfiguration {
        switch (optimizer, betas, eps, momentum) {
        case ("adamw", let betas?, let eps?, nil) where betas.count == 2:
            return .adamW(
                beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay: weight_decay)
        case ("sgd", nil, nil, let momentum?):
            return .sgd(momentum: momentum, weightDecay: weight_decay)
        default:
            throw FixtureError(description: "‘\(name)’: no optimizer ‘\(optimizer)’ of this form")
        }
    }
}

struct OptimizerListing: Decodable, Sendable {
    let steps: Int
    let snapshots: [Int]
    let cases: [OptimizerCase]
}

/// Twenty steps of every optimizer, with clipping and schedules, against PyTorch's.
@Suite struct OptimizerFixtureTests {
    static let fixture = Fixture("optimizers")
    static let listing = Result { try fixture.json("cases.json", as: OptimizerListing.self) }
    static let tensors = Result { try fixture.tensors("tensors.safetensors") }

    @Test("The fixture is there and holds both optimizers") func fixtureIsRead() throws {
        let listing = try Self.listing.get()
        #expect(Set(listing.cases.map(\.optimizer)) == ["adamw", "sgd"])
        #expect(listing.cases.count >= 10)
        #expect(listing.snapshots.contains(listing.steps))
    }

    @Test("The trajectory equals PyTorch's", arguments: (try? listing.get().cases) ?? [])
    func matches(_ optimizerCase: OptimizerCase) throws {
        let (listing, tensors) = (try Self.listing.get(), try Self.tensors.get())
        let name = optimizerCase.name
        let parameters = try GivenSource.parameters(
            (0..<3).map { ("param\($0)", try tensors["start/param\($0)"]) })
        let all = try (0..<3).map { try tensors["grad\($0)"] }
        let optimizer = Optimizer(try optimizerCase.configuration(), of: parameters)
        let rates = try tensors["\(name)/lr"].values(as: Double.self)
        let schedule = try schedule(of: optimizerCase)
        var norms: [Double] = []
        for step in 1...listing.steps {
            let gradients = try all.map { try $0.selected(0, step - 1).copied() }
            norms.append(try GradientClipping.clip(gradients, to: optimizerCase.clip).item())
            let factor = schedule?.factor(at: step - 1, of: listing.steps) ?? 1
            let rate = optimizerCase.lr * factor
            #expect(abs(rate - rates[step - 1]) <= 1e-6 * optimizerCase.lr, "step \(step)")
            try optimizer.step(gradients, learningRate: rate)
            guard listing.snapshots.contains(step) else { continue }
            for parameter in parameters {
                let expected = try tensors["\(name)/step\(step)/\(parameter.name)"]
                let difference = try relativeDifference(parameter.tensor, expected)
                #expect(difference < 1e-6, "\(parameter.name) after step \(step)")
            }
        }
        let expected = try tensors["\(name)/grad_norm"].values(as: Double.self)
        #expect(relativeDifference(norms, expected) < 1e-6)
    }

    private func schedule(of optimizerCase: OptimizerCase) throws -> Schedule? {
        guard let name = optimizerCase.schedule else { return nil }
        let entries = try Self.fixture.json("cases.json", as: ScheduleTests.Listing.self).schedules
        let entry = try #require(entries.first { $0.name == name })
        return Schedule(entry.kind, warmupSteps: entry.warmup_steps)
    }
}
