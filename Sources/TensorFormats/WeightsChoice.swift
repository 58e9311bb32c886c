/// Which dictionary of tensors a user chose, for files that hold several which differ.
public enum WeightsChoice {
    /// The ``TensorDictionary/key`` that every file opened meanwhile is asked for, unless the call
    /// names one; nil where nothing was chosen.
    @TaskLocal public static var key: String?
}
