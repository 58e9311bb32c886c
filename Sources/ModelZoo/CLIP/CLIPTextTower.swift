import TextTokenizers
import Torch
import TorchNN

/// A caption that CLIP cannot read.
public enum CLIPTextError: Error, Equatable, CustomStringConvertible {
    /// A row has no token that ends it.
    case noEnd(row: Int, id: Int)
    /// A row has more tokens than the model has positions.
    case length(row: Int, Int, maximum: Int)
    /// An id has no row in the token embeddings.
    case id(Int, vocabulary: Int)

    /// What is wrong, and what to do.
    public var description: String {
        switch self {
        case .noEnd(let row, let id):
            "caption \(row + 1) does not end with token \(id), which the model reads: the tokenizer "
                + "belongs to another model"
        case .length(let row, let length, let maximum):
            "caption \(row + 1) has \(length) tokens; the model has \(maximum) positions: cut it"
        case .id(let id, let size):
            "a caption holds token \(id), but the model has \(size) tokens: the tokenizer belongs "
                + "to another model"
        }
    }
}

/// Captions as tensors on the model's device, one behind the other and without padding.
///
/// A token sees those before it only, so that nothing behind the one that is read for all counts:
/// captions are cut there.
public struct CLIPTextInput {
    /// Token ids [tokens], 64-bit.
    public let ids: Tensor
    /// The place of each token in its caption [tokens].
    public let positions: Tensor
    /// Where each caption begins among the tokens, and where the last ends [rows + 1], on the host.
    public let offsets: Tensor
    /// The place of the token that is read of each caption [rows].
    public let pooled: Tensor

    /// Captions of one batch.
    public var rows: Int { pooled.elementCount }

    /// Moves captions, all of them or `rows`, to `device`.
    ///
    /// Throws `CLIPTextError` where one is too long, does not end, or holds an unknown id.
    public init(
        _ tokens: PaddedTokens, rows: Range<Int>? = nil, _ configuration: CLIPConfiguration.Text,
        device: Device = .cpu
    ) throws {
        let rows = rows ?? 0..<tokens.rows
        let ends =
            switch configuration.pooling {
            case .firstEnd(let id): tokens.firstPositions(of: Int32(clamping: id))
            case .highestID: tokens.highestPositions()
            }
        var ids: [Int64] = []
        var offsets: [Int64] = [0]
        for row in rows {
            let end = ends[row]
            let start = row * tokens.length
            let caption = tokens.ids[start..<start + tokens.length].prefix(end + 1)
            try Self.check(caption, row: row, configuration)
            ids += caption.map(Int64.init)
            offsets.append(Int64(ids.count))
        }
        self.ids = try Tensor(ids, device: device)
        positions = try Tensor(
            rows.flatMap { (0...Int64(ends[$0])).map { $0 } }, device: device)
        self.offsets = try Tensor(offsets)
        pooled = try Tensor(offsets.dropFirst().map { $0 - 1 }, device: device)
    }

    private static func check(
        _ caption: ArraySlice<Int32>, row: Int, _ configuration: CLIPConfiguration.Text
    ) throws {
        if case .firstEnd(let id) = configuration.pooling, caption.last.map(Int.init) != id {
            throw CLIPTextError.noEnd(row: row, id: id)
        }
        guard caption.count <= configuration.maximumPositions else {
            throw CLIPTextError.length(
                row: row, caption.count, maximum: configuration.maximumPositions)
        }
        let vocabulary = configuration.vocabularySize
        if let id = caption.first(where: { $0 < 0 || Int($0) >= vocabulary }) {
            throw CLIPTextError.id(Int(id), vocabulary: vocabulary)
        }
    }
}

/// CLIP's tower of captions: a transformer whose tokens see those before them.
struct CLIPTextTower {
    let tokens: Embedding
    let positions: Embedding
    let tower: PreNormTower
    let computeType: DType

    /// A tower whose parameters come from `store`'s source, under transformers' names.
    init(_ configuration: CLIPConfiguration.Text, in store: ParameterStore) throws {
        let scope = store.root["text_model"]
        let shape = configuration.tower.shape
        // Whatever the configuration says: so transformers draws both tables.
        let initial = Initializer.normal(deviation: 0.02)
        let part = scope["embeddings"]
        computeType = store.placement.computeType
        tokens = try Embedding(
            configuration.vocabularySize, shape.width, weight: initial,
            at: part["token_embedding"])
        positions = try Embedding(
            configuration.maximumPositions, shape.width, weight: initial,
            at: part["position_embedding"])
        tower = try PreNormTower(
            shape, .clip, at: scope["encoder"]["layers"],
            norm: LayerNorm(shape.width, epsilon: shape.epsilon, at: scope["final_layer_norm"]))
    }

    /// The normalized state [rows, width] of each caption's token that is read for all.
    func callAsFunction(_ input: CLIPTextInput, in pass: Pass) throws -> Tensor {
        let summed = try tokens(input.ids) + positions(input.positions)
        // Trained tables are float32; from here on everything has the activations' type.
        let typed = summed.dtype == computeType ? summed : try summed.cast(to: computeType)
        let sequences = PackedSequences(
            offsets: input.offsets, selection: input.pooled, isCausal: true)
        return try tower(typed, sequences, in: pass).normalized
    }
}
