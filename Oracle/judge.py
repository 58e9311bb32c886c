"""What do the other readers read? A line of JSON for each file or folder.

    python Oracle/judge.py PATH…          judges files, folders of models, and what is in other folders

For each judge (torch.load in both modes, mapped and not; transformers; timm; safetensors; zipfile; json)
a line says what it read: `state`, the tensors of each dictionary by its key (`.` is the file itself), a
tensor as dtype, shape, digest; or `refused`, and why; or `code`, the names that it would have called.

Nothing that a file asks for is run: pickles are read through a gate that notes each name which is not part
of a state dictionary and stops there, an audit hook stops processes and connections, and each file is read
in a process of its own that has a few seconds and little memory.

Needs torch, transformers, timm and safetensors.
"""

import argparse
import collections
import contextlib
import hashlib
import io
import json
import logging
import os
import pathlib
import pickle
import resource
import select
import subprocess
import sys
import warnings
import zipfile

SECONDS = 20
MEMORY = 8 << 30
PLAIN = {
    "collections": {"OrderedDict", "Counter"}, "_codecs": {"encode"},
    "builtins": {"set", "frozenset", "bytearray", "complex"},
    # As Python 2 calls them.
    "__builtin__": {"set", "frozenset", "bytearray", "complex"},
    "numpy": {"dtype"}, "numpy.core.multiarray": {"scalar"}, "numpy._core.multiarray": {"scalar"},
}


class CodeWouldRun(Exception):
    pass


class Gate(pickle.Unpickler):
    """Python's own unpickler, which may look up what state dictionaries are made of and nothing else."""

    def find_class(self, module, name):
        import torch
        known = module in PLAIN and name in PLAIN[module]
        known = known or module == "torch._utils" and name.startswith("_rebuild_") and "subclass" not in name
        if module in ("torch", "torch.cuda", "torch.storage"):
            value = getattr(torch, name, None)
            known = name.endswith("Storage") or name in ("Size", "device") or isinstance(value, torch.dtype)
        if not known:
            raise CodeWouldRun(f"{module}.{name}")
        return super().find_class(module, name)


class gated_pickle:
    """Stands for the module `pickle` in torch.load."""

    Unpickler = Gate
    UnpicklingError = pickle.UnpicklingError

    @staticmethod
    def load(file, **arguments):
        return Gate(file, **arguments).load()


def watch(event, arguments):
    if event in ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "socket.connect"):
        raise CodeWouldRun(event)


# MARK: What was read

def describe(tensor):
    import torch
    name = str(tensor.dtype).removeprefix("torch.")
    if tensor.device.type == "meta":
        return [name, list(tensor.shape), "no data"]
    if tensor.numel() * tensor.element_size() > 1 << 28:
        return [name, list(tensor.shape), "too large"]
    flat = tensor.detach().resolve_neg().resolve_conj().contiguous().reshape(-1)
    data = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
    return [name, list(tensor.shape), hashlib.sha256(data).hexdigest()[:16]]


def state_of(value):
    """The tensors of each dictionary, list and tuple, by the key of the container."""
    import torch
    found, seen, pending = {}, set(), [([], value)]
    while pending:
        path, value = pending.pop(0)
        if id(value) in seen:
            continue
        seen.add(id(value))
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            if isinstance(item, torch.Tensor):
                found.setdefault(".".join(path) or ".", {})[str(key)] = describe(item)
            elif isinstance(item, (dict, list, tuple, set)):
                pending.append((path + [str(key)], item))
    return found


def top(value):
    """What a loader finds that takes the whole file for a state dictionary."""
    import torch
    tensors = {str(key): describe(item) for key, item in value.items() if isinstance(item, torch.Tensor)}
    return {".": tensors} if tensors else {}


# MARK: Judges

def torch_judge(**arguments):
    def judge(path):
        import torch
        value = torch.load(path, **arguments)
        if not isinstance(value, (dict, list, tuple)):
            raise ValueError(f"read a {type(value).__name__}")
        return state_of(value)
    return judge


def torch_calculated(path):
    """Storages are looked for where the format says that they must lie, as torch does on demand."""
    from torch.utils.serialization import config
    config.load.calculate_storage_offsets = True
    try:
        return FILE_JUDGES["torch-mapped"](path)
    finally:
        config.load.calculate_storage_offsets = False


def transformers_file(path):
    from transformers.modeling_utils import load_state_dict
    return top(load_state_dict(path))


def transformers_folder(path):
    import transformers
    model = transformers.AutoModel.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    return top(model.state_dict())


def timm_file(path):
    from timm.models._helpers import load_state_dict
    return top(load_state_dict(path))


def safetensors_file(path):
    from safetensors.torch import load_file
    return top(load_file(path))


def zip_names(path):
    if not zipfile.is_zipfile(path):
        raise ValueError("no zip archive")
    with zipfile.ZipFile(path) as archive:
        if archive.testzip():
            raise ValueError("damaged")
        names = archive.namelist()
        pickles = [name for name in names if name.lower().endswith(".pkl")]
        return {"names": names, "pickles": [hashlib.sha256(archive.read(n)).hexdigest()[:16] for n in pickles]}


def json_value(path):
    value = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    return {"value": json.dumps(value, sort_keys=True, ensure_ascii=True)}


FILE_JUDGES = {
    "torch": torch_judge(weights_only=True, map_location="cpu"),
    "torch-default": torch_judge(weights_only=True),
    "torch-mapped": torch_judge(weights_only=True, map_location="cpu", mmap=True),
    "torch-full": torch_judge(weights_only=False, map_location="cpu", pickle_module=gated_pickle),
    "torch-calculated": torch_calculated, "transformers": transformers_file, "timm": timm_file, "safetensors": safetensors_file,
    "zipfile": zip_names,
}


def judge(path):
    judges = FILE_JUDGES
    if os.path.isdir(path):
        judges = {"transformers": transformers_folder}
    elif path.endswith(".json"):
        judges = {"json": json_value}
    verdicts = {}
    for name, read in judges.items():
        try:
            verdicts[name] = {"read": read(path)}
        except CodeWouldRun as error:
            verdicts[name] = {"code": str(error)}
        except BaseException as error:  # whatever a reader throws is its refusal
            cause = error.__context__
            if isinstance(cause, CodeWouldRun):
                verdicts[name] = {"code": str(cause)}
            else:
                verdicts[name] = {"refused": f"{type(error).__name__}: {error}"[:120].replace(path, "FILE")}
    return verdicts


# MARK: Processes

def work():
    """Reads paths from the standard input and writes verdicts, until the input ends."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stderr = open(os.devnull, "w")
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    import torch
    # torchvision, which timm wants, may be built for another torch; only its Python is needed here.
    operators = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms", "roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d",
                 "_roi_align_backward", "_roi_pool_backward", "_ps_roi_align_backward",
                 "_ps_roi_pool_backward", "_deform_conv2d_backward"):
        with contextlib.suppress(RuntimeError):
            operators.define(f"{name}(Tensor x) -> Tensor")
    import timm.models._helpers  # noqa: F401  slow to import: once, before the clock runs
    import transformers.modeling_utils  # noqa: F401
    torch.set_num_threads(1)
    torch.jit.load = lambda *_, **__: (_ for _ in ()).throw(CodeWouldRun("torch.jit.load"))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    sys.addaudithook(watch)
    print("ready", file=output, flush=True)
    for line in sys.stdin:
        with contextlib.redirect_stdout(io.StringIO()):
            verdicts = judge(json.loads(line))
        print(json.dumps(verdicts), file=output, flush=True)


class Judge:
    """A process that reads files, begun anew where one of them ends it or takes too long."""

    def __init__(self):
        self.process = None

    def begin(self):
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--work"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1"), stderr=subprocess.DEVNULL)
        assert self.line(120) == "ready"

    def line(self, seconds):
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        line = self.process.stdout.readline() if ready else None
        return line.strip() if line else line

    def end(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None

    def __call__(self, path):
        if self.process is None:
            self.begin()
        self.process.stdin.write(json.dumps(str(path)) + "\n")
        self.process.stdin.flush()
        line = self.line(SECONDS)
        if line:
            return json.loads(line)
        self.end()
        return {"all": {"refused": "took too long" if line is None else "ended the process"}}


def paths(given):
    for path in map(pathlib.Path, given):
        if path.is_file() or (path / "config.json").exists():
            yield path
        else:
            yield from sorted(child for child in path.rglob("*") if child.is_file())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        return work()
    read = Judge()
    for path in paths(options.paths):
        print(json.dumps({"path": str(path), "judges": read(path)}), flush=True)
    read.end()


if __name__ == "__main__":
    main()
