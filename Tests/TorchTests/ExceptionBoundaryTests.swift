import CTorch
import Foundation
import Testing

@testable import Torch

/// C++ exceptions become thrown Swift errors of the right kind.
@Suite struct ExceptionBoundaryTests {
    @Test(
        "Every kind of C++ exception is caught",
        arguments: [
            (0, TorchError.Kind.invalidArgument, "raised on request"),
            (1, .outOfMemory, "the C++ allocator is out of memory"),
            (2, .invalidArgument, "raised on request"),
            (3, .invalidArgument, "an exception of unknown type"),
        ] as [(Int32, TorchError.Kind, String)])
    func raised(kind: Int32, expected: TorchError.Kind, text: String) throws {
        let error = try #require(throws: TorchError.self) { try check(ct_raise(kind), "raise") }
        #expect(error.kind == expected)
        #expect(error.operation == "raise")
        #expect(error.message.contains(text))
        #expect(error.description.hasPrefix("raise: "))
        #expect(error.localizedDescription == error.description)
        expectNoBacktrace(error)
    }

    @Test("The last error is the thread's own") func messagesArePerThread() async throws {
        await withTaskGroup(of: Bool.self) { group in
            for length in 1...16 {
                group.addTask {
                    (0..<50).allSatisfy { _ in
                        guard let x = try? Tensor.zeros([length]) else { return false }
                        do {
                            _ = try x.reshaped([length + 1000])
                            return false
                        } catch {
                            return "\(error)".contains("size \(length)")
                        }
                    }
                }
            }
            for await right in group { #expect(right) }
        }
    }
}

/// Nothing of the C++ call stack is shown to people.
func expectNoBacktrace(
    _ error: TorchError, sourceLocation: SourceLocation = #_sourceLocation
) {
    for trace in ["frame #", "Exception raised from", "C++ CapturedTraceback", ".so"] {
        #expect(!error.description.contains(trace), sourceLocation: sourceLocation)
    }
    #expect(!error.message.isEmpty, sourceLocation: sourceLocation)
}
