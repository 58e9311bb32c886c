import Foundation
import Testing

@testable import Files

@Suite struct LinkBoundsTests {
    @Test("A model's record has no file that lies elsewhere") func outside() throws {
        let manager = FileManager.default
        let scratch = manager.temporaryDirectory.appending(path: "recipe-\(UUID().uuidString)")
        let repository = scratch.appending(path: "models--a--b")
        let folder = repository.appending(path: "snapshots/0123")
        for place in [folder, repository.appending(path: "blobs")] {
            try manager.createDirectory(at: place, withIntermediateDirectories: true)
        }
        defer { try? manager.removeItem(at: scratch) }
        try Data("secret".utf8).write(to: scratch.appending(path: "secret"))
        try Data("words".utf8).write(to: repository.appending(path: "blobs/f00d"))
        try Data("own".utf8).write(to: folder.appending(path: "own"))
        for (name, target) in [
            ("NOTICE", scratch.appending(path: "secret").path), ("LICENSE", "../../../secret"),
            ("README.md", "../../blobs/f00d"), ("copy", "own"), ("COPYING", "nowhere"),
        ] {
            try manager.createSymbolicLink(
                atPath: folder.appending(path: name).path, withDestinationPath: target)
        }
        #expect(
            try DigestedFile.all(ofModel: folder).map(\.name) == ["README.md", "copy", "own"])
    }
}
