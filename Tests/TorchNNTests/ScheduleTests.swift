import TestSupport
import Testing
import Torch
import TorchNN

@Suite struct ScheduleTests {
    struct Listing: Decodable {
        struct Entry: Decodable {
            let name: String
            let kind: Schedule.Shape
            let warmup_steps: Int
            let total_steps: Int
        }
        let schedules: [Entry]
    }

    @Test("Rates equal those of transformers' schedulers at every step") func matches() throws {
        let fixture = Fixture("optimizers")
        let tensors = try fixture.tensors("tensors.safetensors")
        let entries = try fixture.json("cases.json", as: Listing.self).schedules
        #expect(Set(entries.map(\.kind)) == Set(Schedule.Shape.allCases).subtracting([.trapezoid]))
        for entry in entries {
            let schedule = Schedule(entry.kind, warmupSteps: entry.warmup_steps)
            let expected = try tensors["schedule/\(entry.name)"].values(as: Double.self)
            #expect(expected.count == entry.total_steps + 1)
            let found = expected.indices.map { schedule.factor(at: $0, of: entry.total_steps) }
            #expect(relativeDifference(found, expected) < 1e-6, "\(entry.name)")
        }
    }

    @Test("Runs shorter than their warm-up, and empty ones, have finite rates") func extremes() {
        for shape in Schedule.Shape.allCases {
            let schedule = Schedule(shape, warmupSteps: 10)
            let short = (0..<5).map { schedule.factor(at: $0, of: 5) }
            #expect(short == [0, 0.1, 0.2, 0.3, 0.4])
            #expect((0...30).allSatisfy { (0...1).contains(schedule.factor(at: $0, of: 0)) })
            let plain = Schedule(shape)
            #expect(plain.factor(at: 0, of: 20) == 1)
            #expect((0...100).allSatisfy { (0...1).contains(plain.factor(at: $0, of: 20)) })
        }
    }
}
