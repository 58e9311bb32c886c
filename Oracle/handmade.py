"""Zip archives, pickles, legacy streams and safetensors put together byte by byte, for hostile.py."""

import json
import struct
import zlib

WEIGHTS = struct.pack("<4f", 1.0, 2.0, 3.0, 4.0)
EVIL = struct.pack("<4f", 66.0, 66.0, 66.0, 66.0)


# MARK: Pickles

def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def integer(value):
    return b"J" + struct.pack("<i", value)


def sizes(values):
    return b"(" + b"".join(integer(value) for value in values) + b"t"


def call(name, arguments=b")"):
    module, _, function = name.rpartition(".")
    return f"c{module}\n{function}\n".encode() + arguments + b"R"


ORDERED = call("collections.OrderedDict")


def storage(key="0", count=4, kind="torch.FloatStorage", place="cpu", view=b""):
    module, _, name = kind.rpartition(".")
    return (b"(" + text("storage") + f"c{module}\n{name}\n".encode() + text(key) + text(place)
            + integer(count) + view + b"tQ")


def tensor(key="0", shape=(4,), strides=(1,), offset=0, count=4, grad=b"\x89", hooks=ORDERED, more=b"",
           shape_code=None, function="torch._utils._rebuild_tensor_v2", **place):
    module, _, name = function.rpartition(".")
    return (f"c{module}\n{name}\n".encode() + b"(" + storage(key, count, **place) + integer(offset)
            + (shape_code or sizes(shape)) + sizes(strides) + grad + hooks + more + b"tR")


def state(members, begin=ORDERED):
    return begin + b"(" + b"".join(text(key) + value for key, value in members) + b"u"


def document(value, protocol=2):
    return bytes([0x80, protocol]) + value + b"."


def simple(key="0"):
    """A state dictionary of one tensor `weight` over the storage `key`."""
    return document(state([("weight", tensor(key))]))


# MARK: Zip archives

class Entry:
    """One entry; every field of its records can be made to lie."""

    def __init__(self, name, data, prefix="archive/", **lies):
        self.name, self.data, self.lies = (prefix + name).encode(), data, lies

    def local(self):
        get = self.lies.get
        data, extra = get("packed", self.data), get("local_extra", b"")
        name = get("local_name", self.name)
        checksum = get("local_checksum", get("checksum", zlib.crc32(self.data)))
        return (struct.pack(
            "<IHHHIIIIHH", 0x04034B50, 0, get("local_flags", get("flags", 0x800)), get("method", 0), 0, checksum,
            get("local_size", len(data)), get("local_size", len(self.data)), len(name), len(extra))
            + name + extra + data + get("descriptor", b""))

    def record(self, offset):
        get = self.lies.get
        extra, comment = get("extra", b""), get("comment", b"")
        return (struct.pack(
            "<IHHHHIIIIHHHHHII", 0x02014B50, get("made_by", 0), 0, get("flags", 0x800), get("method", 0), 0,
            get("checksum", zlib.crc32(self.data)), len(get("packed", self.data)), get("size", len(self.data)),
            len(self.name), len(extra), len(comment), get("disk", 0), 0, get("attributes", 0),
            get("offset", offset)) + self.name + extra + comment)


def archive(entries, comment=b"", gap_before_directory=b"", after=b"", lead=b"", wide=None, **end):
    """A zip archive; `wide` adds zip64 records, made of (directory offset, size, count) of what is there."""
    body, directory = lead, b""
    for entry in entries:
        body += entry.lies.get("gap", b"")
        directory += b"" if entry.lies.get("hidden") else entry.record(len(body))
        body += entry.local()
    body += gap_before_directory
    start, count = len(body), sum(not entry.lies.get("hidden") for entry in entries)
    body += directory
    if wide:
        offset, size, number = wide(start, len(directory), count)
        position = len(body)
        body += struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, number, number, size, offset)
        body += struct.pack("<IIQI", 0x07064B50, 0, position, 1)
    return body + struct.pack(
        "<IHHHHIIH", 0x06054B50, end.get("disk", 0), 0, end.get("count", count), end.get("count", count),
        end.get("size", len(directory)), end.get("offset", start), len(comment)) + comment + after


def torch_entries(pickle=None, data=WEIGHTS, **lies):
    """The entries of a small archive as torch.save has them; `lies` are those of `data.pkl`."""
    return [
        Entry("data.pkl", pickle or simple(), **lies), Entry("byteorder", b"little"),
        Entry("data/0", data), Entry("version", b"3\n"),
    ]


def torch_zip(pickle=None, data=WEIGHTS, **records):
    return archive(torch_entries(pickle, data), **records)


# MARK: Legacy streams

def legacy(value, keys=("0",), data=(WEIGHTS,), after=b"", endian=b"\x88", elements=4):
    system = b"\x80\x02}(" + text("protocol_version") + integer(1001) + text("little_endian") + endian + b"u."
    stream = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19." + document(b"M\xe9\x03") + system + value
    stream += document(b"](" + b"".join(text(key) for key in keys) + b"e")
    for part in data:
        stream += struct.pack("<q", len(part) // 4) + part
    return stream + after


def legacy_simple(**lies):
    return legacy(document(state([("weight", tensor(view=b"N"))])), **lies)


def as_tar(stream, magic=True):
    """`stream` with the first block of a tar archive: checksum and, if asked, magic word in place."""
    block = bytearray(stream.ljust(1024, b"\0"))
    block[148:156] = b" " * 8
    if magic:
        block[257:263] = b"ustar\0"
    block[148:156] = b"%06o\0 " % sum(block[:512])
    return bytes(block)


# MARK: Safetensors

def safetensors(header, data=WEIGHTS):
    header = header if isinstance(header, (str, bytes)) else json.dumps(header)
    header = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(header)) + header + data


def entry(start=0, end=16, shape=(4,), dtype="F32"):
    return json.dumps({"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]})
