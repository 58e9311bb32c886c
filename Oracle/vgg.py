"""Makes Tests/Fixtures/vgg-*/: tiny random VGGs under torchvision's and NeuBA's names.

Run from the repository root, with the packages of Oracle/requirements.txt:

    python Oracle/vgg.py

The network is written out here, for torchvision is not among those packages. Each folder holds
weights as they are found in the wild and expected.safetensors: bytes of images, features, scores,
losses and gradients. Oracle/README.md lists folders and keys.
"""

import json
from collections import OrderedDict

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from fixtures import FIXTURES, fresh_folder, write


CONVOLUTIONS = {11: [1, 1, 2, 2, 2], 13: [2, 2, 2, 2, 2], 16: [2, 2, 3, 3, 3], 19: [2, 2, 4, 4, 4]}
FULL = [64, 128, 256, 512, 512]


class VGG(nn.Module):
    """torchvision's VGG: `features`, then 7 × 7 average pooling and `classifier`, or NeuBA's `fc`."""

    def __init__(self, depth: int, batch_norm: bool, channels: list[int], labels: int,
                 head_width: int | None) -> None:
        super().__init__()
        layers, inputs = [], 3
        for count, outputs in zip(CONVOLUTIONS[depth], channels):
            for _ in range(count):
                layers.append(nn.Conv2d(inputs, outputs, kernel_size=3, padding=1))
                if batch_norm:
                    layers.append(nn.BatchNorm2d(outputs))
                layers.append(nn.ReLU())
                inputs = outputs
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
        self.features = nn.Sequential(*layers)
        size = channels[-1] * 49
        if head_width is None:
            self.fc = nn.Linear(size, labels)
        else:
            self.classifier = nn.Sequential(
                nn.Linear(size, head_width), nn.ReLU(), nn.Dropout(0.0),
                nn.Linear(head_width, head_width), nn.ReLU(), nn.Dropout(0.0),
                nn.Linear(head_width, labels))

    def vectors(self, pixels: torch.Tensor) -> torch.Tensor:
        return F.adaptive_avg_pool2d(self.features(pixels), (7, 7)).flatten(1)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        head = self.fc if hasattr(self, "fc") else self.classifier
        return head(self.vectors(pixels))


def randomize(model: nn.Module, seed: int) -> nn.Module:
    """Draws everything anew, running statistics included, so that nothing is the identity."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith("num_batches_tracked"):
                tensor.fill_(100)
            elif name.endswith("running_var"):
                tensor.copy_(1 + noise.abs())
            elif name.endswith("running_mean") or name.endswith("bias"):
                tensor.copy_(0.2 * noise)
            elif tensor.dim() == 1:
                tensor.copy_(1 + 0.2 * noise)
            else:
                tensor.copy_(noise * (2 / tensor[0].numel()) ** 0.5)
    return model.eval()


def images(count: int, height: int, width: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, height, width, 3), generator=generator).to(torch.uint8)


def normalized(image_bytes: torch.Tensor) -> torch.Tensor:
    """ToTensor, then Normalize(0.5, 0.5)."""
    return (image_bytes.permute(0, 3, 1, 2).to(torch.float32) / 255 - 0.5) / 0.5


def answers(model: VGG, image_bytes: torch.Tensor, labels: torch.Tensor, prefix: str = "") -> dict:
    """Features, scores, loss and every gradient, in whichever mode the model is in."""
    pixels = normalized(image_bytes)
    logits = model(pixels)
    loss = F.cross_entropy(logits, labels)
    model.zero_grad()
    loss.backward()
    found = {f"{prefix}logits": logits, f"{prefix}loss": loss}
    for name, parameter in model.named_parameters():
        found[f"{prefix}grad/{name}"] = parameter.grad
    return found


def make_neuba() -> None:
    """VGG-11 with `fc`, as NeuBA's main.py saves it: `net.`, in {'model', 'optim'} or bare."""
    folder = fresh_folder("vgg-neuba")
    model = randomize(VGG(11, False, [3, 4, 4, 4, 4], 5, None), 1)
    image_bytes, labels = images(2, 64, 64, 2), torch.tensor([3, 0])
    expected = {"bytes": image_bytes, "labels": labels, "pixels": normalized(image_bytes[:1, :8, :8])}
    expected |= {"features": model.vectors(normalized(image_bytes))}
    expected |= answers(model, image_bytes, labels)
    other = images(1, 40, 100, 3)
    expected |= {"other/bytes": other, "other/features": model.vectors(normalized(other))}
    write(folder, expected)

    state = OrderedDict(
        (name if name.startswith("fc.") else "net." + name, tensor.detach().clone())
        for name, tensor in model.state_dict().items())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01).state_dict()
    torch.save({"model": state, "optim": optimizer}, folder / "neuba-vgg.pkl")
    torch.save({"model": state, "optim": optimizer}, folder / "neuba-vgg-legacy.pkl",
               _use_new_zipfile_serialization=False)
    torch.save(state, folder / "bare.pkl", _use_new_zipfile_serialization=False)
    wrapped = OrderedDict(("module." + name, tensor) for name, tensor in state.items())
    torch.save({"epoch": 3, "state_dict": wrapped}, folder / "parallel.pth")


def make_torchvision() -> None:
    """VGG-16 with batch norm and torchvision's classifier: evaluation, and one step of training."""
    folder = fresh_folder("vgg-torchvision")
    model = randomize(VGG(16, True, [3, 3, 4, 4, 5], 5, 6), 4)
    torch.save(model.state_dict(), folder / "vgg16_bn.pth")
    image_bytes, labels = images(3, 48, 48, 5), torch.tensor([1, 4, 1])
    expected = {"bytes": image_bytes, "labels": labels}
    expected |= {"features": model.vectors(normalized(image_bytes))}
    expected |= {"logits": model(normalized(image_bytes))}
    # Each pass in training moves the statistics: a single one is recorded.
    expected |= answers(model.train(), image_bytes, labels, "train/")
    for name, buffer in model.named_buffers():
        expected[f"train/buffer/{name}"] = buffer
    write(folder, expected)


def make_all() -> None:
    """Every depth, with and without batch norm: scores, and torchvision's names and shapes."""
    folder = fresh_folder("vgg-all")
    image_bytes = images(2, 32, 32, 6)
    expected, names = {"bytes": image_bytes}, {}
    for depth in CONVOLUTIONS:
        for batch_norm in [False, True]:
            name = f"vgg{depth}" + ("_bn" if batch_norm else "")
            model = randomize(VGG(depth, batch_norm, [2, 2, 3, 3, 4], 3, None), depth)
            save_file(model.state_dict(), folder / f"{name}.safetensors")
            expected[f"{name}/logits"] = model(normalized(image_bytes))
            with torch.device("meta"):
                full = VGG(depth, batch_norm, FULL, 1000, 4096)
            names[name] = [[key, list(value.shape)] for key, value in full.state_dict().items()]
    write(folder, expected)
    lines = ",\n".join(f'  "{key}": {json.dumps(value)}' for key, value in names.items())
    (folder / "names.json").write_text("{\n" + lines + "\n}\n")


def main() -> None:
    torch.set_num_threads(1)
    make_neuba()
    make_torchvision()
    make_all()
    for folder in sorted(FIXTURES.glob("vgg-*")):
        size = sum(file.stat().st_size for file in folder.iterdir())
        files = ", ".join(sorted(file.name for file in folder.iterdir()))
        print(f"{folder.name}: {size} bytes: {files}")


if __name__ == "__main__":
    main()
