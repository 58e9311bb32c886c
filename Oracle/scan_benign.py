"""The benign half of the scanner's corpus: what people keep beside and inside models."""

import argparse
import bz2
import collections
import datetime
import decimal
import fractions
import gzip
import io
import json
import lzma
import pathlib
import pickle
import random
import tempfile
import uuid

import joblib
import numpy as np
import scan_containers as box
import scipy.sparse
import torch
from scan_containers import saved, state, zipped
from torch import nn

TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] | trim }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def text(value) -> bytes:
    return (value if isinstance(value, str) else json.dumps(value, indent=2)).encode()


def cases() -> dict:
    """Name to group and files."""
    torch.manual_seed(0)
    np.random.seed(0)
    out = {}
    for group in (tensors, training, modules, arrays, plain, estimators, texts, containers, folders):
        for name, files in group().items():
            out[f"{group.__name__}-{name}"] = (group.__name__, files)
    return out


def tensors() -> dict:
    from safetensors.torch import save

    out = {}
    types = ["float32", "float16", "bfloat16", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"]
    for name in types:
        values = {"w": torch.randn(12, 7).to(getattr(torch, name)), "b": torch.zeros(7).to(getattr(torch, name))}
        out[f"{name}-zip"] = {"pytorch_model.bin": saved(values)}
        out[f"{name}-legacy"] = {"model.pth": saved(values, legacy=True)}
        out[f"{name}-safetensors"] = {"model.safetensors": save(values)}
    shared = torch.randn(20, 4)
    for count in (1, 3, 5):
        layers = {f"h.{i}.mlp.weight": torch.randn(6, 6) for i in range(count)}
        out[f"layers-{count}-zip"] = {"pytorch_model.bin": saved(layers)}
        out[f"layers-{count}-safetensors"] = {"model.safetensors": save(layers)}
        out[f"nested-{count}"] = {"checkpoint.pt": saved({"model": layers, "iteration": count})}
    out["tied"] = {"model.pt": saved({"in": shared, "out": shared, "view": shared[3:7]})}
    out["strided"] = {"model.pt": saved({"w": shared.t(), "s": shared[::2]})}
    out["scalar-and-empty"] = {"model.pt": saved({"s": torch.tensor(3.0), "e": torch.empty(0, 3)})}
    out["sparse"] = {"model.pt": saved({"w": torch.eye(5).to_sparse()})}
    out["quantized"] = {"model.pt": saved({"w": torch.quantize_per_tensor(shared, 0.1, 0, torch.qint8)})}
    out["parameters"] = {"model.pt": saved({"w": nn.Parameter(shared), "n": 3, "name": "x"})}
    out["metadata"] = {"model.safetensors": save(state(), metadata={"format": "pt"})}
    out["large-zip"] = {"model.pt": saved({f"layer.{i}.w": torch.randn(128, 128) for i in range(12)})}
    return out


def training() -> dict:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    out = {}
    for kind in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad"):
        optimizer = getattr(torch.optim, kind)(model.parameters(), lr=1e-3)
        model(torch.randn(3, 4)).sum().backward()
        optimizer.step()
        out[f"optimizer-{kind}"] = {"optimizer.pt": saved(optimizer.state_dict())}
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 5)
        out[f"checkpoint-{kind}"] = {"checkpoint.pth": saved({
            "model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3,
            "scheduler": schedule.state_dict(), "best": 0.9, "args": argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("runs/1")),
        })}
    out["scheduler"] = {"scheduler.pt": saved(schedule.state_dict())}
    out["random-states"] = {"rng_state.pth": saved({
        "python": random.getstate(), "numpy": np.random.get_state(), "cpu": torch.random.get_rng_state()})}
    out["lightning"] = {"last.ckpt": saved({
        "state_dict": {f"model.{k}": v for k, v in model.state_dict().items()}, "epoch": 1, "global_step": 10,
        "pytorch-lightning_version": "2.5.0", "hyper_parameters": argparse.Namespace(layers=2, name="x"),
        "callbacks": {}, "loops": collections.OrderedDict(a=1), "optimizer_states": [optimizer.state_dict()],
    })}
    out["data-parallel"] = {"model.pth": saved({f"module.{k}": v for k, v in model.state_dict().items()})}
    out["ema"] = {"model.pth": saved({"params_ema": model.state_dict()})}
    out["defaultdict"] = {"state.pt": saved(collections.defaultdict(dict, a={"w": torch.ones(2)}))}
    out["numpy-inside"] = {"stats.pt": saved({"mean": np.float64(0.5), "values": np.arange(5), "t": torch.ones(2)})}
    out["state-by-pickle"] = {"model.pkl": pickle.dumps(model.state_dict())}
    out["state-by-joblib"] = {"model.joblib": dumped(dict(model.state_dict()))}
    out["training-arguments"] = {"training_args.bin": training_arguments()}
    out["trainer-state"] = {"trainer_state.json": text({"epoch": 1.0, "log_history": [{"loss": 0.3, "step": 1}], "best_metric": None})}
    return out


def training_arguments() -> bytes:
    """Trainer's own file, with the imports that transformers gives it."""
    from transformers.trainer_utils import HubStrategy, IntervalStrategy, SchedulerType

    return saved({"eval_strategy": IntervalStrategy.STEPS, "scheduler": SchedulerType.LINEAR,
                  "hub": HubStrategy.EVERY_SAVE, "learning_rate": 5e-5, "device": torch.device("cpu")})


def modules() -> dict:
    layers = {
        "linear": nn.Linear(3, 2), "sequential": nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Dropout(0.1)),
        "convolution": nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.MaxPool2d(2)),
        "lstm": nn.LSTM(3, 4), "transformer": nn.TransformerEncoderLayer(8, 2, 16), "embedding": nn.Embedding(10, 4),
    }
    out = {f"whole-{name}": {"model.pt": saved(layer)} for name, layer in layers.items()}

    class Scripted(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 2)

        def forward(self, x):
            return torch.relu(self.fc(x))

    buffer = io.BytesIO()
    torch.jit.save(torch.jit.trace(Scripted(), torch.zeros(1, 3)), buffer)
    out["torchscript-traced"] = {"model.pt": buffer.getvalue()}
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(nn.Sequential(nn.Linear(3, 3), nn.Tanh())), buffer)
    out["torchscript-scripted"] = {"model.pt": buffer.getvalue()}
    return out


def arrays() -> dict:
    out = {}
    for kind in ("f8", "f4", "f2", "i8", "i4", "u1", "c16", "?", "U5", "S4", ">f4", "datetime64[s]"):
        name = "".join(c for c in kind if c.isalnum()) + ("-big" if kind.startswith(">") else "")
        out[f"npy-{name or 'bool'}"] = {"a.npy": box.npy(np.zeros((3, 4)).astype(kind))}
    out["npy-objects"] = {"a.npy": box.npy(np.array([{"a": 1}, None, "x", [1, 2]], dtype=object))}
    out["npy-structured"] = {"a.npy": box.npy(np.zeros(3, dtype=[("x", "f4"), ("y", "i8")]))}
    out["npy-fortran"] = {"a.npy": box.npy(np.asfortranarray(np.random.randn(4, 5)))}
    for name, write in (("npz", np.savez), ("npz-compressed", np.savez_compressed)):
        buffer = io.BytesIO()
        write(buffer, a=np.random.randn(30, 30), b=np.arange(9), names=np.array(["a", "b"]))
        out[name] = {"a.npz": buffer.getvalue()}
    buffer = io.BytesIO()
    scipy.sparse.save_npz(buffer, scipy.sparse.eye(10, format="csr"))
    out["npz-sparse"] = {"a.npz": buffer.getvalue()}
    for protocol in (2, 4, 5):
        out[f"pickled-array-{protocol}"] = {"a.pkl": pickle.dumps(np.random.randn(5, 5), protocol)}
    out["pickled-masked"] = {"a.pkl": pickle.dumps(np.ma.masked_array([1, 2, 3], [0, 1, 0]))}
    out["pickled-generator"] = {"rng.pkl": pickle.dumps(np.random.default_rng(0))}
    out["pickled-random-state"] = {"rng.pkl": pickle.dumps(np.random.RandomState(0))}
    out["pickled-sparse"] = {"a.pkl": pickle.dumps(scipy.sparse.random(20, 20, 0.1, "csc"))}
    out["pickled-strings"] = {"a.pkl": pickle.dumps(np.array(["a", "bc"], dtype=object))}
    return out


def plain() -> dict:
    value = {"lr": 0.1, "names": ["a", "b"], "shape": (1, 2), "ids": {1, 2}, "none": None, "big": 2**80,
             "raw": b"\x80\x02abc", "text": "cos\nsystem is a line\n"}
    out = {f"protocol-{p}": {"settings.pkl": pickle.dumps(value, p)} for p in range(6)}
    rich = {
        "ordered": collections.OrderedDict(a=1), "counter": collections.Counter("aab"), "queue": collections.deque([1], 3),
        "date": datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc), "span": datetime.timedelta(3),
        "decimal": decimal.Decimal("1.5"), "fraction": fractions.Fraction(1, 3), "uuid": uuid.UUID(int=7),
        "path": pathlib.PurePosixPath("a/b"), "complex": 1 + 2j, "range": range(3), "frozen": frozenset([1]),
        "namespace": argparse.Namespace(a=1), "bytes": bytearray(b"abc"), "slice": slice(1, 2),
    }
    out |= {f"type-{name}": {"x.pkl": pickle.dumps(v, 4)} for name, v in rich.items()}
    out |= {f"type-{name}-protocol-2": {"x.pkl": pickle.dumps(v, 2)} for name, v in list(rich.items())[:6]}
    out["several"] = {"log.pkl": b"".join(pickle.dumps({"step": i}) for i in range(5))}
    out["vocabulary"] = {"vocab.pkl": pickle.dumps({f"word{i}": i for i in range(3000)})}
    out["gz"] = {"x.pkl.gz": gzip.compress(pickle.dumps(value))}
    out["bz2"] = {"x.pkl.bz2": bz2.compress(pickle.dumps(value))}
    out["xz"] = {"x.pkl.xz": lzma.compress(pickle.dumps(value))}
    return out


def dumped(value, **options) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        joblib.dump(value, f"{folder}/x", **options)
        return pathlib.Path(f"{folder}/x").read_bytes()


def estimators() -> dict:
    from sklearn import cluster, decomposition, ensemble, linear_model, naive_bayes, neighbors, svm, tree
    from sklearn import feature_extraction, neural_network, pipeline, preprocessing

    x, y = np.random.randn(40, 4), np.arange(40) % 2
    made = {
        "logistic": linear_model.LogisticRegression(), "ridge": linear_model.Ridge(), "lasso": linear_model.Lasso(),
        "sgd": linear_model.SGDClassifier(), "tree": tree.DecisionTreeClassifier(max_depth=3),
        "forest": ensemble.RandomForestClassifier(3), "boosting": ensemble.GradientBoostingClassifier(n_estimators=3),
        "histogram": ensemble.HistGradientBoostingClassifier(max_iter=3), "svc": svm.SVC(), "linear-svc": svm.LinearSVC(),
        "bayes": naive_bayes.GaussianNB(), "neighbors": neighbors.KNeighborsClassifier(3), "kmeans": cluster.KMeans(2, n_init=1),
        "pca": decomposition.PCA(2), "mlp": neural_network.MLPClassifier((4,), max_iter=3),
        "pipeline": pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()),
        "scaler": preprocessing.StandardScaler(), "encoder": preprocessing.OneHotEncoder(handle_unknown="ignore"),
    }
    out = {}
    for name, estimator in made.items():
        estimator.fit(x, y)
        out[name] = {"model.joblib": dumped(estimator)}
    out["tfidf"] = {"model.joblib": dumped(feature_extraction.text.TfidfVectorizer().fit(["a text", "another text"]))}
    out["labels"] = {"labels.pkl": pickle.dumps(preprocessing.LabelEncoder().fit(["a", "b"]))}
    forest = made["forest"]
    for suffix, options in (("z", {"compress": 3}), ("gz", {"compress": "gzip"}), ("bz2", {"compress": "bz2"}),
                            ("xz", {"compress": "xz"}), ("lzma", {"compress": "lzma"})):
        out[f"compressed-{suffix}"] = {"model.joblib": dumped(forest, **options)}
    out["pickle"] = {"model.pkl": pickle.dumps(made["svc"])}
    out["arrays"] = {"data.joblib": dumped({"x": x, "y": y, "names": np.array(["a"], dtype=object)})}
    return out


def texts() -> dict:
    tokenizer = {"version": "1.0", "added_tokens": [], "model": {"type": "WordPiece", "vocab": {f"t{i}": i for i in range(500)}}}
    return {
        "config": {"config.json": text({"model_type": "bert", "hidden_size": 768, "num_hidden_layers": 12, "vocab_size": 30522})},
        "tokenizer": {"tokenizer.json": text(tokenizer)},
        "tokenizer-config": {"tokenizer_config.json": text({"do_lower_case": True, "tokenizer_class": "BertTokenizer", "chat_template": TEMPLATE})},
        "template": {"chat_template.jinja": TEMPLATE.encode()},
        "vocabulary": {"vocab.txt": "\n".join(["[PAD]", "[UNK]", "cos", "system", "ios", "exec", "import", "os"] + [f"w{i}" for i in range(900)]).encode()},
        "merges": {"merges.txt": b"#version: 0.2\nt h\nth e\ni n\n"},
        "readme": {"README.md": b"---\nlicense: apache-2.0\n---\n# Model\n\n```python\nfrom transformers import AutoModel\nmodel = AutoModel.from_pretrained('x')\nimport torch\n```\n"},
        "licence": {"LICENSE": b"Copyright. Permission is granted to import, execute and use this.\n" * 20},
        "gitattributes": {".gitattributes": b"*.bin filter=lfs diff=lfs merge=lfs -text\n"},
        "yaml": {"hparams.yaml": b"lr: 0.1\nlayers: [1, 2]\nbase: &b {a: 1}\nother: *b\nmodel:\n  _target_: torch.nn.modules.linear.Linear\n"},
        "csv": {"results.csv": b"epoch,loss\n1,0.5\n2,0.4\n"},
        "json-lines": {"data.jsonl": b'{"text": "a"}\n{"text": "b"}\n'},
        "unicode": {"notes.txt": "Ein Modell für Wörter – 模型 🙂\n".encode()},
        "index": {"model.safetensors.index.json": text({"metadata": {"total_size": 8}, "weight_map": {"a": "model-1.safetensors"}})
                  , "model-1.safetensors": box.safetensors_bytes()},
        "special-tokens": {"special_tokens_map.json": text({"unk_token": "[UNK]", "pad_token": "[PAD]"})},
        "generation": {"generation_config.json": text({"max_length": 20, "do_sample": False, "transformers_version": "4.40"})},
        "preprocessor": {"preprocessor_config.json": text({"image_mean": [0.5, 0.5, 0.5], "size": {"height": 224, "width": 224}})},
        "image": {"logo.png": box.png()},
    }


def containers() -> dict:
    from scan_containers import gguf, keras, layer, onnx, sequential

    return {
        "zip-of-arrays": {"data.zip": zipped([("a.npy", box.npy(np.ones(4))), ("readme.txt", b"arrays\n")])},
        "zip-deflated": {"data.zip": zipped([("a.txt", b"text " * 200)], 8)},
        "zip-comment": {"data.zip": zipped([("a.txt", b"text")], comment=b"made by hand")},
        "tar": {"model.tar": box.tarred([("m/config.json", text({"a": 1})), ("m/model.safetensors", box.safetensors_bytes())])},
        "tar-gz": {"model.tar.gz": box.tarred([("m/pytorch_model.bin", saved(state()))], "w:gz")},
        "torch-in-zip": {"model.zip": zipped([("pytorch_model.bin", saved(state())), ("config.json", text({"a": 1}))])},
        "keras": {"m.keras": keras(sequential(layer("Dense", units=3, activation="relu"), layer("Dropout", rate=0.1)))},
        "keras-initializer": {"m.keras": keras(sequential(layer("Dense", units=2, kernel_initializer={
            "module": "keras.initializers", "class_name": "GlorotUniform", "config": {"seed": None}, "registered_name": None})))},
        "hdf5": {"m.h5": b"\x89HDF\r\n\x1a\n" + b"\0" * 100 + text({"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 2}}]}}) + b"\0" * 50},
        "onnx": {"m.onnx": onnx()},
        "onnx-external": {"m.onnx": onnx("m.onnx.data"), "m.onnx.data": np.zeros(2, "f4").tobytes()},
        "gguf": {"m.gguf": gguf(TEMPLATE)},
        "tflite": {"m.tflite": b"\x1c\0\0\0TFL3" + b"\0" * 200},
        "savedmodel": {"saved_model.pb": b"\x08\x01\x12\x30" + b"\x0a\x06MatMul\x12\x05Const\x1a\x08Identity" + b"\0" * 20},
        "flax": {"flax_model.msgpack": msgpack_bytes()},
        "sentencepiece": {"spiece.model": b"".join(box.field(1, box.field(1, w) + b"\x15\0\0\x80\xbf") for w in ("<unk>", "the", "a"))},
        "npz-nested": {"data.zip": zipped([("inner.npz", zipped([("x.npy", box.npy(np.arange(4)))]))])},
    }


def msgpack_bytes() -> bytes:
    return b"\x81\xa6params\x81\xa1w\xc7\x1f\x01\x93\x91\x02\xa7float32\xc4\x08" + np.ones(2, "f4").tobytes() + b"\0" * 6


def folders() -> dict:
    from safetensors.torch import save

    out = {}
    config = text({"model_type": "bert", "architectures": ["BertModel"], "vocab_size": 60, "hidden_size": 16,
                   "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
                   "max_position_embeddings": 20, "type_vocab_size": 2})
    weights = bert_weights()
    words = "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + [f"w{i}" for i in range(55)]).encode()
    files = {"config.json": config, "model.safetensors": save(weights, metadata={"format": "pt"})}
    out["bert"] = files | {"vocab.txt": words}
    out["bert-bin"] = {"config.json": config, "vocab.txt": words, "pytorch_model.bin": saved(weights)}
    out["bert-trainer"] = out["bert"] | training()["optimizer-AdamW"] | {
        "training_args.bin": training_arguments(), "trainer_state.json": text({"epoch": 1})}
    out["sentence-transformers"] = files | {
        "vocab.txt": words, "modules.json": text([{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
                                                  {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]),
        "1_Pooling/config.json": text({"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True})}
    out["diffusers"] = {"model_index.json": text({"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"],
                                                  "text_encoder": ["transformers", "CLIPTextModel"], "feature_extractor": [None, None]}),
                        "unet/diffusion_pytorch_model.safetensors": box.safetensors_bytes()}
    out["empty-marker"] = {"config.json": text({"a": 1}), ".gitattributes": b"*.bin filter=lfs\n", "model.safetensors": box.safetensors_bytes()}
    return out


def bert_weights() -> dict:
    """The tensors of a BERT of two layers, as transformers initializes them."""
    weights = {
        "embeddings.word_embeddings.weight": torch.randn(60, 16) * 0.02,
        "embeddings.position_embeddings.weight": torch.randn(20, 16) * 0.02,
        "embeddings.token_type_embeddings.weight": torch.randn(2, 16) * 0.02,
        "embeddings.LayerNorm.weight": torch.ones(16), "embeddings.LayerNorm.bias": torch.zeros(16),
    }
    for index in range(2):
        at = f"encoder.layer.{index}."
        for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            weights |= {at + name + ".weight": torch.randn(16, 16) * 0.02, at + name + ".bias": torch.zeros(16)}
        weights |= {at + "intermediate.dense.weight": torch.randn(32, 16) * 0.02, at + "intermediate.dense.bias": torch.zeros(32),
                    at + "output.dense.weight": torch.randn(16, 32) * 0.02, at + "output.dense.bias": torch.zeros(16)}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            weights |= {at + name + ".weight": torch.ones(16), at + name + ".bias": torch.zeros(16)}
    return weights
