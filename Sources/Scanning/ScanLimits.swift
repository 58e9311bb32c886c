/// Caps on what a scan spends on one file, so that a small file cannot take the machine.
public struct ScanLimits: Sendable {
    /// Deepest nesting of archives within archives.
    public var maximumDepth = 8
    /// Deepest nesting of folders.
    public var maximumFolderDepth = 64
    /// Most files in all.
    public var maximumFiles = 1_000_000
    /// Most entries of one archive that are examined.
    public var maximumEntries = 200_000
    /// Bytes of expanded members that may be in memory at a time, beside eight times the file.
    public var expandedBytes = 24 << 20
    /// Bytes that a file's members may expand to in all, beside two hundred times the file.
    public var totalExpandedBytes = 1 << 30
    /// Bytes of a file that are looked at in all, beside 32 times the file and its expanded
    /// members: parts that overlap, each within the other, would otherwise be read without end.
    public var readBytes = 16 << 20
    /// Most findings that are kept of one file.
    public var maximumFindings = 1_000
    /// Most names that are kept of one file.
    public var maximumGlobals = 10_000
    /// Most opcodes of one pickle.
    public var maximumOpcodes = 100_000_000
    /// Most values on a pickle's stack or in its memo.
    public var maximumPickleValues = 4_000_000
    /// Bytes of an unknown file that are searched for pickles from its beginning.
    public var searchedBytes = 1 << 30
    /// Longest JSON text that is read.
    public var maximumJSONBytes = 256 << 20

    /// The caps that hold unless others are given.
    public static let `default` = ScanLimits()

    /// Makes the default caps, to be changed one by one.
    public init() {}
}
