extension FileScan {
    /// Looks into a compressed stream, and into what follows it.
    func examineCompressed(
        _ bytes: UnsafeRawBufferPointer, as kind: ContentKind, isZipMethod14: Bool = false,
        at place: Place
    ) {
        let inner = place.entering(
            place.name.hasSuffix(".\(place.suffix)") && isPacked(place.suffix)
                ? String(place.name.dropLast(place.suffix.count + 1)) : "content")
        switch kind {
        case .zfile:
            // A text with the length stands before the data.
            guard let start = bytes.rest(from: 0, atMost: 32).firstIndex(of: 0x78) else {
                report(.containerDamaged, at: place, "has no zlib data behind its header")
                return
            }
            examineCompressed(bytes.rest(from: start), as: .zlib, at: place)
        case .gzip, .zlib:
            let result = Inflater.expand(
                bytes, kind == .gzip ? .gzip : .zlib, atMost: room)
            // Two bytes say zlib, and any bytes may begin so.
            if kind == .zlib, result.ending == .damaged, result.bytes.count < 64 {
                searchPickles(bytes, from: 0, at: place)
                report(.formatUnknown, at: place, "begins as zlib data and is none")
                return
            }
            finish(result.bytes, result.ending, at: inner)
            if result.ending == .complete, result.consumed < bytes.count {
                examineTail(bytes, from: result.consumed, as: kind, at: place)
            }
        default:
            guard let library = CompressionLibrary(kind) else {
                report(
                    .formatUnsupported, at: place,
                    "\(kind.rawValue) data cannot be opened here; unpack it and scan again")
                return
            }
            let (expanded, ending) = library.expand(bytes, isRawLZMA: isZipMethod14, atMost: room)
            finish(expanded, ending, at: inner)
        }
    }

    private func isPacked(_ suffix: String) -> Bool {
        ["gz", "bz2", "xz", "zst", "z", "lzma"].contains(suffix)
    }

    private func finish(_ bytes: [UInt8], _ ending: Inflater.Ending, at place: Place) {
        switch ending {
        case .complete: break
        case .unsupported:
            report(.formatUnsupported, at: place, "needs more memory to expand than is given to it")
        case .damaged:
            report(.containerDamaged, at: place, "the compressed data are damaged or cut short")
        case .full:
            report(
                .containerBomb, at: place,
                "expands to more than \(bytes.count) bytes; what follows was not examined")
        }
        examined += 1
        holding(bytes) { examine($0, at: place) }
    }

    /// gzip files may stand one behind the other; anything else there is hidden.
    private func examineTail(
        _ bytes: UnsafeRawBufferPointer, from start: Int, as kind: ContentKind, at place: Place
    ) {
        let tail = bytes.rest(from: start)
        guard !tail.isZero else { return }
        if kind == .gzip, tail.has([0x1F, 0x8B]), place.depth < limits.maximumDepth {
            examineCompressed(tail, as: .gzip, at: place.entering("next"))
            return
        }
        report(
            .containerUnaccountedBytes, at: place, offset: start,
            "\(tail.count) bytes follow the compressed data")
        searchPickles(bytes, from: start, at: place)
    }
}
