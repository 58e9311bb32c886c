"""Makes Tests/Fixtures/neurons/: what forward hooks on transformers and torch see of neurons.

Run from the repository root, with the packages of Oracle/requirements.txt, after bert.py, clip.py,
vgg.py and vit.py:

    python Oracle/neurons.py

For models that those scripts made: the values of each layer's neurons before the activation function,
at the first token of each sample or, in a VGG, averaged over the places of its map; and what the
activation function makes of them. Oracle/README.md lists the keys.
"""

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import BertModel, CLIPVisionModel, ViTModel

from fixtures import FIXTURES, fresh_folder, write
from vgg import VGG, normalized


def read(model: nn.Module, layers: dict, activation, run) -> dict:
    """What `run` makes of the modules in `layers`, by the name they have in Swift."""
    found = {}

    def hook(name: str):
        def show(_module, _inputs, output) -> None:
            before, after = output.detach(), activation(output.detach())
            for key, values in [("signed", before), ("absolute", before.abs()), ("post", after)]:
                found[f"{name}/{key}"] = (
                    values.mean((2, 3)) if values.dim() == 4 else values[:, 0]).clone()
        return show

    handles = [layer.register_forward_hook(hook(name)) for name, layer in layers.items()]
    with torch.no_grad():
        run(model.eval())
    for handle in handles:
        handle.remove()
    return found


def bert(name: str) -> dict:
    model = BertModel.from_pretrained(FIXTURES / name, attn_implementation="eager")
    inputs = load_file(FIXTURES / name / "expected.safetensors")
    layers = {f"bert.encoder.layer.{i}.intermediate.dense": layer.intermediate.dense
              for i, layer in enumerate(model.encoder.layer)}
    keys = ["input_ids", "attention_mask", "token_type_ids"]
    return read(model, layers, model.encoder.layer[0].intermediate.intermediate_act_fn,
                lambda model: model(**{key: inputs[key] for key in keys}))


def vit() -> dict:
    folder = FIXTURES / "vit-classifier"
    model = ViTModel.from_pretrained(folder, attn_implementation="eager", add_pooling_layer=False)
    pixels = load_file(folder / "expected.safetensors")["pixels"]
    found = {}
    for name, layer in model.named_modules():
        if name.endswith(("intermediate.dense", "mlp.fc1")):
            number = len(found)
            found[f"vit.encoder.layer.{number}.intermediate.dense"] = layer
    return read(model, found, nn.functional.gelu, lambda model: model(pixels))


def clip(name: str, activation) -> dict:
    model = CLIPVisionModel.from_pretrained(FIXTURES / name, attn_implementation="eager")
    pixels = load_file(FIXTURES / name / "expected.safetensors")["pixels"]
    found = [layer for name, layer in model.named_modules() if name.endswith("mlp.fc1")]
    layers = {f"vision_model.encoder.layers.{i}.mlp.fc1": layer for i, layer in enumerate(found)}
    return read(model, layers, activation, lambda model: model(pixels))


def vgg(fixture: str, file: str, model: VGG) -> dict:
    folder = FIXTURES / fixture
    state = torch.load(folder / file, weights_only=True)
    state = state.get("model", state)
    model.load_state_dict({key.removeprefix("net."): value for key, value in state.items()})
    pixels = normalized(load_file(folder / "expected.safetensors")["bytes"])
    layers = {}
    for index, layer in enumerate(model.features):
        if isinstance(layer, nn.Conv2d):
            following = model.features[index + 1]
            layers[f"features.{index}"] = following if isinstance(following, nn.BatchNorm2d) else layer
    # ReLU works in place on neither: the values are those before it.
    return read(model, layers, nn.functional.relu, lambda model: model(pixels))


def main() -> None:
    torch.set_num_threads(1)
    quick = lambda values: values * torch.sigmoid(1.702 * values)
    models = {
        "bert-pretraining": bert("bert-pretraining"),
        "vit-classifier": vit(),
        "clip-tiny": clip("clip-tiny", quick),
        "vgg-neuba": vgg("vgg-neuba", "neuba-vgg.pkl", VGG(11, False, [3, 4, 4, 4, 4], 5, None)),
        "vgg-torchvision": vgg(
            "vgg-torchvision", "vgg16_bn.pth", VGG(16, True, [3, 3, 4, 4, 5], 5, 6)),
    }
    expected = {f"{model}/{key}": values for model, found in models.items()
                for key, values in found.items()}
    folder = fresh_folder("neurons")
    write(folder, expected)
    size = (folder / "expected.safetensors").stat().st_size
    print(f"neurons: {size} bytes, {len(expected)} tensors")


if __name__ == "__main__":
    main()
