"""Compares a file of features with what transformers computes from the same texts.

    python Oracle/compare_features.py MODEL TEXTS.txt FEATURES.safetensors --max-length 128

TEXTS has one text a line. FEATURES holds float tensors [N, hidden] in the same order, named `cls`
(last hidden state of [CLS]), `mean` (of the last hidden states over all tokens but padding,
[CLS] and [SEP] included) and `pooled`, or a part of them; --names gives other names. Prints JSON
with the largest difference relative to the largest value, and exits 1 where it exceeds
--tolerance or the shapes differ.
"""

import argparse
import json
import sys
from pathlib import Path


def compute(options: argparse.Namespace, texts: list[str]) -> dict:
    """The three features of every text, in order, in fp32."""
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)
    model = transformers.BertModel.from_pretrained(options.model, dtype=torch.float32).eval()
    found = {"cls": [], "mean": [], "pooled": []}
    with torch.inference_mode():
        for first in range(0, len(texts), options.batch_size):
            batch = tokenizer(texts[first : first + options.batch_size], padding=True,
                              truncation=True, max_length=options.max_length, return_tensors="pt")
            output = model(**batch)
            hidden = output.last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
            found["cls"].append(hidden[:, 0])
            found["mean"].append((hidden * mask).sum(1) / mask.sum(1))
            found["pooled"].append(output.pooler_output)
    return {name: torch.cat(parts) for name, parts in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("features", type=Path)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--names", default="cls,mean,pooled", metavar="CLS,MEAN,POOLED",
                        help="the names that the file gives the three")
    options = parser.parse_args()
    names = options.names.split(",")
    if len(names) != 3:
        parser.error("--names takes three names")
    from safetensors.torch import load_file

    given = load_file(options.features)
    present = {ours: theirs for ours, theirs in zip(["cls", "mean", "pooled"], names)
               if theirs in given}
    if not present:
        sys.exit(f"{options.features}: holds {sorted(given)}, none of {names}")
    lines = options.texts.read_text(encoding="utf-8").split("\n")
    texts = [line.removesuffix("\r") for line in lines]
    if texts[-1] == "":
        texts.pop()
    expected = compute(options, texts)
    report, passed = {}, True
    for ours, theirs in present.items():
        a, b = expected[ours].double(), given[theirs].double()
        if a.shape != b.shape:
            report[ours] = {"expected_shape": list(a.shape), "shape": list(b.shape)}
            passed = False
            continue
        rows = (a - b).abs().amax(1) / a.abs().max()
        report[ours] = {"max_relative_difference": rows.max().item(), "row": rows.argmax().item()}
        # Written so that a NaN fails.
        passed = passed and rows.max().item() <= options.tolerance
    print(json.dumps({"texts": len(texts), "tolerance": options.tolerance, "passed": passed,
                      "features": report}))
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
