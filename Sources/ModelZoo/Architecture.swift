import Checkpoints
import TorchNN

/// A family of models, as the sizes and constants of one of them: how it is told and read, and what the
/// paper does with it.
///
/// One of image models is an ``ImageArchitecture``, one of text encoders a ``TextArchitecture``.
public protocol Architecture: Sendable, Equatable {
    /// What people call the family.
    static var family: String { get }
    /// What its models read.
    static var kind: ModelKind { get }
    /// The beginnings of the names that `config.json` has for it, in lower case: of `model_type`, of a
    /// class among `architectures`, of timm's `architecture`.
    static var describedAs: [String] { get }
    /// Whether one of the names in a `config.json` is the family's.
    static func isDescribed(by names: [String]) -> Bool
    /// The spelling of weights of these names on disk; nil where they are of another family.
    static func dialect(of names: [String]) -> Dialect?
    /// What the paper does with the family (appendix A); what it leaves open is our choice.
    static var defaults: PaperDefaults { get }
    /// Reads a `config.json`.
    ///
    /// Throws `CheckpointError` for another architecture, for a field that is missing or of another
    /// kind, and for what changes the computation in a way this model cannot honour.
    init(_ file: JSONFile) throws
    /// What people call it, as in `ViT of 12 layers`.
    var title: String { get }
    /// What the paper does with this one.
    var paperDefaults: PaperDefaults { get }
}

extension Architecture {
    /// What the paper does with the family.
    public var paperDefaults: PaperDefaults { Self.defaults }

    /// Whether both are of one family and alike.
    func isEqual(to other: any Architecture) -> Bool { (other as? Self) == self }

    /// Whether one of the names begins as the family's do.
    public static func isDescribed(by names: [String]) -> Bool {
        names.contains { name in describedAs.contains(where: name.lowercased().hasPrefix) }
    }
}

/// The architectures there are: a new one is a folder and a line here.
public enum Architectures {
    /// Those of image models, in the order in which weights are told apart.
    public static let images: [any ImageArchitecture.Type] = [
        VGGConfiguration.self, ViTConfiguration.self, CLIPVisionConfiguration.self,
    ]
    /// Those of text encoders.
    public static let texts: [any TextArchitecture.Type] = [BERTConfiguration.self]
    /// All, in the order in which a `config.json` is told.
    public static let all: [any Architecture.Type] =
        images.filter { $0 != CLIPVisionConfiguration.self }
        + [CLIPConfiguration.self, CLIPVisionConfiguration.self] + texts
}
