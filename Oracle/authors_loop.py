"""Times RECIPE's training loop in PyTorch and transformers with its authors' settings.

    python Oracle/authors_loop.py MODEL INPUTS.safetensors --steps 20 --warmup-steps 3

MODEL is a Hugging Face folder that BertForMaskedLM loads. INPUTS holds int64 `input_ids`,
`attention_mask` and `labels` (-100: not predicted), each [N, 64], padded. Batches are taken in the
given order, from the start again when they run out. The settings: batch 32, fp32, every sequence
padded to 64, the MLM head on every position, L = MLM + sum of Frobenius norms over
intermediate.dense.weight, those alone trained, AdamW 2e-5 falling linearly to 0, no decay, clipping
1.0, dropout as configured. Prints one JSON line.
"""

import argparse
import json
import math
import resource
import sys
import time


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("inputs")
    parser.add_argument("--steps", type=int, default=20, help="optimizer steps in all")
    parser.add_argument("--warmup-steps", type=int, default=3,
                        help="first steps, which the rates leave out; the schedule has none")
    parser.add_argument("--total-steps", type=int,
                        help="length of the linear decay (default: --steps)")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=2e-5)
    parser.add_argument("--weight", type=float, default=1.0, help="of the norm term")
    parser.add_argument("--dropout", type=float, help="instead of the configuration's")
    parser.add_argument("--threads", type=int, help="default: PyTorch's own choice")
    parser.add_argument("--seed", type=int, default=50)
    parser.add_argument("--attention", choices=["sdpa", "eager"], default="sdpa")
    options = parser.parse_args()
    if options.warmup_steps >= options.steps:
        parser.error("--warmup-steps must be smaller than --steps")
    return options


def peak_memory() -> int:
    """Bytes this program held at once. Linux keeps ru_maxrss over exec, so that a large parent
    would show; VmHWM is the program's own."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    options = parse()
    import torch
    import transformers
    from safetensors.torch import load_file

    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()

    changes = {}
    if options.dropout is not None:
        changes = {"hidden_dropout_prob": options.dropout,
                   "attention_probs_dropout_prob": options.dropout}
    began = time.perf_counter()
    model = transformers.BertForMaskedLM.from_pretrained(
        options.model, dtype=torch.float32, attn_implementation=options.attention, **changes)
    load_seconds = time.perf_counter() - began
    inputs = load_file(options.inputs)
    rows = inputs["input_ids"].shape[0]
    if rows < options.batch_size:
        sys.exit(f"{options.inputs}: {rows} rows, fewer than a batch of {options.batch_size}")
    ready = time.perf_counter()

    regularized = []
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("intermediate.dense.weight" in name)
        if parameter.requires_grad:
            regularized.append(parameter)
    model.train()
    optimizer = torch.optim.AdamW(
        regularized, lr=options.learning_rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    schedule = transformers.get_linear_schedule_with_warmup(
        optimizer, 0, options.total_steps or options.steps)

    whole = rows // options.batch_size
    losses, times, tokens = [], [], []
    for step in range(options.steps):
        start = time.perf_counter()
        first = (step % whole) * options.batch_size
        batch = {key: inputs[key][first : first + options.batch_size]
                 for key in ("input_ids", "attention_mask", "labels")}
        mlm = model(**batch).loss
        norm = sum(torch.norm(matrix) for matrix in regularized)
        loss = mlm + options.weight * norm
        optimizer.zero_grad()
        loss.backward()
        grad_norm = torch.nn.utils.clip_grad_norm_(regularized, 1.0)
        optimizer.step()
        schedule.step()
        losses.append({"task": mlm.item(), "norm": norm.item(), "grad_norm": grad_norm.item()})
        times.append(time.perf_counter() - start)
        tokens.append(int(batch["attention_mask"].sum()))
        if step == 0:
            first_step_begun_seconds = start - ready
            first_step_seconds = time.perf_counter() - ready
    measured = times[options.warmup_steps :]
    print(json.dumps({
        "samples_per_second": options.batch_size * len(measured) / math.fsum(measured),
        "steps": options.steps,
        "warmup_steps": options.warmup_steps,
        "batch_size": options.batch_size,
        "tokens": {
            "per_second": sum(tokens[options.warmup_steps :]) / math.fsum(measured),
            "per_sequence": sum(tokens) / (options.steps * options.batch_size),
            "padded_per_sequence": inputs["input_ids"].shape[1],
        },
        "dropout": model.config.hidden_dropout_prob,
        "attention": options.attention,
        "load_seconds": load_seconds,
        "first_step_begun_seconds": first_step_begun_seconds,
        "first_step_seconds": first_step_seconds,
        "step_seconds": times,
        "peak_rss_bytes": peak_memory(),
        "losses": losses,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }))


if __name__ == "__main__":
    main()
