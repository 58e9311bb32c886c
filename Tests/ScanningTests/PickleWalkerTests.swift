import Testing

@testable import Scanning

/// What a pickle would import and call is seen, however it says it.
@Suite struct PickleWalkerTests {
    /// A pickle, and the rule that must speak.
    static let hidden: [(String, String, ScanRule)] = [
        ("global", "\\x80\\x02cos\nsystem\n(X\\x04\\x00\\x00\\x00truetR.", .pickleDangerousGlobal),
        ("protocol 0", "cos\nsystem\n(Vtrue\ntR.", .pickleDangerousGlobal),
        ("inst", "(Vtrue\nios\nsystem\n.", .pickleDangerousGlobal),
        ("obj", "\\x80\\x02(cos\nsystem\nX\\x01\\x00\\x00\\x00xo.", .pickleDangerousGlobal),
        ("newobj", "\\x80\\x02csubprocess\nPopen\n)\\x81.", .pickleDangerousGlobal),
        ("stack global", "\\x80\\x04\\x8c\\x02os\\x8c\\x06system\\x93)R.", .pickleDangerousGlobal),
        (
            "memo, kinds mixed",
            "\\x80\\x04\\x8c\\x02osq\\x00\\x8c\\x06systemq\\x01\\x8c\\x01a\\x94\\x8c\\x01b\\x94"
                + "h\\x00h\\x01\\x93)R.", .pickleDangerousGlobal
        ),
        (
            "memo, far",
            "\\x80\\x04\\x8c\\x02osr\\xff\\xff\\x00\\x000\\x8c\\x06systemq\\x000"
                + "j\\xff\\xff\\x00\\x00h\\x00\\x93)R.", .pickleDangerousGlobal
        ),
        ("result popped", "\\x80\\x02cos\nsystem\n)R0N.", .pickleDangerousGlobal),
        ("result popped to a mark", "\\x80\\x02(cos\nsystem\n)R1N.", .pickleDangerousGlobal),
        ("escapes", "V\\u006fs\nS'\\x5cx73ystem'\n\\x93)R.", .pickleDangerousGlobal),
        ("cut short", "\\x80\\x02cos\nsystem\n)R", .pickleDangerousGlobal),
        ("bad opcode", "\\x80\\x02cos\nsystem\n)R\\xff", .pickleDangerousGlobal),
        (
            "frame too long",
            "\\x80\\x04\\x95\\xff\\x00\\x00\\x00\\x00\\x00\\x00\\x00cos\nsystem\n)R.",
            .pickleDangerousGlobal
        ),
        ("second pickle", "\\x80\\x02N.\\x80\\x02cos\nsystem\n)R.", .pickleDangerousGlobal),
        (
            "after a prefix", "\\x00\\x01\\x02\\x03\\x80\\x02cos\nsystem\n)R.",
            .pickleDangerousGlobal
        ),
        (
            "in bytes", "\\x80\\x03C\\x0f\\x80\\x02cos\nsystem\n)R..", .pickleDangerousGlobal
        ),
        ("dotted", "\\x80\\x04\\x8c\\x05torch\\x8c\\x09os.system\\x93)R.", .pickleDangerousGlobal),
        (
            "dunder", "\\x80\\x04\\x8c\\x05numpy\\x8c\\x0ddtype.__mro__\\x93.",
            .pickleDangerousGlobal
        ),
        (
            "computed name", "\\x80\\x04\\x8c\\x02osc_codecs\nencode\n\\x8c\\x02xx\\x85R\\x93)R.",
            .pickleComputedGlobal
        ),
        (
            "result called", "\\x80\\x02cbuiltins\ngetattr\n(NVx\ntR)R.", .pickleComputedGlobal
        ),
        ("extension", "\\x80\\x02\\x82\\x01)R.", .pickleExtensionCode),
        ("class altered", "\\x80\\x02ccollections\nOrderedDict\n}b.", .pickleAlteredGlobal),
        ("module set", "\\x80\\x02csys\nmodules\nVos\nNs.", .pickleAlteredGlobal),
        ("unknown class", "\\x80\\x02cacme.net\nNet\n)\\x81.", .pickleUnknownGlobal),
        ("underflow", "\\x80\\x02cos\nsystem\n)R0000u.", .pickleBroken),
        ("no such protocol", "\\x80\\x02N0\\x80\\x09N.", .pickleBroken),
        (
            "rot13", "\\x80\\x02c_codecs\nencode\n(Vflfgrz\nVrot13\ntR.", .pickleComputedGlobal
        ),
    ]

    @Test(arguments: hidden)
    func seesWhatIsHidden(_ name: String, _ text: String, _ rule: ScanRule) {
        let found = scan(bytes(text))
        #expect(found.rules.contains(rule), "\(name): \(found.findings)")
    }

    @Test func saysWhereAndWhat() throws {
        let found = scan(bytes("\\x80\\x02}0cos\nsystem\n(X\\x04\\x00\\x00\\x00truetR."))
        let global = try #require(found.globals.first)
        #expect(global.module == "os" && global.name == "system")
        #expect(global.offset == 4 && global.isCalled && global.grade == .dangerous)
        let finding = try #require(found.findings.first)
        #expect(finding.offset == 4 && finding.message.contains("'true'"))
        #expect(found.record.verdict == .hostile)
    }

    /// Plain data of every protocol, and classes that build data, are no findings.
    @Test(arguments: [
        "(dp0\nVa\np1\nI1\ns.", "}q\\x00X\\x01\\x00\\x00\\x00aq\\x01K\\x01s.",
        "\\x80\\x02}q\\x00(X\\x01\\x00\\x00\\x00aq\\x01K\\x01u.",
        "\\x80\\x04\\x95\\x0a\\x00\\x00\\x00\\x00\\x00\\x00\\x00}\\x94\\x8c\\x01a\\x94K\\x01s.",
        "\\x80\\x02ccollections\nOrderedDict\n)Rq\\x00.",
        "\\x80\\x02ctorch._utils\n_rebuild_tensor_v2\n(tR.",
        "\\x80\\x02c__builtin__\nset\n]\\x85R.", "\\x80\\x02cargparse\nNamespace\n)\\x81}b.",
        "\\x80\\x02csklearn.svm._classes\nSVC\n)\\x81}b.",
        // How Python 3.11 pickles a member of an enumeration.
        "\\x80\\x02cbuiltins\ngetattr\nctransformers.trainer_utils\nIntervalStrategy\nVSTEPS\n\\x86R.",
    ])
    func passesPlainData(_ text: String) {
        let found = scan(bytes(text))
        #expect(found.findings.isEmpty)
        #expect(found.record.verdict == .clean)
    }

    /// `getattr` is harmless for an enumeration's member only, and only where it is not called.
    @Test(arguments: [
        "\\x80\\x02cbuiltins\ngetattr\ncos\nenviron\nVget\n\\x86R.",
        "\\x80\\x02cbuiltins\ngetattr\nctransformers.trainer_utils\nIntervalStrategy\nV__class__\n\\x86R.",
        "\\x80\\x02cbuiltins\ngetattr\n\\x85.",
    ])
    func distrustsOtherAttributes(_ text: String) {
        #expect(scan(bytes(text)).rules.contains(.pickleDangerousGlobal))
    }

    /// joblib's array bytes between the opcodes are stepped over, and what follows them is seen.
    @Test func stepsOverJoblibArrays() {
        let wrapper =
            "\\x80\\x03cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\\x81}(X\\x05\\x00\\x00\\x00shape"
            + "K\\x02\\x85X\\x05\\x00\\x00\\x00dtypecnumpy\ndtype\nX\\x02\\x00\\x00\\x00f4K\\x00K\\x01\\x87Rub"
        let array = "\\xff\\xff\\xff\\xff\\x2e\\x2e\\x2e\\x2e"
        let clean = scan(bytes(wrapper + array + "."), named: "m.joblib")
        #expect(clean.findings.isEmpty)
        let evil = scan(bytes(wrapper + array + "0cos\nsystem\n)R."), named: "m.joblib")
        #expect(evil.rules == [.pickleDangerousGlobal])
    }

    /// Prose and word lists are no pickles, whatever lines they hold.
    @Test(arguments: [
        "cos\nsystem\nios\nexec\n", "import os\nimport sys\n\ndata.", "little", "1.0\n",
        "change\nlog\n\nA list.", "(c) 2024\nall rights.",
    ])
    func takesNoProseForPickles(_ text: String) {
        #expect(scan(Array(text.utf8), named: "vocab.txt").globals.isEmpty)
    }

    @Test(arguments: [
        ("os", "system", Grade.dangerous), ("nt", "unlink", .dangerous),
        ("os.path", "join", .dangerous),
        ("__builtin__", "eval", .dangerous), ("builtins", "list", .safe),
        ("builtins", "foo", .unknown),
        ("torch", "FloatStorage", .safe), ("torch", "load", .dangerous),
        ("torch.hub", "x", .dangerous),
        ("torch.nn.modules.linear", "Linear", .safe), ("torch.nn.modules.linear", "os", .dangerous),
        ("torch.nn.modules.linear", "linear", .unknown),
        ("sklearn.datasets._base", "Fetcher", .unknown),
        ("acme", "Net", .unknown), ("acme", "run_command", .dangerous),
        ("acme", "_exec_", .dangerous),
        ("xdrlib", "Packer", .dangerous), ("datetime", "datetime", .safe),
        ("οs", "system", .dangerous),
        ("commands", "getoutput", .dangerous), ("copy_reg", "_reconstructor", .safe),
        ("transformers_modules.a", "B", .dangerous), ("numpy", "ndarray.__class__", .dangerous),
        ("collections", "OrderedDict.fromkeys", .unknown), ("torch", "os.system", .dangerous),
    ])
    func grades(_ module: String, _ name: String, _ grade: Grade) {
        #expect(GlobalGrades.grade(module, name).0 == grade)
    }

    /// A name is on one list only, or the safe one would hide a dangerous one.
    @Test func listsDoNotContradict() {
        for (module, names) in DangerousGlobals.names {
            for name in names.keys where SafeGlobals.names[module]?.contains(name) == true {
                // The one name whose argument is walked itself.
                #expect(
                    module == "torch.storage" && name == "_load_from_bytes", "\(module).\(name)")
            }
        }
    }
}
