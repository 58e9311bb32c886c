"""Builds the corpus that scanners are compared on: malicious and benign files, none of them real.

    python Oracle/scan_corpus.py FOLDER

FOLDER then holds `malicious/NAME/…`, `benign/NAME/…` and `index.json`, which says of each case what
it is. A quarter of the malicious cases is held back (`held`, by a hash of the name): lists are tuned
on the others. Payloads write a word to a file in the temporary folder; nothing here loads them.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

import scan_benign
import scan_malicious


def write(root: Path, kind: str, name: str, files: dict) -> Path:
    """Writes a case; a value is bytes, or a function that makes the file at a path."""
    folder = root / kind / name
    folder.mkdir(parents=True)
    for file, content in files.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            content(path)
        else:
            path.write_bytes(content)
    return folder / next(iter(files)) if len(files) == 1 else folder


def is_held(name: str) -> bool:
    return hashlib.sha256(name.encode()).digest()[0] % 4 == 0


def main() -> int:
    root = Path(sys.argv[1])
    os.makedirs(root, exist_ok=False)
    index = []
    for kind, cases in (("malicious", scan_malicious.cases()), ("benign", scan_benign.cases())):
        for name, (group, files) in cases.items():
            path = write(root, kind, name, files)
            index.append({
                "name": name, "group": group, "malicious": kind == "malicious",
                "held": kind == "malicious" and is_held(name),
                "path": str(path.relative_to(root)),
            })
    (root / "index.json").write_text(json.dumps(index, indent=1))
    for kind in (True, False):
        chosen = [case for case in index if case["malicious"] == kind]
        print("malicious" if kind else "benign", len(chosen), "held", sum(c["held"] for c in chosen))
    return 0


if __name__ == "__main__":
    sys.exit(main())
