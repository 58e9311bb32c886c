extension FileScan {
    /// Walks the pickle at `start` and those that follow it without a gap.
    ///
    /// - Returns: Where the last one ends.
    @discardableResult
    func examinePickles(
        _ bytes: UnsafeRawBufferPointer, from start: Int = 0, at place: Place
    ) -> Int {
        var position = start
        var isFirst = true
        while position < bytes.count {
            var walker = PickleWalker(bytes, at: position, limits: limits)
            let end = walker.run()
            // What follows a pickle need not be one: it counts when it ends well or imports.
            if !isFirst, end != .stop || !walker.isUnbroken, !isCredible(walker) { break }
            examined += 1
            record(walker, end: end, at: place)
            position = max(walker.position, position + 1)
            isFirst = false
            guard end == .stop else { break }
        }
        return position
    }

    /// Takes note of all that a walk met.
    func record(_ walker: PickleWalker, end: PickleWalker.End, at place: Place) {
        let attributesAreBenign = walker.attributeUses.odd == 0 && walker.attributeUses.plain > 0
        for (index, global) in walker.globals.enumerated() {
            report(
                global, isBenign: attributesAreBenign && walker.isAttributeGetter(index), base: 0,
                at: place)
        }
        for oddity in walker.oddities {
            report(oddity.rule, at: place, offset: oddity.offset, oddity.message)
        }
        examineNested(walker, at: place)
        switch end {
        case .limit:
            report(
                .pickleLimit, at: place, offset: walker.position, "what follows was not examined")
        case .truncated:
            report(
                .formatDamaged, at: place, offset: walker.position,
                "the pickle is cut short; what it holds up to there was examined")
        case .error(let what):
            report(
                .pickleBroken, at: place, offset: walker.firstError?.offset,
                "\(what); everything before it runs when it is loaded")
        case .stop:
            if let error = walker.firstError {
                report(
                    .pickleBroken, at: place, offset: error.offset,
                    "\(error.what); everything before it runs when it is loaded")
            }
        }
    }

    /// Bytes and texts in a pickle that are pickles or archives themselves.
    private func examineNested(_ walker: PickleWalker, at place: Place) {
        guard place.depth < limits.maximumDepth else {
            if !walker.nested.isEmpty {
                report(.containerDepth, at: place, "pickles within pickles were not examined")
            }
            return
        }
        for literal in walker.nested {
            guard let bytes = walker.bytes.part(literal.offset, literal.count) else { continue }
            examineLiteral(bytes, at: place.entering("bytes@\(literal.offset)"))
        }
        for literal in walker.encoded where literal.count <= 64 << 20 {
            let scalars = walker.bytes.rest(from: literal.offset, atMost: literal.count).text
                .unicodeScalars
            let latin = scalars.map { UInt8(truncatingIfNeeded: $0.value) }
            holding(latin) { examineLiteral($0, at: place.entering("bytes@\(literal.offset)")) }
        }
    }

    /// A literal counts as a pickle when it imports something or is sure to be one.
    private func examineLiteral(_ bytes: UnsafeRawBufferPointer, at place: Place) {
        let kinds = ContentKind.all(of: bytes)
        if kinds.contains(where: \.isContainer) {
            examine(bytes, at: place)
            return
        }
        var walker = PickleWalker(bytes, at: 0, limits: limits)
        let end = walker.run()
        guard isCredible(walker) else {
            // One that imports nothing itself may still carry one that does.
            if end == .stop, walker.isUnbroken { examineNested(walker, at: place) }
            return
        }
        examined += 1
        record(walker, end: .stop, at: place)
        if end == .stop, walker.position < bytes.count {
            examinePickles(bytes, from: walker.position, at: place)
        }
    }

    /// Whether a walk that began at a guess met what only a pickle holds.
    func isCredible(_ walker: PickleWalker) -> Bool {
        let credible = walker.globals.contains { global in
            Self.looksLikeName(global.module) && Self.looksLikeName(global.name)
        }
        guard credible else { return false }
        // Words on two lines are text, unless something comes of them.
        return walker.globals.contains { $0.isCalled } || walker.end == .stop
            || walker.globals.contains { GlobalGrades.grade($0.module, $0.name).0 == .dangerous }
    }

    static func looksLikeName(_ text: String) -> Bool {
        guard text.utf8.count >= 2, text.utf8.count <= 200, let first = text.utf8.first,
            first == 0x5F || (65...90).contains(first) || (97...122).contains(first)
        else { return false }
        return text.utf8.allSatisfy {
            $0 == 0x5F || $0 == 0x2E || (48...57).contains($0) || (65...90).contains($0)
                || (97...122).contains($0)
        }
    }

    // MARK: - Search

    /// Looks for pickles anywhere in bytes of an unknown kind.
    func searchPickles(
        _ bytes: UnsafeRawBufferPointer, from start: Int, at place: Place
    ) {
        let start = max(0, start)
        let end = min(bytes.count, start + limits.searchedBytes)
        let searched = bytes.rest(from: 0, atMost: end)
        var found = 0
        var position = start
        var search = PickleSearch(searched)
        // Bytes can be made so that a walk begins at each and goes far.
        var steps = 5_000_000 + 8 * min(searched.count, 1 << 30)
        while found < 64, steps > 0, let candidate = search.next(from: position) {
            var walker = PickleWalker(bytes, at: candidate, limits: limits)
            let end = walker.run(atMost: 100_000)
            steps -= walker.opcodeCount
            guard isCredible(walker) else {
                position = candidate + 1
                continue
            }
            found += 1
            examined += 1
            report(.pickleEmbedded, at: place, offset: candidate, "a pickle begins here")
            record(walker, end: end == .stop ? end : .stop, at: place)
            position = max(walker.position, candidate + 1)
        }
        if end < bytes.count || steps <= 0 || found == 64 {
            report(
                .pickleLimit, at: place, offset: steps <= 0 || found == 64 ? position : end,
                "only the bytes before were searched for pickles")
        }
    }
}
