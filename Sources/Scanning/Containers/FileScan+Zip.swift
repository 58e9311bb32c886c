extension FileScan {
    /// What an archive was seen to be made of.
    struct ZipSurvey {
        var entries: [ZipHeader] = []
        /// Bytes that some record or entry accounts for.
        var accounted: [Range<Int>] = []
        var isTorch = false
        var base = 0
    }

    /// Looks at every entry of a zip, as its directory has it and as the bytes have it.
    func examineZip(_ bytes: UnsafeRawBufferPointer, at place: Place) {
        guard let end = ZipEnd.last(in: bytes) else {
            report(.containerDamaged, at: place, "the zip has no directory; it may be cut short")
            examineGap(bytes, 0..<bytes.count, isTorch: false, at: place)
            return
        }
        var survey = survey(bytes, end, at: place)
        checkNames(survey.entries.map(\.name), isTorch: survey.isTorch, at: place)
        if place.depth == 0 { format = zipFormat(survey, at: place) }
        for entry in survey.entries.prefix(limits.maximumEntries) {
            examineEntry(entry, in: bytes, &survey, at: place)
        }
        if survey.entries.count > limits.maximumEntries {
            report(.pickleLimit, at: place, "only \(limits.maximumEntries) entries were examined")
        }
        examineKnownArchive(bytes, survey, at: place)
        checkComment(bytes, end, isTorch: survey.isTorch, at: place)
        checkAccount(bytes, survey, at: place)
    }

    private func survey(
        _ bytes: UnsafeRawBufferPointer, _ end: ZipEnd, at place: Place
    ) -> ZipSurvey {
        var survey = ZipSurvey(base: end.base)
        survey.accounted = [end.directory, end.offset..<end.end]
        if let wide = end.wide { survey.accounted.append(wide) }
        var position = end.directory.lowerBound
        while position < end.directory.upperBound,
            survey.entries.count <= limits.maximumEntries,
            let entry = ZipHeader.central(bytes, at: position)
        {
            survey.entries.append(entry)
            position = entry.end
        }
        if position != end.directory.upperBound || survey.entries.count != end.entryCount {
            report(
                .containerDisagreement, at: place, offset: end.offset,
                "the end record counts \(end.entryCount) entries in \(end.directory.count) bytes; "
                    + "the directory has \(survey.entries.count)")
        }
        survey.isTorch = survey.entries.contains {
            $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl")
        }
        return survey
    }

    private func zipFormat(_ survey: ZipSurvey, at place: Place) -> String {
        let names = survey.entries.map(\.name)
        if names.contains(where: { $0.contains("/code/") && $0.hasSuffix(".py") }) {
            return "TorchScript"
        }
        if survey.isTorch { return "torch zip" }
        if place.suffix == "keras"
            || names.contains("config.json") && names.contains("model.weights.h5")
        {
            return "Keras"
        }
        return names.allSatisfy { $0.hasSuffix(".npy") } && !names.isEmpty ? "npz" : "zip"
    }

    // MARK: - Entries

    private func examineEntry(
        _ entry: ZipHeader, in bytes: UnsafeRawBufferPointer, _ survey: inout ZipSurvey,
        at place: Place
    ) {
        let inner = place.entering(harmless(entry.name))
        let start = survey.base + entry.localOffset
        if entry.isLink { report(.containerLink, at: inner, "is a symbolic link") }
        if entry.commentCount > 0 {
            report(
                .containerComment, at: inner, offset: entry.offset,
                "the entry has a comment of \(entry.commentCount) bytes")
            searchPickles(
                bytes.rest(from: 0, atMost: entry.end), from: entry.end - entry.commentCount,
                at: place)
        }
        guard let local = ZipHeader.local(bytes, at: start) else {
            report(
                .containerDamaged, at: inner, offset: start,
                "there is no entry where the directory says")
            return
        }
        compare(entry, local, at: inner)
        let dataEnd = local.end + entry.packedCount
        guard entry.packedCount >= 0, dataEnd <= bytes.count else {
            report(.containerDamaged, at: inner, offset: start, "the entry is cut short")
            survey.accounted.append(start..<bytes.count)
            examineMember(bytes.rest(from: local.end), entry, isStorage: false, at: inner)
            return
        }
        survey.accounted.append(start..<dataEnd + descriptorCount(entry, bytes, at: dataEnd))
        guard !entry.isFolder || entry.packedCount > 0 else { return }
        let data = bytes.rest(from: local.end, atMost: entry.packedCount)
        let isStorage = survey.isTorch && Self.isStorage(entry.name)
        examineMember(data, entry, isStorage: isStorage, at: inner)
        // What a reader that goes by the entry's own header makes of it.
        let differs =
            local.method != entry.method
            || (!local.hasDescriptor
                && local.packedCount != entry.packedCount)
        if differs, local.end + local.packedCount <= bytes.count {
            examineMember(
                bytes.rest(from: local.end, atMost: local.packedCount), local, isStorage: false,
                at: inner)
        }
    }

    private static func isStorage(_ name: String) -> Bool {
        let parts = name.split(separator: "/")
        guard parts.count >= 2, parts[parts.count - 2] == "data", let last = parts.last else {
            return false
        }
        return last.allSatisfy(\.isNumber)
    }

    private func compare(_ entry: ZipHeader, _ local: ZipHeader, at place: Place) {
        var differences: [String] = []
        if entry.name != local.name { differences.append("the name ‘\(harmless(local.name))’") }
        if entry.method != local.method { differences.append("method \(local.method)") }
        if entry.isEncrypted != local.isEncrypted { differences.append("another encryption flag") }
        if !local.hasDescriptor {
            let packed = local.packedCount
            if packed != entry.packedCount { differences.append("a size of \(packed) bytes") }
            if local.count != entry.count { differences.append("\(local.count) bytes of content") }
            if local.checksum != entry.checksum { differences.append("another checksum") }
        }
        guard !differences.isEmpty else { return }
        report(
            .containerDisagreement, at: place, offset: local.offset,
            "the entry itself says other than the directory: " + differences.joined(separator: ", ")
        )
    }

    private func descriptorCount(
        _ entry: ZipHeader, _ bytes: UnsafeRawBufferPointer, at offset: Int
    ) -> Int {
        guard entry.hasDescriptor else { return 0 }
        let hasSignature = bytes.has([0x50, 0x4B, 7, 8], at: offset)
        let start = offset + (hasSignature ? 4 : 0)
        guard bytes.size(4, at: start) == entry.checksum else { return hasSignature ? 4 : 0 }
        let isWide =
            bytes.size(8, at: start + 4) == entry.packedCount
            && bytes.size(8, at: start + 12) == entry.count
        return (hasSignature ? 4 : 0) + (isWide ? 20 : 12)
    }

    private func examineMember(
        _ data: UnsafeRawBufferPointer, _ entry: ZipHeader, isStorage: Bool, at place: Place
    ) {
        examined += 1
        guard admits(data.count, at: place) else { return }
        switch entry.method {
        case 0:
            if entry.isEncrypted, !Checksum.matches(data, entry.checksum) {
                report(.containerEncrypted, at: place, "cannot be examined without its password")
                return
            }
            noteFalseEncryption(entry, at: place)
            if !Checksum.matches(data, entry.checksum) {
                report(.containerChecksum, at: place, "the CRC-32 does not match the data")
            }
            examineEntryContent(data, isStorage: isStorage, at: place)
        case 8:
            let expanded = Inflater.expand(data, .raw, expected: entry.count, atMost: room)
            finish(expanded, entry, at: place) {
                examineEntryContent($0, isStorage: isStorage, at: place)
            }
        case 12, 14, 93, 95:
            let kind: ContentKind =
                entry.method == 12 ? .bzip2 : entry.method == 93 ? .zstandard : .xz
            examineCompressed(data, as: kind, isZipMethod14: entry.method == 14, at: place)
        default:
            report(
                .formatUnsupported, at: place,
                "is compressed by method \(entry.method), which cannot be opened here")
        }
    }

    private func finish(
        _ expanded: Inflater.Result, _ entry: ZipHeader, at place: Place,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        if entry.isEncrypted {
            guard expanded.ending == .complete else {
                report(.containerEncrypted, at: place, "cannot be examined without its password")
                return
            }
            noteFalseEncryption(entry, at: place)
        }
        switch expanded.ending {
        case .complete:
            let isWhole = expanded.bytes.count == entry.count
            if !isWhole {
                report(
                    .containerDisagreement, at: place,
                    "expands to \(expanded.bytes.count) bytes, not the \(entry.count) it declares")
            } else if !expanded.bytes.withUnsafeBytes({ Checksum.matches($0, entry.checksum) }) {
                report(.containerChecksum, at: place, "the CRC-32 does not match the data")
            }
        case .damaged, .unsupported:
            report(.containerDamaged, at: place, "the compressed data are damaged")
        case .full:
            report(
                .containerBomb, at: place,
                "expands to more than \(expanded.bytes.count) bytes; what follows was not examined")
        }
        holding(expanded.bytes, body)
    }

    private func noteFalseEncryption(_ entry: ZipHeader, at place: Place) {
        guard entry.isEncrypted else { return }
        report(
            .containerDisagreement, at: place, offset: entry.offset,
            "is marked encrypted and is not, so that readers that ask do not look inside")
    }

    private func examineEntryContent(
        _ data: UnsafeRawBufferPointer, isStorage: Bool, at place: Place
    ) {
        if isStorage {
            // Numbers: only a whole pickle or archive in their place is worth a word.
            if data.has([0x80]), let version = data.little(UInt8.self, at: 1),
                (2...5).contains(version)
            {
                searchPickles(data.rest(from: 0, atMost: 1 << 16), from: 0, at: place)
            }
            return
        }
        examine(data, at: place)
    }

    // MARK: - What no entry accounts for

    private func checkComment(
        _ bytes: UnsafeRawBufferPointer, _ end: ZipEnd, isTorch: Bool, at place: Place
    ) {
        guard !end.comment.isEmpty else { return }
        let comment = bytes.rest(from: end.comment.lowerBound, atMost: end.comment.count)
        report(
            .containerComment, isTorch || !TextKind.isText(comment) ? .warning : .note, at: place,
            offset: end.comment.lowerBound, "the archive has a comment of \(comment.count) bytes")
        examineGap(bytes, end.comment, isTorch: isTorch, at: place)
    }

    private func checkAccount(
        _ bytes: UnsafeRawBufferPointer, _ survey: ZipSurvey, at place: Place
    ) {
        var position = 0
        for range in survey.accounted.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > position {
                let gap = position..<range.lowerBound
                let isPadding = bytes.rest(from: gap.lowerBound, atMost: gap.count).isZero
                let situation = position == 0 ? "before the first entry" : "between entries"
                report(
                    .containerUnaccountedBytes, isPadding ? .note : nil, at: place,
                    offset: gap.lowerBound, "\(gap.count) bytes \(situation) belong to none")
                if !isPadding { examineGap(bytes, gap, isTorch: survey.isTorch, at: place) }
            } else if range.lowerBound < position, !range.isEmpty {
                report(
                    .containerDisagreement, at: place, offset: range.lowerBound,
                    "two entries share the same bytes")
            }
            position = max(position, range.upperBound)
        }
        if position < bytes.count {
            let gap = position..<bytes.count
            report(
                .containerUnaccountedBytes, at: place, offset: position,
                "\(gap.count) bytes follow the end of the archive")
            examineGap(bytes, gap, isTorch: survey.isTorch, at: place)
        }
    }

    /// Bytes of a zip that its directory does not know of: hidden entries, directories, pickles.
    private func examineGap(
        _ bytes: UnsafeRawBufferPointer, _ gap: Range<Int>, isTorch: Bool, at place: Place
    ) {
        let whole = bytes.rest(from: 0, atMost: gap.upperBound)
        if let second = ZipEnd.all(in: whole, from: gap.lowerBound).first {
            report(
                .containerTwoDirectories, at: place, offset: second.offset,
                "another end record leads to a directory of \(second.entryCount) entries")
        }
        var position = gap.lowerBound
        var count = 0
        while count < 1000, let found = whole.first([0x50, 0x4B, 3, 4], from: position) {
            position = found + 4
            guard let entry = ZipHeader.local(bytes, at: found), entry.name.utf8.count < 1024,
                !entry.name.isEmpty, entry.end <= bytes.count
            else { continue }
            count += 1
            let inner = place.entering(harmless(entry.name))
            report(
                .containerDisagreement, at: inner, offset: found,
                "the directory does not list this entry")
            let isOpen = entry.hasDescriptor && entry.packedCount == 0
            let data = bytes.rest(
                from: entry.end, atMost: isOpen ? bytes.count : entry.packedCount)
            examineHidden(data, entry, at: inner)
            if !isOpen { position = max(position, entry.end + data.count) }
        }
        searchPickles(whole, from: gap.lowerBound, at: place)
    }

    private func examineHidden(_ data: UnsafeRawBufferPointer, _ entry: ZipHeader, at place: Place)
    {
        examined += 1
        guard admits(data.count, at: place) else { return }
        guard entry.method == 8 else {
            examine(data, at: place)
            return
        }
        let expanded = Inflater.expand(data, .raw, expected: entry.count, atMost: room)
        holding(expanded.bytes) { examine($0, at: place) }
    }
}
