import Checkpoints
import Foundation
import TensorFormats
import Torch

@_exported import TestFiles

extension Fixture {
    /// The tensors of a weights file of the fixture.
    public func tensors(_ name: String) throws -> FixtureTensors {
        FixtureTensors(archive: try TensorArchive.open(file(name)))
    }
}

/// Named tensors of a fixture, made on the host when they are asked for.
public struct FixtureTensors: Sendable {
    let archive: TensorArchive

    /// The names, in file order.
    public var names: [String] { archive.tensors.map(\.name) }

    /// A new tensor with the values called `name`; an error where there are none.
    public subscript(name: String) -> Tensor {
        get throws {
            guard let stored = archive[name] else {
                throw FixtureError(description: "no tensor ‘\(name)’ in \(archive.url.path)")
            }
            return try stored.tensor()
        }
    }
}
