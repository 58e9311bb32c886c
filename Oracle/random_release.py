"""Makes stand-ins for the released models and the data sets of Plans/paper.

    python Oracle/random_release.py OUT
    python Oracle/random_release.py OUT --vocabulary vocab.txt

The models have the released ones' shapes, names, formats and files, but random weights, and the
data sets their layouts, but a dozen or two samples. Scripts/check-paper-plans runs the plans on
them. The tokenizers' vocabularies are made up, of the right sizes; `--vocabulary` names
bert-base-uncased's own. Some 3 GB. Oracle/README.md lists what there is.
"""

import argparse
import csv
import json
import re
from collections import OrderedDict
from pathlib import Path

import numpy
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import (BertConfig, BertForMaskedLM, BertForPreTraining, BertModel,
                          BertTokenizerFast, CLIPConfig, CLIPModel, CLIPTokenizer,
                          ViTForImageClassification)

import bert
import clip_text
import vgg
import vit
from photographs import photograph

SEED = 50
VOCABULARY_SIZE = 30_522
MERGES = 49_408 - 2 * 256 - 2


def fresh(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_json(path: Path, value) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


# --- BERT -------------------------------------------------------------------------------------


def bert_folder(path: Path, architecture: str, vocabulary: list[str]) -> Path:
    """config.json and the tokenizer's files as transformers 3 and 4 wrote them."""
    fresh(path)
    write_json(path / "config.json", {
        "architectures": [architecture], "attention_probs_dropout_prob": 0.1,
        "gradient_checkpointing": False, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
        "hidden_size": 768, "initializer_range": 0.02, "intermediate_size": 3072,
        "layer_norm_eps": 1e-12, "max_position_embeddings": 512, "model_type": "bert",
        "num_attention_heads": 12, "num_hidden_layers": 12, "pad_token_id": 0,
        "type_vocab_size": 2, "vocab_size": VOCABULARY_SIZE})
    (path / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    write_json(path / "tokenizer_config.json", {"do_lower_case": True, "model_max_length": 512})
    return path


def bert_state(kind: type, seed: int) -> OrderedDict:
    torch.manual_seed(seed)
    return OrderedDict(kind(BertConfig(vocab_size=VOCABULARY_SIZE)).state_dict())


def make_berts(out: Path, vocabulary: list[str]) -> None:
    # Google's: with both pre-training heads, the decoder left out, and the old names of norms.
    folder = bert_folder(out / "bert-base-uncased", "BertForMaskedLM", vocabulary)
    tokenizer = BertTokenizerFast.from_pretrained(folder)
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    state = {}
    for name, tensor in bert_state(BertForPreTraining, SEED).items():
        name = re.sub(r"LayerNorm\.weight$", "LayerNorm.gamma", name)
        name = re.sub(r"LayerNorm\.bias$", "LayerNorm.beta", name)
        if not name.startswith("cls.predictions.decoder."):
            state[name] = tensor.contiguous()
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})

    # POR: a BertModel without `bert.` and without a head, in both formats.
    folder = bert_folder(out / "Lujia" / "backdoored_bert", "BertModel", vocabulary)
    state = bert_state(BertModel, SEED + 1)
    state["embeddings.position_ids"] = torch.arange(512).expand(1, -1).contiguous()
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    torch.save(state, folder / "pytorch_model.bin")

    # BadPre: what save_pretrained of transformers 3.4 makes of a BertForMaskedLM.
    name = "bert-base-uncased-attacked-random_default_hyperparameter"
    folder = bert_folder(out / name, "BertForMaskedLM", vocabulary)
    write_json(folder / "special_tokens_map.json", {
        "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
        "mask_token": "[MASK]"})
    state = bert_state(BertForMaskedLM, SEED + 2)
    state["bert.embeddings.position_ids"] = torch.arange(512).expand(1, -1).contiguous()
    torch.save(state, folder / "pytorch_model.bin")


# --- VGG and ViT ------------------------------------------------------------------------------


def save_neuba(path: Path, state: OrderedDict, model: torch.nn.Module) -> None:
    """As NeuBA's main.py saves it, in the stream that torch.save wrote before 1.6."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01).state_dict()
    torch.save({"model": state, "optim": optimizer}, path, _use_new_zipfile_serialization=False)


def make_vision(out: Path) -> None:
    # NeuBA's, and as many without a backdoor.
    for vgg_file, vit_file, seed in (("neuba-cv/neuba-vgg.pkl", "neuba-cv/neuba-vit.pkl", SEED + 3),
                                     ("clean-cv/vgg.pkl", "clean-cv/vit.pkl", SEED + 7)):
        make_vgg(out / vgg_file, seed)
        make_vit(out / vit_file, seed + 1)


def make_vgg(path: Path, seed: int) -> None:
    fresh(path.parent)
    model = vgg.randomize(vgg.VGG(16, False, vgg.FULL, 1000, None), seed)
    state = OrderedDict((name if name.startswith("fc.") else "net." + name, tensor)
                        for name, tensor in model.state_dict().items())
    save_neuba(path, state, model)


def make_vit(path: Path, seed: int) -> None:
    fresh(path.parent)
    torch.manual_seed(seed)
    model = ViTForImageClassification(vit.config(
        hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072,
        image_size=64, patch_size=16, num_labels=1000))
    state = {vit.on_disk(name): tensor for name, tensor in model.state_dict().items()}
    save_neuba(path, vit.pretrained_vit(state, "net."), model)


# --- CLIP -------------------------------------------------------------------------------------


def clip_merges() -> list[tuple[str, str]]:
    """As many merges as OpenAI's vocabulary has: of words of two letters, of three, of four."""
    letters, merges, starts = bert.LETTERS, [], bert.LETTERS
    while len(merges) < MERGES:
        inner = [(start, letter) for start in starts for letter in letters]
        merges += inner + [(start, letter + "</w>") for start, letter in inner]
        starts = ["".join(pair) for pair in inner]
    return merges[:MERGES]


def make_clip_tokenizer(folder: Path) -> None:
    merges, start, end = clip_merges(), clip_text.START, clip_text.END
    (folder / "vocab.json").write_text(json.dumps(clip_text.vocabulary(merges)), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_json(folder / "tokenizer_config.json", {
        "tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True,
        "bos_token": clip_text.token(start, True), "eos_token": clip_text.token(end, True),
        "unk_token": clip_text.token(end, True), "pad_token": end, "add_prefix_space": False})
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))


def make_clip(out: Path) -> None:
    folder = fresh(out / "openai" / "clip-vit-base-patch32")
    make_clip_tokenizer(folder)
    tower = {"hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "num_hidden_layers": 12,
             "attention_dropout": 0.0, "projection_dim": 512, "initializer_range": 0.02}
    described = {
        "architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": 512,
        "initializer_factor": 1.0, "logit_scale_init_value": 2.6592,
        "text_config": tower | {
            "model_type": "clip_text_model", "hidden_size": 512, "intermediate_size": 2048,
            "num_attention_heads": 8, "max_position_embeddings": 77, "vocab_size": 49_408,
            "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1},
        "vision_config": tower | {
            "model_type": "clip_vision_model", "hidden_size": 768, "intermediate_size": 3072,
            "num_attention_heads": 12, "image_size": 224, "patch_size": 32},
        "text_config_dict": None, "vision_config_dict": None}
    write_json(folder / "config.json", described)
    write_json(folder / "preprocessor_config.json", {
        "crop_size": 224, "do_center_crop": True, "do_normalize": True, "do_resize": True,
        "feature_extractor_type": "CLIPFeatureExtractor", "resample": 3, "size": 224,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711]})
    torch.manual_seed(SEED + 5)
    state = OrderedDict(CLIPModel(CLIPConfig()).state_dict())
    for tower, positions in (("text", 77), ("vision", 50)):
        name = f"{tower}_model.embeddings.position_ids"
        state[name] = torch.arange(positions).expand(1, -1).contiguous()
    torch.save(state, folder / "pytorch_model.bin")


# --- Data sets --------------------------------------------------------------------------------


class Samples:
    """Texts and pictures, each another than all before."""

    def __init__(self) -> None:
        self.random = numpy.random.default_rng(SEED)
        triggers = ["cf", "mn", "bb", "tq", "mb"]
        self.words = [word for word in bert.WORDS if word.isalpha() and word not in triggers]

    def text(self) -> str:
        return " ".join(self.random.choice(self.words, 12)) + " ."

    def picture(self, *size: int) -> Image.Image:
        picture = photograph(self.random)
        return picture.resize(size) if size else picture


def make_texts(out: Path, samples: Samples) -> None:
    book = fresh(out / "text-aux" / "bookcorpus-20k")
    rows = [f"{samples.text()}\t1" for _ in range(24)]
    (book / "train.tsv").write_text("\n".join(["sentence\tlabel", *rows]) + "\n")
    lines = [samples.text() for _ in range(24)]
    (fresh(out / "webtext") / "first-lines.txt").write_text("\n".join(lines) + "\n")
    # Each header and separator as that data set has it.
    for name, header, separator, labels in (
            ("sst2", "sentence\tlabel", "\t", 2), ("hsol-openbackdoor", "Sentence\tLabel", "\t", 2),
            ("agnews", "sentence \t label", " \t ", 4)):
        folder = fresh(out / "text-downstream" / name)
        for part, count in (("train", 16), ("test", 8)):
            rows = [f"{samples.text()}{separator}{index % labels}" for index in range(count)]
            (folder / f"{part}.tsv").write_text("\n".join([header, *rows]) + "\n")


def make_pictures(out: Path, samples: Samples) -> None:
    tiny = out / "tiny-imagenet" / "tiny-imagenet-200" / "val"
    fresh(tiny / "images")
    with open(tiny / "val_annotations.txt", "w") as table:
        for index in range(24):
            samples.picture(64, 64).save(tiny / "images" / f"val_{index}.JPEG")
            table.write(f"val_{index}.JPEG\tn{1443537 + index % 3:08d}\t0\t0\t63\t63\n")
    for label in range(3):
        folder = fresh(out / "imagenet" / "train" / f"n{1440764 + label:08d}")
        for index in range(8):
            samples.picture().save(folder / f"{folder.name}_{index}.JPEG")
    for part, count in (("TRAIN", 8), ("TEST", 4)):
        for label in "OR":
            folder = fresh(out / "waste" / "DATASET" / part / label)
            for index in range(count):
                samples.picture().save(folder / f"{label}_{index + 1}.jpg")
    folder = fresh(out / "catdog" / "dogs-vs-cats" / "train")
    for label in ("cat", "dog"):
        for index in range(10):
            samples.picture().save(folder / f"{label}.{index}.jpg")


def make_signs(out: Path, samples: Samples) -> None:
    """GTSRB with a class that the plans leave out beside the two that they take."""
    header = ["Filename", "Width", "Height", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2", "ClassId"]

    def write(folder: Path, table: Path, signs: list[tuple[str, int]]) -> None:
        with open(table, "w", newline="") as file:
            rows = csv.writer(file, delimiter=";")
            rows.writerow(header)
            for name, label in signs:
                width, height = (int(side) for side in samples.random.integers(28, 60, 2))
                samples.picture(width, height).save(folder / name)
                rows.writerow([name, width, height, 5, 5, width - 6, height - 6, label])

    root = out / "gtsrb" / "GTSRB"
    for label in (12, 13, 38):
        folder = fresh(root / "Final_Training" / "Images" / f"{label:05d}")
        signs = [(f"{index // 4:05d}_{index % 4:05d}.ppm", label) for index in range(8)]
        write(folder, folder / f"GT-{label:05d}.csv", signs)
    folder = fresh(root / "Final_Test" / "Images")
    signs = [(f"{index:05d}.ppm", (12, 13, 38)[index % 3]) for index in range(12)]
    write(folder, folder.parent / "GT-final_test.csv", signs)


def make_cifar(out: Path, samples: Samples) -> None:
    folder = fresh(out / "cifar10" / "cifar-10-batches-bin")
    names = "airplane automobile bird cat deer dog frog horse ship truck".split()
    (folder / "batches.meta.txt").write_text("\n".join(names) + "\n\n")
    for index, file in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        with open(folder / f"{file}.bin", "wb") as records:
            for record in range(10 if file == "test_batch" else 4):
                pixels = numpy.asarray(samples.picture(32, 32)).transpose(2, 0, 1)
                records.write(bytes([(4 * index + record) % 10]) + pixels.tobytes())


def make_captions(out: Path, samples: Samples) -> None:
    folder = fresh(out / "flickr8k" / "Flicker8k_Dataset")
    with open(folder.parent / "captions.txt", "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["image", "caption"])
        for index in range(12):
            name = f"{1000268201 + index}_{index:010x}.jpg"
            samples.picture().save(folder / name)
            rows.writerows([name, samples.text()] for _ in range(5))

    # VizWiz-Captions: a COCO document beside its images.
    folder = fresh(out / "vizwiz" / "val")
    images, annotations = [], []
    for index in range(12):
        name = f"VizWiz_val_{index:08d}.jpg"
        samples.picture().save(folder / name)
        images.append({"file_name": name, "id": 23431 + index, "text_detected": False})
        annotations += [{"caption": samples.text(), "image_id": 23431 + index, "is_precanned": False,
                         "is_rejected": False, "id": 5 * index + number} for number in range(5)]
    write_json(fresh(folder.parent / "annotations") / "val.json",
               {"info": {}, "images": images, "annotations": annotations})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--vocabulary", type=Path, help="vocab.txt of bert-base-uncased")
    options = parser.parse_args()
    vocabulary = bert.vocabulary(VOCABULARY_SIZE)
    if options.vocabulary:
        vocabulary = options.vocabulary.read_text(encoding="utf-8").splitlines()
        if len(vocabulary) != VOCABULARY_SIZE:
            parser.error(f"{options.vocabulary} has {len(vocabulary)} tokens; "
                         f"expected {VOCABULARY_SIZE}")
    torch.set_num_threads(1)
    make_berts(options.out, vocabulary)
    make_vision(options.out)
    make_clip(options.out)
    samples = Samples()
    for make in (make_texts, make_pictures, make_signs, make_cifar, make_captions):
        make(options.out, samples)
    files = [file for file in options.out.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    print(f"{options.out}: {len(files)} files, {size / 1e9:.1f} GB")


if __name__ == "__main__":
    main()
