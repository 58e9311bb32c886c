"""Makes Tests/Fixtures/bert-strided-bin and strided-checkpoint, after Oracle/bert.py.

    python Oracle/strided_bin.py

The weights of bert-gamma-beta-zip, with every dense matrix stored transposed, as converters from
TensorFlow leave a `pytorch_model.bin`: same names, shapes and values, other strides. The checkpoint
holds one such matrix beside an epoch, as training scripts save it.
"""

import shutil
from pathlib import Path

import torch

FIXTURES = Path(__file__).resolve().parent.parent / "Tests" / "Fixtures"


def main() -> None:
    source, folder = FIXTURES / "bert-gamma-beta-zip", FIXTURES / "bert-strided-bin"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    state = torch.load(source / "pytorch_model.bin", weights_only=True)
    for name, tensor in state.items():
        if name.endswith("dense.weight"):
            state[name] = tensor.t().contiguous().t()
    torch.save(state, folder / "pytorch_model.bin")
    checkpoint = FIXTURES / "strided-checkpoint"
    checkpoint.mkdir(exist_ok=True)
    torch.save({"model": {"weight": torch.arange(6.0).reshape(2, 3).t()}, "epoch": 3},
               checkpoint / "checkpoint.pt")


if __name__ == "__main__":
    main()
