/// A dictionary of tensors in a file of `torch.save`, or a list of them.
public struct TensorDictionary: Sendable, Codable, Equatable {
    /// What a dictionary is in its file.
    public enum Role: String, Sendable, Codable {
        /// The model: these tensors are read.
        case weights
        /// The model once more, with the same names and bytes: changed wherever the model is.
        case copy
        /// An optimizer's state, or that of a random number generator: carried along.
        case trainingState
        /// Single numbers beside the model, such as an accuracy: carried along.
        case measurements
        /// Tensors that were not chosen: an output does not hold them.
        case leftOut
    }

    /// Keys and indices that lead to it, joined by points; a point alone for the whole file.
    public let key: String
    /// How many tensors are in it.
    public let tensorCount: Int
    /// What it is in its file.
    public let role: Role
}
