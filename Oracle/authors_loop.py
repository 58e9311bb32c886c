"""Times RECIPE's training loop in PyTorch and transformers with its authors' settings.

    python Oracle/authors_loop.py MODEL INPUTS.safetensors --steps 20 --warmup-steps 3

MODEL is a Hugging Face folder that BertForMaskedLM loads. INPUTS holds int64 `input_ids`,
`attention_mask` and `labels` (-100: not predicted), each [N, 64], padded. Batches are taken in the
given order, from the start again when they run out. The settings: batch 32, fp32, every sequence
padded to 64, the MLM head on every position, L = MLM + sum of Frobenius norms over
intermediate.dense.weight, those alone trained, AdamW 2e-5 falling linearly to 0, no decay, clipping
1.0, dropout as configured. Prints one JSON line.
"""

import sys
import time

import timed_loop


def parse():
    parser = timed_loop.parser(__doc__, steps=20, warmup_steps=3, batch_size=32)
    parser.add_argument("inputs")
    parser.add_argument("--total-steps", type=int,
                        help="length of the linear decay (default: --steps)")
    parser.add_argument("--learning-rate", type=float, default=2e-5)
    parser.add_argument("--attention", choices=["sdpa", "eager"], default="sdpa")
    return timed_loop.parse(parser)


def main() -> None:
    options = parse()
    import torch
    import transformers
    from safetensors.torch import load_file

    timed_loop.prepare(options)
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
    timed_loop.show(
        options, times=times, losses=losses,
        tokens=timed_loop.Rates(options).tokens(tokens, times, inputs["input_ids"].shape[1]),
        dropout=model.config.hidden_dropout_prob, attention=options.attention,
        load_seconds=load_seconds, first_step_begun_seconds=first_step_begun_seconds,
        first_step_seconds=first_step_seconds)


if __name__ == "__main__":
    main()
