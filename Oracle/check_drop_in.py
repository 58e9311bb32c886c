"""Checks with transformers that one model folder can stand in for another.

    python Oracle/check_drop_in.py BEFORE AFTER --class BertForMaskedLM

Loads both folders with the class and reports, as JSON, the missing, unexpected and mismatched
keys, differences of files, of configuration, and of the tensors in the weight files: keys, shapes,
dtypes, and which values changed. Exit 1 where AFTER is missing or adds a key that BEFORE does
not, differs in the files' keys, shapes or dtypes, lacks a file, or (with --trained PATTERN) changed
a tensor whose name does not contain PATTERN.
"""

import argparse
import json
import sys
from pathlib import Path


def weight_files(folder: Path) -> list[Path]:
    for name in ["model.safetensors", "pytorch_model.bin"]:
        if (folder / name).exists():
            return [folder / name]
        index = folder / f"{name}.index.json"
        if index.exists():
            shards = json.loads(index.read_text())["weight_map"].values()
            return [folder / shard for shard in sorted(set(shards))]
    sys.exit(f"{folder}: no model.safetensors, pytorch_model.bin or index of either")


def tensors(folder: Path) -> dict:
    import torch
    from safetensors.torch import load_file

    found = {}
    for file in weight_files(folder):
        found |= (load_file(file) if file.suffix == ".safetensors"
                  else torch.load(file, map_location="cpu", weights_only=True))
    return found


def same_bits(a, b) -> bool:
    import torch

    return torch.equal(a.contiguous().view(-1).view(torch.uint8),
                       b.contiguous().view(-1).view(torch.uint8))


def load_report(cls, folder: Path) -> dict:
    _, info = cls.from_pretrained(folder, output_loading_info=True)
    return {key: sorted(str(entry) for entry in info[key])
            for key in ("missing_keys", "unexpected_keys", "mismatched_keys")}


def compare_tensors(before: dict, after: dict, trained: str | None) -> tuple[dict, list[str]]:
    violations, changed, unchanged = [], [], 0
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            violations.append(f"{name}: in BEFORE's files only")
        elif name not in before:
            violations.append(f"{name}: in AFTER's files only")
        elif before[name].shape != after[name].shape or before[name].dtype != after[name].dtype:
            violations.append(
                f"{name}: {before[name].dtype} {list(before[name].shape)} became "
                f"{after[name].dtype} {list(after[name].shape)}")
        elif same_bits(before[name], after[name]):
            unchanged += 1
        else:
            old, new = before[name].double(), after[name].double()
            changed.append({
                "name": name, "max_abs_change": (new - old).abs().max().item(),
                "norm_ratio": (new.norm() / old.norm()).item() if old.norm() > 0 else None,
                "finite": bool(new.isfinite().all()),
            })
            if not changed[-1]["finite"]:
                violations.append(f"{name}: holds values that are not finite")
            if trained is not None and trained not in name:
                violations.append(f"{name}: changed, and its name does not contain {trained}")
    return {"changed": changed, "bit_identical": unchanged}, violations


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--class", dest="cls", default="BertForMaskedLM")
    parser.add_argument("--trained", metavar="PATTERN",
                        help="only tensors whose name contains this may differ")
    options = parser.parse_args()
    for folder in [options.before, options.after]:
        if not (folder / "config.json").is_file():
            parser.error(f"{folder}: no config.json")
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    cls = getattr(transformers, options.cls, None)
    if cls is None:
        parser.error(f"transformers has no class {options.cls}")

    before, after = load_report(cls, options.before), load_report(cls, options.after)
    report, violations = compare_tensors(
        tensors(options.before), tensors(options.after), options.trained)
    for kind, names in after.items():
        violations += [f"{name}: {kind.replace('_', ' ')[:-1]} in AFTER, not in BEFORE"
                       for name in names if name not in before[kind]]
    old_files = {file.name for file in options.before.iterdir() if file.is_file()}
    new_files = {file.name for file in options.after.iterdir() if file.is_file()}
    violations += [f"{name}: file is missing in AFTER" for name in sorted(old_files - new_files)]
    configurations = [json.loads((folder / "config.json").read_text())
                      for folder in (options.before, options.after)]
    print(json.dumps({
        "class": options.cls, "passed": not violations, "violations": violations,
        "before": before, "after": after, **report,
        "files_added": sorted(new_files - old_files),
        "config_equal": configurations[0] == configurations[1],
    }, indent=2))
    sys.exit(1 if violations else 0)


if __name__ == "__main__":
    main()
