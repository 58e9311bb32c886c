import Foundation
import TestFiles
import Testing

@testable import Files

@Suite struct MappedBytesTests {
    @Test func survivesAFileThatIsCutShort() async {
        // A process of its own, for one cut mapping concerns all of a process.
        await #expect(processExitsWith: .success) {
            let scratch = try Scratch()
            let page = Int(sysconf(Int32(_SC_PAGESIZE)))
            try Data(repeating: 7, count: 16 * page).write(to: scratch["weights"])
            try Data(repeating: 9, count: page).write(to: scratch["whole"])
            func map(_ name: String) throws -> MappedBytes {
                let descriptor = open(scratch[name].path, O_RDONLY)
                defer { close(descriptor) }
                let size = Int(FileStamp(scratch[name].path)?.size ?? 0)
                return try #require(
                    MappedBytes(descriptor: descriptor, count: size, path: scratch[name].path))
            }
            let (mapped, whole) = (try map("weights"), try map("whole"))
            let inputs = Inputs([])
            try MappedBytes.checkAllIntact()
            #expect(truncate(scratch["weights"].path, off_t(page + 1)) == 0)
            #expect(mapped.bytes[page] == 7 && mapped.bytes[page + 1] == 0)
            try MappedBytes.checkAllIntact()
            #expect(mapped.bytes[2 * page] == 0 && mapped.bytes[16 * page - 1] == 0)
            #expect(mapped.bytes[0] == 7 && whole.bytes[0] == 9)
            mapped.releasePages()
            #expect(mapped.bytes[9 * page] == 0)
            let error = #expect(throws: OutputError.self) { try MappedBytes.checkAllIntact() }
            #expect(
                error == .inputChanged(path: scratch["weights"].path, how: "was cut short"))
            #expect(throws: OutputError.self) { try inputs.check() }
        }
    }

    @Test func staysCutWhenTheMappingIsGone() async {
        await #expect(processExitsWith: .success) {
            let scratch = try Scratch()
            try Data(repeating: 7, count: 1 << 16).write(to: scratch["weights"])
            do {
                let descriptor = open(scratch["weights"].path, O_RDONLY)
                let mapped = MappedBytes(
                    descriptor: descriptor, count: 1 << 16, path: scratch["weights"].path)
                #expect(truncate(scratch["weights"].path, 0) == 0)
                // From several threads at once.
                DispatchQueue.concurrentPerform(iterations: 8) { part in
                    _ = mapped?.bytes[part << 13]
                }
            }
            #expect(throws: OutputError.self) { try MappedBytes.checkAllIntact() }
        }
    }

    @Test func aBusErrorOfOthersStillEndsTheProcess() async {
        await #expect(processExitsWith: .signal(SIGBUS)) {
            let scratch = try Scratch()
            try Data(repeating: 7, count: 1 << 16).write(to: scratch["ours"])
            try Data(repeating: 7, count: 1 << 16).write(to: scratch["other"])
            let ours = open(scratch["ours"].path, O_RDONLY)
            let mapped = MappedBytes(descriptor: ours, count: 1 << 16, path: "ours")
            let other = open(scratch["other"].path, O_RDONLY)
            let foreign = mmap(nil, 1 << 16, PROT_READ, MAP_PRIVATE, other, 0)
            #expect(truncate(scratch["other"].path, 0) == 0)
            #expect(mapped?.bytes[0] == 7)
            _ = foreign?.load(fromByteOffset: 1 << 15, as: UInt8.self)
        }
    }
}
