import Foundation

@testable import recipe_bench

extension LoopMeasurement {
    /// What a process printed, with these figures and others that do not matter.
    static func sample(
        rate: Double, gibibytes: Double = 1, decodeSeconds: Double? = nil,
        loopDecodeSeconds: Double? = nil, task: Double = 7
    ) throws -> LoopMeasurement {
        var fields: [String: Any] = [
            "samples_per_second": rate, "steps": 5, "warmup_steps": 1, "batch_size": 64,
            "load_seconds": 1.5, "first_step_begun_seconds": 0.25, "first_step_seconds": 4.0,
            "step_seconds": [4.0, 3.0], "peak_rss_bytes": Int(gibibytes * 0x1p30),
            "losses": [["task": task, "norm": 13.0, "grad_norm": 3.6]], "dropout": 0.1,
            "threads": 2, "torch": "2.13.0", "a_key_of_no_interest": [1],
        ]
        fields["decode_seconds"] = decodeSeconds
        fields["loop_decode_seconds"] = loopDecodeSeconds
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(
            LoopMeasurement.self, from: JSONSerialization.data(withJSONObject: fields))
    }
}
