/// Caps on what a file may ask of the reader, so that a small hostile file cannot take the machine.
public struct ReadLimits: Sendable {
    /// Longest safetensors header in bytes; the reference reader has the same cap.
    public var maximumHeaderBytes = 100_000_000
    /// Most tensors in one file.
    public var maximumTensors = 1_000_000
    /// Most entries in a zip archive.
    public var maximumZipEntries = 200_000
    /// Longest `data.pkl` in bytes.
    public var maximumPickleBytes = 256 << 20
    /// Most pickle opcodes in one pickle.
    public var maximumPickleOpcodes = 8_000_000
    /// Most values on the pickle stack at a time.
    public var maximumPickleStack = 2_000_000
    /// Most values in the pickle memo.
    public var maximumPickleMemo = 4_000_000
    /// Longest string in a pickle, in bytes.
    public var maximumStringBytes = 16 << 20
    /// Most bytes that strided tensors may take once they are made contiguous, all together.
    /// Never more than 64 MiB and eight times the file, whatever is set here.
    public var maximumCopiedBytes = 16 << 30
    /// Whether the CRC-32 of every zip entry that is read is compared with its data.
    public var verifiesChecksums = true

    /// The caps used when a caller does not choose: far above real checkpoints.
    public static let `default` = ReadLimits()

    /// Makes the default caps, to be changed one by one.
    public init() {}
}
