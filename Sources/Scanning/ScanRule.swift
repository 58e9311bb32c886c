/// The kinds of things that a scan finds; the raw value is the rule's id in every output.
public enum ScanRule: String, Codable, CaseIterable, Sendable {
    case pickleDangerousGlobal = "pickle-dangerous-global"
    case pickleUnknownGlobal = "pickle-unknown-global"
    case pickleComputedGlobal = "pickle-computed-global"
    case pickleAlteredGlobal = "pickle-altered-global"
    case pickleExtensionCode = "pickle-extension-code"
    case pickleBroken = "pickle-broken"
    case pickleEmbedded = "pickle-embedded"
    case pickleTrailingBytes = "pickle-trailing-bytes"
    case pickleLimit = "pickle-limit"

    case containerTwoDirectories = "container-two-directories"
    case containerDisagreement = "container-disagreement"
    case containerComment = "container-comment"
    case containerUnaccountedBytes = "container-unaccounted-bytes"
    case containerDuplicateName = "container-duplicate-name"
    case containerCaseName = "container-case-name"
    case containerUnsafeName = "container-unsafe-name"
    case containerLink = "container-link"
    case containerDevice = "container-device"
    case containerEncrypted = "container-encrypted"
    case containerChecksum = "container-checksum"
    case containerBomb = "container-bomb"
    case containerDepth = "container-depth"
    case containerDamaged = "container-damaged"

    case formatMismatch = "format-mismatch"
    case formatTwoFormats = "format-two-formats"
    case formatDamaged = "format-damaged"
    case formatUnsupported = "format-unsupported"
    case formatUnknown = "format-unknown"

    case folderLinkOutside = "folder-link-outside"
    case folderSpecialFile = "folder-special-file"
    case folderSetUserID = "folder-set-user-id"
    case folderExecutable = "folder-executable"
    case folderHidden = "folder-hidden"
    case folderDeceptiveName = "folder-deceptive-name"
    case folderUnreadable = "folder-unreadable"
    case folderLimit = "folder-limit"

    case codeSource = "code-source"
    case codeNative = "code-native"
    case codeTorchScript = "code-torchscript"
    case codeTorchScriptCall = "code-torchscript-call"
    case codeKerasLambda = "code-keras-lambda"
    case codeKerasModule = "code-keras-module"
    case codeTensorFlowOperation = "code-tensorflow-operation"
    case codeOnnxOperator = "code-onnx-operator"
    case codeYAMLObject = "code-yaml-object"
    case codeTemplate = "code-template"
    case codeNamedClass = "code-named-class"

    case configRemoteCode = "config-remote-code"
    case configRedirect = "config-redirect"
    case configDuplicateKey = "config-duplicate-key"
    case configDamaged = "config-damaged"
    case configExternalData = "config-external-data"
    case configNumber = "config-number"
    case configBomb = "config-bomb"

    case safetensorsHeader = "safetensors-header"
    case safetensorsLayout = "safetensors-layout"
    case safetensorsDuplicateKey = "safetensors-duplicate-key"

    case tensorName = "tensor-name"
    case valuesNotFinite = "values-not-finite"
    case valuesDenormal = "values-denormal"
    case valuesOutlier = "values-outlier"

    case modelConfigMismatch = "model-config-mismatch"
    case modelTokenizerMismatch = "model-tokenizer-mismatch"
    case modelTwoWeights = "model-two-weights"
    case modelAmbiguousWeights = "model-ambiguous-weights"

    /// Whether it says that something could not be examined rather than that something is there.
    public var isLimit: Bool {
        switch self {
        case .pickleLimit, .containerDepth, .containerDamaged, .formatDamaged, .formatUnsupported,
            .formatUnknown, .folderUnreadable, .folderLimit, .configDamaged:
            true
        default: false
        }
    }
}
