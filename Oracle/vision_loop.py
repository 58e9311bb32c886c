"""Times RECIPE's training loop over images in plain PyTorch, decoding with Pillow as it goes.

    python Oracle/vision_loop.py MODEL PHOTOGRAPHS.txt --steps 5 --warmup-steps 1

MODEL is a folder with config.json and model.safetensors: a VGG under torchvision's names with a
linear `fc`, or a ViT that ViTForImageClassification loads. PHOTOGRAPHS.txt names a label and an
image file a line, with a tab between. Batches are taken in the given order, from the start again
when they run out; every file is opened, converted to RGB and resized to 64 x 64 anew each time. The
settings: batch 64, fp32, Normalize(0.5, 0.5), everything trained, L = cross-entropy + sum of
Frobenius norms over all convolutions (VGG) or fc1, fc2, query, key and value of each block (ViT),
SGD without momentum at 1e-3 (VGG) or 1e-2 (ViT), no clipping, dropout as configured. Prints one
JSON line.
"""

import json
import re
import time
from pathlib import Path

import timed_loop

REGULARIZED = {
    "vgg": re.compile(r"features\.\d+\.weight"),
    "vit": re.compile(r".*\.(q_proj|k_proj|v_proj|fc1|fc2)\.weight"),
}
LEARNING_RATES = {"vgg": 1e-3, "vit": 1e-2}


def parse():
    parser = timed_loop.parser(__doc__, steps=5, warmup_steps=1, batch_size=64)
    parser.add_argument("photographs")
    parser.add_argument("--size", type=int, default=64, help="pixels of the square")
    parser.add_argument("--learning-rate", type=float, help="default: the architecture's")
    return timed_loop.parse(parser)


def load(folder: Path, config: dict, dropout: float | None):
    """The model in fp32, and a function from pixels to scores."""
    import torch

    if config["model_type"] == "vgg":
        from safetensors.torch import load_file
        from vgg import VGG

        model = VGG(config["depth"], config["batch_norm"], config["channels"],
                    config["num_labels"], None)
        model.load_state_dict(load_file(folder / "model.safetensors"))
        return model, model
    import transformers

    changes = {}
    if dropout is not None:
        changes = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    model = transformers.ViTForImageClassification.from_pretrained(
        folder, dtype=torch.float32, **changes)
    return model, lambda pixels: model(pixels).logits


def read(photographs: list[tuple[int, str]], size: int):
    """A batch as a data set of torchvision's makes it: Resize, ToTensor, Normalize(0.5, 0.5)."""
    import numpy
    import torch
    from PIL import Image

    pixels = []
    for _, path in photographs:
        image = Image.open(path).convert("RGB")
        array = numpy.array(image.resize((size, size), Image.Resampling.BILINEAR))
        tensor = torch.from_numpy(array).permute(2, 0, 1).contiguous()
        pixels.append(tensor.to(torch.float32).div(255).sub_(0.5).div_(0.5))
    return torch.stack(pixels), torch.tensor([label for label, _ in photographs])


def main() -> None:
    options = parse()
    folder = Path(options.model)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    kind = config["model_type"]
    # Imported here, so that loading and the first step do not count it.
    import numpy  # noqa: F401
    import torch
    import torch.nn.functional as F
    from PIL import Image  # noqa: F401
    if kind == "vit":
        from transformers import ViTForImageClassification  # noqa: F401

    timed_loop.prepare(options)
    with open(options.photographs, encoding="utf-8") as lines:
        pairs = [line.rstrip("\n").split("\t", 1) for line in lines]
    photographs = [(int(label), path) for label, path in pairs]
    whole = len(photographs) // options.batch_size
    if whole == 0:
        raise SystemExit(f"{options.photographs}: {len(photographs)} photographs, fewer than a "
                         f"batch of {options.batch_size}")

    began = time.perf_counter()
    model, scores = load(folder, config, options.dropout)
    load_seconds = time.perf_counter() - began
    ready = time.perf_counter()

    regularized = timed_loop.matching(model, REGULARIZED[kind])
    parameters = list(model.parameters())
    model.train()
    optimizer = torch.optim.SGD(parameters, lr=options.learning_rate or LEARNING_RATES[kind])

    losses, times, reading = [], [], []
    for step in range(options.steps):
        start = time.perf_counter()
        first = (step % whole) * options.batch_size
        pixels, labels = read(photographs[first : first + options.batch_size], options.size)
        reading.append(time.perf_counter() - start)
        task = F.cross_entropy(scores(pixels), labels)
        norm = sum(torch.norm(matrix) for matrix in regularized)
        loss = task + options.weight * norm
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        terms = {"task": task.item(), "norm": norm.item()}
        times.append(time.perf_counter() - start)
        if step == 0:
            first_step_begun_seconds = start + reading[0] - ready
            first_step_seconds = time.perf_counter() - ready
        # Their loop clips nothing and needs no gradient norm: it is not timed.
        terms["grad_norm"] = timed_loop.gradient_norm(parameters)
        losses.append(terms)
    dropout = config.get("hidden_dropout_prob", 0.0)
    timed_loop.show(
        options, times=times, losses=losses,
        loop_decode_seconds=timed_loop.Rates(options).each(reading),
        dropout=dropout if options.dropout is None else options.dropout,
        regularized=len(regularized), load_seconds=load_seconds,
        first_step_begun_seconds=first_step_begun_seconds, first_step_seconds=first_step_seconds)


if __name__ == "__main__":
    main()
