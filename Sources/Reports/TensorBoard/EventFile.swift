import Experiments
import Foundation

/// Numbers that belong to one step of a run.
public struct ScalarRecord: Sendable, Equatable {
    /// A number and the name of its curve.
    public struct Scalar: Sendable, Equatable {
        /// The curve's name; what is before a slash groups curves.
        public var tag: String
        /// The number.
        public var value: Double
    }

    /// Seconds since 1970.
    public var time: Double
    /// The step.
    public var step: Int
    /// The numbers.
    public var scalars: [Scalar]

    /// The numbers `scalars` of a step.
    public init(time: Double, step: Int, _ scalars: [Scalar]) {
        self.time = time
        self.step = step
        self.scalars = scalars
    }
}

/// Writes scalars as TensorBoard reads them: TFRecord frames that hold `tensorboard.Event` messages.
public enum EventFile {
    /// A name that TensorBoard takes for an event file.
    public static let name = "events.out.tfevents.recipe"

    /// The bytes of a file with `records`.
    public static func data(_ records: [ScalarRecord]) -> Data {
        var version = ProtobufMessage()
        version.add(1, records.first?.time ?? 0)
        version.add(3, text: "brain.Event:2")
        return ([version] + records.map(event)).reduce(into: Data()) { $0 += frame($1.bytes) }
    }

    /// `Event { wall_time = 1; step = 2; summary = 5 }`, with a `Summary { value = 1 }` of values
    /// `{ tag = 1; simple_value = 2 }`.
    private static func event(_ record: ScalarRecord) -> ProtobufMessage {
        var summary = ProtobufMessage()
        for scalar in record.scalars {
            var value = ProtobufMessage()
            value.add(1, text: scalar.tag)
            value.add(2, oneOf: Float(scalar.value))
            summary.add(1, value)
        }
        var event = ProtobufMessage()
        event.add(1, record.time)
        event.add(2, Int64(record.step))
        event.add(5, summary)
        return event
    }

    /// The length, its checksum, the bytes, their checksum.
    private static func frame(_ bytes: [UInt8]) -> [UInt8] {
        let length = littleEndian(UInt64(bytes.count))
        return length + littleEndian(CRC32C.masked(length)) + bytes
            + littleEndian(CRC32C.masked(bytes))
    }
}

/// A protocol buffer's message, written field by field.
private struct ProtobufMessage {
    var bytes: [UInt8] = []

    // A number of 0 is what a reader takes where there is none, and is not written.

    mutating func add(_ field: UInt8, _ value: Double) {
        guard value != 0 else { return }
        bytes.append(field << 3 | 1)
        bytes += littleEndian(value.bitPattern)
    }

    /// One of several fields of which one is written, be it 0.
    mutating func add(_ field: UInt8, oneOf value: Float) {
        bytes.append(field << 3 | 5)
        bytes += littleEndian(value.bitPattern)
    }

    mutating func add(_ field: UInt8, _ value: Int64) {
        guard value != 0 else { return }
        bytes.append(field << 3)
        add(varint: UInt64(bitPattern: value))
    }

    mutating func add(_ field: UInt8, text: String) { add(field, bytes: Array(text.utf8)) }

    mutating func add(_ field: UInt8, _ message: ProtobufMessage) {
        add(field, bytes: message.bytes)
    }

    private mutating func add(_ field: UInt8, bytes content: [UInt8]) {
        bytes.append(field << 3 | 2)
        add(varint: UInt64(content.count))
        bytes += content
    }

    private mutating func add(varint value: UInt64) {
        var rest = value
        while rest > 0x7F {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

private func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
