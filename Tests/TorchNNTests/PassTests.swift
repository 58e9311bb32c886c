import TestSupport
import Testing
import Torch
import TorchNN

/// Keeps what it is shown.
private final class Notebook: NeuronRecorder {
    struct Full: Error {}
    var pages: [(site: NeuronSite, values: Tensor)] = []
    let room: Int

    init(room: Int = .max) { self.room = room }

    func record(_ values: Tensor, at site: NeuronSite) throws {
        guard pages.count < room else { throw Full() }
        pages.append((site, values))
    }
}

@Suite struct PassTests {
    private let site = NeuronSite(name: "encoder.0.dense", count: 3, activation: .gelu)

    @Test("Evaluation drops nothing") func evaluation() throws {
        let x = try Tensor.ones([100])
        #expect(!Pass.evaluation.isTraining && Pass.evaluation.recorder == nil)
        #expect(try Pass.evaluation.dropout(x, 0.5) === x)
        let recording = Pass.recording(Notebook())
        #expect(!recording.isTraining)
        #expect(try recording.dropout(x, 0.5) === x)
    }

    @Test("A training pass's masks depend on its key, and differ within it") func training() throws
    {
        let x = try Tensor.ones([1000])
        func masks(key: UInt64) throws -> [Tensor] {
            let pass = Pass.training(key: key)
            #expect(pass.isTraining && pass.recorder == nil)
            #expect(try pass.dropout(x, 0) === x)
            return try (0..<3).map { _ in try pass.dropout(x, 0.5) }
        }
        let (first, again, other) = (try masks(key: 1), try masks(key: 1), try masks(key: 2))
        for index in 0..<3 {
            #expect(try first[index].isBitwiseEqual(to: again[index]))
            #expect(!(try first[index].isBitwiseEqual(to: other[index])))
            #expect(!(try first[index].isBitwiseEqual(to: first[(index + 1) % 3])))
        }
    }

    @Test("A part of a pass depends on the pass's key and its number alone") func parts() throws {
        let x = try Tensor.ones([1000])
        let pass = Pass.training(key: 1)
        let first = try pass.part(0).dropout(x, 0.5)
        _ = try pass.dropout(x, 0.5)
        #expect(try pass.part(0).dropout(x, 0.5).isBitwiseEqual(to: first))
        #expect(pass.key == 1 && pass.part(0).isTraining)
        for other in [pass.part(1), pass, Pass.training(key: 2).part(0), pass.part(0).part(0)] {
            #expect(!(try other.dropout(x, 0.5).isBitwiseEqual(to: first)))
        }
        let notebook = Notebook()
        let evaluation = Pass.recording(notebook).part(3)
        #expect(evaluation.key == nil && !evaluation.isTraining)
        #expect(evaluation.recorder === notebook)
        #expect(try evaluation.dropout(x, 0.5) === x)
    }

    @Test("Masks of consecutive keys are unrelated") func consecutiveKeys() throws {
        let n = 1 << 14
        let x = try Tensor.ones([n])
        let masks = try (0..<6).flatMap { key in
            let pass = Pass.training(key: UInt64(key))
            return try (0..<3).map { _ in try pass.dropout(x, 0.5) - 1 }
        }
        for (index, mask) in masks.enumerated() {
            for other in masks[..<index] {
                #expect(abs(try (mask * other).mean().item()) < 5 / Double(n).squareRoot())
            }
        }
    }

    @Test("A recorder is shown the neurons, and the values go on as they were") func recorder()
        throws
    {
        let notebook = Notebook()
        let pass = Pass.recording(notebook)
        let x = try Tensor.ones([2, 3])
        #expect(try pass.recording(x, at: site) === x)
        #expect(notebook.pages.count == 1)
        #expect(notebook.pages.first?.site == site)
        #expect(notebook.pages.first?.values === x)
        #expect(try Pass.evaluation.recording(x, at: site) === x)
        #expect(try Pass.training(key: 1).recording(x, at: site) === x)
        #expect(notebook.pages.count == 1)
    }

    @Test("What a recorder throws ends the pass") func recorderThrows() throws {
        let pass = Pass.recording(Notebook(room: 0))
        #expect(throws: Notebook.Full.self) { try pass.recording(.ones([1, 3]), at: site) }
    }
}
