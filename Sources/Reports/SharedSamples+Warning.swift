import Evaluation

extension SharedSamples {
    /// What to say of them where there are any; `total` is how many test samples there are.
    public func warning(of total: Int) -> String? {
        guard let example else { return nil }
        let labels = relabelled > 0 ? " (\(relabelled) with another label)" : ""
        return """
            \(count) of \(total) test samples are training samples too\(labels), such as \
            \(example.test), which is \(example.train): accuracy counts what was learned by heart; \
            take them out of one of the two
            """
    }
}
