"""Pickles for the scanner's corpus: what they import, and how they hide it.

Every payload only writes a word to a file in the temporary folder, or would, were it loaded.
"""

import pickle
import struct

MARK = "/tmp/recipe-scan-corpus-was-run"
COMMAND = f"echo run > {MARK}"
CODE = f"open({MARK!r}, 'w').write('run')"


def text(value: str) -> bytes:
    """A string as protocol 4 writes a short one."""
    raw = value.encode()
    if len(raw) < 256:
        return b"\x8c" + bytes([len(raw)]) + raw
    return b"X" + struct.pack("<I", len(raw)) + raw


def literal(value) -> bytes:
    """A value's opcodes, without a frame around them."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bool):
        return b"\x88" if value else b"\x89"
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, bytes):
        return b"B" + struct.pack("<I", len(value)) + value
    if value is None:
        return b"N"
    if isinstance(value, tuple):
        return b"(" + b"".join(map(literal, value)) + b"t"
    if isinstance(value, list):
        return b"](" + b"".join(map(literal, value)) + b"e"
    if isinstance(value, dict):
        return b"}(" + b"".join(literal(k) + literal(v) for k, v in value.items()) + b"u"
    raise TypeError(type(value))


def named(module: str, name: str, protocol: int) -> bytes:
    """The import of `module.name`."""
    if protocol >= 4:
        return text(module) + b"\x94" + text(name) + b"\x94\x93\x94"
    return f"c{module}\n{name}\n".encode()


def call(module: str, name: str, arguments: tuple, protocol: int = 4) -> bytes:
    """A pickle that calls `module.name` when it is loaded."""
    start = bytes([0x80, protocol]) if protocol >= 2 else b""
    if protocol < 2:
        values = b"".join(
            b"V" + a.encode("raw_unicode_escape") + b"\n" if isinstance(a, str) else literal(a)
            for a in arguments
        )
        return start + named(module, name, protocol) + b"(" + values + b"tR."
    return start + named(module, name, protocol) + literal(arguments) + b"R."


# What a pickle may call, beside the well-known: module, name, arguments.
CALLABLES = [
    ("os", "system", (COMMAND,)),
    ("posix", "system", (COMMAND,)),
    ("nt", "system", (COMMAND,)),
    ("os", "popen", (COMMAND,)),
    ("os", "execv", ("/bin/true", ["true"])),
    ("os", "spawnvp", (0, "true", ["true"])),
    ("subprocess", "Popen", (["true"],)),
    ("subprocess", "check_output", (["true"],)),
    ("subprocess", "getoutput", ("true",)),
    ("commands", "getoutput", ("true",)),
    ("builtins", "eval", (CODE,)),
    ("builtins", "exec", (CODE,)),
    ("__builtin__", "eval", (CODE,)),
    ("builtins", "compile", (CODE, "x", "exec")),
    ("builtins", "__import__", ("os",)),
    ("builtins", "getattr", ("x", "upper")),
    ("builtins", "open", (MARK, "w")),
    ("builtins", "breakpoint", ()),
    ("builtins", "map", (None, [])),
    ("sys", "exit", ("0",)),
    ("runpy", "run_path", (MARK,)),
    ("runpy", "_run_code", (CODE, {})),
    ("importlib", "import_module", ("this",)),
    ("importlib.util", "spec_from_file_location", ("x", MARK)),
    ("pkgutil", "resolve_name", ("os:system",)),
    ("pip", "main", (["--version"],)),
    ("pip._internal.cli.main", "main", (["--version"],)),
    ("ensurepip", "_run_pip", (["--version"],)),
    ("socket", "create_connection", (("127.0.0.1", 9),)),
    ("ctypes", "CDLL", ("libc.so.6",)),
    ("webbrowser", "open", ("about:blank",)),
    ("shutil", "rmtree", (MARK,)),
    ("asyncio", "run", (None,)),
    ("asyncio.unix_events", "_UnixSubprocessTransport._start", ()),
    ("code", "InteractiveInterpreter", ()),
    ("pdb", "run", (CODE,)),
    ("bdb", "Bdb.run", (CODE,)),
    ("timeit", "timeit", (CODE,)),
    ("cProfile", "run", (CODE,)),
    ("profile", "Profile.run", (CODE,)),
    ("trace", "Trace.run", (CODE,)),
    ("doctest", "debug_script", (CODE,)),
    ("pty", "spawn", ("true",)),
    ("platform", "popen", (COMMAND,)),
    ("pydoc", "pipepager", ("x", "true")),
    ("pydoc", "locate", ("os.system",)),
    ("venv", "create", (MARK,)),
    ("zipimport", "zipimporter", (MARK,)),
    ("marshal", "loads", (b"\xe3",)),
    ("pickle", "loads", (b"cos\nsystem\n(Vtrue\ntR.",)),
    ("_pickle", "loads", (b"N.",)),
    ("shelve", "open", (MARK,)),
    ("dill", "loads", (b"N.",)),
    ("dill._dill", "_create_function", (None, {})),
    ("cloudpickle.cloudpickle", "subimport", ("os",)),
    ("cloudpickle.cloudpickle", "_make_function", (None, None)),
    ("joblib", "load", (MARK,)),
    ("types", "FunctionType", (None, {})),
    ("types", "CodeType", ()),
    ("functools", "partial", (None,)),
    ("functools", "reduce", (None, [])),
    ("operator", "attrgetter", ("system",)),
    ("operator", "methodcaller", ("system", COMMAND)),
    ("_operator", "attrgetter", ("system",)),
    ("itertools", "starmap", (None, [])),
    ("torch", "load", (MARK,)),
    ("torch.serialization", "load", (MARK,)),
    ("torch.hub", "load", ("x", "y")),
    ("torch.jit", "load", (MARK,)),
    ("torch._inductor.codecache", "compile_file", ("", "", ["true"])),
    ("torch.utils.collect_env", "run", ("true",)),
    ("torch.utils.bottleneck.__main__", "run_cprofile", (CODE, {})),
    ("torch.jit.unsupported_tensor_ops", "execWrapper", (CODE, {}, {})),
    ("torch.fx.experimental.symbolic_shapes", "ShapeEnv.evaluate_guards_expression", ()),
    ("torch._dynamo.guards", "GuardBuilder.get", (None, CODE)),
    ("torch.distributed.rpc.api", "_run_function", ()),
    ("torch.utils.cpp_extension", "load", ("x", [])),
    ("torch.ops", "load_library", (MARK,)),
    ("torch.package", "PackageImporter", (MARK,)),
    ("numpy", "load", (MARK,)),
    ("numpy.testing._private.utils", "runstring", (CODE, {})),
    ("numpy.f2py.crackfortran", "getlincoef", (CODE, {})),
    ("numpy.ctypeslib", "load_library", ("x", "y")),
    ("numpy.distutils.exec_command", "exec_command", ("true",)),
    ("numpy", "fromfile", (MARK,)),
    ("numpy", "memmap", (MARK,)),
    ("pandas", "read_pickle", (MARK,)),
    ("pandas.core.computation.eval", "eval", (CODE,)),
    ("sympy.core.sympify", "sympify", (CODE,)),
    ("transformers_modules.x.modeling", "Model", ()),
    ("transformers.dynamic_module_utils", "get_class_from_dynamic_module", ("x", "y")),
    ("imaplib", "IMAP4_stream", ("true",)),
    ("uuid", "_get_command_stdout", ("true",)),
    ("_osx_support", "_read_output", ("true",)),
    ("logging", "FileHandler", (MARK,)),
    ("logging.config", "dictConfig", ({},)),
    ("_io", "FileIO", (MARK, "w")),
    ("tempfile", "NamedTemporaryFile", ()),
    ("http.client", "HTTPConnection", ("127.0.0.1",)),
    ("urllib.request", "urlopen", ("http://127.0.0.1:9",)),
    ("requests.api", "get", ("http://127.0.0.1:9",)),
    ("smtplib", "SMTP", ("127.0.0.1",)),
    ("multiprocessing.util", "spawnv_passfds", (b"/bin/true", ["true"], ())),
    ("concurrent.futures.process", "_process_worker", ()),
    ("lib2to3.pgen2.grammar", "Grammar.loads", (b"N.",)),
    ("idlelib.run", "Executive.runcode", ()),
    ("distutils.file_util", "write_file", (MARK, ["run"])),
    ("setuptools.command.build_py", "build_py", ()),
    ("IPython.core.interactiveshell", "InteractiveShell.run_cell", ()),
    ("collections", "namedtuple", ("X", "a")),
    ("typing", "get_type_hints", ()),
    ("keras.models", "load_model", (MARK,)),
    ("tensorflow.python.ops.script_ops", "py_function", ()),
    ("acme_tools.process", "system", (COMMAND,)),
    ("internal.helpers", "exec_string", (CODE,)),
    ("yaml", "unsafe_load", ("x",)),
    ("test.support.script_helper", "assert_python_ok", ("-c", "0")),
    ("_posixsubprocess", "fork_exec", ()),
    ("gc", "get_objects", ()),
    ("inspect", "getattr_static", ()),
    ("site", "execsitecustomize", ()),
]

SYSTEM = named("os", "system", 2)
ARGUMENT = b"(" + text(COMMAND) + b"t"


def hidden() -> dict[str, bytes]:
    """Ways to make one call that readers may miss."""
    p2, p4 = b"\x80\x02", b"\x80\x04"
    plain = call("os", "system", (COMMAND,), 4)
    eval_ = named("builtins", "eval", 2)
    import_ = named("builtins", "__import__", 2)
    getattr_ = named("builtins", "getattr", 2)
    return {
        "inst": f"(V{COMMAND}\nios\nsystem\n.".encode(),
        "obj": p2 + b"(" + SYSTEM + text(COMMAND) + b"o.",
        "newobj": p2 + named("subprocess", "Popen", 2) + literal((["true"],)) + b"\x81.",
        "newobj-ex": p4 + named("subprocess", "Popen", 2) + literal((["true"],)) + b"}\x92.",
        "build": p2 + b"}" + SYSTEM + b"q\x01" + text(COMMAND) + b"b.",
        "memo-mixed": p4 + text("os") + b"q\x00" + text("system") + b"q\x01"
        + text("torch._utils") + b"\x94" + text("_rebuild_tensor_v2") + b"\x94"
        + b"h\x00h\x01\x93" + ARGUMENT + b"R.",
        "memo-far": p4 + text("os") + b"r\xff\xff\x00\x00" + text("system") + b"r\xfe\xff\x00\x00"
        + b"00j\xff\xff\x00\x00j\xfe\xff\x00\x00\x93" + ARGUMENT + b"R.",
        "memo-text": p4 + text("os") + b"p7\n" + text("system") + b"p8\n00g7\ng8\n\x93"
        + ARGUMENT + b"R.",
        "dup": p4 + text("os") + b"20" + text("system") + b"\x93" + ARGUMENT + b"R.",
        "popped-result": p4 + SYSTEM + ARGUMENT + b"R0N.",
        "popped-to-mark": p4 + b"(" + SYSTEM + ARGUMENT + b"R1N.",
        "in-list": p4 + b"](" + SYSTEM + ARGUMENT + b"Re.",
        "in-dict-key": p4 + b"}(" + SYSTEM + ARGUMENT + b"RNu.",
        "unicode-escapes": b"V\\u006f\\u0073\nV\\u0073ystem\n\x93(V" + COMMAND.encode() + b"\ntR.",
        "string-escapes": b"S'\\x6fs'\nS'\\163ystem'\n\x93(S'" + COMMAND.encode() + b"'\ntR.",
        "binstring": b"\x80\x02U\x02osU\x06system\x93(U\x04truetR.",
        "binstring-long": b"\x80\x02T\x02\0\0\0osT\x06\0\0\0system\x93(U\x04truetR.",
        "binunicode8": p4 + b"\x8d" + struct.pack("<Q", 2) + b"os" + text("system") + b"\x93"
        + ARGUMENT + b"R.",
        "truncated-after": plain[:-1],
        "bad-opcode-after": plain[:-1] + b"\xff\xff",
        "underflow-after": plain[:-1] + b"000000u.",
        "junk-after": plain + b"\x00junk" * 20,
        "second-pickle": pickle.dumps({"a": 1}, 4) + plain,
        "third-pickle": pickle.dumps([1], 2) + pickle.dumps("x", 0) + plain,
        "protocol-late": SYSTEM + b"\x80\x02" + ARGUMENT + b"R.",
        "protocol-twice": p2 + b"\x80\x04" + SYSTEM + ARGUMENT + b"R.",
        "frame-wrong": p4 + b"\x95" + struct.pack("<Q", 5) + SYSTEM + ARGUMENT + b"R.",
        "frames-many": p4 + (b"\x95" + struct.pack("<Q", 0)) * 50 + SYSTEM + ARGUMENT + b"R.",
        "getattr-chain": p2 + getattr_ + b"(" + import_ + literal(("os",)) + b"R" + text("system")
        + b"tR" + ARGUMENT + b"R.",
        "eval-only": p2 + eval_ + literal((CODE,)) + b"R.",
        "attrgetter-chain": p2 + named("operator", "attrgetter", 2) + literal(("system",)) + b"R("
        + import_ + literal(("os",)) + b"RtR" + ARGUMENT + b"R.",
        "dotted-name": p4 + text("torch.serialization") + text("os.system") + b"\x93" + ARGUMENT
        + b"R.",
        "dotted-through-safe": p4 + text("collections") + text("_sys.modules") + b"\x93.",
        "dunder-path": p4 + text("collections") + text("OrderedDict.__init__.__globals__") + b"\x93.",
        "subclasses": p4 + text("builtins") + text("object.__subclasses__") + b"\x93)R.",
        "codecs-encode": p4 + named("_codecs", "encode", 2) + literal(("flfgrz", "rot13")) + b"R0"
        + SYSTEM + ARGUMENT + b"R.",
        "name-by-codecs": p4 + text("os") + named("_codecs", "encode", 2)
        + literal(("flfgrz", "rot13")) + b"R\x93" + ARGUMENT + b"R.",
        "name-by-join": p4 + text("os") + named("builtins", "str.join", 2) + literal(("", ["sys", "tem"]))
        + b"R\x93" + ARGUMENT + b"R.",
        "extension-code": p2 + b"\x82\x01" + ARGUMENT + b"R.",
        "extension-code-4": p2 + b"\x84\x01\x02\x03\x00" + ARGUMENT + b"R.",
        "setitem-on-modules": p4 + named("sys", "modules", 2) + text("os") + b"N" + b"s.",
        "build-on-class": p4 + named("collections", "OrderedDict", 2) + b"}" + text("__setstate__")
        + SYSTEM + b"sb.",
        "nested-bytes": p4 + literal({"state": plain}) + b".",
        "nested-load-from-bytes": p4 + named("torch.storage", "_load_from_bytes", 2)
        + literal((plain,)) + b"R.",
        "nested-latin1": p4 + named("torch.storage", "_load_from_bytes", 2) + b"("
        + named("_codecs", "encode", 2) + literal((plain.decode("latin1"), "latin1")) + b"RtR.",
        "nested-computed": p4 + named("torch.storage", "_load_from_bytes", 2) + b"("
        + named("builtins", "bytes", 2) + literal((list(plain),)) + b"RtR.",
        "nested-twice": p4 + literal([p4 + literal([plain]) + b"."]) + b".",
        "prefix-text": b"model weights v1\n" * 4 + plain,
        "prefix-zeros": b"\0" * 64 + plain,
        "prefix-python-2": b"\0\1\2" * 10 + call("os", "system", (COMMAND,), 0),
        "long-string-first": p4 + text("x" * 70_000) + b"0" + SYSTEM + ARGUMENT + b"R.",
        "unknown-class": call("acme.models.net", "Net", (1,), 2),
        "main-class": call("__main__", "Net", (), 2),
        "persistent-id": p2 + SYSTEM + ARGUMENT + b"RQ.",
        "case-trick": call("OS", "system", (COMMAND,), 2),
        "non-ascii-name": call("οs", "system", (COMMAND,), 4),
        "space-in-name": call("os ", "system", (COMMAND,), 4),
        "utf16-name": p4 + text("os") + text("sys\u200btem") + b"\x93" + ARGUMENT + b"R.",
        "comma-integer": b"I1_0\n0" + SYSTEM + b"(V" + COMMAND.encode() + b"\ntR.",
        "bytearray-first": b"\x80\x05\x96" + struct.pack("<Q", 3) + b"abc0" + SYSTEM + ARGUMENT + b"R.",
        "next-buffer": b"\x80\x05" + SYSTEM + ARGUMENT + b"R\x980.",
        "deep-tuples": p4 + b")" + b"\x85" * 500 + b"0" + SYSTEM + ARGUMENT + b"R.",
    }
