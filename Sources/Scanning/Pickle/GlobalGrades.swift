/// What is known of the names that pickles import.
///
/// The list of safe names is the one that decides: what is on no list is a finding. The dangerous
/// ones are told apart so that a reader knows what to look at first.
enum GlobalGrades {
    /// The grade of `module.name`, and why.
    static func grade(_ module: String, _ name: String) -> (Grade, String) {
        let (module, name) = renamed(module, name)
        guard isPlain(module), isPlain(name) else {
            return (.dangerous, "the name is no plain identifier, as if to hide what it is")
        }
        if isSafe(module, name) { return (.safe, "builds data") }
        // Python has no such module: only TorchScript's own reader knows it, from the archive.
        if module == "__torch__" || module.hasPrefix("__torch__.") {
            return (.safe, "a class of the archive’s own TorchScript code")
        }
        if let reason = dangerousReason(module, name) { return (.dangerous, reason) }
        return (.unknown, "on no list: loading imports \(module) and may call it")
    }

    /// The Python 3 name of what a Python 2 pickle imports; Python translates on loading.
    private static func renamed(_ module: String, _ name: String) -> (String, String) {
        switch (module, name) {
        case ("itertools", "izip"), ("itertools", "imap"), ("itertools", "ifilter"):
            ("builtins", String(name.dropFirst()))
        case ("__builtin__", "xrange"): ("builtins", "range")
        case ("__builtin__", "unicode"), ("__builtin__", "basestring"): ("builtins", "str")
        case ("__builtin__", "long"): ("builtins", "int")
        case ("__builtin__", "reduce"): ("functools", "reduce")
        case ("UserDict", "IterableUserDict"): ("collections", "UserDict")
        default: (pythonTwoModules[module] ?? module, name)
        }
    }

    private static let pythonTwoModules = [
        "__builtin__": "builtins", "copy_reg": "copyreg", "Queue": "queue", "cPickle": "pickle",
        "_winreg": "winreg", "commands": "subprocess", "UserDict": "collections",
        "UserList": "collections", "UserString": "collections", "whichdb": "dbm",
        "dummy_thread": "_dummy_thread", "thread": "_thread", "StringIO": "io", "cStringIO": "io",
        "urllib2": "urllib.request", "urlparse": "urllib.parse", "httplib": "http.client",
        "SocketServer": "socketserver", "xmlrpclib": "xmlrpc.client", "__main__.os": "os",
        "exceptions": "builtins", "imp": "importlib", "tkFileDialog": "tkinter.filedialog",
    ]

    /// Whether it is a dotted path of ASCII identifiers.
    private static func isPlain(_ path: String) -> Bool {
        !path.isEmpty
            && path.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
                guard let first = part.utf8.first, !(48...57).contains(first) else { return false }
                return part.utf8.allSatisfy {
                    $0 == 0x5F || (48...57).contains($0) || (65...90).contains($0)
                        || (97...122).contains($0)
                }
            }
    }

    // MARK: - Safe

    private static func isSafe(_ module: String, _ name: String) -> Bool {
        if SafeGlobals.names[module]?.contains(name) == true { return true }
        guard !name.contains("."), isClassName(name) else {
            return isEnumerationMember(module, name)
        }
        return SafeGlobals.classPrefixes.contains { module == $0 || module.hasPrefix($0 + ".") }
            && !module.split(separator: ".").contains {
                SafeGlobals.neverWithin.contains(String($0))
            }
    }

    /// A class by the looks of its name: a capital first.
    private static func isClassName(_ name: String) -> Bool {
        name.drop { $0 == "_" }.first?.isUppercase ?? false
    }

    /// Whether `module.name` is an enumeration, whose members are data.
    static func isEnumeration(_ module: String, _ name: String) -> Bool {
        SafeGlobals.enumerations[module]?.contains(name) == true
    }

    private static func isEnumerationMember(_ module: String, _ name: String) -> Bool {
        let parts = name.split(separator: ".").map(String.init)
        return parts.count == 2 && isEnumeration(module, parts[0]) && !parts[1].hasPrefix("_")
    }

    // MARK: - Dangerous

    private static func dangerousReason(_ module: String, _ name: String) -> String? {
        let parts = module.split(separator: ".").map(String.init)
        let top = parts.first ?? ""
        if let reason = DangerousGlobals.names[module]?[name] { return reason }
        for length in stride(from: parts.count, through: 1, by: -1) {
            let prefix = parts.prefix(length).joined(separator: ".")
            if let reason = DangerousGlobals.modules[prefix] { return reason }
        }
        let attributes = name.split(separator: ".").map(String.init)
        if attributes.contains(where: { $0.hasPrefix("__") }) {
            return "reaches into Python's own attributes"
        }
        if attributes.count > 1, attributes.contains(where: { DangerousGlobals.modules[$0] != nil })
        {
            return "reaches another module through this one"
        }
        if attributes.count == 1, DangerousGlobals.modules[name] != nil, name != "test" {
            return "imports the module ‘\(name)’ by way of this one"
        }
        if let last = attributes.last, DangerousGlobals.verbs.contains(bare(last)) {
            return "is called as what runs or loads code is called"
        }
        if DangerousGlobals.standardLibrary.contains(top),
            !DangerousGlobals.dataModules.contains(top)
        {
            return "a part of Python's standard library that no model needs"
        }
        return nil
    }

    private static func bare(_ name: String) -> String {
        name.trimmingUnderscores().lowercased()
    }
}

extension String {
    fileprivate func trimmingUnderscores() -> String {
        var text = self[...]
        while text.first == "_" { text.removeFirst() }
        while text.last == "_" { text.removeLast() }
        return String(text)
    }
}
