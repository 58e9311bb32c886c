import DataPipeline
import Foundation
import ModelZoo
import Provenance
import Randomness
import Testing
import TestSupport
import Torch
import TorchNN
import Training

@testable import Evaluation

/// Labelled data as evaluations and analyses read them from files.
@Suite struct DownstreamTaskTests {
    /// Writes one grey image into each file.
    private func write(_ names: [String], in folder: URL) throws {
        for (index, name) in names.enumerated() {
            let file = folder.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            let pixels = [UInt8](repeating: UInt8(index * 9 % 256), count: 8 * 8 * 3)
            try (Data("P6 8 8 255\n".utf8) + pixels).write(to: file)
        }
    }

    private func read(_ data: DownstreamData) throws -> DownstreamImages {
        try DownstreamImages(data, ImagePreparation(size: 8)) { _ in }
    }

    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "nothing"
        } catch {
            return "\(error)"
        }
    }

    @Test("Images are trained on by one part and tested on by the other") func parts() throws {
        try withTemporaryFolder { scratch in
            try write(
                [
                    "train/a/1.ppm", "train/a/2.ppm", "train/b/3.ppm", "test/a/4.ppm",
                    "test/b/5.ppm",
                ],
                in: scratch.appending(path: "set"))
            try write(["test/a/1.ppm", "test/b/2.ppm"], in: scratch.appending(path: "half"))
            try write(["a/1.ppm", "b/2.ppm", "b/3.ppm"], in: scratch.appending(path: "plain"))
            func set(_ name: String) -> URL { scratch.appending(path: name) }
            let own = try read(DownstreamData(train: set("set")))
            #expect(own.train?.labels == [0, 0, 1] && own.truth == [0, 1])
            #expect(own.files.map(\.samples) == [3, 2] && own.split == nil)
            let other = try read(DownstreamData(train: set("set"), test: set("plain")))
            #expect(other.train?.labels == [0, 0, 1] && other.truth == [0, 1, 1])
            let alone = try read(DownstreamData(train: nil, test: set("set")))
            #expect(alone.train == nil && alone.truth == [0, 1])
            #expect(
                message { _ = try read(DownstreamData(train: set("half"))) }
                    .contains("has a test part only"))
            #expect(
                message { _ = try read(DownstreamData(train: set("plain"))) }
                    .contains("has no test part"))
            var split = DownstreamData(train: set("set"))
            split.split = .init("1:1")
            #expect(message { _ = try read(split) }.contains("has a test part of its own"))
            split.train = set("plain")
            let drawn = try read(split)
            #expect(drawn.split?.train.count == drawn.train?.count)
            // A limit is of either side.
            var few = DownstreamData(train: set("set"))
            (few.trainSamples, few.testSamples) = (2, 1)
            let limited = try read(few)
            #expect(limited.train?.count == 2 && limited.truth.count == 1)
        }
    }

    @Test("Labels that leave no image are said, and so are models of another width") func chosen()
        throws
    {
        try withTemporaryFolder { scratch in
            try write(["a/1.ppm", "b/2.ppm"], in: scratch)
            let set = try ImageSet.read(scratch)
            #expect(try set.choosing(.only(["b"])).images.count == 1)
            let none = set.selecting { $0.label == 0 }
            #expect(
                message { _ = try none.choosing(.only(["b"])) }.contains("has the label b"))
        }
        let shape = try TextModelFolder(Fixture("bert-base-tiny").folder).shape()
        let wider = NeuronShape(
            model: shape.model, title: shape.title, width: shape.width + 1, sites: shape.sites)
        #expect(message { try shape.check(against: wider) }.contains("same shape"))
        let shorter = NeuronShape(
            model: shape.model, title: shape.title, width: shape.width,
            sites: Array(shape.sites.dropLast()))
        #expect(message { try shape.check(against: shorter) }.contains("same shape"))
    }

    @Test("Data are in a plan what they were, and say nothing that was not said") func coding()
        throws
    {
        var data = DownstreamData(
            train: URL(fileURLWithPath: "/a b/train"), test: URL(fileURLWithPath: "/t"))
        func again() throws -> (DownstreamData, String) {
            let text = try JSONEncoder().encode(data)
            return (
                try JSONDecoder().decode(DownstreamData.self, from: text),
                String(decoding: text, as: UTF8.self)
            )
        }
        #expect(try again().0 == data && !again().1.contains("labels"))
        data.images = AuxiliaryData.Images()
        data.images?.classes = ["b", "a"]
        data.split = .init("9:1")
        (data.trainSamples, data.seed, data.labels) = (7, Seed(3), .except(["x"]))
        #expect(try again().0 == data)
        data.split = .init("/r/split.json")
        data.labels = .only(["x", "y"])
        #expect(try again().0 == data && data.sources.map(\.role) == ["train", "test", "split"])
    }
}
