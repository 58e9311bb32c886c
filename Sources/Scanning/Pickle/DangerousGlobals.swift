/// Names that run code, read or write files, reach the network, or lead to what does.
enum DangerousGlobals {
    private static let runs = "runs commands or programs"
    private static let evaluates = "runs Python code"
    private static let imports = "imports or finds what it is told by a string"
    private static let loads = "loads another pickle or model, which runs what that imports"
    private static let files = "reads, writes or removes files"
    private static let network = "reaches the network"
    private static let native = "loads or calls machine code"
    private static let indirect = "calls or fetches whatever it is given"

    /// Modules of which nothing is harmless, with all that lies in them.
    static let modules: [String: String] = {
        var all: [String: String] = [:]
        func add(_ reason: String, _ names: String) {
            for name in names.split(whereSeparator: \.isWhitespace) { all[String(name)] = reason }
        }
        add(
            runs,
            """
            os posix nt subprocess _posixsubprocess pty popen2 multiprocessing concurrent _aix_support
            _osx_support _bootsubprocess ensurepip venv pip setuptools distutils _distutils_hack
            pkg_resources wheel virtualenv pipes sched asyncio asyncore asynchat signal sh plumbum
            invoke fabric pexpect psutil platform webbrowser antigravity turtle idlelib turtledemo
            numpy.distutils scipy.weave cffi torch.utils.cpp_extension torch.utils.bottleneck
            torch.utils.collect_env torch._inductor torch.distributed torch.multiprocessing
            torch.testing triton numba torch.utils.benchmark _pyrepl nose pytest _pytest tox
            dask distributed ray celery luigi airflow fire click typer paramiko ptyprocess
            lightning_fabric.utilities.cloud_io
            """)
        add(
            evaluates,
            """
            code codeop runpy pdb bdb cProfile profile _lsprof timeit trace doctest unittest test
            py_compile compileall ast symtable dis lib2to3 cmd rlcompleter pydoc site sitecustomize
            usercustomize numpy.testing numpy.f2py numpy.lib._utils_impl numexpr sympy
            torch._dynamo torch.fx torch.jit torch.package torch._C._jit torch._export torch.export
            torch.utils.data.datapipes torch.onnx IPython ipykernel jupyter_client nbformat
            jinja2 mako gast astunparse asteval simpleeval RestrictedPython tkinter _tkinter
            xonsh bpython ptpython nbconvert pandas.core.computation transformers_modules
            transformers.dynamic_module_utils diffusers_modules datasets_modules
            """)
        add(
            imports,
            """
            importlib _frozen_importlib _frozen_importlib_external imp zipimport pkgutil modulefinder
            sys _imp gc inspect _sitebuiltins __main__.__builtins__ types.ModuleType hydra
            werkzeug.utils django catalogue entrypoints stevedore
            """)
        add(
            loads,
            """
            pickle _pickle cPickle pickletools marshal shelve dbm dill cloudpickle jsonpickle joblib
            copyreg.dispatch_table torch.hub torch.serialization torch._utils_internal yaml ruamel
            ruamel_yaml srsly anyconfig klepto hickle pathos sklearn.externals pandas.io
            tensorflow.keras.models keras.models keras.saving keras.src.saving tensorflow.saved_model
            torch.utils.model_zoo huggingface_hub mlflow
            """)
        add(
            files,
            """
            shutil io _io tempfile pathlib._local glob fileinput zipfile tarfile gzip bz2 lzma
            linecache filecmp mmap logging.handlers logging.config sqlite3 csv netrc mailbox mailcap
            genericpath posixpath ntpath codeop fcntl mimetypes configparser zipapp
            numpy.memmap numpy.lib.npyio numpy.lib._npyio_impl numpy.lib.format
            numpy.lib._datasource h5py tensorflow.io fsspec s3fs gcsfs smart_open
            """)
        add(
            network,
            """
            socket _socket ssl _ssl urllib http ftplib imaplib poplib smtplib smtpd telnetlib nntplib
            xmlrpc socketserver select selectors cgi cgitb wsgiref requests urllib3 httpx aiohttp
            httplib2 tornado twisted websocket websockets boto3 botocore flask fastapi uvicorn
            """)
        add(
            native,
            """
            ctypes _ctypes numpy.ctypeslib cython pyximport llvmlite torch.ops torch._ops
            torch.classes torch._classes tensorflow.load_library resource readline winreg msvcrt
            _winapi _posixshmem curses faulthandler
            """)
        add(
            indirect,
            """
            functools _functools operator _operator itertools weakref _weakref atexit threading
            _thread contextlib queue sched cachetools toolz cytoolz wrapt decorator more_itertools
            """)
        return all
    }()

    /// Single names of modules that are harmless in other respects.
    static let names: [String: [String: String]] = {
        var all: [String: [String: String]] = [:]
        func add(_ module: String, _ reason: String, _ names: String) {
            for name in names.split(whereSeparator: \.isWhitespace) {
                all[module, default: [:]][String(name)] = reason
            }
        }
        add("builtins", evaluates, "eval exec compile execfile breakpoint help apply")
        add("builtins", imports, "__import__ getattr globals locals vars dir __loader__ __spec__")
        add("builtins", files, "open file input raw_input print exit quit")
        add(
            "builtins", indirect,
            """
            map filter reduce sorted max min sum any all iter next zip super property staticmethod
            classmethod setattr delattr hasattr type callable memoryview id copyright credits license
            __build_class__ enumerate reversed
            """)
        add(
            "types", evaluates,
            """
            FunctionType CodeType LambdaType MethodType ModuleType DynamicClassAttribute new_class
            BuiltinFunctionType CellType GeneratorType coroutine resolve_bases prepare_class
            """)
        add(
            "copyreg", indirect,
            "pickle constructor add_extension remove_extension __newobj__ __newobj_ex__ dispatch_table"
        )
        add("copy", indirect, "copy deepcopy _reconstruct replace")
        add("collections", evaluates, "namedtuple")
        add("collections", indirect, "UserDict UserList UserString ChainMap abc")
        add("typing", evaluates, "get_type_hints ForwardRef _eval_type NamedTuple TypedDict")
        add("dataclasses", evaluates, "make_dataclass _create_fn dataclass")
        add("enum", evaluates, "Enum EnumMeta EnumType _make_class_unpicklable")
        add(
            "logging", files, "FileHandler StreamHandler Handler Logger config handlers basicConfig"
        )
        add(
            "uuid", runs,
            "_get_command_stdout _popen getnode _ifconfig_getter _ip_getter _arp_getter")
        add(
            "pathlib", files,
            "Path.read_text Path.write_text Path.unlink Path.open Path.write_bytes")
        add("re", evaluates, "Scanner template _compile_repl sub")
        add("string", indirect, "Template Formatter")
        add("random", indirect, "choice choices sample")
        add(
            "numpy", files,
            """
            load save savez savez_compressed savetxt loadtxt genfromtxt fromfile memmap fromregex
            DataSource
            """)
        add(
            "numpy", indirect,
            "vectorize frompyfunc apply_along_axis apply_over_axes piecewise fromfunction")
        add("numpy", evaluates, "safe_eval")
        add("torch", loads, "load hub jit package compile classes ops")
        add("torch", files, "save from_file")
        add("torch.storage", files, "UntypedStorage.from_file TypedStorage.from_file")
        add("torch.nn.modules.module", indirect, "register_module_forward_hook")
        add("pandas", loads, "read_pickle eval read_csv read_json read_html read_sql read_hdf")
        add("pandas.core.frame", evaluates, "DataFrame.eval DataFrame.query")
        add("pandas.eval", evaluates, "eval")
        add("tensorflow", loads, "py_function numpy_function load_library load_op_library")
        add("sklearn.preprocessing._function_transformer", indirect, "FunctionTransformer")
        return all
    }()

    /// Last parts of names that say what a function does, whatever module it stands in.
    static let verbs: Set<String> = [
        "eval", "exec", "execfile", "execute", "exec_module", "execwrapper", "system", "popen",
        "popen2", "popen3", "popen4", "spawn", "spawnl", "spawnv", "spawnve", "spawnlp", "spawnvp",
        "call", "check_call", "check_output", "getoutput", "getstatusoutput", "run", "runcode",
        "runcommand", "runsource", "runstring", "runctx", "run_code", "run_module", "run_path",
        "run_command", "run_cmd", "run_pip", "run_string", "run_line_magic", "runcall", "runeval",
        "shell", "startfile", "fork", "forkpty", "import", "import_module", "import_string",
        "import_object", "import_from_string", "import_attr", "importstring", "locate",
        "resolve_name", "load", "loads", "load_module", "load_library", "load_extension",
        "load_from_bytes", "unpickle", "read_pickle", "from_pretrained", "compile", "compile_file",
        "compile_source", "open", "urlopen", "urlretrieve", "fetch", "download", "getattr",
        "setattr", "delattr", "attrgetter", "methodcaller", "itemgetter", "partial", "reduce",
        "subimport", "make_function", "make_skel_func", "create_function", "eval_length",
        "function_setstate", "builtin_type", "build_class", "make_class", "rmtree", "unlink",
        "remove", "rename", "replace", "write_file", "copyfile", "writetext", "write_text",
        "write_bytes", "chmod", "symlink", "mkfifo", "kill", "exit", "abort", "connect",
        "create_connection", "evaluate", "evaluate_guards_expression", "sympify", "parse_expr",
        "debug_script", "get_entity", "input", "breakpoint", "interact", "set_trace", "main",
    ]

    /// The standard library's modules of Python 2.7 to 3.14 that are on no list above.
    static let standardLibrary: Set<String> = words(
        """
        __future__ _abc _ast _asyncio _bisect _blake2 _bz2 _codecs _codecs_cn _codecs_hk
        _codecs_iso2022 _codecs_jp _codecs_kr _codecs_tw _collections _collections_abc _compat_pickle
        _compression _contextvars _crypt _csv _curses _curses_panel _datetime _dbm _decimal
        _elementtree _gdbm _hashlib _heapq _interpreters _json _locale _lzma _markupbase _md5 _msi
        _multibytecodec _multiprocessing _opcode _overlapped _py_abc _pydatetime _pydecimal _pyio
        _queue _random _scproxy _sha1 _sha2 _sha256 _sha3 _sha512 _signal _sqlite3 _sre _stat
        _statistics _string _strptime _struct _symtable _threading_local _tokenize _tracemalloc
        _typing _uuid _warnings _weakrefset _xxsubinterpreters _zoneinfo abc aifc annotationlib
        anydbm argparse array audioop base64 bastion binascii binhex bisect builtins calendar chunk
        cmath codecs collections colorsys compression compiler contextvars copy copyreg crypt
        dataclasses datetime decimal difflib email encodings enum errno exceptions fnmatch fractions
        future_builtins getopt getpass gettext graphlib grp hashlib heapq hmac hotshot html imghdr
        ipaddress json keyword locale logging macpath math mhlib mutex new nis nturl2path numbers
        opcode optparse ossaudiodev parser pathlib plistlib pprint pstats pwd pyclbr pydoc_data
        pyexpat quopri random re reprlib repr rexec rfc822 secrets sets sha shlex sndhdr spwd
        sre_compile sre_constants sre_parse stat statistics string stringprep struct sunau sysconfig
        syslog tabnanny termios textwrap this time token tokenize tomllib traceback tracemalloc tty
        types typing unicodedata user UserDict uu uuid warnings wave xdrlib xml zlib zoneinfo
        """)

    /// Those of them whose other names hold data more often than not.
    static let dataModules: Set<String> = words(
        """
        builtins collections datetime decimal fractions uuid enum pathlib re random array ipaddress
        calendar zoneinfo numbers argparse dataclasses typing copyreg types string math cmath time
        copy logging abc struct statistics _codecs _datetime _decimal _collections _random
        """)

    private static func words(_ text: String) -> Set<String> {
        Set(text.split(whereSeparator: \.isWhitespace).map(String.init))
    }
}
