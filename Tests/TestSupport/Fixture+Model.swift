import Foundation

extension Fixture {
    /// Copies the fixture's model, without the answers that stand beside it, to `folder`.
    @discardableResult
    public func copyModel(to folder: URL) throws -> URL {
        let manager = FileManager.default
        try manager.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in try manager.contentsOfDirectory(atPath: self.folder.path)
        where name != "expected.safetensors" {
            try manager.copyItem(at: file(name), to: folder.appending(path: name))
        }
        return folder
    }
}
