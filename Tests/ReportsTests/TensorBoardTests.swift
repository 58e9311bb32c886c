import Experiments
import Foundation
import TestSupport
import Testing

@testable import Reports
@testable import Training

@Suite struct CRC32CTests {
    /// RFC 3720, section B.4, and the check value of the catalogue of checksums.
    private static let answers: [([UInt8], UInt32)] = [
        ([UInt8]("123456789".utf8), 0xE306_9283), ([], 0),
        ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
        ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
        ([UInt8](0..<32), 0x46DD_794E), ([UInt8]((0..<32).reversed()), 0x113F_DB5C),
    ]

    @Test(arguments: answers)
    func knowsTheAnswers(bytes: [UInt8], checksum: UInt32) {
        #expect(CRC32C.checksum(bytes) == checksum)
    }

    @Test func masks() {
        // ((crc >> 15) | (crc << 17)) + 0xa282ead8, by hand for the check value.
        #expect(CRC32C.masked([UInt8]("123456789".utf8)) == 0xC78A_B0E5)
    }
}

@Suite struct TensorBoardTests {
    private let fixture = Fixture("tensorboard")

    private struct Record: Decodable {
        struct Value: Decodable {
            let tag: String, value: Double

            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                tag = try list.decode(String.self)
                value = try list.decode(Double.self)
            }
        }
        let step: Int, time: Double, scalars: [Value]

        var record: ScalarRecord {
            ScalarRecord(
                time: time, step: step, scalars.map { .init(tag: $0.tag, value: $0.value) })
        }
    }

    private func json<Value: Decodable>(_ name: String, as _: Value.Type) throws -> Value {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return try decoder.decode(Value.self, from: Data(contentsOf: fixture.file(name)))
    }

    @Test func readsTheCurvesOfALogThatWasTakenUpAgain() throws {
        let scalars = try TrainingScalars(
            file: fixture.file("events.jsonl"), start: Date(timeIntervalSince1970: 1_700_000_000))
        #expect(scalars.runs == [try json("records.json", as: [Record].self).map(\.record)])
    }

    @Test func writesTheBytesThatTensorBoardWrites() throws {
        let records = try json("records.json", as: [Record].self).map(\.record)
        #expect(
            EventFile.data(records) == (try Data(contentsOf: fixture.file("events.tfevents"))))
    }

    @Test func isReadByTensorBoardAsItWasMeant() throws {
        struct Entry: Decodable, Equatable {
            let step: Int, time: Double, value: Double

            init(step: Int, time: Double, value: Double) {
                (self.step, self.time, self.value) = (step, time, value)
            }

            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                step = try list.decode(Int.self)
                time = try list.decode(Double.self)
                value = try list.decode(Double.self)
            }
        }
        var expected: [String: [Entry]] = [:]
        for record in try json("records.json", as: [Record].self).map(\.record) {
            for scalar in record.scalars {
                expected[scalar.tag, default: []].append(
                    Entry(
                        step: record.step, time: record.time,
                        value: Double(Float(scalar.value))))
            }
        }
        #expect(try json("scalars.json", as: [String: [Entry]].self) == expected)
    }

    @Test func writesARunEachIntoAFolderOfItsOwn() throws {
        func events(_ loss: Double) -> [TrainingEvent] {
            [
                .started(
                    .init(steps: 1, firstStep: 0, samples: 1, trainedElements: 1, watched: 0)),
                .step(
                    .init(
                        step: 1, epoch: 0, learningRate: 1, loss: loss, terms: [:],
                        gradientNorm: 1, samples: 1, seconds: 2)),
            ]
        }
        let both = TrainingScalars(events(1) + events(2))
        #expect(both.runs.map { $0[0].scalars[0].value } == [1, 2])
        #expect(both.runs.map { $0[0].time } == [2, 4])
        try withTemporaryFolder { folder in
            try both.write(to: folder)
            for name in ["1", "2"] {
                let file = folder.appending(components: name, EventFile.name)
                #expect(FileManager.default.fileExists(atPath: file.path))
            }
            let single = folder.appending(path: "one")
            try TrainingScalars(events(1)).write(to: single)
            let file = single.appending(path: EventFile.name)
            #expect(try Data(contentsOf: file) == EventFile.data(both.runs[0]))
        }
    }

    @Test func refusesALogWithoutTraining() throws {
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "events.jsonl")
            #expect(throws: (any Error).self) { try TrainingScalars(file: file) }
            try Data("{\"event\": \"measuring\"}\nnothing\n".utf8).write(to: file)
            #expect(throws: (any Error).self) { try TrainingScalars(file: file) }
        }
    }
}
