"""The malicious half of the scanner's corpus: techniques by containers by formats."""

import base64
import io
import json
import marshal
import os
import struct
import tarfile

import numpy as np
import scan_containers as box
import scan_pickles as pickles
from scan_containers import PAYLOAD, field, keras, layer, raw_safetensors, sequential, zipped

CONFIG = {"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 1, "vocab_size": 16}


def text(value) -> bytes:
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def cases() -> dict:
    """Name to group and files."""
    out = {}
    for index, (module, name, arguments) in enumerate(pickles.CALLABLES):
        # Protocols and packings take turns, so that no list decides alone.
        protocol = index % 6
        content = pickles.call(module, name, arguments, protocol)
        file = ("model.pkl", "pytorch_model.bin", "model.pt")[index % 3]
        if file == "model.pt":
            content = box.poisoned_torch(content)
        out[f"call-{module}.{name}-{protocol}"] = ("callable", {file: content})
    for name, content in pickles.hidden().items():
        out[f"hidden-{name}"] = ("opcode", {"model.pkl": content})
    for name in ("popped-result", "memo-mixed", "inst", "name-by-codecs", "nested-latin1",
                 "extension-code", "truncated-after", "getattr-chain"):
        out[f"hidden-{name}-in-torch"] = (
            "opcode", {"model.pt": box.poisoned_torch(pickles.hidden()[name])})
    for name, (file, content) in box.containers().items():
        out[f"in-{name}"] = ("container", {file: content})
    for group in (formats, configs, archives, tensors, folders):
        for name, files in group().items():
            out[name] = (group.__name__, files)
    return out


def formats() -> dict:
    code = base64.b64encode(marshal.dumps(compile("1+1", "x", "eval"))).decode()
    lambda_layer = layer("Lambda", name="l", function={"class_name": "__lambda__", "config": {"code": code}})
    hdf5 = b"\x89HDF\r\n\x1a\n" + b"\0" * 120
    old = {"class_name": "Sequential", "config": {"layers": [
        {"class_name": "Lambda", "config": {"name": "l", "function": [code, None, None]}}]}}
    graph = b"\x0a\x20" + b"node" + b"\x12" + struct.pack("B", 9) + b"WriteFile" + b"\x1a\x01x"
    return {
        "keras-lambda": {"m.keras": keras(sequential(lambda_layer))},
        "keras-lambda-nested": {"m.keras": keras(sequential(sequential(lambda_layer)))},
        "keras-foreign-module": {"m.keras": keras(sequential(layer("Popen", "subprocess", args=["true"])))},
        "keras-function": {"m.keras": keras(sequential(
            {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "function"}))},
        "keras-os-system": {"m.keras": keras({"module": "os", "class_name": "function", "config": "system"})},
        "keras-custom": {"m.keras": keras(sequential(layer("Evil", "evil_package.layers")))},
        "keras-get-file": {"m.keras": keras(sequential(layer("get_file", "keras.utils", origin="http://127.0.0.1:9/x")))},
        "h5-lambda": {"m.h5": hdf5 + text(old) + b"\0" * 40},
        "h5-lambda-compact": {"m.h5": hdf5 + json.dumps(old, separators=(",", ":")).encode() + b"\0" * 40},
        "savedmodel-write": {"saved_model.pb": graph, "variables/variables.index": b"\0" * 30},
        "savedmodel-read": {"saved_model.pb": graph.replace(b"\x09WriteFile", b"\x08ReadFile")},
        "savedmodel-pyfunc": {"saved_model.pb": graph.replace(b"\x09WriteFile", b"\x06PyFunc")},
        "onnx-absolute": {"m.onnx": box.onnx("/etc/passwd")},
        "onnx-up": {"m.onnx": box.onnx("../../secret.bin")},
        "onnx-foreign": {"m.onnx": box.onnx(domain="evil.ops", operator="Run")},
        "onnx-python": {"m.onnx": box.onnx(domain="ai.onnx.contrib", operator="PyOp")},
        "gguf-template": {"m.gguf": box.gguf("{{ ''.__class__.__mro__[1].__subclasses__() }}")},
        "gguf-template-attr": {"m.gguf": box.gguf("{{ x|attr('\\x5f\\x5finit\\x5f\\x5f') }}")},
        "torchscript-save": {"m.pt": torchscript("torch.save(x, \"/tmp/x\")")},
        "torchscript-from-file": {"m.pt": torchscript("_0 = torch.from_file(\"/etc/passwd\", False, 1)")},
        "pt2-library": {"m.pt2": zipped([("m/archive_format", b"pt2"), ("m/data/aotinductor/model/m.so", b"\x7fELF" + b"\0" * 60)])},
        "elf-as-bin": {"pytorch_model.bin": b"\x7fELF\x02\x01\x01" + b"\0" * 200},
        "pe-as-dat": {"weights.dat": b"MZ" + b"\0" * 58 + struct.pack("<I", 64) + b"PE\0\0" + b"\0" * 100},
        "script-as-bin": {"model.bin": b"#!/bin/sh\necho run\n"},
        "wasm": {"op.wasm": b"\0asm\1\0\0\0" + b"\0" * 30},
        "pyc": {"model.bin": b"\xa7\r\r\n" + b"\0" * 12 + marshal.dumps(compile("1", "x", "exec"))},
        "yaml-object": {"hparams.yaml": b"a: !!python/object/apply:os.system ['true']\n"},
        "yaml-name": {"hparams.yml": b"a: !!python/name:os.system\n"},
        "yaml-long-tag": {"c.yaml": b"a: !<tag:yaml.org,2002:python/object/apply:os.system> [x]\n"},
        "yaml-target": {"conf.yaml": b"model:\n  _target_: subprocess.Popen\n  args: [true]\n"},
        "yaml-bomb": {"c.yaml": yaml_bomb()},
        "nemo-target": {"m.nemo": box.tarred([("model_config.yaml", b"target:\n  _target_: os.system\n  command: 'true'\n")])},
        "skops": {"m.skops": zipped([("schema.json", text({"__class__": "system", "__module__": "os", "__loader__": "FunctionNode"}))])},
        "jsonpickle": {"o.json": text({"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["true"]}]})},
        "notebook": {"use.ipynb": text({"cells": [{"cell_type": "code", "source": ["import os\n", "os.system('true')"]}]})},
        "python-file": {"modeling_x.py": b"import os\nos.system('true')\n"},
        "python-no-suffix": {"handler": b"import os\nimport sys\nos.system('true')\n"},
        "path-file": {"x.pth": b"import os; os.system('true')\n"},
        "npy-expression": {"a.npy": npy_expression()},
        "mlflow": {"MLmodel": b"flavors:\n  python_function:\n    loader_module: evil.loader\n", "data/x": b"1"},
        "joblib-python-2": {"m.joblib": pickles.call("__builtin__", "execfile", ("x",), 0)},
        "pmml-entity": {"m.pmml": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><PMML>&e;</PMML>'},
    }


def torchscript(line: str) -> bytes:
    code = f"class M(Module):\n  def forward(self, x: Tensor) -> Tensor:\n    {line}\n    return x\n"
    return zipped([
        ("m/data.pkl", b"\x80\x02c__torch__\nM\n)\x81}b."), ("m/code/__torch__.py", code.encode()),
        ("m/constants.pkl", b"\x80\x02)."), ("m/version", b"3\n"),
    ])


def yaml_bomb() -> bytes:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    for level in range(1, 10):
        refs = ",".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{refs}]")
    return "\n".join(lines).encode()


def npy_expression() -> bytes:
    header = b"{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (1,), }\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\0" * 8


def folder(extra: dict, config: dict | None = None) -> dict:
    """A small model with something beside it."""
    return {"config.json": text(CONFIG | (config or {})), "model.safetensors": box.safetensors_bytes()} | extra


def configs() -> dict:
    index = {"metadata": {}, "weight_map": {"a": "../../../other/model.safetensors"}}
    module = [{"idx": 0, "name": "0", "path": "", "type": "evil_package.Transformer"}]
    template = "{% for m in messages %}{{ ''.__class__.__base__.__subclasses__() }}{% endfor %}"
    return {
        "config-auto-map": folder({"modeling_x.py": b"import os\n"}, {"auto_map": {"AutoModel": "modeling_x.X"}}),
        "config-auto-map-remote": folder({}, {"auto_map": {"AutoModel": "other/repo--modeling.X"}}),
        "config-weights-redirect": folder({"evil.bin": box.saved(box.state(1))}, {"transformers_weights": "evil.bin"}),
        "config-duplicate": {"config.json": b'{"hidden_size": 8, "vocab_size": 3, "hidden_size": 9}'},
        "config-duplicate-nested": {"config.json": b'{"a": {"auto_map": null, "auto_map": {"AutoModel": "m.X"}}}'},
        "config-trust": {"config.json": text(CONFIG | {"trust_remote_code": True})},
        "config-number": {"config.json": text(CONFIG | {"num_hidden_layers": 10**9})},
        "config-target": {"config.json": text({"model": {"_target_": "os.system", "command": "true"}})},
        "tokenizer-auto-map": {"tokenizer_config.json": text({"auto_map": {"AutoTokenizer": ["tok.T", None]}})},
        "tokenizer-template": {"tokenizer_config.json": text({"chat_template": template})},
        "tokenizer-templates": {"tokenizer_config.json": text({"chat_template": [{"name": "default", "template": template}]})},
        "template-file": {"chat_template.jinja": template.encode()},
        "template-lipsum": {"chat_template.jinja": b"{{ lipsum.__globals__['os'].popen('true').read() }}"},
        "template-import": {"chat_template.jinja": b"{% import '/etc/passwd' as x %}{{ x }}"},
        "index-up": {"model.safetensors.index.json": text(index)},
        "index-missing": folder({"model.safetensors.index.json": text({"weight_map": {"a": "gone.safetensors"}})}),
        "adapter": {"adapter_config.json": text({"base_model_name_or_path": "evil/base", "peft_type": "LORA"})},
        "modules-foreign": {"modules.json": text(module)},
        "diffusers-foreign": {"model_index.json": text({"_class_name": "P", "unet": ["evil_unet", "Net"]})},
        "diffusers-custom": {"model_index.json": text({"_class_name": ["pipeline_x", "P"], "vae": ["diffusers", "V"]})},
        "processor-auto-map": {"preprocessor_config.json": text({"auto_map": {"AutoProcessor": "p.P"}})},
        "config-layers-lie": folder({"model.safetensors": two_layers()}, {"num_hidden_layers": 7}),
        "config-vocabulary-lie": folder({"model.safetensors": embeddings(16, 8)}, {"vocab_size": 30522}),
        "tokenizer-of-five": folder({
            "model.safetensors": embeddings(1000, 8), "vocab.txt": b"\n".join(b"w%d" % i for i in range(1000)),
            "tokenizer.json": text({"model": {"type": "WordPiece", "vocab": {f"w{i}": i for i in range(5)}}}),
        }, {"vocab_size": 1000}),
    }


def embeddings(rows: int, columns: int) -> bytes:
    import torch
    from safetensors.torch import save

    return save({"bert.embeddings.word_embeddings.weight": torch.randn(rows, columns)})


def two_layers() -> bytes:
    import torch
    from safetensors.torch import save

    return save({f"bert.encoder.layer.{i}.output.dense.weight": torch.randn(8, 8) for i in range(2)})


def archives() -> dict:
    def tar_with(**changes) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            info = tarfile.TarInfo("model/x")
            for key, value in changes.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(b""))
        return buffer.getvalue()

    return {
        "zip-up": {"m.zip": zipped([("../../.bashrc", b"x")])},
        "zip-absolute": {"m.zip": zipped([("/etc/cron.d/x", b"x")])},
        "zip-backslash": {"m.zip": zipped([("..\\..\\x.bat", b"x")])},
        "zip-link": {"m.zip": zip_link()},
        "zip-bomb": {"m.zip": zip_bomb()},
        "zip-library": {"m.zip": zipped([("lib/x.so", b"\x7fELF" + b"\0" * 50)])},
        "zip-shared-bytes": {"m.npz": shared_bytes()},
        "tar-up": {"m.tar": tar_with(name="../../x")},
        "tar-link": {"m.tar": tar_with(type=tarfile.SYMTYPE, linkname="/etc/passwd")},
        "tar-hard-link": {"m.tar": tar_with(type=tarfile.LNKTYPE, linkname="../x")},
        "tar-device": {"m.tar": tar_with(type=tarfile.CHRTYPE)},
        "tar-set-user-id": {"m.tar": tar_with(mode=0o4755)},
        "tar-pax-up": {"m.tar": pax_up()},
        "npz-duplicate": {"m.npz": box.append(zipped([("a.npy", box.npy(np.zeros(2)))]), "a.npy", box.npy(np.ones(2)))},
        "gz-tail": {"m.npy.gz": __import__("gzip").compress(box.npy(np.zeros(4))) + PAYLOAD},
        "pickle-zip": {"m.pt": __import__("pickle").dumps({"a": 1}) + box.saved(box.state())},
        "png-tar": {"x.png": box.png() + box.tarred([("a.pkl", PAYLOAD)])},
    }


def zip_link() -> bytes:
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("model/link")
        info.create_system = 3
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def zip_bomb() -> bytes:
    import zipfile

    return zipped([("zeros.bin", b"\0" * (200 << 20))], zipfile.ZIP_DEFLATED)


def shared_bytes() -> bytes:
    raw = zipped([("a.npy", box.npy(np.zeros(9))), ("b.npy", box.npy(np.zeros(9)))])
    second = raw.index(b"PK\x01\x02", raw.index(b"PK\x01\x02") + 4)
    changed = bytearray(raw)
    changed[second + 42 : second + 46] = struct.pack("<I", 0)
    return bytes(changed)


def pax_up() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("x")
        info.pax_headers = {"path": "../../y"}
        archive.addfile(info, io.BytesIO(b""))
    return buffer.getvalue()


def tensors() -> dict:
    import torch
    from safetensors.torch import save

    one = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    poisoned = torch.randn(64, 16)
    planted = poisoned.clone()
    planted[3] *= 1e6
    layers = {f"encoder.layer.{i}.dense.weight": torch.randn(16, 16) for i in range(6)}
    layers["encoder.layer.4.dense.weight"] *= 1e6
    nan = torch.randn(8, 8)
    nan[1, 2] = float("nan")
    infinite = torch.randn(8, 8)
    infinite[0, 0] = float("inf")
    return {
        "safetensors-overlap": {"m.safetensors": raw_safetensors({"a": one, "b": one}, b"\0" * 8)},
        "safetensors-gap": {"m.safetensors": raw_safetensors({"a": one | {"data_offsets": [8, 16]}}, b"\0" * 16)},
        "safetensors-tail": {"m.safetensors": raw_safetensors({"a": one}, b"\0" * 64)},
        "safetensors-shape": {"m.safetensors": raw_safetensors({"a": one | {"shape": [3]}}, b"\0" * 8)},
        "safetensors-overflow": {"m.safetensors": raw_safetensors({"a": one | {"shape": [2**62, 4]}}, b"\0" * 8)},
        "safetensors-duplicate": {"m.safetensors": raw_safetensors(
            b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"I32","shape":[2],"data_offsets":[0,8]}}', b"\0" * 8)},
        "safetensors-name": {"m.safetensors": save({"\x1b]0;x\x07\u202egnp": torch.zeros(2)})},
        "safetensors-metadata-template": {"m.safetensors": save(
            {"a": torch.zeros(2)}, metadata={"t": "{{ ''.__class__.__mro__ }}"})},
        "values-nan": {"m.safetensors": save({"w": nan})},
        "values-infinite": {"m.safetensors": save({"w": infinite})},
        "values-nan-half": {"m.safetensors": save({"w": nan.half()})},
        "values-nan-bfloat": {"m.safetensors": save({"w": nan.bfloat16()})},
        "values-nan-torch": {"m.pt": box.saved({"w": nan})},
        "values-planted-row": {"m.safetensors": save({"embeddings.weight": planted})},
        "values-planted-layer": {"m.safetensors": save(layers)},
    }


def folders() -> dict:
    return {
        "folder-link": folder({"notes.txt": lambda path: os.symlink("/etc/passwd", path)}),
        "folder-link-weights": {"config.json": text(CONFIG), "model.safetensors": lambda path: os.symlink("/etc/hostname", path)},
        "folder-pipe": folder({"queue": os.mkfifo}),
        "folder-set-user-id": folder({"tool": set_user_id}),
        "folder-script": folder({"run.sh": b"#!/bin/sh\ntrue\n"}),
        "folder-library": folder({"ops.so": b"\x7fELF" + b"\0" * 60}),
        "folder-pickle-beside": folder({"scaler.pkl": PAYLOAD}),
        "folder-pickle-hidden": folder({".cache/x": PAYLOAD}),
        "folder-pickle-deep": folder({"a/b/c/d/e/f/g/x.bin": PAYLOAD}),
        "folder-optimizer": folder({"optimizer.pt": box.poisoned_torch()}),
        "folder-name": folder({"weights\u202egnp.py": b"import os\n"}),
        "folder-git-hook": folder({".git/hooks/post-checkout": b"#!/bin/sh\ntrue\n"}),
        "folder-requirements-wheel": folder({"pkg.whl": zipped([("pkg/__init__.py", b"import os\nos.system('true')\n")])}),
    }


def set_user_id(path) -> None:
    path.write_bytes(b"x")
    path.chmod(0o4755)
