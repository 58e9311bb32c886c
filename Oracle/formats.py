"""Makes the fixtures of the TensorFormats tests with PyTorch and safetensors, and checks our files.

    python Oracle/formats.py                 remakes Tests/Fixtures/formats
    python Oracle/formats.py --check FILE    loads a file that we wrote, with the reference readers
    python Oracle/formats.py --check FILE --like OTHER
                                             and compares names, dtypes, shapes and values

Needs torch 2.x, numpy and safetensors.
"""

import argparse
import collections
import io
import json
import pathlib
import pickle
import struct
import zipfile

import torch
from safetensors import safe_open
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "Tests" / "Fixtures" / "formats"
SAFETENSORS_NAMES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8",
    torch.uint8: "U8", torch.bool: "BOOL",
}


def raw(tensor):
    flat = tensor.detach().contiguous().reshape(-1)
    return b"" if flat.numel() == 0 else bytes(flat.view(torch.uint8).tolist())


def every_dtype():
    generator = torch.Generator().manual_seed(7)
    state = collections.OrderedDict()
    for dtype in SAFETENSORS_NAMES:
        values = torch.randint(0, 100, (2, 3), generator=generator)
        state[f"t.{SAFETENSORS_NAMES[dtype].lower()}"] = (values % 2 if dtype == torch.bool else values).to(dtype)
    state["scalar"] = torch.tensor(2.5)
    state["empty"] = torch.zeros(0, 3)
    return state


def strided():
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    return collections.OrderedDict(
        base=base, transposed=base.t(), row=base[2], column=base[:, 1], block=base[1:3, 2:5],
        expanded=torch.tensor([7.0]).expand(3, 2), own=torch.arange(6.0).reshape(2, 3).t())


def tied():
    shared = torch.nn.Parameter(torch.arange(12.0).reshape(4, 3))
    return collections.OrderedDict(embedding=shared, bias=torch.ones(4), decoder=shared)


def expect(name, state, wrapper=(), one_storage=False):
    """Writes beside a fixture what a reader must find in it."""
    storages = {}
    tensors = []
    for key, tensor in state.items():
        pointer = 1 if one_storage else tensor.untyped_storage().data_ptr() or id(tensor)
        tensors.append({
            "name": key, "dtype": SAFETENSORS_NAMES[tensor.dtype], "shape": list(tensor.shape),
            "hex": raw(tensor).hex(), "storage": storages.setdefault(pointer, len(storages)),
        })
    expected = {"wrapper": list(wrapper), "tensors": tensors}
    (FOLDER / f"{name}.json").write_text(json.dumps(expected, indent=1) + "\n")


def save_torch(name, state, value=None, wrapper=()):
    value = state if value is None else value
    torch.save(value, FOLDER / f"{name}.pt")
    expect(f"{name}.pt", state, wrapper)
    torch.save(value, FOLDER / f"{name}.legacy", _use_new_zipfile_serialization=False)
    expect(f"{name}.legacy", state, wrapper)


def rezip(source, target, compression, edit=None, wide=False):
    """A copy of a zip made by another writer, for what torch.save does not write itself."""
    with zipfile.ZipFile(FOLDER / source) as old, zipfile.ZipFile(
            FOLDER / target, "w", compression=compression) as new:
        for name in old.namelist():
            data = old.read(name)
            name, data = edit(name, data) if edit else (name, data)
            # It promises where storages lie, which other writers do not keep.
            if name.endswith(".format_version"):
                continue
            info = zipfile.ZipInfo(name)
            info.compress_type = compression
            with new.open(info, "w", force_zip64=wide) as entry:
                entry.write(data)


def view_of_legacy_storage():
    """Storage views are no longer written by torch.save; the pickle is put together here."""
    values = torch.arange(10, dtype=torch.float32)

    class Storage:
        def __init__(self, view):
            self.view = view

    class Pickler(pickle.Pickler):
        def persistent_id(self, item):
            if isinstance(item, Storage):
                return ("storage", torch.FloatStorage, "42", "cpu", 10, item.view)

    class Tensor:
        def __init__(self, storage, size):
            self.storage, self.size = storage, size

        def __reduce__(self):
            return (torch._utils._rebuild_tensor_v2,
                    (self.storage, 0, (self.size,), (1,), False, collections.OrderedDict()))

    def dumps(value):
        stream = io.BytesIO()
        Pickler(stream, protocol=2).dump(value)
        return stream.getvalue()

    system = {"protocol_version": 1001, "little_endian": True,
              "type_sizes": {"short": 2, "int": 4, "long": 4}}
    value = collections.OrderedDict(
        first=Tensor(Storage(("43", 0, 4)), 4), second=Tensor(Storage(("44", 4, 6)), 6))
    parts = [dumps(0x1950A86A20F9469CFC6C), dumps(1001), dumps(system), dumps(value), dumps(["42"]),
             struct.pack("<q", 10), raw(values)]
    (FOLDER / "view.legacy").write_bytes(b"".join(parts))
    loaded = torch.load(FOLDER / "view.legacy", weights_only=True)
    expect("view.legacy", loaded, one_storage=True)


def make():
    FOLDER.mkdir(parents=True, exist_ok=True)
    state = every_dtype()
    save_torch("dtypes", state)
    metadata = {"format": "pt"}
    save_file(state, FOLDER / "dtypes.safetensors", metadata=metadata)
    expect("dtypes.safetensors", state)
    save_torch("strided", strided())
    save_torch("tied", tied())
    module = torch.nn.Linear(2, 3)
    with torch.no_grad():
        for index, parameter in enumerate(module.parameters()):
            parameter.copy_(torch.arange(parameter.numel()).reshape(parameter.shape) + index)
    save_torch("module", module.state_dict())
    small = collections.OrderedDict(weight=torch.arange(4.0), bias=torch.tensor([1], dtype=torch.int64))
    optimizer = {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1}]}
    save_torch(
        "wrapped", small,
        {"epoch": 3, "model": {"state_dict": small, "name": "tiny"}, "optimizer": optimizer,
         "best": torch.tensor(0.5), "dtype": torch.float16, "device": torch.device("cpu"),
         "size": torch.Size([2]), "large": 1 << 80, "none": None, "text": "x" * 300},
        ["model", "state_dict"])
    for protocol in (3, 4, 5):
        torch.save(small, FOLDER / f"protocol{protocol}.pt", pickle_protocol=protocol)
        expect(f"protocol{protocol}.pt", small)
        torch.save(small, FOLDER / f"protocol{protocol}.legacy", pickle_protocol=protocol,
                   _use_new_zipfile_serialization=False)
        expect(f"protocol{protocol}.legacy", small)
    view_of_legacy_storage()
    rezip("module.pt", "hostile-deflated.pt", zipfile.ZIP_DEFLATED)
    rezip("module.pt", "zip64.pt", zipfile.ZIP_STORED, wide=True)
    expect("zip64.pt", module.state_dict())
    rezip("module.pt", "hostile-bigendian.pt", zipfile.ZIP_STORED,
          lambda name, data: (name, b"big") if name.endswith("byteorder") else (name, data))
    torch.save({"x": torch.zeros(2, dtype=torch.complex64)}, FOLDER / "hostile-complex.pt")
    torch.save({"x": torch.zeros(2, dtype=torch.uint16)}, FOLDER / "hostile-uint16.pt")
    save_file({"x": torch.zeros(2, dtype=torch.float8_e4m3fn)}, FOLDER / "hostile-f8.safetensors")
    torch.save(argparse.Namespace(x=1), FOLDER / "hostile-namespace.pt")
    torch.save(torch.zeros(2), FOLDER / "hostile-tensor.pt")
    torch.save({"a": {"w": torch.zeros(1)}, "b": {"w": torch.ones(1)}}, FOLDER / "hostile-two.pt")
    rezip("module.pt", "hostile-script.pt", zipfile.ZIP_STORED,
          lambda name, data: ("module/constants.pkl", data) if name.endswith("version")
          and "format" not in name else (name, data))
    for path in FOLDER.iterdir():
        path.chmod(0o644)


def load(path):
    with open(path, "rb") as file:
        start = file.read(9)
    if start[8:9] == b"{":
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}
    value = torch.load(path, weights_only=True, map_location="cpu")
    return value


def check(path, like):
    state = load(path)
    for name, tensor in state.items():
        print(name, tensor.dtype, list(tensor.shape), tensor.untyped_storage().data_ptr())
    if like:
        other = load(like)
        assert set(other) == set(state), set(other) ^ set(state)
        for name, tensor in other.items():
            assert tensor.dtype == state[name].dtype and tensor.shape == state[name].shape, name
            assert raw(tensor) == raw(state[name]), name
        pointers = {}
        for name in other:
            pair = (other[name].untyped_storage().data_ptr(), state[name].untyped_storage().data_ptr())
            pointers.setdefault(pair[0], set()).add(pair[1])
        shared = all(len(group) == 1 for key, group in pointers.items() if key)
        print("equal; sharing kept:", shared)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", metavar="FILE")
    parser.add_argument("--like", metavar="OTHER")
    arguments = parser.parse_args()
    if arguments.check:
        check(arguments.check, arguments.like)
    else:
        make()
