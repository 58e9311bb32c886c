import TestSupport
import Testing
import Torch
import TorchNN

/// Expects the gradient of `loss` for each of `parameters` to be the answer under its name, to 1e-5
/// of the largest entry of all, and no answer to be left over.
func expectGradients(
    of loss: Tensor, for parameters: [Parameter], in answers: FixtureTensors, under prefix: String,
    sourceLocation: SourceLocation
) throws {
    let found = try loss.gradients(for: parameters.map(\.tensor))
    let expected = Set(answers.names.filter { $0.hasPrefix(prefix) })
    #expect(
        Set(parameters.map { prefix + $0.name }) == expected, sourceLocation: sourceLocation)
    let largest =
        try expected.map { try answers[$0].magnitude().values().max() ?? 0 }.max() ?? Float.nan
    for (parameter, gradient) in zip(parameters, found) {
        let answer = try answers[prefix + parameter.name]
        let gradient = try #require(gradient, "\(parameter.name) has no gradient")
        #expect(gradient.shape == answer.shape && gradient.isContiguous)
        let difference = try (gradient - answer).magnitude().values(as: Float.self).max() ?? 0
        #expect(difference / largest < 1e-5, "\(parameter.name)", sourceLocation: sourceLocation)
    }
}
