"""Makes Tests/Fixtures/open-clip-*/ and timm-transforms/: what open_clip and timm compute.

Run from the repository root, with the packages of Oracle/requirements.txt:

    python Oracle/libraries.py

`open-clip-*` are tiny random CLIPs as open_clip publishes them, with its vectors in
`expected.safetensors`: `pixels`, `ids`, `images`, `texts`, and `prepared`, what its evaluation makes of
the images of `timm-transforms`. `timm-transforms` has a `pretrained_cfg` a case in `cases.json`, and
in `expected.safetensors` the bytes that timm's evaluation makes of each image: `CASE/IMAGE`.
"""

import json

import numpy
import torch
from PIL import Image
from safetensors.torch import save_file

from fixtures import FIXTURES, fresh_folder

# torchvision's own operators may be built for another libtorch; none of them is used here.
try:
    import torchvision  # noqa: F401
except RuntimeError:
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import open_clip
from open_clip.transform import PreprocessCfg, image_transform_v2
from timm.data import create_transform, resolve_data_config

IMAGES = {"wide": (53, 37), "tall": (38, 51), "square": (40, 40), "small": (17, 23)}
MODEL = {
    "embed_dim": 6,
    "vision_cfg": {"image_size": 16, "layers": 2, "width": 12, "head_width": 4, "patch_size": 4,
                   "mlp_ratio": 2.0},
    "text_cfg": {"context_length": 9, "vocab_size": 30, "width": 8, "heads": 2, "layers": 2},
}


def images() -> dict:
    generator = numpy.random.default_rng(5)
    found = {}
    for name, (width, height) in IMAGES.items():
        smooth = generator.integers(0, 256, (height // 4 + 2, width // 4 + 2, 3), dtype=numpy.uint8)
        image = Image.fromarray(smooth).resize((width, height), Image.BICUBIC)
        noise = generator.integers(-20, 21, (height, width, 3))
        found[name] = Image.fromarray(
            numpy.clip(numpy.asarray(image).astype(int) + noise, 0, 255).astype(numpy.uint8))
    return found


def randomize(model: torch.nn.Module, seed: int) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if name == "logit_scale":
                parameter.fill_(1.3)
            elif "ln_" in name and name.endswith("weight"):
                parameter.copy_(1 + 0.2 * noise)
            else:
                parameter.copy_((0.2 if parameter.dim() == 1 else 0.4) * noise)
    return model.eval()


def write_open_clip(name: str, changes: dict, preprocess: dict, seed: int) -> None:
    folder = fresh_folder(FIXTURES / name)
    config = MODEL | changes
    kind = open_clip.CustomTextCLIP if config.get("custom_text") else open_clip.CLIP
    arguments = {key: value for key, value in config.items() if key != "custom_text"}
    model = randomize(
        kind(**{key: open_clip.model.CLIPVisionCfg(**value) if key == "vision_cfg"
                else open_clip.model.CLIPTextCfg(**value) if key == "text_cfg" else value
                for key, value in arguments.items()}), seed)
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}, indent=1) + "\n")
    state = {key: value.contiguous() for key, value in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors", metadata={"format": "pt"})
    generator = torch.Generator().manual_seed(seed + 1)
    pixels = torch.randn(3, 3, 16, 16, generator=generator)
    ids = torch.zeros(3, 9, dtype=torch.int64)
    for row, length in enumerate([9, 5, 3]):
        ids[row, :length] = torch.randint(1, 28, (length,), generator=generator)
        ids[row, 0], ids[row, length - 1] = 28, 29
    transform = image_transform_v2(
        PreprocessCfg(**(preprocess | {"size": config["vision_cfg"]["image_size"]})),
        is_train=False)
    with torch.no_grad():
        answers = {
            "pixels": pixels, "ids": ids, "images": model.encode_image(pixels, normalize=True),
            "texts": model.encode_text(ids, normalize=True),
            "prepared": torch.stack([transform(image) for image in images().values()]),
        }
    save_file({key: value.contiguous() for key, value in answers.items()},
              folder / "expected.safetensors")


def write_transforms() -> None:
    folder = fresh_folder(FIXTURES / "timm-transforms")
    for name, image in images().items():
        image.save(folder / f"{name}.png")
    cases, answers = {}, {}
    for name, changes in {
        "center-0.9": {"crop_pct": 0.9}, "center-0.875": {"crop_pct": 0.875},
        "center-0.95-bilinear": {"crop_pct": 0.95, "interpolation": "bilinear"},
        "whole": {"crop_pct": 1.0}, "squash": {"crop_pct": 0.9, "crop_mode": "squash"},
        "defaults": {}, "odd": {"crop_pct": 0.9, "input_size": [3, 25, 25]},
    }.items():
        case = {"input_size": [3, 24, 24], "mean": [0.0] * 3, "std": [1.0] * 3} | changes
        cases[name] = case
        found = resolve_data_config({}, pretrained_cfg=case)
        transform = create_transform(**found, is_training=False)
        for image_name, image in images().items():
            made = (transform(image) * 255).round().to(torch.uint8)
            answers[f"{name}/{image_name}"] = made.permute(1, 2, 0).contiguous()
    (folder / "cases.json").write_text(json.dumps(cases, indent=1, sort_keys=True) + "\n")
    save_file(answers, folder / "expected.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    write_transforms()
    write_open_clip("open-clip-gelu", {}, {}, 1)
    write_open_clip("open-clip-quick", {"quick_gelu": True}, {
        "mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bilinear",
        "resize_mode": "squash"}, 2)
    write_open_clip("open-clip-custom", {"custom_text": True}, {
        "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
        "interpolation": "bicubic", "resize_mode": "shortest"}, 3)
