"""Loads a folder with the sentence-transformers package and prints the embeddings of texts.

    python Oracle/load_sentence_transformer.py FOLDER TEXTS

TEXTS has a text a line. Prints a JSON list with a list of numbers for each. Nothing is fetched: the
folder must hold all that the package needs.
"""

import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"


def main(folder: str, texts: str) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(folder, device="cpu", local_files_only=True)
    vectors = model.encode(Path(texts).read_text().splitlines(), convert_to_numpy=True)
    json.dump(vectors.tolist(), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
