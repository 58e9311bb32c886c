"""Makes Tests/Fixtures/hostile: files that two readers could take for different things or that would run
code, each kind once, and beside them files that people really have. Judged by judge.py.

    python Oracle/hostile.py

`refused/` are files that must be refused, `read/` those that must be read; `judges.json` is what other
readers made of each. `choice/` needs a dictionary to be chosen.

Needs torch, transformers, timm and safetensors.
"""

import collections
import json
import os
import pathlib
import shutil
import struct
import zlib

import torch
from safetensors.torch import save_file

import handmade as hm
from handmade import Entry, archive, document, integer, legacy, legacy_simple, state, tensor, text, torch_entries
from handmade import torch_zip
from judge import Judge

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "Tests" / "Fixtures" / "hostile"
EVIL = hm.EVIL


# MARK: What must be refused

def zip64_field(*values):
    return struct.pack("<HH", 1, 8 * len(values)) + struct.pack(f"<{len(values)}Q", *values)


def with_entry(entry):
    return archive(torch_entries() + [entry])


def renamed_entries(change):
    entries = torch_entries()
    for entry in entries:
        change(entry)
    return archive(entries)


def two_directories():
    evil = torch_zip(data=EVIL)
    inner = torch_zip()
    # The second archive lies in the first one's comment.
    return inner[:-2] + struct.pack("<H", len(evil)) + evil


def case_twins():
    return archive(torch_entries() + [Entry("DATA.PKL", document(state([("weight", tensor("1"))]))),
                                      Entry("data/1", EVIL)])


def changed(at, value, start=None):
    """A good archive with some bytes overwritten, counted from the end where `at` is negative."""
    data = bytearray(start or torch_zip())
    at = at if at >= 0 else len(data) + at
    data[at:at + len(value)] = value
    return bytes(data)


def zips():
    padding = struct.pack("<HH", 0x4246, 4)
    yield "comment", torch_zip(comment=b"x")
    yield "two-directories", two_directories()
    yield "bytes-after", torch_zip(after=b"\0")
    yield "bytes-after-with-end", torch_zip() + torch_zip(data=EVIL)
    yield "bytes-before", torch_zip(lead=hm.Entry("x", b"hidden").local())
    yield "gap-between", archive([Entry("data.pkl", hm.simple()), Entry("data/0", hm.WEIGHTS, gap=EVIL),
                                  Entry("version", b"3\n")])
    yield "gap-before-directory", torch_zip(gap_before_directory=EVIL)
    yield "hidden-entry", archive(torch_entries() + [Entry("data/1", EVIL, hidden=True)])
    yield "case-twins", case_twins()
    yield "one-name-twice", archive(torch_entries() + [Entry("data.pkl", hm.simple("1")), Entry("data/1", EVIL)])
    yield "storage-twice", with_entry(Entry("data/0", EVIL))
    yield "two-folders", with_entry(Entry("data.pkl", hm.simple(), prefix="other/"))
    yield "no-folder", with_entry(Entry("notes", b"x", prefix=""))
    yield "folder-case", with_entry(Entry("data.pkl", hm.simple(), prefix="ARCHIVE/"))
    yield "other-entry", with_entry(Entry("setup.py", b"import os"))
    yield "unused-storage", with_entry(Entry("data/1", EVIL))
    yield "storage-of-letters", with_entry(Entry("data/0a", EVIL))
    yield "folder-entry", with_entry(Entry("", b""))
    yield "up", archive([Entry(e.name.decode().removeprefix("archive/"), e.data, prefix="../")
                         for e in torch_entries()])
    yield "zero-in-name", with_entry(Entry("version\0.pkl", b"3\n"))
    yield "backslash", with_entry(Entry("data\\0", EVIL))
    deflate = zlib.compressobj(9, 8, -15)
    packed = deflate.compress(hm.WEIGHTS * 64) + deflate.flush()
    many = document(state([("weight", tensor(shape=(256,), count=256))]))
    yield "deflated-storage", archive([
        Entry("data.pkl", many), Entry("data/0", hm.WEIGHTS * 64, packed=packed, method=8), Entry("version", b"3\n")])
    yield "method-12", archive(torch_entries(method=12))
    yield "encrypted", archive(torch_entries(flags=0x801))
    yield "other-flags", archive(torch_entries(flags=0x880))
    yield "local-flags", archive(torch_entries(local_flags=0))
    yield "local-name", archive(torch_entries(local_name=b"archive/data.pkx"))
    yield "local-size", archive(torch_entries(local_size=5))
    yield "local-checksum", archive(torch_entries(local_checksum=5))
    yield "checksum-of-storage", archive([Entry("data.pkl", hm.simple()), Entry("data/0", hm.WEIGHTS, checksum=1),
                                          Entry("version", b"3\n")])
    yield "checksum-of-version", archive(torch_entries()[:-1] + [Entry("version", b"3\n", checksum=1)])
    yield "size-larger", archive(torch_entries(size=400))
    yield "offset-of-other", archive(torch_entries() + [Entry("data/1", EVIL, offset=0)])
    yield "entry-comment", archive(torch_entries(comment=b"x"))
    yield "unicode-path", archive(torch_entries(extra=struct.pack("<HHBI", 0x7075, 5, 1, 0)))
    yield "time-extra", archive(torch_entries(extra=struct.pack("<HHBI", 0x5455, 5, 1, 0)))
    yield "local-extra", archive(torch_entries(local_extra=struct.pack("<HHI", 0xCAFE, 4, 0)))
    yield "padding-hides", archive(torch_entries(local_extra=padding + b"evil"))
    yield "zip64-unneeded", archive(torch_entries(extra=zip64_field(5, 5)))
    yield "zip64-other-size", archive(torch_entries(local_size=0xFFFFFFFF, local_extra=zip64_field(5, 5)))
    yield "link", archive(torch_entries(attributes=0o120777 << 16, made_by=0x300))
    yield "directory-bit", archive(torch_entries(attributes=0x10))
    yield "several-disks", torch_zip(disk=1)
    yield "entry-on-other-disk", archive(torch_entries(disk=1))
    yield "count-too-small", torch_zip(count=3)
    yield "zip64-other-directory", torch_zip(wide=lambda offset, size, count: (offset, size, count - 1))
    yield "zip64-elsewhere", changed(-42 + 8, struct.pack("<Q", 0), torch_zip(wide=lambda *all: all))
    yield "zip64-long", changed(-98 + 4, struct.pack("<Q", 45), torch_zip(wide=lambda *all: all))
    yield "descriptor-lies", archive(torch_entries(
        flags=0x808, local_checksum=0, local_size=0, descriptor=struct.pack("<IIII", 0x08074B50, 1, 2, 3)))
    yield "no-descriptor", archive(torch_entries(flags=0x808, local_checksum=0, local_size=0))
    yield "bytes-after-pickle", torch_zip(hm.simple() + hm.simple("1"))
    yield "big-endian", archive([Entry("byteorder", b"big")] + [e for e in torch_entries() if b"order" not in e.name])
    yield "endian-of-letters", archive(
        [Entry("byteorder", b"little!")] + [e for e in torch_entries() if b"order" not in e.name])
    yield "version-of-letters", archive(torch_entries()[:-1] + [Entry("version", b"3\nexec")])
    yield "id-of-letters", with_entry(Entry(".data/serialization_id", b"hello"))
    yield "storage-too-long", torch_zip(data=hm.WEIGHTS + EVIL)
    yield "storage-too-short", torch_zip(data=hm.WEIGHTS[:8])
    yield "storage-missing", archive(torch_entries()[:2] + torch_entries()[3:])
    elsewhere = document(state([("weight", tensor("0")), ("bias", tensor("1"))]))
    # Asked to, torch works out that the second storage is aligned.
    yield "layout-against-version", archive([
        Entry("data.pkl", elsewhere), Entry(".format_version", b"1"), Entry("data/0", hm.WEIGHTS),
        Entry("data/1", EVIL), Entry("version", b"3\n")])
    yield "script", with_entry(Entry("constants.pkl", document(b")")))


def pickles():
    weight, other = tensor("0"), tensor("1")
    two = [("0", hm.WEIGHTS), ("1", EVIL)]
    ordered = b"ccollections\nOrderedDict\n"

    def one(value):
        return value, two[:1]

    def both(value):
        return value, two

    pairs = b"](" + b"(" + text("weight") + weight + b"l" + b"(" + text("weight") + other + b"l" + b"e"
    single = b"](" + b"(" + text("weight") + weight + b"l" + b"e"
    yield "key-twice", both(state([("weight", weight), ("weight", other)]))
    yield "key-twice-set-item", both(b"}" + text("weight") + weight + b"s" + text("weight") + other + b"s")
    yield "key-twice-dict", both(b"(" + text("weight") + weight + text("weight") + other + b"d")
    yield "key-twice-pairs", both(ordered + pairs + b"\x85R")
    yield "key-twice-update", both(state([("weight", weight)]) + b"(" + text("weight") + other + b"u")
    yield "key-twice-numbers", one(b"}(" + b"K\x01" + weight + b"\x88" + weight + b"u")
    yield "key-twice-in-wrapper", both(
        b"}(" + text("model") + state([("weight", weight)]) + text("model") + state([("weight", other)]) + b"u")
    yield "key-by-memo", both(b"}" + text("weight") + b"q\x00" + weight + b"s" + b"h\x00" + other + b"s")
    yield "key-bytes", both(b"}(" + text("weight") + weight + b"C\x06weight" + other + b"u")
    yield "new-object-with-pairs", one(ordered + single + b"\x85\x81")
    yield "new-object-of-size", one(state([("weight", tensor(shape_code=b"ctorch\nSize\n(K\x04t\x85\x81"))]))
    yield "state-copy", one(state([("weight", weight)]) + b"}" + text("copy") + ordered + b"sb")
    yield "state-items", one(state([("weight", weight)]) + b"}" + text("items") + ordered + b"sb")
    yield "state-of-plain", one(state([("weight", weight)], b"}") + b"}" + text("_metadata") + b"}sb")
    yield "state-tuple", one(state([("weight", weight)]) + b"N}" + text("keys") + ordered + b"s\x86b")
    yield "state-tensors", both(state([("weight", weight)]) + b"}" + text("_metadata") + state([("weight", other)])
                                + b"sb")
    yield "state-of-tensor", both(state([("weight", weight + b"(" + hm.storage("1") + b"K\x00" + b"(K\x04t(K\x01t"
                                         + b"tb")]))
    negative = b"}" + text("neg") + b"\x88s"
    yield "negated", one(state([("weight", tensor(more=negative))]))
    yield "negated-later", one(state([("weight", tensor(more=b"}q\x05"))]) + b"h\x05" + text("neg") + b"\x88s0")
    yield "hooks", one(state([("weight", tensor(hooks=state([("k", ordered)])))]))
    yield "four-arguments-of-v2", one(state([("weight", b"ctorch._utils\n_rebuild_tensor_v2\n(" + hm.storage()
                                             + integer(0) + hm.sizes([4]) + hm.sizes([1]) + b"tR")]))
    yield "grad-of-numbers", one(state([("weight", tensor(grad=integer(1)))]))
    yield "on-meta", one(state([("weight", tensor(place="meta"))]))
    yield "on-nowhere", one(state([("weight", tensor(place="moon"))]))
    yield "storage-two-types", one(state([("weight", weight), ("b", tensor(kind="torch.IntStorage"))]))
    yield "storage-two-sizes", one(state([("weight", weight), ("b", tensor(count=3, shape=(3,)))]))
    yield "storage-key-path", one(state([("weight", tensor("../data/0"))]))
    yield "octal", one(state([("weight", tensor(shape_code=b"(I04\nt"))]))
    yield "octal-key", one(b"}(I010\n" + weight + b"I8\n" + weight + b"u")
    # Python's unpickler reads the name of the class from the second letter on.
    torn = b"ccollections\nOrderedDict\n)R("
    yield "torn-frame", one(b"\x95" + struct.pack("<Q", 1) + torn + text("weight") + weight + b"u")
    yield "frame-in-frame", one(b"\x95" + struct.pack("<Q", 60) + b"\x95" + struct.pack("<Q", 20) + torn
                                + text("weight") + weight + b"u")
    yield "item-of-tensor", one(state([("weight", weight + b"K\x00" + b"G" + struct.pack(">d", 66) + b"s")]))
    yield "append-to-set", one(state([("weight", weight), ("x", b"\x8fK\x01a")]))
    yield "number-names", one(b"}(K\x00" + weight + b"u")
    yield "list-of-tensors", one(state([("weights", b"](" + weight + b"e")]))
    yield "tensor-alone", one(weight)
    yield "beside", both(state([("weight", weight), ("state_dict", state([("weight", other)]))]))
    yield "beside-other-names", both(state([("head.bias", weight), ("model", state([("weight", other)]))]))
    yield "beside-scalar-parameter", both(state([
        ("logit_scale", tensor(shape=(), strides=())), ("state_dict", state([("logit_scale", other)]))]))
    yield "average", both(state([("state_dict", state([("weight", weight)])),
                                 ("state_dict_ema", state([("weight", other)]))]))
    yield "model-average", both(state([("model", state([("weight", weight)])), ("model_ema", state([("weight", other)]))]))
    yield "student-teacher", both(state([("student", state([("module.weight", weight)])),
                                         ("teacher", state([("weight", other)]))]))
    yield "arbitrary-pair", both(state([("a", state([("x", state([("weight", weight)]))])),
                                        ("b", state([("y", state([("weight", other)]))]))]))
    yield "list-of-states", both(state([("models", b"](" + state([("weight", weight)]) + state([("weight", other)])
                                         + b"e")]))
    yield "subset", both(state([("model", state([("weight", weight), ("bias", weight)])), ("x", state([("bias", other)]))]))
    yield "shadow-list", both(state([("model", state([("weight", weight)])), ("shadow_params", b"](" + other + b"e")]))
    yield "same-bytes-other-shape", both(state([
        ("model", state([("weight", weight)])), ("ema", state([("weight", tensor(shape=(2, 2), strides=(2, 1)))])),
        ("z", state([("weight", other)]))]))
    yield "optimizer-with-a-model", both(state([
        ("model", state([("weight", weight)])),
        ("optimizer", state([("state", state([("layer", state([("weight", other)]))])), ("param_groups", b"]")]))]))
    yield "optimizer-of-weights", both(state([
        ("model", state([("weight", weight)])),
        ("optim", state([("state", b"}K\x00" + state([("weight", other)]) + b"s"), ("param_groups", b"]")]))]))
    yield "optimizer-without-groups", both(state([
        ("model", state([("weight", weight)])), ("optim", state([("weight", other)]))]))
    yield "many-names", one(state([(f"w{index}", b"h\x09") for index in range(1, 600)],
                                  ordered_with(tensor(shape=(20000,), count=20000))))
    yield "expanded", one(state([("weight", tensor(shape=(4000, 1000), strides=(0, 0)))]))
    yield "parameter-with-state", one(state([("weight", b"ctorch._utils\n_rebuild_parameter_with_state\n(" + weight
                                              + b"\x88" + hm.ORDERED + b"}tR")]))
    yield "subclass", one(state([("weight", b"ctorch._tensor\n_rebuild_from_type_v2\n(" + b"ctorch._utils\n"
                                  b"_rebuild_tensor_v2\nctorch\nTensor\n)}tR")]))
    yield "sparse", one(state([("weight", b"ctorch._utils\n_rebuild_sparse_tensor\n(NNtR")]))
    yield "counter", one(b"ccollections\nCounter\n)R(" + text("weight") + weight + b"u")
    yield "average-in-a-counter", both(state([
        ("state_dict", state([("weight", weight)])),
        ("state_dict_ema", b"ccollections\nCounter\n" + state([("weight", other)]) + b"\x85R")]))
    yield "set-of-tensors", both(state([("state_dict", state([("weight", weight)])),
                                        ("x", b"cbuiltins\nset\n](" + other + b"e\x85R")]))
    yield "bool-size", one(state([("weight", tensor(shape_code=b"(\x88K\x04t", strides=(4, 1)))]))


def ordered_with(value):
    """An OrderedDict whose first member `w0` is in the memo as 9."""
    return hm.ORDERED + text("w0") + value + b"q\x09s"


def code():
    run = b"(" + text("echo harm") + b"tR"
    yield "system", b"cposix\nsystem\n" + run
    yield "os-system", b"cos\nsystem\n" + run
    yield "inst", b"(" + text("echo harm") + b"iposix\nsystem\n"
    yield "obj", b"(cposix\nsystem\n" + text("echo harm") + b"o"
    yield "stack-global", b"\x8c\x05posix\x8c\x06system\x93" + run
    yield "eval", b"cbuiltins\neval\n(" + text("1") + b"tR"
    yield "python-2", b"c__builtin__\neval\n(" + text("1") + b"tR"
    yield "getattr", b"cbuiltins\ngetattr\n(cbuiltins\n__import__\n" + text("x") + b"tR"
    yield "dotted", b"\x8c\x0bcollections\x8c\x14OrderedDict.fromkeys\x93"
    yield "partial", b"cfunctools\npartial\n(cposix\nsystem\ntR"
    yield "load-from-bytes", b"ctorch.storage\n_load_from_bytes\n(C\x01.tR"
    yield "hub", b"ctorch.hub\nload\n(" + text("x") + b"tR"
    yield "build", b"ctypes\nSimpleNamespace\n)\x81}" + text("x") + b"Nsb"
    yield "reduce-popped", b"cposix\nsystem\n" + run + b"0" + state([("weight", tensor())])
    yield "new-object-ex", b"ctypes\nSimpleNamespace\n)}\x92"
    yield "extension", b"\x82\x01"
    yield "persistent", b"Pposix\n"
    yield "numpy-reconstruct", b"cnumpy.core.multiarray\n_reconstruct\n(NtR"


def streams():
    good = legacy_simple()
    yield "tar", hm.as_tar(good)
    yield "tar-without-magic", hm.as_tar(good, magic=False)
    yield "bytes-after", legacy_simple(after=b"\0")
    yield "pickle-after", legacy_simple(after=document(b"N"))
    yield "big-endian", legacy_simple(endian=b"\x89")
    yield "storage-unlisted", legacy_simple(keys=(), data=())
    yield "storage-twice", legacy_simple(keys=("0", "0"), data=(hm.WEIGHTS, EVIL))
    yield "storage-unknown", legacy_simple(keys=("0", "1"), data=(hm.WEIGHTS, EVIL))
    yield "storage-short", legacy_simple(data=(hm.WEIGHTS[:8],))
    tail = torch_zip(data=EVIL)
    while len(tail) % 4:
        tail = torch_zip(document(state([("weight" + "x" * (4 - len(tail) % 4), tensor())])), EVIL)
    number = len(tail) // 4
    yield "zip-in-last-storage", legacy(
        document(state([("weight", tensor(count=number, shape=(number,), view=b"N"))])), data=(tail,))

    def view(key, offset, count):
        return b"(" + text(key) + integer(offset) + integer(count) + b"t"

    yield "view-twice", legacy(document(state([
        ("weight", tensor(shape=(2,), view=view("7", 0, 2))), ("bias", tensor(shape=(2,), view=view("7", 2, 2)))])))
    yield "view-called-as-storage", legacy(document(state([
        ("weight", tensor(view=b"N")), ("bias", tensor(shape=(2,), view=view("0", 2, 2)))])))
    yield "view-in-zip", torch_zip(document(state([("weight", tensor(view=view("7", 0, 4)))])))
    yield "code-in-magic", b"\x80\x02cposix\nsystem\n(" + text("echo harm") + b"tR." + good
    yield "code-in-keys", good[:good.rindex(b"\x80\x02](")] + document(
        b"cposix\nsystem\n(" + text("echo harm") + b"tR")
    yield "bare-pickle", document(state([("weight", integer(1))]))
    yield "protocol-2002", good.replace(b"M\xe9\x03", b"M\xd2\x07")


def headers():
    good = {"weight": json.loads(hm.entry())}
    yield "key-twice", '{"weight":%s,"weight":%s}' % (hm.entry(), hm.entry(16, 32)), hm.WEIGHTS + EVIL
    yield "escaped-key-twice", '{"weight":%s,"w\\u0065ight":%s}' % (hm.entry(), hm.entry(16, 32)), hm.WEIGHTS + EVIL
    yield "field-twice", '{"weight":{"dtype":"F32","dtype":"I32","shape":[4],"data_offsets":[0,16]}}', hm.WEIGHTS
    yield "metadata-twice", '{"__metadata__":{"a":"1","a":"2"},"weight":%s}' % hm.entry(), hm.WEIGHTS
    yield "two-metadata", '{"__metadata__":{},"__metadata__":{},"weight":%s}' % hm.entry(), hm.WEIGHTS
    yield "overlap", '{"weight":%s,"b":%s}' % (hm.entry(), hm.entry()), hm.WEIGHTS
    yield "gap", '{"weight":%s,"b":%s}' % (hm.entry(), hm.entry(20, 36)), hm.WEIGHTS + b"gap!" + EVIL
    yield "bytes-after", json.dumps(good), hm.WEIGHTS + EVIL
    yield "text-after", json.dumps(good) + " x", hm.WEIGHTS
    yield "mark", b"\xef\xbb\xbf" + json.dumps(good).encode(), hm.WEIGHTS
    yield "space-before", " " + json.dumps(good), hm.WEIGHTS
    yield "not-a-number", '{"__metadata__":{"a":NaN},"weight":%s}' % hm.entry(), hm.WEIGHTS
    yield "negative", '{"weight":%s}' % hm.entry(-16, 0), hm.WEIGHTS
    yield "fraction", '{"weight":{"dtype":"F32","shape":[4.0],"data_offsets":[0,16]}}', hm.WEIGHTS
    yield "other-shape", json.dumps({"weight": json.loads(hm.entry(shape=(2,)))}), hm.WEIGHTS
    tail = torch_zip(data=EVIL)
    yield "zip-at-end", json.dumps({"weight": json.loads(hm.entry(0, len(tail), (len(tail),), "U8"))}), tail


def texts():
    yield "key-twice", '{"model_type": "bert", "model_type": "vit"}'
    yield "nested-key-twice", '{"a": [{"b": 1, "b": 2}]}'
    yield "escaped-key-twice", '{"a": 1, "\\u0061": 2}'
    yield "mark", "\ufeff{}"
    yield "not-a-number", '{"a": NaN}'
    yield "infinity", '{"a": -Infinity}'
    yield "too-large", '{"a": 1e999}'
    yield "half-a-pair", '{"a": "\\ud800"}'
    yield "comment", '{"a": 1} // b'
    yield "comma", '{"a": 1,}'
    yield "deep", "[" * 5000 + "]" * 5000
    yield "not-utf8", b'{"a": "\xff"}'


def refused():
    for name, data in zips():
        yield f"zip-{name}.bin", data
    for name, (value, storages) in pickles():
        data = [storage for _, storage in storages]
        if name == "many-names":
            data = [hm.WEIGHTS * 5000]
        entries = [Entry("data.pkl", document(value))] + [Entry(f"data/{i}", part) for i, part in enumerate(data)]
        yield f"pickle-{name}.bin", archive(entries + [Entry("version", b"3\n")])
    for name, value in code():
        yield f"code-{name}.bin", torch_zip(document(value, 4))
        yield f"code-{name}.pth", legacy(document(value, 4), keys=(), data=())
    for name, data in streams():
        yield f"legacy-{name}.pth", data
    for name, header, data in headers():
        yield f"header-{name}.safetensors", hm.safetensors(header, data)
    for name, data in texts():
        yield f"json-{name}.json", data.encode() if isinstance(data, str) else data
    yield "name-zip.safetensors", torch_zip()
    yield "name-legacy.safetensors", legacy_simple()
    yield "name-safetensors.bin", hm.safetensors('{"weight":%s}' % hm.entry())
    yield "name-safetensors.pt", hm.safetensors('{"weight":%s}' % hm.entry())
    yield "name-safetensors.ckpt", hm.safetensors('{"weight":%s}' % hm.entry())


# MARK: What must be read

def small():
    return collections.OrderedDict(weight=torch.arange(4.0).reshape(2, 2), bias=torch.ones(2))


def optimizer_of(kind, **options):
    model = torch.nn.Linear(2, 2)
    made = kind(model.parameters(), **options)

    def closure():
        made.zero_grad()
        loss = model(torch.ones(1, 2)).square().sum()
        loss.backward()
        return loss

    made.step(closure)
    return made.state_dict()


def checkpoints():
    """Values for torch.save, by name."""
    torch.manual_seed(1)
    linear = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    shared = torch.nn.Parameter(torch.arange(6.0).reshape(3, 2))
    base = torch.arange(12.0).reshape(3, 4)
    yield "ordered", small()
    yield "plain", dict(small())
    yield "module", linear.state_dict()
    yield "parameters", collections.OrderedDict(linear.named_parameters())
    yield "kept-variables", linear.state_dict(keep_vars=True)
    yield "tied", collections.OrderedDict(embedding=shared, decoder=shared)
    yield "tied-four", {name: shared.data for name in ("a", "b", "c", "d")}
    yield "types", {str(dtype)[6:]: torch.ones(3, dtype=dtype) for dtype in (
        torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
        torch.int8, torch.uint8, torch.bool)}
    yield "strided", {"base": base, "transposed": base.t(), "column": base[:, 1], "part": base[1:]}
    yield "empty", {"weight": torch.zeros(0, 3), "number": torch.tensor(2.0), "full": torch.ones(2)}
    yield "names", {"größe.weight": torch.ones(2), "層": torch.ones(1), "a b": torch.zeros(1), "'": torch.zeros(1)}
    yield "wrapped", {"epoch": 3, "arch": "vgg", "state_dict": small(), "best_acc1": torch.tensor(71.5)}
    yield "adam", {"model": small(), "optimizer": optimizer_of(torch.optim.Adam)}
    yield "sgd", {"model": small(), "optim": optimizer_of(torch.optim.SGD, lr=0.1, momentum=0.9)}
    yield "lbfgs", {"state_dict": small(), "optimizer": optimizer_of(torch.optim.LBFGS)}
    yield "several-optimizers", {"state_dict": small(), "optimizer_states": [optimizer_of(torch.optim.AdamW)],
                                 "lr_schedulers": [{"last_epoch": 3}], "hyper_parameters": {"lr": 0.1}}
    yield "average-of-one-step", {"state_dict": small(), "state_dict_ema": small()}
    yield "same-object", (lambda one: {"model": one, "model_ema": one})(small())
    yield "random-states", {"model": small(), "rng_state": torch.get_rng_state()[:64].clone(),
                            "cuda_rng_state": [torch.get_rng_state()[:64].clone()]}
    yield "optimizer-alone", {"model": small(), "optimizer": {"last_optimizer": optimizer_of(torch.optim.Adam)}}
    yield "nested", {"model": {"module": {"state_dict": small(), "step": 5}}}
    yield "others", {"model": small(), "n": None, "b": True, "f": 0.5, "t": (1, "x"), "s": torch.Size([2]),
                     "d": torch.device("cpu"), "y": torch.float16, "large": 1 << 80, "l": [1, {"x": 2}],
                     "codes": b"bytes", 5: "number"}


def make_read(folder):
    for name, value in checkpoints():
        torch.save(value, folder / f"{name}.pt")
        torch.save(value, folder / f"{name}.pth", _use_new_zipfile_serialization=False)
    for protocol in (3, 4, 5):
        torch.save(small(), folder / f"protocol-{protocol}.bin", pickle_protocol=protocol)
        torch.save(small(), folder / f"protocol-{protocol}.th", pickle_protocol=protocol,
                   _use_new_zipfile_serialization=False)
    torch.save(small(), folder / "größe mit.punkten.bin")
    save_file(small(), folder / "plain.safetensors")
    save_file(small(), folder / "metadata.safetensors", metadata={"format": "pt", "ü": "\n\"\\"})
    # A torch.Size is what the list was when it was made.
    growing = (b"]q\x00K\x02a0ctorch\nSize\nh\x00\x85Rq\x010h\x00K\x02a0"
               + state([("weight", tensor(shape_code=b"h\x01"))]))
    handmade = {
        "size-of-growing-list.bin": torch_zip(document(growing)),
        "by-hand.bin": torch_zip(), "by-hand-wide.bin": torch_zip(wide=lambda *all: all),
        "by-hand.pth": legacy_simple(), "spaces.safetensors": hm.safetensors('{ "weight" : %s }  ' % hm.entry()),
    }
    for name, data in handmade.items():
        (folder / name).write_bytes(data)
    (folder / "config.json").write_text('{"a": [1, 2.5e-3, true, null, "é\\u00e9\\ud83d\\ude00"], "l": 12345678901234567890123}\n')
    (folder / "tokens.json").write_text('{"\u00e9": 0, "e\u0301": 1}\n', encoding="utf-8")


def make_choice(folder):
    """A whole VGG twice, as student and teacher: the teacher is the one of vgg-torchvision."""
    teacher = torch.load(FOLDER.parent / "vgg-torchvision" / "vgg16_bn.pth", weights_only=True)
    student = {name: value + 1 for name, value in teacher.items()}
    torch.save({"student": student, "teacher": teacher}, folder / "vgg16_bn.pth")


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name in ("refused", "read", "choice"):
        (FOLDER / name).mkdir(parents=True)
    for name, data in refused():
        (FOLDER / "refused" / name).write_bytes(data)
    make_read(FOLDER / "read")
    make_choice(FOLDER / "choice")
    read = Judge()
    record = {}
    for path in sorted(path for path in FOLDER.rglob("*") if path.is_file()):
        path.chmod(0o644)
        if path.parent.name == "choice":
            continue
        record[str(path.relative_to(FOLDER))] = read(path)
    read.end()
    lines = [f"{json.dumps(name)}: {json.dumps(record[name])}" for name in sorted(record)]
    (FOLDER / "judges.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    os.chmod(FOLDER / "judges.json", 0o644)


if __name__ == "__main__":
    main()
