import TestSupport
import Testing
import Torch

@Suite struct DeviceTests {
    @Test("Names of devices") func names() throws {
        #expect(try Device.named("cpu") == .cpu)
        #expect(try Device.named("CPU") == .cpu)
        let first = Hardware.cudaDeviceCount > 0 ? Device.cuda(0) : .cpu
        #expect(try Device.named("auto") == first)
        #expect(Device.cuda(3).description == "cuda:3")
        #expect(Device.cpu.description == "cpu")
        #expect(Device.meta.description == "meta")
    }

    @Test(
        "Names of no device",
        arguments: [
            "", "gpu", "cuda:", "cuda:-1", "cuda:x", "cuda:0:1", "cuda:9223372036854775808", ":",
            "cpu:0", "auto:0", "meta", " cpu", "cuda:1.5",
        ])
    func wrongNames(text: String) throws {
        let error = try #require(throws: TorchError.self) { try Device.named(text) }
        #expect(error.kind == .invalidArgument)
        #expect(error.operation == "device")
        #expect(error.message.contains("‘\(text)’"))
        #expect(error.message.contains("cuda:INDEX"))
    }

    @Test("Devices that this machine has not", arguments: ["cuda:99", "cuda:9223372036854775807"])
    func absentDevices(text: String) throws {
        let error = try #require(throws: TorchError.self) { try Device.named(text) }
        #expect(error.message.contains(Hardware.cudaDeviceCount == 0 ? "no CUDA" : text))
    }

    @Test("Work on an absent device is refused", arguments: [99, 300, -7, Int.max])
    func workOnAbsentDevices(index: Int) throws {
        let device = Device.cuda(index)
        #expect(throws: TorchError.self) { try Tensor.zeros([1], device: device) }
        #expect(throws: TorchError.self) { try Tensor.zeros([1]).moved(to: device) }
        #expect(throws: TorchError.self) { try Tensor([1] as [Float], device: device) }
        #expect(throws: TorchError.self) { try device.synchronize() }
        #expect(throws: TorchError.self) { try device.peakMemory() }
    }

    @Test("The host has no queue and no statistics") func host() throws {
        try Device.cpu.synchronize()
        #expect(try Device.cpu.peakMemory() == nil)
        Hardware.trimHostMemory()
        #expect(Hardware.libtorchVersion.first?.isNumber == true)
        #expect(!Hardware.instructionSet.isEmpty)
    }

    @Test("Thread counts that cannot be", arguments: [0, -1, Int.max, Int.min])
    func threadCounts(count: Int) {
        let before = Hardware.threadCount
        #expect(throws: TorchError.self) { try Hardware.setThreadCount(count) }
        #expect(Hardware.threadCount == before)
    }
}
