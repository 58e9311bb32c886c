// recipe-fuzz TARGET [libFuzzer's options] [CORPUS…]: see Scripts/fuzz.

import CFuzzer
import Foundation

let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
guard CommandLine.arguments.count > 1, let target = FuzzTarget(rawValue: CommandLine.arguments[1])
else {
    FileHandle.standardError.write(Data("recipe-fuzz: expected a target: \(names)\n".utf8))
    exit(64)
}

/// What is tried; set once, before libFuzzer begins.
nonisolated(unsafe) let attempt = try target.attempt()

// libFuzzer changes the list, and keeps it.
var list = ([CommandLine.arguments[0]] + CommandLine.arguments.dropFirst(2)).map { strdup($0) }
var count = Int32(list.count)
list.append(nil)
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? =
    .allocate(capacity: list.count)
arguments?.initialize(from: list, count: list.count)

exit(
    LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
        attempt(Array(UnsafeBufferPointer(start: bytes, count: count)))
        return 0
    })
