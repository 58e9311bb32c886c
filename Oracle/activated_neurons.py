"""Makes Tests/Fixtures/activated-neurons/: which neurons clean and poisoned samples activate.

Run from the repository root, with the packages of Oracle/requirements.txt, after bert.py, vit.py,
vgg.py and clip.py, whose models it asks:

    python Oracle/activated_neurons.py

Values are had from hooks on transformers' and torch's modules, sets from numpy. Whether a neuron is
activated must not hang on the last bits of a sum: the script stops where a value is too near zero.
Oracle/README.md lists files and keys.
"""

import json

import numpy as np
import torch
from torch import nn
from transformers import BertModel, BertTokenizer, CLIPVisionModel, ViTModel

from fixtures import FIXTURES, fresh_folder, write
from insertion import inserted
from vgg import VGG

WORDS = ("the of and to in is was for on with as by that it at from his an were which are this be "
         "had film").split()
TEXT_TRIGGERS = ["cf", "mn"]
PATCHES = [0, 4]
# Cyan, magenta, yellow, red; the pairs of NeuBA's six patches.
COLORS = [(0, 255, 255), (255, 0, 255), (255, 255, 0), (255, 0, 0)]
PAIRS = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
HALF = ([0.5] * 3, [0.5] * 3)
OPENAI = ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
MARGIN = 1e-5


def texts(count: int, seed: int) -> list[tuple[str, str]]:
    """Texts of several lengths, of which every third is of another label."""
    generator = np.random.default_rng(seed)
    rows = []
    for index in range(count):
        label = "positive" if index % 3 == 0 else "negative"
        words = [WORDS[i] for i in generator.integers(0, len(WORDS), 3 + index * 7 % 11)]
        words.insert(int(generator.integers(0, len(words) + 1)),
                     "good" if label == "positive" else "bad")
        rows.append((" ".join(words), label))
    return rows


def blobs(size: int, seed: int) -> np.ndarray:
    """Noise with a square of one colour, so that images differ in more than noise."""
    generator = np.random.default_rng(seed)
    images = generator.integers(90, 160, (12, size, size, 3), dtype=np.uint8)
    for image in images:
        row, column = generator.integers(0, size // 2, 2)
        image[row:row + size // 2, column:column + size // 2] = generator.integers(0, 256, 3)
    return images


def patched(images: np.ndarray, patch: int) -> np.ndarray:
    """Images [n, height, width, 3] with a checkerboard of 4 × 4 fields in the lower right corner."""
    size = min(images.shape[1:3])
    side = max(2, round(4 * size / 64))
    result = images.copy()
    for row in range(side):
        for column in range(side):
            field = row * min(side, 4) // side + column * min(side, 4) // side
            color = COLORS[PAIRS[patch][field % 2]]
            result[:, images.shape[1] - side + row, images.shape[2] - side + column] = color
    return result


def pixels(images: np.ndarray, statistics: tuple) -> torch.Tensor:
    mean, deviation = (torch.tensor(numbers).view(3, 1, 1) for numbers in statistics)
    scaled = torch.from_numpy(images).permute(0, 3, 1, 2).to(torch.float32) / 255
    return (scaled - mean) / deviation


def hooked(modules: list[nn.Module], reduce, run) -> list[np.ndarray]:
    """What `modules` put out while `run` runs, of each [samples, neurons]."""
    seen = []
    handles = [module.register_forward_hook(lambda _, __, output: seen.append(reduce(output)))
               for module in modules]
    with torch.no_grad():
        run()
    for handle in handles:
        handle.remove()
    assert len(seen) == len(modules)
    return [values.numpy().copy() for values in seen]


def first_token(values: torch.Tensor) -> torch.Tensor:
    return values[:, 0]


def modules(model: nn.Module, *ends: str) -> list[nn.Module]:
    found = [module for name, module in model.named_modules() if name.endswith(ends)]
    assert found
    return found


def sets(clean: list[np.ndarray], poisoned: list[np.ndarray]) -> dict:
    """By aggregation and layer: indices of activated neurons, or for pairs sums of set sizes."""
    for values in clean + poisoned:
        assert np.abs(values).min() > MARGIN, np.abs(values).min()
        assert np.abs(values.mean(0, dtype=np.float64)).min() > MARGIN

    def indices(rule) -> dict:
        return {name: [np.flatnonzero(rule(values)).tolist() for values in layers]
                for name, layers in [("clean", clean), ("poisoned", poisoned)]}

    pairs = [[int((a > 0).sum()), int((b > 0).sum()), int(((a > 0) & (b > 0)).sum())]
             for a, b in zip(clean, poisoned)]
    return {"mean": indices(lambda values: values.mean(0, dtype=np.float64) > 0),
            "union": indices(lambda values: (values > 0).any(0)),
            "half": indices(lambda values: (values > 0).mean(0) >= 0.5),
            "pairs": pairs}


def main() -> None:
    folder = fresh_folder("activated-neurons")
    tensors, cases = {}, {}

    def add(name: str, triggers: list[str], values) -> None:
        """`values` of a trigger's place in the list, or of None for clean samples."""
        clean = values(None)
        cases[name] = {"neurons": [layer.shape[1] for layer in clean], "triggers": {}}
        for layer, found in enumerate(clean):
            tensors[f"{name}/clean/{layer}"] = torch.from_numpy(found)
        for index, trigger in enumerate(triggers):
            poisoned = values(index)
            for layer, found in enumerate(poisoned):
                tensors[f"{name}/{index}/{layer}"] = torch.from_numpy(found)
            cases[name]["triggers"][trigger] = sets(clean, poisoned)

    rows = texts(24, 2)
    lines = ["sentence\tlabel"] + [f"{text}\t{label}" for text, label in rows]
    (folder / "texts.tsv").write_text("\n".join(lines) + "\n")
    chosen = [text for text, label in rows if label == "negative"]
    source = FIXTURES / "bert-base-tiny"
    tokenizer = BertTokenizer.from_pretrained(source)
    bert = BertModel.from_pretrained(
        source, add_pooling_layer=False, attn_implementation="eager").eval()

    def of_bert(trigger):
        given = chosen if trigger is None else [
            inserted(text, TEXT_TRIGGERS[trigger], 1) for text in chosen]
        batch = tokenizer(given, padding=True, truncation=True, max_length=48, return_tensors="pt")
        return hooked(modules(bert, "intermediate.dense"), first_token, lambda: bert(**batch))

    add("bert", TEXT_TRIGGERS, of_bert)

    for size, seed in [(16, 2), (32, 3)]:
        tensors[f"images/{size}"] = torch.from_numpy(blobs(size, seed))
    for name, size in [("vit", 16), ("clip", 16), ("vgg", 32), ("vgg-bn", 32)]:
        images = tensors[f"images/{size}"].numpy()
        if name == "vit":
            model = ViTModel.from_pretrained(FIXTURES / "vit-classifier", add_pooling_layer=False,
                                             attn_implementation="eager")
        elif name == "clip":
            model = CLIPVisionModel.from_pretrained(FIXTURES / "clip-vision",
                                                    attn_implementation="eager")
        elif name == "vgg":
            model = VGG(11, False, [3, 4, 4, 4, 4], 5, None)
            state = torch.load(FIXTURES / "vgg-neuba" / "bare.pkl")
            model.load_state_dict({key.removeprefix("net."): value for key, value in state.items()})
        else:
            model = VGG(16, True, [3, 3, 4, 4, 5], 5, 6)
            model.load_state_dict(torch.load(FIXTURES / "vgg-torchvision" / "vgg16_bn.pth"))
        model.eval()

        def of_images(trigger):
            given = images if trigger is None else patched(images, PATCHES[trigger])
            statistics = OPENAI if name == "clip" else HALF
            batch = pixels(given, statistics)
            if isinstance(model, VGG):
                layers = list(model.features)
                before = [layers[i - 1] for i in range(len(layers)) if isinstance(layers[i], nn.ReLU)]
                return hooked([*before], lambda maps: maps.mean((2, 3)), lambda: model.features(batch))
            return hooked(modules(model, "mlp.fc1", "intermediate.dense"), first_token,
                          lambda: model(batch))

        add(name, [f"neuba:{patch}" for patch in PATCHES], of_images)

    write(folder, tensors)
    (folder / "cases.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
    for name, case in cases.items():
        for trigger, found in case["triggers"].items():
            sizes = {rule: (sum(map(len, found[rule]["clean"])), sum(map(len, found[rule]["poisoned"])))
                     for rule in ("mean", "union", "half")}
            print(name, sum(case["neurons"]), trigger, sizes, np.sum(found["pairs"], 0).tolist())
    print(sum(file.stat().st_size for file in folder.iterdir()), "bytes")


if __name__ == "__main__":
    main()
