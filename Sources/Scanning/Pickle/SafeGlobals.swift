/// Names that build data and do nothing else, as found in checkpoints of PyTorch, transformers,
/// Lightning, numpy, scipy, scikit-learn, pandas, XGBoost and LightGBM.
enum SafeGlobals {
    /// Names by module.
    static let names: [String: Set<String>] = {
        var all: [String: Set<String>] = [:]
        func add(_ modules: String, _ names: String) {
            let names = Set(names.split(whereSeparator: \.isWhitespace).map(String.init))
            for module in modules.split(whereSeparator: \.isWhitespace) {
                all[String(module), default: []].formUnion(names)
            }
        }
        addPython(add)
        addNumpy(add)
        addTorch(add)
        addOthers(add)
        return all
    }()

    private typealias Adder = (_ modules: String, _ names: String) -> Void

    private static func addPython(_ add: Adder) {
        add(
            "builtins",
            """
            set frozenset bytearray bytes complex dict list tuple int float bool str object slice
            range NoneType Ellipsis NotImplemented Exception ValueError TypeError KeyError
            IndexError RuntimeError StopIteration AttributeError
            """)
        add("collections _collections", "OrderedDict defaultdict deque Counter")
        add("_codecs", "encode")
        add("copyreg", "_reconstructor")
        add("datetime _pydatetime", "datetime date time timedelta timezone tzinfo")
        add("decimal _decimal _pydecimal", "Decimal")
        add("fractions", "Fraction")
        add("uuid", "UUID SafeUUID")
        add(
            "pathlib pathlib._local",
            """
            Path PurePath PosixPath PurePosixPath WindowsPath PureWindowsPath
            """)
        add("argparse", "Namespace")
        add("array", "array _array_reconstructor")
        add("types", "SimpleNamespace NoneType GenericAlias")
        add("random", "Random")
        add("re", "_compile RegexFlag")
        add("zoneinfo", "ZoneInfo._unpickle ZoneInfo")
        add("ipaddress", "IPv4Address IPv6Address IPv4Network IPv6Network")
        add("typing", "Any Union Optional List Dict Tuple Callable")
        add("time", "struct_time")
    }

    private static func addNumpy(_ add: Adder) {
        add(
            "numpy",
            """
            dtype ndarray float16 float32 float64 longdouble int8 int16 int32 int64 uint8 uint16
            uint32 uint64 bool_ bool str_ bytes_ object_ void complex64 complex128 datetime64
            timedelta64 intc intp longlong ulonglong float_ int_ generic matrix float bool8 int0
            """)
        add("numpy.core.multiarray numpy._core.multiarray", "_reconstruct scalar _frombuffer")
        add("numpy.core.numeric numpy._core.numeric", "_frombuffer")
        add("numpy.core.numerictypes", "")
        add("numpy.core numpy._core", "_ufunc_reconstruct")
        add(
            "numpy.core._internal numpy._core._internal",
            "_reconstruct _convert_to_stringdtype_kwargs")
        add(
            "numpy.dtypes",
            """
            Float16DType Float32DType Float64DType Int8DType Int16DType Int32DType Int64DType
            UInt8DType UInt16DType UInt32DType UInt64DType BoolDType StrDType BytesDType
            ObjectDType Complex64DType Complex128DType StringDType
            """)
        add("numpy.ma.core numpy.ma", "_mareconstruct MaskedArray")
        add("numpy.matrixlib.defmatrix numpy.core.defmatrix", "matrix")
        add("numpy.rec numpy.core.records numpy._core.records", "recarray record")
        add(
            "numpy.random._pickle",
            """
            __randomstate_ctor __bit_generator_ctor __generator_ctor
            """)
        add("numpy.random.mtrand numpy.random", "RandomState __RandomState_ctor")
        add("numpy.random._mt19937", "MT19937")
        add("numpy.random._pcg64", "PCG64 PCG64DXSM")
        add("numpy.random._philox", "Philox")
        add("numpy.random._sfc64", "SFC64")
        add("numpy.random.bit_generator", "SeedSequence __pyx_unpickle_SeedSequence")
        add("numpy.random._generator", "Generator")
        add("joblib.numpy_pickle", "NumpyArrayWrapper NDArrayWrapper ZNDArrayWrapper")
        add(
            "sklearn.externals.joblib.numpy_pickle",
            "NumpyArrayWrapper NDArrayWrapper ZNDArrayWrapper")
        add("joblib.numpy_pickle_compat", "NDArrayWrapper ZNDArrayWrapper")
        add(
            "scipy.sparse._csr scipy.sparse.csr scipy.sparse._csc scipy.sparse.csc",
            """
            csr_matrix csc_matrix csr_array csc_array
            """)
        add("scipy.sparse._coo scipy.sparse.coo", "coo_matrix coo_array")
        add(
            "scipy.sparse._lil scipy.sparse._dok scipy.sparse._dia scipy.sparse._bsr",
            """
            lil_matrix dok_matrix dia_matrix bsr_matrix lil_array dok_array dia_array bsr_array
            """)
        add("scipy.spatial._kdtree scipy.spatial.ckdtree scipy.spatial._ckdtree", "KDTree cKDTree")
        add("ml_dtypes", "bfloat16 float8_e4m3fn float8_e5m2 int4 uint4")
    }

    private static func addTorch(_ add: Adder) {
        let storages =
            "Double Float Half Long Int Short Char Byte Bool BFloat16 ComplexDouble ComplexFloat QInt8 QInt32 QUInt8 QUInt2x4 QUInt4x2"
        let kinds = storages.split(separator: " ").map { "\($0)Storage \($0)Tensor" }
        add("torch torch.cuda torch.sparse torch.cuda.sparse", kinds.joined(separator: " "))
        add(
            "torch",
            """
            Size Tensor device dtype Generator strided sparse_coo layout memory_format
            float32 float64 float16 bfloat16 float double half int8 int16 int32 int64 int long short
            uint8 uint16 uint32 uint64 bool complex32 complex64 complex128 cfloat cdouble quint8 qint8
            qint32 quint4x2 quint2x4 bits8 bits16 bits1x8 bits2x4 bits4x2 float8_e4m3fn float8_e5m2
            float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2 int1 int2 int3 int4 int5
            int6 int7 uint1 uint2 uint3 uint4 uint5 uint6 uint7 per_tensor_affine per_channel_affine
            per_tensor_symmetric per_channel_symmetric per_channel_affine_float_qparams
            contiguous_format channels_last preserve_format tanh relu sigmoid softmax
            """)
        add(
            "torch._utils",
            """
            _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter
            _rebuild_parameter_with_state _rebuild_qtensor _rebuild_sparse_tensor
            _rebuild_sparse_csr_tensor _rebuild_nested_tensor _rebuild_meta_tensor_no_storage
            _rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor
            _rebuild_xla_tensor _rebuild_wrapper_subclass
            """)
        add("torch._tensor", "_rebuild_from_type_v2 Tensor")
        add("torch.tensor", "_rebuild_from_type Tensor")
        add("torch.nn.parameter", "Parameter Buffer UninitializedParameter")
        add("torch.nn.backends.thnn", "_get_thnn_function_backend")
        add("torch.nn", "Parameter Module Linear")
        // What it loads is walked: it stands in the pickle, or the walker says that it does not.
        add("torch.storage", "_load_from_bytes")
        add("torch.storage", "UntypedStorage TypedStorage _UntypedStorage _TypedStorage")
        add("torch.serialization", "_get_layout")
        add("torch.optim.lr_scheduler", "LambdaLR")
        add("torch._C", "Generator _TensorBase")
        add("torch._C._nn", "gelu silu relu6")
        add(
            "torch.nn.functional",
            "relu gelu silu tanh elu leaky_relu selu softplus mish sigmoid relu6")
        add("torch.torch_version", "TorchVersion")
        add("torch._subclasses.fake_tensor", "FakeTensor")
        add(
            "torch.jit._pickle",
            """
            build_tensorlist build_intlist build_doublelist build_boollist build_tensor_from_id
            restore_type_tag
            """)
    }

    private static func addOthers(_ add: Adder) {
        add(
            "transformers.training_args transformers.training_args_seq2seq",
            """
            TrainingArguments Seq2SeqTrainingArguments OptimizerNames ParallelMode
            """)
        add(
            "transformers.trainer_utils",
            """
            IntervalStrategy SchedulerType HubStrategy EvaluationStrategy SaveStrategy FSDPOption
            EvalPrediction
            """)
        add("transformers.trainer_pt_utils", "AcceleratorConfig")
        add("transformers.debug_utils", "DebugOption")
        add("transformers.tokenization_utils_base", "BatchEncoding")
        add(
            "transformers.integrations.deepspeed transformers.deepspeed",
            """
            HfTrainerDeepSpeedConfig HfDeepSpeedConfig
            """)
        add(
            "accelerate.state accelerate.utils.dataclasses",
            """
            PartialState AcceleratorState DistributedType DeepSpeedPlugin ComputeEnvironment
            """)
        add(
            "tokenizers tokenizers.models",
            "Tokenizer AddedToken Model WordPiece BPE Unigram WordLevel")
        add("lightning_fabric.utilities.data pytorch_lightning.utilities.parsing", "AttributeDict")
        add("lightning.fabric.utilities.data lightning.pytorch.utilities.parsing", "AttributeDict")
        add(
            "pytorch_lightning.callbacks.model_checkpoint lightning.pytorch.callbacks.model_checkpoint",
            "ModelCheckpoint")
        add(
            "pytorch_lightning.callbacks.early_stopping lightning.pytorch.callbacks.early_stopping",
            "EarlyStopping")
        add("omegaconf.dictconfig", "DictConfig")
        add("omegaconf.listconfig", "ListConfig")
        add("omegaconf.base", "ContainerMetadata Metadata")
        add("omegaconf.nodes", "AnyNode StringNode IntegerNode FloatNode BooleanNode ValueNode")
        add("easydict", "EasyDict")
        add("yacs.config", "CfgNode")
        add("addict.addict addict", "Dict")
        add("PIL.Image", "Image")
        add("pandas.core.frame", "DataFrame")
        add("pandas.core.series", "Series")
        add("pandas.core.internals.managers", "BlockManager SingleBlockManager")
        add("pandas._libs.internals", "_unpickle_block BlockManager BlockPlacement")
        add("pandas.core.internals.blocks", "new_block Block")
        add("pandas.core.indexes.base", "_new_Index Index")
        add("pandas.core.indexes.range", "RangeIndex")
        add("pandas.core.indexes.multi", "MultiIndex")
        add("pandas.core.indexes.datetimes", "DatetimeIndex _new_DatetimeIndex")
        add("pandas.core.indexes.numeric", "Int64Index Float64Index")
        add("pandas._libs.tslibs.timestamps", "_unpickle_timestamp Timestamp")
        add("pandas._libs.tslibs.timedeltas", "_timedelta_unpickle Timedelta")
        add("pandas.core.arrays.categorical", "Categorical")
        add("pandas.core.dtypes.dtypes", "CategoricalDtype DatetimeTZDtype")
        add("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked NDArrayBacked")
        add("xgboost.core", "Booster DMatrix")
        add("lightgbm.basic", "Booster")
        add("catboost.core", "CatBoostClassifier CatBoostRegressor CatBoost")
        add("sklearn._loss.link", "Interval LogitLink IdentityLink LogLink MultinomialLogit")
        add(
            "sklearn._loss._loss",
            "CyHalfBinomialLoss CyHalfMultinomialLoss CyHalfSquaredError __pyx_unpickle_CyHalfBinomialLoss __pyx_unpickle_CyHalfMultinomialLoss"
        )
        add("sklearn.tree._tree", "Tree")
        add("sklearn.utils._bunch sklearn.utils", "Bunch")
        add("sklearn.neighbors._kd_tree", "newObj KDTree KDTree64")
        add("sklearn.neighbors._ball_tree", "newObj BallTree BallTree64")
        add(
            "sklearn.metrics._dist_metrics",
            "newObj EuclideanDistance EuclideanDistance64 MinkowskiDistance")
        add("google.protobuf.message", "")
    }

    /// Packages whose classes build layers, optimizers or estimators out of plain values.
    static let classPrefixes = [
        "torch.nn.modules", "torch.nn.quantized", "torch.optim", "torchvision.models",
        "torchvision.ops", "timm.models", "timm.layers", "sklearn", "xgboost.sklearn",
        "lightgbm.sklearn", "networkx.classes",
    ]

    /// Parts of module names in those packages that are no estimators.
    static let neverWithin: Set<String> = [
        "externals", "datasets", "tests", "_loader", "conftest", "hub", "_hub", "_builder",
        "_function_transformer", "utils",
    ]

    /// Enumerations, by module: a member is data.
    static let enumerations: [String: Set<String>] = [
        "transformers.trainer_utils": [
            "IntervalStrategy", "SchedulerType", "HubStrategy", "EvaluationStrategy",
            "SaveStrategy",
            "FSDPOption",
        ],
        "transformers.training_args": ["OptimizerNames", "ParallelMode"],
        "transformers.debug_utils": ["DebugOption"],
        "accelerate.utils.dataclasses": ["DistributedType", "ComputeEnvironment"],
        "accelerate.state": ["DistributedType"],
        "uuid": ["SafeUUID"],
        "re": ["RegexFlag"],
        "http": ["HTTPStatus"],
        "signal": ["Signals"],
        "torchvision.transforms.functional": ["InterpolationMode"],
        "torch.distributed.fsdp.api": ["ShardingStrategy", "StateDictType"],
    ]
}
