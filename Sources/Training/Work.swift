import Foundation
import Provenance

/// A piece of work with every setting: what `plan.yaml` in a run's folder is, and what is done again
/// from it.
public struct Work<
    Settings: Codable & Sendable, Samples: Codable & Sendable, Data: WorkData
>: Codable, Sendable {
    /// The command that does it.
    public var command: WorkCommand
    /// The method: a defense, an attack, `pretrain`, or what is evaluated or analyzed.
    public var method: String
    /// The model that is read; nil for one that begins.
    public var model: String?
    /// A model that is measured beside it: a clean one, or the first one purified; nil for none.
    public var beside: String?
    /// What a model begins with, or nil.
    public var beginning: ModelBeginning?
    /// What is read beside models.
    public var data: Data
    /// Where the result goes.
    public var output: String
    /// The method's settings.
    public var settings: Settings
    /// How samples are prepared; nil where the settings say it.
    public var samples: Samples?
    /// How files are read and written.
    public var files: WorkFiles
    /// Where the work is done.
    public var device: String
    /// Processor threads.
    public var threads: Int

    /// A method with its settings, done to a model with data.
    public init(
        _ command: WorkCommand, _ method: String, _ settings: Settings, samples: Samples? = nil,
        model: String?, beside: String? = nil, beginning: ModelBeginning? = nil, data: Data,
        output: String, files: WorkFiles = WorkFiles(), device: String, threads: Int
    ) {
        (self.command, self.method, self.settings) = (command, method, settings)
        (self.samples, self.model, self.beside) = (samples, model, beside)
        self.beginning = beginning
        (self.data, self.output, self.files) = (data, output, files)
        (self.device, self.threads) = (device, threads)
    }
}

/// What work reads beside models.
public protocol WorkData: Sendable, Codable {
    /// All of it, as a proof names it.
    var sources: [DataSource] { get }
}

extension AuxiliaryData: WorkData {}

/// What is done.
public enum WorkCommand: String, Sendable, Codable, CaseIterable {
    /// Pre-training, begun or gone on with.
    case pretrain
    /// A backdoor put in.
    case attack
    /// A backdoor taken out.
    case purify
    /// A model measured on a task.
    case evaluate
    /// A model's neurons watched.
    case analyze
}

/// How the files of a model are read and written.
public struct WorkFiles: Sendable, Codable, Equatable {
    /// Which dictionary of tensors is the model, where a file holds several; nil for the only one.
    public var weights: String?
    /// Whether fields that make loaders run code are left out.
    public var dropsCode = false
    /// Steps between snapshots; 0 for none but on interruption.
    public var snapshotEvery = 0
    /// Epochs after which a purification keeps the model, as `1,2,4` or `all`; nil for none.
    public var keepEpochs: String?
    /// The suspect model's name on a hub, for the card; nil for that in the cache's folder.
    public var baseModel: String?
    /// Whether the card is edited.
    public var editsCard = true
    /// Whether an in-toto statement is written.
    public var attests = false

    /// A model of one dictionary, carried whole, with its card.
    public init() {}
}

/// A piece of work as far as it can be told before its method is known.
public struct WorkHeader<Data: WorkData>: Codable, Sendable {
    /// The method.
    public var method: String
    /// The model that is read, or nil.
    public var model: String?
    /// A model that is measured beside it, or nil.
    public var beside: String?
    /// What a model begins with, or nil.
    public var beginning: ModelBeginning?
    /// What is read beside models.
    public var data: Data
    /// How files are read and written.
    public var files: WorkFiles
}
