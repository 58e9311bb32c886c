import Foundation
import TestSupport
import Testing
import Torch

/// One entry of the fixture's `cases.json`.
struct OperationCase: Decodable, Sendable, CustomTestStringConvertible {
    struct Input: Decodable, Sendable {
        let dtype: DType
        let shape: [Int]
        let gradient: Bool
    }
    let name: String
    let op: String
    let inputs: [Input]
    let output: [Int]
    let attributes: [String: JSON]

    var testDescription: String { name }
}

/// Outputs and gradients of every single operation, against PyTorch's.
@Suite struct OperationFixtureTests {
    static let fixture = Fixture("tensor-ops")
    static let cases = Result { try fixture.json("cases.json", as: [OperationCase].self) }
    static let tensors = Result { try fixture.tensors("tensors.safetensors") }
    /// What float32 kernels with another order of summation may differ by.
    static let tolerance = 1e-5

    @Test("The fixture is there and holds cases") func fixtureIsRead() throws {
        let cases = try Self.cases.get()
        #expect(cases.count > 60)
        #expect(Set(cases.map(\.name)).count == cases.count)
    }

    @Test("Output and gradients equal PyTorch's", arguments: (try? cases.get()) ?? [])
    func matches(_ operationCase: OperationCase) throws {
        let tensors = try Self.tensors.get()
        let name = operationCase.name
        let inputs = try operationCase.inputs.enumerated().map { index, input in
            let stored = try tensors["\(name)/input\(index)"]
            #expect(stored.shape == input.shape)
            let tensor = stored.dtype == input.dtype ? stored : try stored.cast(to: input.dtype)
            if input.gradient { try tensor.setRequiresGradient(true) }
            return tensor
        }
        let output = try operationCase.apply(to: inputs)
        #expect(output.shape == operationCase.output)
        #expect(try relativeDifference(output, tensors["\(name)/output"]) < Self.tolerance)

        let differentiated = operationCase.inputs.indices.filter {
            operationCase.inputs[$0].gradient
        }
        let loss = try (output * tensors["\(name)/weight"]).sum()
        let gradients = try loss.gradients(for: differentiated.map { inputs[$0] })
        for (index, gradient) in zip(differentiated, gradients) {
            let gradient = try #require(gradient, "input \(index) has no gradient")
            let expected = try tensors["\(name)/grad\(index)"]
            #expect(
                try relativeDifference(gradient, expected) < Self.tolerance, "input \(index)")
        }
    }

    @Test("An operation that the test does not know fails, rather than being passed over")
    func unknownOperation() throws {
        let unknown = OperationCase(
            name: "new", op: "new_op", inputs: [], output: [], attributes: [:])
        #expect(throws: FixtureError.self) { try unknown.apply(to: []) }
    }
}
