import Foundation
import Testing

@testable import Host

struct ProcessorShareTests {
    /// Files below a folder that stands for `/`.
    private func quota(_ files: [String: String]) throws -> Double? {
        try withSystem(files) { ControlGroup.processorQuota(system: $0) }
    }

    private func withSystem<Result>(
        _ files: [String: String], _ body: (URL) throws -> Result
    ) throws -> Result {
        let root = FileManager.default.temporaryDirectory
            .appendingPathComponent("host-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        for (path, text) in files {
            let file = root.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        return try body(root)
    }

    private let unified =
        "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"

    @Test func theTightestGroupCounts() throws {
        let files = [
            "proc/self/cgroup": "0::/user.slice/job.scope\n", "proc/self/mountinfo": unified,
            "sys/fs/cgroup/user.slice/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/user.slice/job.scope/cpu.max": "400000 100000\n",
        ]
        #expect(try quota(files) == 1.5)
    }

    @Test func aContainerSeesItsOwnGroupAtTheTop() throws {
        let files = [
            "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": unified,
            "sys/fs/cgroup/cpu.max": "50000 100000\n",
        ]
        #expect(try quota(files) == 0.5)
        #expect(ProcessorShare(processors: 8, quota: 0.5).threads == 1)
    }

    @Test func noQuotaIsNone() throws {
        let files = [
            "proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": unified,
            "sys/fs/cgroup/a/cpu.max": "max 100000\n",
        ]
        #expect(try quota(files) == nil)
        #expect(try quota([:]) == nil)
        #expect(ProcessorShare(processors: 8, quota: nil).threads == 8)
    }

    @Test func versionOneIsReadUnderTheNameThatTheContainerSees() throws {
        let mount =
            "36 25 0:31 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
        let files = [
            "proc/self/cgroup": "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n",
            "proc/self/mountinfo": mount,
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "250000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        ]
        #expect(try quota(files) == 2.5)
        #expect(ProcessorShare(processors: 2, quota: 2.5).threads == 2)
        #expect(ProcessorShare(processors: 8, quota: 2.5).threads == 3)
        var unlimited = files
        unlimited["sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us"] = "-1\n"
        #expect(try quota(unlimited) == nil)
    }

    @Test func damagedFilesGrantEverything() throws {
        let files = [
            "proc/self/cgroup": "nonsense\n0::\n::::\n",
            "proc/self/mountinfo": "1 2 3 -\n" + unified,
            "sys/fs/cgroup/cpu.max": "nan 0\n",
        ]
        #expect(try quota(files) == nil)
    }

    @Test(arguments: [
        ("0-1", 2), ("0", 1), ("0-3,8", 5), ("2,4,6-7", 4), ("", nil), ("7-3,x", nil),
    ])
    func affinityIsAListOfRanges(list: String, count: Int?) throws {
        let status =
            "Name:\trecipe\nCpus_allowed:\tff\nCpus_allowed_list:\t\(list)\nMems_allowed:\t1\n"
        let found = try withSystem(["proc/self/status": status]) {
            ProcessorShare.affinity(system: $0)
        }
        #expect(found == count)
    }

    @Test func theUsersPolicyIsSeen() {
        #expect(WaitPolicy(environment: [:]) == .active)
        #expect(WaitPolicy(environment: ["OMP_WAIT_POLICY": "PASSIVE"]) == .passive)
        #expect(WaitPolicy(environment: ["OMP_WAIT_POLICY": "active"]) == .active)
        #expect(
            WaitPolicy(environment: ["OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "9"])
                == .passive)
        #expect(WaitPolicy(environment: ["GOMP_SPINCOUNT": "9"]) == .counted)
    }
}
