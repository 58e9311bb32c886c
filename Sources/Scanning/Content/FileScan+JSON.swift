extension FileScan {
    /// Reads a JSON text for keys that repeat, and for what makes a loader run or read other things.
    func examineJSON(_ bytes: UnsafeRawBufferPointer, at place: Place) {
        guard bytes.count <= limits.maximumJSONBytes else {
            report(.formatUnsupported, at: place, "the JSON text is too long to be examined")
            return
        }
        let tree = JSONTree(bytes, kept: place.name.hasSuffix(".index.json") ? 200_000 : 4096)
        for key in tree.repeated {
            report(
                .configDuplicateKey, at: place, offset: key.offset,
                "‘\(harmless(key.key))’ is there twice in one object")
        }
        if let fault = tree.fault {
            // One JSON text a line is a kind of its own.
            let isLines =
                fault.what == "text follows the end"
                && [0x7B, 0x5B].contains(bytes[min(fault.offset, bytes.count - 1)])
            report(
                .configDamaged, isLines ? .note : nil, at: place, offset: fault.offset, fault.what)
            if isLines { isDamaged = false }
        }
        guard let root = tree.root else { return }
        checkFields(root, at: place)
        checkKeras(root, at: place)
        switch place.name {
        case "modules.json": checkModules(root, at: place)
        case "model_index.json": checkPipeline(root, at: place)
        case let name where name.hasSuffix(".index.json"): checkIndex(root, at: place)
        default: break
        }
    }

    private func checkFields(_ root: JSONTree.Value, at place: Place) {
        root.eachObject { path, object in
            for (key, value) in object.members {
                checkField(key, value, of: object, path, at: place)
            }
        }
    }

    private func checkField(
        _ key: String, _ value: JSONTree.Value, of object: JSONTree.Value, _ path: [String],
        at place: Place
    ) {
        switch key {
        case "auto_map" where value.count > 0, "custom_pipelines" where value.count > 0,
            "custom_pipeline" where value.string != nil, "custom_generate" where !value.isNull:
            let first = value.members.first.map {
                "\($0.key): \($0.value.string ?? $0.value.elements.first?.string ?? "")"
            }
            report(
                .configRemoteCode, at: place,
                "‘\(key)’ names code to import: \(harmless(first ?? value.string ?? "…", atMost: 80))"
            )
        case "trust_remote_code" where value.isTrue, "allow_pickle" where value.isTrue,
            "custom_code" where value.isTrue, "unsafe" where value.isTrue,
            "safe_mode" where { if case .bool(false) = value { true } else { false } }():
            report(.configRemoteCode, at: place, "‘\(key)’ is set")
        case "custom_code" where value.count > 0 || value.string != nil:
            report(.configRemoteCode, at: place, "‘custom_code’ names code to import")
        case "transformers_weights", "weights_file", "model_file_override":
            guard let name = value.string else { return }
            report(.configRedirect, at: place, "‘\(key)’ names ‘\(harmless(name))’ for the weights")
        case "base_model_name_or_path" where place.name == "adapter_config.json":
            report(
                .configRedirect, at: place,
                "an adapter to ‘\(harmless(value.string ?? "?"))’, which is loaded beneath it")
        case "chat_template", "template", "default_chat_template":
            if let text = value.string { checkTemplate(text, named: "‘\(key)’", at: place) }
            for entry in value.elements {
                if let text = entry["template"]?.string {
                    checkTemplate(text, named: "‘\(key)’", at: place)
                }
            }
        case "_target_", "__target__", "py/object", "py/type", "py/function", "py/reduce":
            if let name = value.string {
                reportClass(name, named: key, at: place)
            } else if key.hasPrefix("py/") {
                report(
                    .codeNamedClass, .error, at: place,
                    "‘\(key)’ makes jsonpickle call what it names")
            }
        case "num_hidden_layers", "n_layer", "num_layers", "n_layers", "num_attention_heads",
            "hidden_size", "intermediate_size", "vocab_size", "max_position_embeddings",
            "image_size",
            "num_labels", "n_head", "n_embd", "num_channels", "type_vocab_size":
            guard case .number(let number) = value else { return }
            let most = key.contains("layer") || key.contains("head") ? 1e5 : 1e9
            if !(number >= 0 && number <= most) {
                report(.configNumber, at: place, "‘\(key)’ is \(number)")
            }
        case "__module__":
            guard let name = object["__class__"]?.string, let module = value.string else { return }
            reportClass("\(module).\(name)", named: "__class__", at: place)
        default: break
        }
    }

    /// The modules of a sentence-transformers model: each is imported by its name.
    private func checkModules(_ root: JSONTree.Value, at place: Place) {
        for module in root.elements {
            if let type = module["type"]?.string, !type.hasPrefix("sentence_transformers.") {
                report(
                    .codeNamedClass, at: place,
                    "the module ‘\(harmless(type))’ is none of sentence-transformers")
            }
            if let path = module["path"]?.string, let fault = Self.fault(ofName: path) {
                report(
                    .configRedirect, .error, at: place,
                    "the module path ‘\(harmless(path))’ \(fault)")
            }
        }
    }

    /// The parts of a diffusers pipeline: library and class.
    private func checkPipeline(_ root: JSONTree.Value, at place: Place) {
        for (key, value) in root.members where !key.hasPrefix("_") {
            let parts = value.elements.compactMap(\.string)
            guard parts.count == 2, value.count == 2 else { continue }
            let known = ["diffusers", "transformers", "onnxruntime", "stable_diffusion", "flax"]
            if !known.contains(parts[0]), !parts[0].hasPrefix("diffusers."),
                !parts[0].hasPrefix("transformers.")
            {
                report(
                    .codeNamedClass, at: place,
                    "‘\(harmless(key))’ is \(harmless(parts[0])).\(harmless(parts[1]))")
            }
        }
        if let name = root["_class_name"]?.elements.first?.string {
            report(
                .configRemoteCode, at: place, "the pipeline’s class comes from ‘\(harmless(name))’")
        }
    }

    private func checkIndex(_ root: JSONTree.Value, at place: Place) {
        for (key, value) in root["weight_map"]?.members ?? [] {
            guard let name = value.string else { continue }
            if let fault = Self.fault(ofName: name) {
                report(
                    .configRedirect, .error, at: place,
                    "‘\(harmless(key))’ lies in ‘\(harmless(name))’, which \(fault)")
            } else if name.contains("/") {
                report(
                    .configRedirect, at: place,
                    "‘\(harmless(key))’ lies in another folder: ‘\(harmless(name))’")
            }
        }
    }
}

extension FileScan {
    /// What only the whole of an archive tells.
    func examineKnownArchive(
        _ bytes: UnsafeRawBufferPointer, _ survey: ZipSurvey, at place: Place
    ) {
        let code = survey.entries.filter {
            $0.name.hasSuffix(".py") && ($0.name.contains("/code/") || $0.name.hasPrefix("code/"))
        }
        if survey.isTorch
            || survey.entries.contains(where: { $0.name.hasSuffix("/constants.pkl") }),
            !code.isEmpty
        {
            report(.codeTorchScript, at: place, "\(code.count) TorchScript sources")
        }
    }

    /// TorchScript that touches files.
    func checkTorchScript(_ text: String, at place: Place) {
        for call in [
            "torch.save(", "torch.from_file(", "ops.aten.save", "ops.aten.from_file", "torch.load(",
            "ops.image.write_file", "ops.image.read_file", "ops.torchaudio.", "torch.classes.",
        ] where text.contains(call) {
            report(.codeTorchScriptCall, at: place, "calls ‘\(call)’")
        }
    }
}
