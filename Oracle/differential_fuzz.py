"""Mutated files, read by our reader and by the judges: where ours accepts, do all read the same?

    swift build -c release --product tensor-digests
    python Oracle/differential_fuzz.py --ours .build/release/tensor-digests --count 100000 [--seed 1] [--keep DIR]

Pickles are changed opcode by opcode and put into archives whose checksums are right; archives, legacy
streams and safetensors are changed byte by byte and record by record; JSON is compared with Python's
reading of it. Files that our reader accepts are judged, and disagreements are printed and kept.
"""

import argparse
import hashlib
import io
import json
import pathlib
import pickletools
import random
import struct
import subprocess
import tempfile
import zipfile

import handmade as hm
from handmade import Entry, archive, tensor, text
from hostile import FOLDER
from judge import Judge

READ = FOLDER / "read"
TORCH = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64",
         "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool"}

SNIPPETS = [
    b"0", b"1", b"2", b"(", b")", b"]", b"}", b"N", b"\x88", b"\x89", b"a", b"e", b"s", b"u", b"t", b"l", b"d",
    b"b", b"R", b"\x81", b"\x85", b"\x86", b"\x87", b"\x8f", b"\x90", b"\x91", b"\x94", b"Q", b"o", b"q\x00",
    b"q\x01", b"q\x05", b"h\x00", b"h\x01", b"h\x05", b"K\x00", b"K\x01", b"K\x02", b"K\x04", b"M\x04\x00",
    b"J\x04\x00\x00\x00", b"\x8a\x01\x04", b"I4\n", b"I01\n", b"L4L\n", b"F1.0\n", b"G" + struct.pack(">d", 2),
    text("weight"), text("bias"), text("state_dict"), text("model"), text("_metadata"), text("copy"),
    b"U\x06weight", b"S'weight'\n", b"S'w\\x65ight'\n", b"Vweight\n", b"V\xe9\n", b"U\x02\xc3\xa9", b"C\x01a",
    hm.ORDERED, b"ccollections\nOrderedDict\n", b"ctorch\nSize\n", b"ctorch._utils\n_rebuild_tensor\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch._utils\n_rebuild_parameter\n", b"ctorch\nfloat32\n",
    b"ctorch\nIntStorage\n", b"ctorch.storage\nUntypedStorage\n", b"ccollections\nCounter\n",
    b"c__builtin__\nset\n", b"c_codecs\nencode\n", b"(lp0\n", b"g0\n", b"p1\n", b"\x95\x04\0\0\0\0\0\0\0",
    tensor(), tensor(shape=(2,)), tensor(shape=(2,), strides=(2,)), tensor(shape=(2, 2), strides=(1, 2)),
    tensor(function="torch._utils._rebuild_tensor_v3", more=b"ctorch\nint32\n"), tensor(offset=1, shape=(3,)),
    text("weight") + tensor() + b"s", text("x") + tensor() + b"s", hm.storage(), hm.storage(view=b"N"),
    text("state_dict_ema") + hm.state([("weight", tensor())]) + b"s", hm.sizes([2]), hm.sizes([4]), b"}}sb",
]


def opcodes(pickles):
    """Pickles that follow each other, cut into opcodes as far as they are some."""
    starts, stream = [], io.BytesIO(pickles)
    try:
        while stream.tell() < len(pickles):
            begin = stream.tell()
            starts += [position for _, _, position in pickletools.genops(stream)]
    except Exception:  # cut there
        starts = starts or [begin]
    ends = starts[1:] + [len(pickles)]
    return [pickles[start:end] for start, end in zip(starts, ends)] or [pickles]


def mutate_pickle(pickle, draw):
    parts = opcodes(pickle)
    for _ in range(draw.choice((1, 1, 1, 2, 2, 3, 5))):
        place = draw.randrange(len(parts))
        kind = draw.randrange(8)
        if kind == 0:
            parts.insert(place, draw.choice(SNIPPETS))
        elif kind == 1:
            parts[place] = draw.choice(SNIPPETS)
        elif kind == 2 and len(parts) > 2:
            del parts[place]
        elif kind == 3:
            parts.insert(draw.randrange(len(parts)), parts[place])
        elif kind == 4:
            other = draw.randrange(len(parts))
            parts[place], parts[other] = parts[other], parts[place]
        elif kind == 5:
            length = draw.randrange(1, 25)
            parts[draw.randrange(len(parts)):0] = parts[place:place + length]
        elif kind == 6 and len(parts[place]) > 1:
            data = bytearray(parts[place])
            data[draw.randrange(1, len(data))] = draw.choice((0, 1, 2, 4, 0x7F, 0xFF, draw.randrange(256)))
            parts[place] = bytes(data)
        else:
            length = draw.randrange(1, 25)
            del parts[place:place + length]
            parts = parts or [b"."]
    return b"".join(parts)


def mutate_bytes(data, draw):
    data = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 3))):
        place = draw.randrange(len(data))
        kind = draw.randrange(8)
        if kind == 0:
            data[place] = draw.randrange(256)
        elif kind == 1:
            data[place] ^= 1 << draw.randrange(8)
        elif kind == 2:
            data[place:place] = bytes([draw.randrange(256)])
        elif kind == 3 and len(data) > 1:
            del data[place]
        elif kind == 4:
            source = draw.randrange(len(data))
            data[place:place] = data[source:source + draw.randrange(1, 80)]
        elif kind == 5:
            value = draw.choice((0, 1, 1 << 31, (1 << 32) - 1, 1 << 62, len(data), place))
            data[place:place + 4] = struct.pack("<Q", value)[:4]
        elif kind == 6:
            source = draw.randrange(len(data))
            data[place:place + 16] = data[source:source + 16]
        else:
            del data[place:place + draw.randrange(1, 80)]
            data = data or bytearray(b"\0")
    return bytes(data)


LIES = {
    "flags": (0, 8, 0x800, 0x808, 1), "method": (0, 8), "checksum": (0, 1), "size": (0, 1, 4), "offset": (0, 30),
    "local_flags": (0, 0x808), "local_size": (0, 1, 0xFFFFFFFF), "local_checksum": (0, 1),
    "local_name": (b"archive/data.pkl", b"archive/data/1"), "comment": (b"", b"x"), "gap": (b"", b"gap"),
    "attributes": (0, 0x10, 0o100644 << 16, 0o120777 << 16), "made_by": (0, 0x300, 0x31E), "hidden": (True,),
    "extra": (b"", struct.pack("<HHQ", 1, 8, 4), struct.pack("<HH", 0xCAFE, 0)),
    "local_extra": (b"", struct.pack("<HH4s", 0x4246, 4, b"ZZZZ"), struct.pack("<HHQQ", 1, 16, 16, 16)),
    "descriptor": (b"", struct.pack("<IIII", 0x08074B50, 0, 16, 16)), "disk": (0, 1),
}
NAMES = ("data.pkl", "DATA.PKL", "data/0", "Data/0", "data/1", "version", "byteorder", "constants.pkl",
         ".data/serialization_id", ".format_version", ".storage_alignment", ".data/version", "data/00", "x")
CONTENTS = (b"little", b"big", b"3\n", b"1", b"64", b"", hm.WEIGHTS, hm.EVIL, hm.simple(), hm.simple("1"))


def mutate_archive(entries, draw):
    """Other entries, names, records around the same content."""
    entries = [Entry(e.name.decode().partition("/")[2], e.data) for e in entries]
    for _ in range(draw.choice((1, 1, 2))):
        kind = draw.randrange(5)
        if kind <= 1:
            field = draw.choice(list(LIES))
            draw.choice(entries).lies[field] = draw.choice(LIES[field])
        elif kind == 2:
            entries.insert(draw.randrange(len(entries) + 1), Entry(
                draw.choice(NAMES), draw.choice(CONTENTS), prefix=draw.choice(("archive/", "archive/", "Archive/", ""))))
        elif kind == 3:
            draw.shuffle(entries)
        elif len(entries) > 1:
            entries.pop(draw.randrange(len(entries)))
    lies = {}
    if draw.randrange(6) == 0:
        lies[draw.choice(("comment", "gap_before_directory", "after", "lead"))] = draw.choice((b"x", hm.torch_zip()))
    if draw.randrange(3) == 0:
        lies["wide"] = lambda *all: tuple(value + draw.choice((0, 0, 0, 0, 1)) for value in all)
    return archive(entries, **lies)


HEADER_WORDS = ['"', "{", "}", "[", "]", ":", ",", "0", "16", "4", "-1", "1e1", "4.0", " ", "null", "true", '"a"',
                '"weight"', '"w\\u0065ight"', '"dtype"', '"__metadata__"', '"F32"', '"BF16"', '"shape"', "[]", "{}",
                "\n", "\t", "\ufeff", "NaN", "\\", "\\ud800", "\u00e9", "e\u0301", "[0,16]", "[16,32]"]


def mutate_text(value, draw):
    for _ in range(draw.choice((1, 1, 2, 3))):
        place = draw.randrange(len(value) + 1)
        end = min(len(value), place + draw.choice((0, 0, 1, 1, 5, 20)))
        word = draw.choice(HEADER_WORDS + [value[place:place + 30]])
        value = value[:place] + word + value[end:]
    return value


class Material:
    def __init__(self):
        self.zips, self.streams, self.headers, self.texts = [], [], [], []
        for path in sorted(READ.iterdir()):
            data = path.read_bytes()
            if path.suffix == ".json":
                self.texts.append(path.read_text(encoding="utf-8"))
            elif path.suffix == ".safetensors":
                size = 8 + struct.unpack("<Q", data[:8])[0]
                self.headers.append((data[8:size].decode(), data[size:]))
            elif data.startswith(b"PK"):
                with zipfile.ZipFile(io.BytesIO(data)) as file:
                    folder = file.namelist()[0].partition("/")[0]
                    self.zips.append((data, [Entry(name[len(folder) + 1:], file.read(name)) for name in file.namelist()]))
            else:
                self.streams.append(data)

    def draw(self, draw):
        """The suffix and bytes of a mutant."""
        kind = draw.randrange(20)
        if kind < 7:
            entries = draw.choice(self.zips)[1]
            return ".bin", archive([
                Entry("data.pkl", mutate_pickle(e.data, draw)) if e.name.endswith(b"/data.pkl") else e for e in entries])
        if kind < 9:
            return ".bin", mutate_archive(draw.choice(self.zips)[1], draw)
        if kind < 11:
            return ".bin", mutate_bytes(draw.choice(self.zips)[0], draw)
        if kind < 14:
            # The pickles of the header, the object and the keys, then the storages as they were.
            data = draw.choice(self.streams)
            cut = data.rfind(b".") + 1 if draw.randrange(2) else data.rfind(b"e.") + 2
            return ".pth", mutate_pickle(data[:max(cut, 16)], draw) + data[max(cut, 16):]
        if kind < 15:
            return ".pth", mutate_bytes(draw.choice(self.streams), draw)
        if kind < 18:
            header, data = draw.choice(self.headers)
            return ".safetensors", hm.safetensors(
                mutate_text(header, draw).encode("utf-8", "surrogatepass"), data + draw.choice((b"", b"", hm.EVIL)))
        header, data = draw.choice(self.headers)
        return ".safetensors", mutate_bytes(hm.safetensors(header, data), draw)


class Ours:
    def __init__(self, command):
        self.process = subprocess.Popen([command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, path):
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def disagreements(ours, verdicts):
    """As `JudgedFile.disagreements` of the tests has it."""
    tensors = {name: [TORCH[dtype], shape, digest] for name, dtype, shape, digest in ours["tensors"]}
    keys = ours["dictionaries"] or ["."]
    for judge, verdict in verdicts.items():
        if "code" in verdict:
            yield f"{judge} would run {verdict['code']}"
        read = verdict.get("read")
        if read is None or judge == "zipfile":
            continue
        if judge.startswith("torch"):
            # Keys that are no texts are described otherwise here and there, so these are counted.
            found = [name for name, members in read.items() if members]
            if read.get(keys[0], {}) != tensors or len(found) > len(keys):
                yield f"{judge} read {read}"
        elif judge == "safetensors" and read.get(".", {}) != tensors:
            yield f"{judge} read {read}"
        elif judge == "timm" and "." in read:
            # Where it knows no key it takes the file itself, and finds the numbers beside the model.
            if keys[0] != "." and "." in keys and not set(read["."]) & set(tensors):
                continue
            if read["."] != {name.removeprefix("module."): value for name, value in tensors.items()}:
                yield f"{judge} read {read}"
        elif judge == "transformers" and "." in read:
            found = read["."]
            if any(tensors.get(name, value) != value for name, value in found.items()) or (
                    keys[0] == "." and len(found) != len(tensors)):
                yield f"{judge} read {read}"


def json_disagreement(path, value):
    """Whether Python reads another value than ours wrote, or a key twice."""
    try:
        def once(pairs):
            if len(dict(pairs)) < len(pairs):
                raise ValueError("a key twice")
            return dict(pairs)
        theirs = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once)
    except ValueError as error:
        return f"Python refuses: {error}"
    return None if json.loads(value) == theirs else f"Python reads {theirs}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", required=True, help="the executable tensor-digests")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, default=pathlib.Path("disagreements"))
    options = parser.parse_args()
    draw, material, judge, ours = random.Random(options.seed), Material(), Judge(), Ours(options.ours)
    counts = dict(mutants=0, accepted=0, disagreements=0, json=0)
    seen = set()
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.count):
            suffix, data = material.draw(draw)
            if draw.randrange(8) == 0:
                suffix, data = ".json", mutate_text(draw.choice(material.texts), draw).encode("utf-8", "replace")
                counts["json"] += 1
            counts["mutants"] += 1
            if counts["mutants"] % 10_000 == 0:
                print(counts, flush=True)
            path = pathlib.Path(folder) / f"mutant{suffix}"
            path.write_bytes(data)
            found = ours(path)
            digest = hashlib.sha256(data).digest()
            if "error" in found or digest in seen:
                continue
            seen.add(digest)
            counts["accepted"] += 1
            if suffix == ".json":
                other = json_disagreement(path, found["value"])
                problems = [other] if other else []
            else:
                problems = list(disagreements(found, judge(path)))
            if problems:
                counts["disagreements"] += 1
                options.keep.mkdir(parents=True, exist_ok=True)
                kept = options.keep / (digest.hex()[:12] + suffix)
                kept.write_bytes(data)
                print(kept, f"ours: {str(found)[:400]}", *[problem[:400] for problem in problems[:2]],
                      sep="\n  ", flush=True)
    judge.end()
    print(counts)


if __name__ == "__main__":
    main()
