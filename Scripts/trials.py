"""What Scripts/faults, kills and soak have in common: tiny models with data, and the commands to try."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "Tests" / "Fixtures"
WORDS = "good bad old red a the cat dog sun tea".split()


def executable():
    """The tool: $RECIPE, or what was built, optimized before debug."""
    named = os.environ.get("RECIPE")
    places = [named] if named else [".build/release/recipe", ".build/debug/recipe"]
    for place in places:
        path = (ROOT / place).resolve()
        if os.access(path, os.X_OK):
            return str(path)
    sys.exit(f"no executable at {' or '.join(places)}: build it first (make build), or set RECIPE")


def copy_model(fixture, target):
    target.mkdir()
    for file in (FIXTURES / fixture).iterdir():
        if file.is_file() and file.name != "expected.safetensors":
            shutil.copy(file, target)


def image(number, label):
    """A small picture in Netpbm's format."""
    pixels = bytes(
        value
        for place in range(24 * 20)
        for value in ((place * 7 + number * 31) % 120, 200 if label else 20, 20 if label else 220)
    )
    return b"P6\n24 20\n255\n" + pixels


def make_workplace(folder, sentences=48):
    """`bert`, `aux.txt`, `vit.json`, `images`, `clip.json`, `words`, `captions.csv`, `pictures`."""
    folder.mkdir(parents=True)
    copy_model("bert-base-tiny", folder / "bert")
    lines = (
        " ".join(WORDS[(text * 7 + place * 3) % len(WORDS)] for place in range(3 + text % 5))
        for text in range(sentences)
    )
    (folder / "aux.txt").write_text("\n".join(lines) + "\n")
    for label, name in enumerate(["blue", "green"]):
        (folder / "images" / name).mkdir(parents=True)
        for number in range(16):
            (folder / "images" / name / f"{number}.ppm").write_bytes(image(number, label))
    (folder / "vit.json").write_text(
        '{"model_type": "vit", "hidden_size": 16, "num_hidden_layers": 2,'
        ' "num_attention_heads": 2, "intermediate_size": 32, "image_size": 16, "patch_size": 8,'
        ' "layer_norm_eps": 1e-6, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}')
    (folder / "pictures").mkdir()
    table = "image,caption\n"
    for number in range(12):
        (folder / "pictures" / f"{number}.ppm").write_bytes(image(number, number % 2))
        table += f"{number}.ppm,photo of the {['cat', 'dog', 'sky'][number % 3]} {number}\n"
    (folder / "captions.csv").write_text(table)
    (folder / "clip.json").write_text(
        '{"model_type": "clip", "projection_dim": 8,'
        ' "text_config": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,'
        ' "intermediate_size": 32, "max_position_embeddings": 12},'
        ' "vision_config": {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,'
        ' "intermediate_size": 32, "image_size": 16, "patch_size": 8}}')
    copy_model("clip-text/plain", folder / "words")
    begin = "--from-scratch --epochs 1 --batch-size 8 --threads 1"
    run(folder, f"pretrain vit.json --images images -o vit {begin}", check=True)
    run(folder, "pretrain clip.json --tokenizer words --pairs captions.csv --images pictures "
        f"-o clip {begin}", check=True)


# What is tried, without the output's name; a run of each takes about a second.
KINDS = {
    "texts": "purify bert --auxiliary aux.txt --max-length 32 --batch-size 4",
    "images": "purify vit --images images --batch-size 4 --learning-rate 1e-4",
    "pairs": "purify clip --pairs captions.csv --images pictures --batch-size 4",
}


def environment(extra=None):
    own = dict(os.environ, OMP_NUM_THREADS="1", LC_ALL="C.UTF-8")
    own.update(extra or {})
    return own


def run(folder, command, check=False, extra=None, prefix=(), **options):
    """Runs the tool with arguments that are separated by spaces."""
    done = subprocess.run(
        [*prefix, executable(), *command.split()], cwd=folder, env=environment(extra),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", **options)
    if check and done.returncode != 0:
        sys.exit(f"recipe {command}: {done.returncode}\n{done.stderr}")
    return done


def digest(path):
    """One digest of a file, or of all files beneath a folder and their names; None of nothing."""
    path = Path(path)
    if not path.exists():
        return None
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    whole = hashlib.sha256()
    for file in files:
        whole.update(str(file.relative_to(path)).encode() + b"\0" + file.read_bytes())
    return whole.hexdigest()


def table(title, rows):
    """Prints rows of equal length, the first of which are the titles, in columns."""
    print(f"\n{title}")
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  " + "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())
