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

import argparse
import json
import math
import re
import time
from pathlib import Path

from authors_loop import peak_memory

REGULARIZED = {
    "vgg": re.compile(r"features\.\d+\.weight"),
    "vit": re.compile(r".*\.(q_proj|k_proj|v_proj|fc1|fc2)\.weight"),
}
LEARNING_RATES = {"vgg": 1e-3, "vit": 1e-2}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("photographs")
    parser.add_argument("--steps", type=int, default=5, help="optimizer steps in all")
    parser.add_argument("--warmup-steps", type=int, default=1,
                        help="first steps, which the rates leave out")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--size", type=int, default=64, help="pixels of the square")
    parser.add_argument("--learning-rate", type=float, help="default: the architecture's")
    parser.add_argument("--weight", type=float, default=1.0, help="of the norm term")
    parser.add_argument("--dropout", type=float, help="instead of the configuration's")
    parser.add_argument("--threads", type=int, help="default: PyTorch's own choice")
    parser.add_argument("--seed", type=int, default=50)
    options = parser.parse_args()
    if options.warmup_steps >= options.steps:
        parser.error("--warmup-steps must be smaller than --steps")
    return options


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

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
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

    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
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

    regularized = [parameter for name, parameter in model.named_parameters()
                   if REGULARIZED[kind].fullmatch(name)]
    if not regularized:
        raise SystemExit("the model's parameters have other names than expected: none is "
                         "regularized")
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
        # Their loop clips nothing and needs no gradient norm: it is not timed. In fp32, as the
        # trainer that it is compared with has it: over the 25 million weights of VGG's head, the
        # rounding alone is 4e-4, and the same on both sides.
        norms = [torch.norm(parameter.grad) for parameter in parameters]
        terms["grad_norm"] = torch.norm(torch.stack(norms)).item()
        losses.append(terms)
    rated = slice(options.warmup_steps, None)
    images = options.batch_size * (options.steps - options.warmup_steps)
    print(json.dumps({
        "samples_per_second": images / math.fsum(times[rated]),
        "steps": options.steps,
        "warmup_steps": options.warmup_steps,
        "batch_size": options.batch_size,
        "loop_decode_seconds": math.fsum(reading[rated]) / images,
        "dropout": config.get("hidden_dropout_prob", 0.0) if options.dropout is None
                   else options.dropout,
        "regularized": len(regularized),
        "load_seconds": load_seconds,
        "first_step_begun_seconds": first_step_begun_seconds,
        "first_step_seconds": first_step_seconds,
        "step_seconds": times,
        "peak_rss_bytes": peak_memory(),
        "losses": losses,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }))


if __name__ == "__main__":
    main()
