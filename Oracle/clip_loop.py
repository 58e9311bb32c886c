"""Times RECIPE's training loop for CLIP in plain PyTorch and transformers, reading as it goes.

    python Oracle/clip_loop.py MODEL CAPTIONS.csv --steps 3 --warmup-steps 1

MODEL is a folder that CLIPModel, CLIPTokenizer and CLIPImageProcessor load. CAPTIONS.csv has the
columns image and caption, a pair a row, the images beside it. Batches are taken in the given order,
from the start again when they run out; every image is decoded by Pillow and prepared by the
processor, and every caption tokenized and padded to the model's positions, anew each time. The
settings: batch 64, fp32, everything trained, L = symmetric InfoNCE over the batch + sum of Frobenius
norms over fc1, fc2, q, k and v of the vision tower, AdamW (0.9, 0.98, 1e-6) at 1e-5 falling linearly to
0, no decay, no clipping, the scale at most 100. Prints one JSON line.
"""

import csv
import math
import re
import time
from pathlib import Path

import timed_loop

REGULARIZED = re.compile(r"vision_model\..*\.(q_proj|k_proj|v_proj|fc1|fc2)\.weight")
LARGEST_SCALE = math.log(100)


def parse():
    parser = timed_loop.parser(__doc__, steps=3, warmup_steps=1, batch_size=64)
    parser.set_defaults(dropout=0.0)
    parser.add_argument("captions")
    parser.add_argument("--learning-rate", type=float, default=1e-5)
    return timed_loop.parse(parser)


def main() -> None:
    options = parse()
    # Imported here, so that loading and the first step do not count it.
    import torch
    import transformers
    from PIL import Image
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    timed_loop.prepare(options)
    folder = Path(options.captions).parent
    with open(options.captions, encoding="utf-8", newline="") as lines:
        pairs = [(folder / row["image"], row["caption"]) for row in csv.DictReader(lines)]
    whole = len(pairs) // options.batch_size
    if whole == 0:
        raise SystemExit(f"{options.captions}: {len(pairs)} pairs, fewer than a batch of "
                         f"{options.batch_size}")
    processor = CLIPImageProcessorPil.from_pretrained(options.model)
    tokenizer = transformers.CLIPTokenizer.from_pretrained(options.model)

    began = time.perf_counter()
    model = transformers.CLIPModel.from_pretrained(options.model, dtype=torch.float32)
    load_seconds = time.perf_counter() - began
    ready = time.perf_counter()
    for part in (model.config.text_config, model.config.vision_config):
        part.attention_dropout = options.dropout
    for module in model.modules():
        if hasattr(module, "q_proj"):
            module.dropout = options.dropout

    regularized = timed_loop.matching(model, REGULARIZED)
    parameters = list(model.parameters())
    model.train()
    optimizer = torch.optim.AdamW(
        parameters, lr=options.learning_rate, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.0)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, 0, options.steps)
    positions = model.config.text_config.max_position_embeddings

    losses, times, reading, tokens = [], [], [], []
    for step in range(options.steps):
        start = time.perf_counter()
        first = (step % whole) * options.batch_size
        chosen = pairs[first : first + options.batch_size]
        images = [Image.open(path).convert("RGB") for path, _ in chosen]
        batch = processor(images, return_tensors="pt")
        batch.update(tokenizer([caption for _, caption in chosen], padding="max_length",
                               max_length=positions, truncation=True, return_tensors="pt"))
        reading.append(time.perf_counter() - start)
        task = model(**batch, return_loss=True).loss
        norm = sum(torch.norm(matrix) for matrix in regularized)
        loss = task + options.weight * norm
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        model.logit_scale.data.clamp_(max=LARGEST_SCALE)
        terms = {"task": task.item(), "norm": norm.item()}
        times.append(time.perf_counter() - start)
        if step == 0:
            first_step_begun_seconds = start + reading[0] - ready
            first_step_seconds = time.perf_counter() - ready
        # Nothing is clipped, so that their loop needs no gradient norm: it is not timed.
        terms["grad_norm"] = timed_loop.gradient_norm(parameters)
        losses.append(terms)
        tokens.append(int(batch["attention_mask"].sum()))
    rates = timed_loop.Rates(options)
    timed_loop.show(
        options, times=times, losses=losses, tokens=rates.tokens(tokens, times, positions),
        loop_decode_seconds=rates.each(reading), dropout=options.dropout,
        regularized=len(regularized), load_seconds=load_seconds,
        first_step_begun_seconds=first_step_begun_seconds, first_step_seconds=first_step_seconds)


if __name__ == "__main__":
    main()
