import Files
import Foundation
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct FolderTreeTests {
    private let manager = FileManager.default

    private func link(_ place: URL, to target: String) throws {
        try manager.createSymbolicLink(atPath: place.path, withDestinationPath: target)
    }

    @Test("The list that an output is known by is no part of a model, a stranger's file is")
    func manifests() throws {
        try withTemporaryFolder { scratch in
            let output = try OutputFolder(
                destination: scratch.appending(path: "out"), force: false)
            try Data("{}".utf8).write(to: output.staging.appending(path: "config.json"))
            try output.commit()
            #expect(try FolderTree(output.destination).entries.map(\.path) == ["config.json"])
            let list = output.destination.appending(path: OutputFolder.manifestName)
            try Data("anything else".utf8).write(to: list)
            #expect(
                try FolderTree(output.destination).entries.map(\.path)
                    == [OutputFolder.manifestName, "config.json"])
        }
    }

    @Test("Links within the folder are followed, others are not") func links() throws {
        try withTemporaryFolder { scratch in
            try Data("secret".utf8).write(to: scratch.appending(path: "secret.txt"))
            let folder = scratch.appending(path: "model")
            try manager.createDirectory(
                at: folder.appending(path: "inner"), withIntermediateDirectories: true)
            try Data("text".utf8).write(to: folder.appending(path: "inner/own.txt"))
            try link(folder.appending(path: "README.md"), to: "inner/own.txt")
            try link(folder.appending(path: "NOTICE.txt"), to: "../secret.txt")
            try link(folder.appending(path: "LICENSE"), to: "/etc/passwd")
            try link(folder.appending(path: "COPYING"), to: "nowhere")
            try link(folder.appending(path: "up"), to: "..")
            try link(folder.appending(path: "side"), to: "inner")
            try link(folder.appending(path: "README.txt"), to: "inner/../../secret.txt")
            let tree = try FolderTree(folder)
            #expect(tree["README.md"]?.kind == .file && tree["README.md"]?.size == 4)
            for name in ["NOTICE.txt", "LICENSE", "README.txt"] {
                guard case .link(let why)? = tree[name]?.kind else {
                    Issue.record("\(name) was followed")
                    continue
                }
                #expect(why.contains("out of the folder"))
            }
            guard case .link? = tree["COPYING"]?.kind, case .link? = tree["up"]?.kind,
                case .link? = tree["side/"]?.kind
            else {
                Issue.record("a link to nothing, or to a folder, was followed")
                return
            }
            #expect(tree.entries.allSatisfy { !$0.path.hasPrefix("up/") })
        }
    }

    @Test("A hub cache's snapshots lead to its blobs", arguments: ["", "0_Transformer"])
    func hubCache(_ part: String) throws {
        try withTemporaryFolder { scratch in
            let repository = scratch.appending(path: "models--a--b")
            let snapshot = repository.appending(path: "snapshots/0123abc")
            let folder = snapshot.appending(path: part)
            let blobs = repository.appending(path: "blobs")
            for place in [folder, blobs] {
                try manager.createDirectory(at: place, withIntermediateDirectories: true)
            }
            try Data("{}".utf8).write(to: blobs.appending(path: "f00d"))
            let up = String(repeating: "../", count: part.isEmpty ? 2 : 3)
            try link(folder.appending(path: "config.json"), to: up + "blobs/f00d")
            try link(folder.appending(path: "NOTICE"), to: up + "refs/main")
            try manager.createDirectory(
                at: repository.appending(path: "refs"), withIntermediateDirectories: true)
            try Data("x".utf8).write(to: repository.appending(path: "refs/main"))
            for root in [snapshot, folder] {
                let tree = try FolderTree(root)
                let place = root.path == folder.path ? "" : part + "/"
                #expect(tree[place + "config.json"]?.kind == .file)
                guard case .link? = tree[place + "NOTICE"]?.kind else {
                    Issue.record("a link beside the blobs was followed")
                    return
                }
            }
        }
    }

    @Test("Pipes, sockets and devices are named and never opened") func special() throws {
        try withTemporaryFolder { folder in
            #expect(mkfifo(folder.appending(path: "README.md").path, 0o644) == 0)
            try link(folder.appending(path: "LICENSE"), to: "README.md")
            try link(folder.appending(path: "NOTICE"), to: "/dev/null")
            try link(folder.appending(path: "vocab.txt"), to: "/dev/zero")
            let tree = try FolderTree(folder)
            #expect(tree["README.md"]?.kind == .special("a named pipe"))
            #expect(tree["LICENSE"]?.kind == .special("a link to a named pipe"))
            #expect(tree["NOTICE"]?.kind != .file && tree["vocab.txt"]?.kind != .file)
            let note = try LeftOutReason.note(on: #require(tree["README.md"]))
            #expect(note.kind == .special && note.reason == "it is a named pipe")
        }
    }

    @Test("Folders that are no part of a model are not looked into") func closed() throws {
        try withTemporaryFolder { folder in
            for name in [".git/objects", ".cache/huggingface", "__pycache__"] {
                try manager.createDirectory(
                    at: folder.appending(path: name), withIntermediateDirectories: true)
            }
            try Data("x".utf8).write(to: folder.appending(path: ".git/config.json"))
            let tree = try FolderTree(folder)
            #expect(tree.entries.map(\.path) == [".cache/", ".git/", "__pycache__/"])
        }
    }
}
