"""Containers and formats for the scanner's corpus: honest ones to put payloads in, and false ones."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import tarfile
import zipfile
import zlib

import numpy as np
import torch
from scan_pickles import COMMAND, call

PAYLOAD = call("os", "system", (COMMAND,), 4)
PAYLOAD_2 = call("posix", "system", (COMMAND,), 2)


def saved(value, legacy: bool = False) -> bytes:
    """What torch.save writes."""
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


def state(seed: int = 0) -> dict:
    generator = torch.Generator().manual_seed(seed)
    return {
        "encoder.weight": torch.randn(16, 8, generator=generator),
        "encoder.bias": torch.randn(16, generator=generator),
    }


def zipped(entries, method=zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, method)
        archive.comment = comment
    return buffer.getvalue()


def tarred(entries, mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def repacked(original: bytes, change) -> bytes:
    """The entries of a zip, each as `change(name, data)` makes it; None leaves it out."""
    out = []
    with zipfile.ZipFile(io.BytesIO(original)) as archive:
        for info in archive.infolist():
            data = change(info.filename, archive.read(info))
            if data is not None:
                out.append((info.filename, data))
    return zipped(out)


def poisoned_torch(payload: bytes = PAYLOAD) -> bytes:
    return repacked(
        saved(state()), lambda name, data: payload if name.endswith("data.pkl") else data
    )


def npy(value) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, value, allow_pickle=True)
    return buffer.getvalue()


def npy_objects(payload: bytes) -> bytes:
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    header += b" " * (118 - len(header) - 1) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + payload


def flipped(data: bytes, signature: bytes, offset: int, bits: int, which: int = 0) -> bytes:
    """The bytes with bits set at an offset from a record of a zip."""
    position = -1
    for _ in range(which + 1):
        position = data.index(signature, position + 1)
    changed = bytearray(data)
    changed[position + offset] ^= bits
    return bytes(changed)


def two_directories() -> bytes:
    """A zip whose comment holds another directory."""
    evil, clean = poisoned_torch(), saved(state())
    return clean[:-2] + struct.pack("<H", len(evil)) + evil


def hidden_local() -> bytes:
    """A zip whose first entry is in no directory."""
    inner = zipped([("archive/data.pkl", PAYLOAD)])
    local = inner[: inner.index(b"PK\x01\x02")]
    return local + saved(state())


def data_descriptor_lie() -> bytes:
    return flipped(poisoned_torch(), b"PK\x03\x04", 26, 1)


def containers() -> dict[str, tuple[str, bytes]]:
    """Name of the technique to file name and content; one payload in many packings."""
    torch_zip = poisoned_torch()
    with_entry = repacked(saved(state()), lambda name, data: data)
    with_entry = append(with_entry, "archive/extra.pkl", PAYLOAD)
    crc = zipped([("archive/data.pkl", PAYLOAD)]).replace(PAYLOAD, PAYLOAD.replace(b"echo", b"ech0"), 1)
    return {
        "raw-pkl": ("a.pkl", PAYLOAD),
        "raw-bin": ("pytorch_model.bin", PAYLOAD),
        "raw-other-name": ("weights.dat", PAYLOAD),
        "raw-no-suffix": ("weights", PAYLOAD),
        "raw-config-name": ("config.json", PAYLOAD),
        "raw-text-name": ("README.txt", PAYLOAD),
        "raw-safetensors-name": ("model.safetensors", PAYLOAD),
        "torch-zip": ("model.pt", torch_zip),
        "torch-zip-bin": ("pytorch_model.bin", torch_zip),
        "torch-zip-protocol-2": ("model.pth", poisoned_torch(PAYLOAD_2)),
        "torch-zip-other-entry": ("model.pt", with_entry),
        "torch-zip-other-name": ("model.weights", torch_zip),
        "torch-zip-deflated": ("model.pt", zipped([("archive/data.pkl", PAYLOAD)], zipfile.ZIP_DEFLATED)),
        "torch-zip-bzip2": ("model.pt", zipped([("archive/data.pkl", PAYLOAD)], zipfile.ZIP_BZIP2)),
        "torch-zip-storage": (
            "model.pt",
            repacked(saved(state()), lambda n, d: PAYLOAD if n.endswith("data/0") else d),
        ),
        "torch-zip-upper-case": (
            "model.pt", append(saved(state()), "archive/DATA.PKL", PAYLOAD)),
        "torch-zip-duplicate": ("model.pt", append(saved(state()), "archive/data.pkl", PAYLOAD)),
        "torch-zip-flag-central": ("model.pt", flipped(torch_zip, b"PK\x01\x02", 8, 1)),
        "torch-zip-flag-local": ("model.pt", flipped(torch_zip, b"PK\x03\x04", 6, 1)),
        "torch-zip-crc": ("model.pt", crc),
        "torch-zip-crc-field": ("model.pt", flipped(torch_zip, b"PK\x01\x02", 16, 0xFF)),
        "torch-zip-method-local": ("model.pt", flipped(torch_zip, b"PK\x03\x04", 8, 8)),
        "torch-zip-name-local": ("model.pt", torch_zip.replace(b"archive/data.pkl", b"archive/data.txt", 1)),
        "torch-zip-name-central": ("model.pt", rename_central(torch_zip)),
        "torch-zip-two-directories": ("model.pt", two_directories()),
        "torch-zip-hidden-local": ("model.pt", hidden_local()),
        "torch-zip-size-lie": ("model.pt", data_descriptor_lie()),
        "torch-zip-prefix": ("model.pt", b"#!/bin/sh\nexit 0\n" + torch_zip),
        "torch-zip-suffix": ("model.pt", torch_zip + b"\0tail" * 50),
        "torch-zip-twice": ("model.pt", saved(state()) + torch_zip),
        "torch-zip-comment-pickle": (
            "model.pt", zipped([("archive/data.pkl", pickle.dumps({}))], comment=PAYLOAD)),
        "torch-zip-cut": ("model.pt", torch_zip[: torch_zip.index(b"PK\x01\x02")]),
        "torch-legacy": ("model.pth", legacy(PAYLOAD)),
        "torch-legacy-first": ("model.pth", PAYLOAD + saved(state(), legacy=True)),
        "torch-tar": ("model.pth", tarred([("storages", b""), ("tensors", b""), ("pickle", PAYLOAD)])),
        "torch-tar-legacy": ("model.pth", tar_over_legacy()),
        "tar": ("model.tar", tarred([("a/data.pkl", PAYLOAD)])),
        "tar-gz": ("model.tar.gz", tarred([("a/data.pkl", PAYLOAD)], "w:gz")),
        "tar-xz": ("model.tar.xz", tarred([("a/data.pkl", PAYLOAD)], "w:xz")),
        "tar-bz2": ("model.tar.bz2", tarred([("a/data.pkl", PAYLOAD)], "w:bz2")),
        "nemo": ("model.nemo", tarred([("model_weights.ckpt", torch_zip)])),
        "zip-in-zip": ("model.zip", zipped([("inner.zip", zipped([("x.pkl", PAYLOAD)]))])),
        "zip-thrice": (
            "model.zip", zipped([("a.zip", zipped([("b.zip", zipped([("c.bin", PAYLOAD)]))]))])),
        "zip-in-tar": ("model.tar", tarred([("inner.pt", torch_zip)])),
        "gz": ("model.pkl.gz", gzip.compress(PAYLOAD)),
        "gz-twice": ("model.pkl.gz", gzip.compress(gzip.compress(PAYLOAD))),
        "gz-second-member": ("m.pkl.gz", gzip.compress(pickle.dumps(1)) + gzip.compress(PAYLOAD)),
        "bz2": ("model.pkl.bz2", bz2.compress(PAYLOAD)),
        "xz": ("model.pkl.xz", lzma.compress(PAYLOAD)),
        "lzma": ("model.pkl.lzma", lzma.compress(PAYLOAD, lzma.FORMAT_ALONE)),
        "npy": ("a.npy", npy_objects(PAYLOAD)),
        "npz": ("a.npz", zipped([("x.npy", npy(np.zeros(3))), ("y.npy", npy_objects(PAYLOAD))])),
        "npz-deflated": ("a.npz", zipped([("y.npy", npy_objects(PAYLOAD))], zipfile.ZIP_DEFLATED)),
        "npy-after-data": ("a.npy", npy(np.zeros(3)) + PAYLOAD),
        "npy-structured": (
            "a.npy", npy_objects(PAYLOAD).replace(b"'|O'", b"[('a', '|O')]", 1).replace(b" " * 10, b"", 1)),
        "joblib": ("model.joblib", PAYLOAD),
        "joblib-zlib": ("model.joblib", zlib.compress(PAYLOAD)),
        "joblib-gz": ("model.joblib", gzip.compress(PAYLOAD)),
        "joblib-xz": ("model.joblib", lzma.compress(PAYLOAD)),
        "joblib-after-array": ("model.joblib", joblib_then(PAYLOAD)),
        "ckpt": ("epoch=1.ckpt", torch_zip),
        "training-args": ("training_args.bin", torch_zip),
        "pickle-in-hdf5": ("model.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 200 + PAYLOAD + b"\0" * 100),
        "pickle-after-safetensors": ("model.safetensors", safetensors_bytes() + PAYLOAD),
        "pickle-after-png": ("logo.png", png() + PAYLOAD),
        "zip-after-safetensors": ("model.safetensors", safetensors_bytes() + torch_zip),
        "zip-after-png": ("logo.png", png() + zipped([("x.pkl", PAYLOAD)])),
        "whl-like": ("model.zip", zipped([("pkg/__init__.py", b"import os\nos.system('true')\n")])),
    }


def append(original: bytes, name: str, data: bytes) -> bytes:
    buffer = io.BytesIO(original)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


def rename_central(data: bytes) -> bytes:
    start = data.index(b"PK\x01\x02")
    return data[:start] + data[start:].replace(b"data.pkl", b"data.txt", 1)


def legacy(payload: bytes) -> bytes:
    """A legacy file of torch.save whose fourth pickle, the state dictionary, is the payload."""
    out = io.BytesIO()
    for value in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True}):
        pickle.dump(value, out, 2)
    return out.getvalue() + payload + pickle.dumps([], 2)


def tar_over_legacy() -> bytes:
    """Valid as a tar and as a legacy file: the tar's first name is the legacy magic."""
    head = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("x" * len(head))
        archive.addfile(info, io.BytesIO(b""))
        info = tarfile.TarInfo("pickle")
        info.size = len(PAYLOAD)
        archive.addfile(info, io.BytesIO(PAYLOAD))
    raw = bytearray(buffer.getvalue())
    raw[: len(head)] = head
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    return bytes(raw)


def joblib_then(payload: bytes) -> bytes:
    """A joblib file whose array is followed by what else the dictionary holds: the payload."""
    import joblib

    buffer = io.BytesIO()
    joblib.dump({"a": np.arange(5.0)}, buffer)
    raw = buffer.getvalue()
    stop = raw.rindex(b".")
    return raw[:stop] + b"0" + payload[2:]


def safetensors_bytes() -> bytes:
    from safetensors.torch import save

    return save(state())


def raw_safetensors(header, data: bytes, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def png() -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (200, 30, 30)).save(buffer, "PNG")
    return buffer.getvalue()


def field(number: int, value) -> bytes:
    """A field of a protocol buffer's message: bytes, or a number."""

    def number_bytes(n: int) -> bytes:
        out = b""
        while n > 0x7F:
            out += bytes([n & 0x7F | 0x80])
            n >>= 7
        return out + bytes([n])

    if isinstance(value, int):
        return number_bytes(number << 3) + number_bytes(value)
    value = value.encode() if isinstance(value, str) else value
    return number_bytes(number << 3 | 2) + number_bytes(len(value)) + value


def onnx(location: str | None = None, domain: str = "", operator: str = "Add") -> bytes:
    tensor = field(1, 2) + field(2, 1) + field(8, "w")
    if location is None:
        tensor += field(9, struct.pack("<2f", 1, 2))
    else:
        tensor += field(13, field(1, "location") + field(2, location)) + field(14, 1)
    node = field(1, "x") + field(1, "w") + field(2, "y") + field(4, operator) + field(7, domain)
    graph = field(1, node) + field(2, "g") + field(5, tensor)
    return field(1, 9) + field(2, "pytorch") + field(7, graph) + field(8, field(1, "") + field(2, 17))


def gguf(template: str) -> bytes:
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    pairs = [
        text("general.architecture") + struct.pack("<I", 8) + text("llama"),
        text("llama.block_count") + struct.pack("<II", 4, 2),
        text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b"),
        text("tokenizer.chat_template") + struct.pack("<I", 8) + text(template),
    ]
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + b"".join(pairs)


def keras(config: dict) -> bytes:
    return zipped([
        ("metadata.json", json.dumps({"keras_version": "3.8.0"}).encode()),
        ("config.json", json.dumps(config).encode()),
        ("model.weights.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 64),
    ])


def layer(class_name: str, module: str = "keras.layers", **config) -> dict:
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def sequential(*layers: dict) -> dict:
    return layer("Sequential", "keras", name="s", layers=list(layers))
