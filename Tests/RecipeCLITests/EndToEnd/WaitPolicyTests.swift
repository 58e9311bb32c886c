#if os(Linux)
    import Foundation
    import Testing

    struct WaitPolicyTests {
        /// What `doctor` says of waiting threads, started through `env` with these arguments.
        private func policy(_ arguments: String...) throws -> String? {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments =
                arguments + [try Tool.executable().path, "doctor", "--format", "json"]
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            let output = pipe.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            let found = try JSONSerialization.jsonObject(with: output) as? [String: Any]
            return found?["waitingThreads"] as? String
        }

        @Test func waitingThreadsSleepWhereTheUserHasChosenNothing() throws {
            #expect(try policy("-u", "OMP_WAIT_POLICY", "-u", "GOMP_SPINCOUNT") == "passive")
            #expect(try policy("-i") == "passive")
        }

        @Test func whatTheUserHasChosenStays() throws {
            #expect(try policy("OMP_WAIT_POLICY=active") == "active")
            #expect(try policy("-u", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT=100") == "counted")
        }
    }
#endif
