"""Makes Tests/Fixtures/vit-*/: tiny random vision transformers, with the answers of transformers.

Run from the repository root, with the packages of Oracle/requirements.txt:

    python Oracle/vit.py

timm, torchvision and pytorch_pretrained_vit are not among those packages: their names and shapes
are written out here. Attention is the "eager" implementation. Oracle/README.md lists folders and
keys.
"""

import re
import shutil
from collections import OrderedDict

import torch
from safetensors.torch import load_file, save_file
from transformers import ViTConfig, ViTForImageClassification, ViTModel

from fixtures import FIXTURES, fresh_folder, write


def config(**changes) -> ViTConfig:
    settings = dict(
        hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
        image_size=16, patch_size=4, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1,
        layer_norm_eps=1e-6, num_labels=5,
    )
    return ViTConfig(**(settings | changes), attn_implementation="eager")


def randomize(model: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Draws every parameter anew, so that no bias is zero and no norm is the identity."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "layernorm" in name and name.endswith("weight"):
                parameter.copy_(1 + 0.2 * noise)
            else:
                parameter.copy_((0.2 if parameter.dim() == 1 else 0.25) * noise)
    return model.eval()


def pixels(count: int, height: int, width: int, seed: int) -> torch.Tensor:
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


# What transformers 5 calls its modules, and what they are called on disk.
ON_DISK = [
    (r"\blayers\.", "encoder.layer."),
    (r"\battention\.q_proj\.", "attention.attention.query."),
    (r"\battention\.k_proj\.", "attention.attention.key."),
    (r"\battention\.v_proj\.", "attention.attention.value."),
    (r"\battention\.o_proj\.", "attention.output.dense."),
    (r"\bmlp\.fc1\.", "intermediate.dense."),
    (r"\bmlp\.fc2\.", "output.dense."),
]


def on_disk(name: str) -> str:
    for pattern, replacement in ON_DISK:
        name = re.sub(pattern, replacement, name)
    return name


def answers(model: ViTForImageClassification, images: torch.Tensor, labels: torch.Tensor,
            prefix: str = "", **arguments) -> dict:
    """Hidden states, scores, loss and every gradient."""
    hidden = model.vit(images, **arguments).last_hidden_state
    output = model(images, labels=labels, **arguments)
    model.zero_grad()
    output.loss.backward()
    found = {f"{prefix}pixels": images, f"{prefix}labels": labels, f"{prefix}hidden": hidden,
             f"{prefix}logits": output.logits, f"{prefix}loss": output.loss}
    for name, parameter in model.named_parameters():
        found[f"{prefix}grad/{on_disk(name)}"] = parameter.grad
    return found


def make_classifier() -> dict:
    """The main case: a Hugging Face folder, at its own size and at another."""
    folder = fresh_folder("vit-classifier")
    model = randomize(ViTForImageClassification(config()), 1)
    model.save_pretrained(folder)
    state = load_file(folder / "model.safetensors")
    assert set(state) == {on_disk(name) for name in model.state_dict()}
    expected = answers(model, pixels(3, 16, 16, 2), torch.tensor([4, 0, 2]))
    # A grid of 6 × 5 patches, and two rows of pixels that fill none.
    expected |= answers(model, pixels(2, 26, 20, 3), torch.tensor([1, 1]), "large/",
                        interpolate_pos_encoding=True)
    expected |= answers(model, pixels(2, 12, 8, 4), torch.tensor([1, 3]), "small/",
                        interpolate_pos_encoding=True)
    write(folder, expected)
    return state


def make_bare() -> None:
    """A ViTModel without `vit.`, with a pooler and without a head, and other settings."""
    folder = fresh_folder("vit-bare")
    model = randomize(
        ViTModel(config(image_size=[8, 12], qkv_bias=False, hidden_act="gelu_new",
                        layer_norm_eps=1e-5, hidden_size=12, num_attention_heads=3)), 5)
    model.save_pretrained(folder)
    images = pixels(2, 8, 12, 6)
    write(folder, {"pixels": images, "hidden": model(images).last_hidden_state})


def renamed(state: dict, rules: list[tuple[str, str]]) -> OrderedDict:
    """The tensors under other names: the first rule that fits a whole name gives it."""
    result = OrderedDict()
    for name, tensor in state.items():
        for pattern, replacement in rules:
            if re.fullmatch(pattern, name):
                result[re.sub(pattern, replacement, name)] = tensor
                break
        else:
            raise ValueError(name)
    return result


def fused(state: dict, old: str, parts: list[str], new: str) -> OrderedDict:
    """`old` is a pattern of the block; query, key and value of one become one tensor `new`."""
    result, seen = OrderedDict(), set()
    for name, tensor in state.items():
        match = re.fullmatch(old, name)
        if not match:
            result[name] = tensor
            continue
        target = match.expand(new)
        if target not in seen:
            seen.add(target)
            prefix, kind = name[: match.start("part")], name[match.end("part"):]
            result[target] = torch.cat([state[prefix + part + kind] for part in parts])
    return result


BLOCK = r"vit\.encoder\.layer\.(\d+)\."


def timm(state: dict) -> OrderedDict:
    qkv = fused(state, r"vit\.encoder\.layer\.(\d+)\.attention\.attention\."
                r"(?P<part>query|key|value)\.(weight|bias)", ["query", "key", "value"],
                r"blocks.\1.attn.qkv.\3")
    return renamed(qkv, [
        (r"vit\.embeddings\.cls_token", "cls_token"),
        (r"vit\.embeddings\.position_embeddings", "pos_embed"),
        (r"vit\.embeddings\.patch_embeddings\.projection\.(.*)", r"patch_embed.proj.\1"),
        (r"(blocks\.\d+\.attn\.qkv\..*)", r"\1"),
        (BLOCK + r"layernorm_before\.(.*)", r"blocks.\1.norm1.\2"),
        (BLOCK + r"layernorm_after\.(.*)", r"blocks.\1.norm2.\2"),
        (BLOCK + r"attention\.output\.dense\.(.*)", r"blocks.\1.attn.proj.\2"),
        (BLOCK + r"intermediate\.dense\.(.*)", r"blocks.\1.mlp.fc1.\2"),
        (BLOCK + r"output\.dense\.(.*)", r"blocks.\1.mlp.fc2.\2"),
        (r"vit\.layernorm\.(.*)", r"norm.\1"),
        (r"classifier\.(.*)", r"head.\1"),
    ])


def pretrained_vit(state: dict, prefix: str) -> OrderedDict:
    block = prefix + r"transformer.blocks.\1."
    return renamed(state, [
        (r"vit\.embeddings\.cls_token", prefix + "class_token"),
        (r"vit\.embeddings\.position_embeddings", prefix + "positional_embedding.pos_embedding"),
        (r"vit\.embeddings\.patch_embeddings\.projection\.(.*)", prefix + r"patch_embedding.\1"),
        (BLOCK + r"attention\.attention\.query\.(.*)", block + r"attn.proj_q.\2"),
        (BLOCK + r"attention\.attention\.key\.(.*)", block + r"attn.proj_k.\2"),
        (BLOCK + r"attention\.attention\.value\.(.*)", block + r"attn.proj_v.\2"),
        (BLOCK + r"attention\.output\.dense\.(.*)", block + r"proj.\2"),
        (BLOCK + r"layernorm_before\.(.*)", block + r"norm1.\2"),
        (BLOCK + r"layernorm_after\.(.*)", block + r"norm2.\2"),
        (BLOCK + r"intermediate\.dense\.(.*)", block + r"pwff.fc1.\2"),
        (BLOCK + r"output\.dense\.(.*)", block + r"pwff.fc2.\2"),
        (r"vit\.layernorm\.(.*)", prefix + r"norm.\1"),
        (r"classifier\.(.*)", r"fc.\1"),
    ])


def torchvision(state: dict) -> OrderedDict:
    block = r"encoder.layers.encoder_layer_\1."
    qkv = fused(state, r"vit\.encoder\.layer\.(\d+)\.attention\.attention\."
                r"(?P<part>query|key|value)\.(weight|bias)", ["query", "key", "value"],
                block + r"self_attention.in_proj_\3")
    return renamed(qkv, [
        (r"vit\.embeddings\.cls_token", "class_token"),
        (r"vit\.embeddings\.position_embeddings", "encoder.pos_embedding"),
        (r"vit\.embeddings\.patch_embeddings\.projection\.(.*)", r"conv_proj.\1"),
        (r"(encoder\.layers\..*in_proj.*)", r"\1"),
        (BLOCK + r"layernorm_before\.(.*)", block + r"ln_1.\2"),
        (BLOCK + r"layernorm_after\.(.*)", block + r"ln_2.\2"),
        (BLOCK + r"attention\.output\.dense\.(.*)", block + r"self_attention.out_proj.\2"),
        (BLOCK + r"intermediate\.dense\.(.*)", block + r"mlp.0.\2"),
        (BLOCK + r"output\.dense\.(.*)", block + r"mlp.3.\2"),
        (r"vit\.layernorm\.(.*)", r"encoder.ln.\1"),
        (r"classifier\.(.*)", r"heads.head.\1"),
    ])


def make_names(state: dict) -> None:
    """The weights of vit-classifier under the names of other libraries, one file each."""
    folder = fresh_folder("vit-names")
    shutil.copy(FIXTURES / "vit-classifier" / "config.json", folder / "description.json")
    save_file(timm(state), folder / "timm.safetensors", metadata={"format": "pt"})
    neuba = pretrained_vit(state, "net.")
    torch.save({"model": neuba, "optim": {"state": {}, "param_groups": [{"lr": 0.01}]}},
               folder / "neuba-vit.pkl")
    torch.save(neuba, folder / "neuba-legacy.pkl", _use_new_zipfile_serialization=False)
    torch.save(pretrained_vit(state, ""), folder / "pretrained.pth")
    torch.save({"state_dict": torchvision(state)}, folder / "torchvision.pth")
    model = ViTForImageClassification.from_pretrained(FIXTURES / "vit-classifier")
    save_file({key: value.contiguous() for key, value in model.state_dict().items()},
              folder / "transformers5.safetensors", metadata={"format": "pt"})


def main() -> None:
    torch.set_num_threads(1)
    state = make_classifier()
    make_bare()
    make_names(state)
    for folder in sorted(FIXTURES.glob("vit-*")):
        size = sum(file.stat().st_size for file in folder.iterdir())
        files = ", ".join(sorted(file.name for file in folder.iterdir()))
        print(f"{folder.name}: {size} bytes: {files}")


if __name__ == "__main__":
    main()
