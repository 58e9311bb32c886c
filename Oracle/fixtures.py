"""Where fixtures lie, and how the scripts write them."""

import shutil
from pathlib import Path

from safetensors.torch import save_file

FIXTURES = Path(__file__).resolve().parent.parent / "Tests" / "Fixtures"


def write(folder: Path, expected: dict) -> None:
    expected = {key: tensor.detach().clone().contiguous() for key, tensor in expected.items()}
    save_file(expected, folder / "expected.safetensors")


def fresh_folder(name: str) -> Path:
    folder = FIXTURES / name
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder
