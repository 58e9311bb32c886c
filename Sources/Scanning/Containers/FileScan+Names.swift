import Files

extension FileScan {
    /// Names of an archive's entries: none twice, none that leads out, none that deceives.
    func checkNames(_ names: [String], isTorch: Bool, at place: Place) {
        var seen: Set<String> = []
        var folded: [String: String] = [:]
        for name in names {
            if !seen.insert(name).inserted {
                report(.containerDuplicateName, at: place, "‘\(harmless(name))’ is there twice")
                continue
            }
            let key = name.lowercased()
            if let other = folded.updateValue(name, forKey: key) {
                report(
                    .containerCaseName, isTorch ? .error : .warning, at: place,
                    "‘\(harmless(name))’ and ‘\(harmless(other))’ differ in case only")
            }
            if let fault = Self.fault(ofName: name) {
                report(.containerUnsafeName, at: place, "‘\(harmless(name))’ \(fault)")
            }
            if name.unicodeScalars.contains(where: \.isHidden) {
                report(.folderDeceptiveName, at: place, "‘\(harmless(name))’ hides characters")
            }
        }
    }

    /// Why unpacking something of this name would write elsewhere.
    static func fault(ofName name: String) -> String? {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let windows = name.split(whereSeparator: { $0 == "/" || $0 == "\\" })
        if name.hasPrefix("/") { return "begins at the root" }
        if parts.contains("..") || windows.contains("..") { return "leads to the folder above" }
        if name.hasPrefix("\\") || name.dropFirst().hasPrefix(":\\")
            || name.dropFirst().hasPrefix(":/")
        {
            return "begins at a drive"
        }
        if name.contains("\0") { return "holds a zero byte" }
        return nil
    }
}
