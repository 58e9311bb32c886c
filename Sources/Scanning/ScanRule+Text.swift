extension ScanRule {
    /// How much a finding of this kind weighs unless it says otherwise.
    public var severity: Severity { text.severity }
    /// The kind in a few words.
    public var title: String { text.title }
    /// What it means and what to do.
    public var help: String { text.help }

    private typealias Text = (severity: Severity, title: String, help: String)

    private var text: Text {
        switch self {
        case .pickleDangerousGlobal, .pickleUnknownGlobal, .pickleComputedGlobal,
            .pickleAlteredGlobal, .pickleExtensionCode, .pickleBroken, .pickleEmbedded,
            .pickleTrailingBytes, .pickleLimit:
            pickleText
        case .containerTwoDirectories, .containerDisagreement, .containerComment,
            .containerUnaccountedBytes, .containerDuplicateName, .containerCaseName,
            .containerUnsafeName, .containerLink, .containerDevice, .containerEncrypted,
            .containerChecksum, .containerBomb, .containerDepth, .containerDamaged:
            containerText
        case .formatMismatch, .formatTwoFormats, .formatDamaged, .formatUnsupported,
            .formatUnknown, .folderLinkOutside, .folderSpecialFile, .folderSetUserID,
            .folderExecutable, .folderHidden, .folderDeceptiveName, .folderUnreadable,
            .folderLimit:
            fileText
        case .codeSource, .codeNative, .codeTorchScript, .codeTorchScriptCall, .codeKerasLambda,
            .codeKerasModule, .codeTensorFlowOperation, .codeOnnxOperator, .codeYAMLObject,
            .codeTemplate, .codeNamedClass, .configRemoteCode, .configRedirect,
            .configDuplicateKey, .configDamaged, .configExternalData, .configNumber, .configBomb:
            codeText
        case .safetensorsHeader, .safetensorsLayout, .safetensorsDuplicateKey, .tensorName,
            .valuesNotFinite, .valuesDenormal, .valuesOutlier, .modelConfigMismatch,
            .modelTokenizerMismatch, .modelTwoWeights, .modelAmbiguousWeights:
            modelText
        }
    }

    private var pickleText: Text {
        switch self {
        case .pickleDangerousGlobal:
            (
                .error, "A pickle imports something that runs code",
                "Whoever loads the file runs what the pickle imports. Do not load it."
            )
        case .pickleComputedGlobal:
            (
                .error, "A pickle computes what it imports or calls",
                "No program writes such a pickle: the name is hidden from readers. Do not load it."
            )
        case .pickleAlteredGlobal:
            (
                .error, "A pickle alters a class or module",
                "It changes a class or module itself instead of an object. Do not load it."
            )
        case .pickleUnknownGlobal:
            (
                .warning, "A pickle imports something that is on no list",
                "Loading runs it. Load only if you know the class and trust who made the file."
            )
        case .pickleExtensionCode:
            (
                .warning, "A pickle imports by a number",
                "An extension code stands for whatever the loading program registered under it."
            )
        case .pickleBroken:
            (
                .warning, "A pickle ends in an error",
                "All that stands before the error still runs when it is loaded."
            )
        case .pickleEmbedded:
            (
                .warning, "A pickle stands within other data",
                "A loader that is pointed at it runs what it imports."
            )
        case .pickleTrailingBytes:
            (
                .note, "Bytes follow the end of a pickle",
                "A plain loader does not read them; see what they are for."
            )
        default:
            (
                .warning, "A pickle is larger than is examined",
                "Nothing is known of the part beyond. Treat the file as unexamined."
            )
        }
    }

    private var containerText: Text {
        switch self {
        case .containerTwoDirectories:
            (
                .error, "An archive has two directories",
                "Two readers see two different contents. Do not load it."
            )
        case .containerDisagreement:
            (
                .error, "An archive contradicts itself",
                "The directory and the entry say different things; readers differ in whom they ask."
            )
        case .containerComment:
            (
                .warning, "An archive has a comment",
                "Programs that write models leave none; a second directory can hide in it."
            )
        case .containerUnaccountedBytes:
            (
                .warning, "Bytes in an archive belong to no entry",
                "Another reader can find another file in them."
            )
        case .containerDuplicateName:
            (
                .error, "Two entries have one name",
                "Readers differ in which of them they take."
            )
        case .containerCaseName:
            (
                .error, "Two names differ in case only",
                "PyTorch looks names up without regard to case and may take the other one."
            )
        case .containerUnsafeName:
            (
                .error, "An entry's name leads out of the folder",
                "Unpacking writes outside of the folder. Do not unpack it."
            )
        case .containerLink:
            (.error, "An archive holds a link", "Unpacking may write or read through it.")
        case .containerDevice:
            (.error, "An archive holds a device or pipe", "No model has one. Do not unpack it.")
        case .containerEncrypted:
            (.warning, "An entry is encrypted", "It cannot be examined without its password.")
        case .containerChecksum:
            (
                .warning, "An entry's checksum does not match",
                "It is damaged or was changed; some readers load it all the same."
            )
        case .containerBomb:
            (
                .warning, "An entry expands to far more than its size",
                "It can fill memory or disk. The first part was examined."
            )
        case .containerDepth:
            (.warning, "Archives are nested too deeply", "What lies deeper was not examined.")
        default:
            (.warning, "An archive is damaged", "What could be read was examined. Fetch it again.")
        }
    }

    private var fileText: Text {
        switch self {
        case .formatMismatch:
            (
                .warning, "A file is not what its name says",
                "Programs that go by the name and programs that go by the content read it differently."
            )
        case .formatTwoFormats:
            (
                .error, "A file is valid in two formats",
                "Two loaders read two different things out of it. Do not load it."
            )
        case .formatDamaged:
            (.warning, "A file is damaged or cut short", "Fetch it again, and scan it again.")
        case .formatUnsupported:
            (
                .warning, "A file could not be examined",
                "It is packed in a way that cannot be opened here. Unpack it and scan again."
            )
        case .formatUnknown:
            (
                .warning, "A file is of no known kind",
                "It was searched for pickles and archives; more cannot be said of it."
            )
        case .folderLinkOutside:
            (
                .error, "A link leads out of the folder",
                "What it leads to would be read as the model's."
            )
        case .folderSpecialFile:
            (.error, "A pipe, device or socket lies in the folder", "No model has one. Remove it.")
        case .folderSetUserID:
            (.error, "A file runs with its owner's rights", "Remove the set-user-id bit.")
        case .folderExecutable:
            (.note, "A data file is marked executable", "Remove the mark unless it is meant.")
        case .folderHidden:
            (.note, "A file is hidden", "Its name begins with a dot; listings leave it out.")
        case .folderDeceptiveName:
            (
                .warning, "A name holds characters that deceive",
                "Control, bidirectional or invisible characters show another name than there is."
            )
        case .folderUnreadable:
            (
                .warning, "A file or folder cannot be read",
                "Give permission to read it and scan again."
            )
        default:
            (.warning, "A folder is too deep or too large", "What lies beyond was not examined.")
        }
    }

    private var codeText: Text {
        switch self {
        case .codeSource:
            (.warning, "A program lies among the files", "Read it before anything runs it.")
        case .codeNative:
            (.error, "Machine code lies among the files", "A model needs none. Do not load it.")
        case .codeTorchScript:
            (
                .note, "The archive holds TorchScript code",
                "Loading builds the code; calling the model runs it, within TorchScript's bounds."
            )
        case .codeTorchScriptCall:
            (
                .error, "TorchScript code reads or writes files",
                "Calling the model touches the file system."
            )
        case .codeKerasLambda:
            (
                .error, "A Keras layer carries code",
                "A Lambda layer's function is stored as bytecode and runs with the model."
            )
        case .codeKerasModule:
            (
                .warning, "A Keras object names a foreign module",
                "Loading imports the module and calls what is named."
            )
        case .codeTensorFlowOperation:
            (
                .error, "A TensorFlow graph touches files or runs Python",
                "Running the graph reads or writes files, or calls into Python."
            )
        case .codeOnnxOperator:
            (
                .warning, "An ONNX graph uses a foreign operator",
                "It runs code from a library that is loaded beside."
            )
        case .codeYAMLObject:
            (
                .error, "A YAML file builds Python objects",
                "A loader that honours its tags runs code."
            )
        case .codeTemplate:
            (
                .error, "A chat template reaches into Python",
                "Rendered outside of a sandbox it runs code."
            )
        case .codeNamedClass:
            (.warning, "A config names a class to import", "Loading imports it and calls it.")
        case .configRemoteCode:
            (
                .warning, "A config asks for code of its own",
                "With trust_remote_code the loader runs Python that comes with the model."
            )
        case .configRedirect:
            (
                .warning, "A config points to other weights",
                "Loaders that follow it read another model than those that do not."
            )
        case .configDuplicateKey:
            (.error, "A JSON object has a key twice", "Readers differ in which value they take.")
        case .configNumber:
            (
                .warning, "A config holds a number that no model has",
                "A loader that believes it fills the memory."
            )
        case .configBomb:
            (
                .error, "A YAML file expands without bound",
                "A few lines stand for billions of values."
            )
        case .configExternalData:
            (
                .error, "A model reads data from outside of its folder",
                "It can read any file of whoever loads it."
            )
        default:
            (.warning, "A JSON text is damaged", "No loader can read it. Fetch it again.")
        }
    }

    private var modelText: Text {
        switch self {
        case .safetensorsHeader:
            (.error, "A safetensors header is false", "It is no header that the format allows.")
        case .safetensorsLayout:
            (
                .error, "Tensors overlap, leave gaps or do not fit",
                "The bytes are not those that types and shapes ask for; readers may differ."
            )
        case .safetensorsDuplicateKey:
            (.error, "A tensor is named twice", "Readers differ in which of them they take.")
        case .tensorName:
            (
                .warning, "A tensor's name deceives",
                "It holds control, bidirectional or invisible characters."
            )
        case .valuesNotFinite:
            (
                .warning, "Weights hold NaN or infinity",
                "Whatever they touch is not a number either."
            )
        case .valuesDenormal:
            (
                .note, "Many weights are denormal",
                "They are slow to compute with and unusual after training."
            )
        case .valuesOutlier:
            (
                .note, "A row or tensor is off by orders of magnitude",
                "A planted row can look so; so can a padding token."
            )
        case .modelConfigMismatch:
            (
                .warning, "The config contradicts the weights",
                "Loaders that go by the config fail or make new weights."
            )
        case .modelTokenizerMismatch:
            (
                .warning, "The tokenizer does not fit the embeddings",
                "Words become unknown tokens, or have no row."
            )
        case .modelAmbiguousWeights:
            (
                .warning, "A weights file can be read in two ways",
                "Loaders differ in which tensors they take from it."
            )
        default:
            (
                .warning, "A folder holds weights of one model in two files",
                "Loaders differ in which they take; compare them with `recipe verify`."
            )
        }
    }
}
