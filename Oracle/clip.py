"""Makes Tests/Fixtures/clip-*/ but for clip-text*: tiny random CLIPs, with transformers' answers.

Run from the repository root, with the packages of Oracle/requirements.txt:

    python Oracle/clip.py

OpenAI's package is not among those: its names and shapes are written out here. Attention is the
"eager" implementation. Oracle/README.md lists folders and keys.
"""

import json
import re
import shutil
from collections import OrderedDict

import numpy
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPModel, CLIPVisionModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from fixtures import FIXTURES, fresh_folder, write

VOCABULARY, POSITIONS, END = 30, 9, 29


def config(text: dict = {}, vision: dict = {}, **changes) -> CLIPConfig:
    texts = dict(
        vocab_size=VOCABULARY, hidden_size=8, intermediate_size=20, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=POSITIONS, bos_token_id=28,
        eos_token_id=END, pad_token_id=END, projection_dim=6)
    images = dict(
        hidden_size=12, intermediate_size=16, num_hidden_layers=2, num_attention_heads=3,
        image_size=16, patch_size=4, projection_dim=6)
    return CLIPConfig(
        text_config=texts | text, vision_config=images | vision, projection_dim=6, **changes)


def randomize(model: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Draws every parameter anew, so that no bias is zero and no norm is the identity."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if name == "logit_scale":
                parameter.fill_(1.3)
            elif re.search("norm|layrnorm", name) and name.endswith("weight"):
                parameter.copy_(1 + 0.2 * noise)
            else:
                parameter.copy_((0.2 if parameter.dim() == 1 else 0.3) * noise)
    model.set_attn_implementation("eager")
    return model.eval()


def pixels(count: int, height: int, width: int, seed: int) -> torch.Tensor:
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


def captions(lengths: list[int], end: int, padding: int, seed: int) -> torch.Tensor:
    """Rows of so many ids, the start and the end included, then padding."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.full((len(lengths), POSITIONS), padding)
    for row, length in zip(rows, lengths):
        row[:length] = torch.randint(1, 28, (length,), generator=generator)
        row[0], row[length - 1] = 28, end
    return rows


def answers(model: CLIPModel, images: torch.Tensor, ids: torch.Tensor, prefix: str = "",
            **arguments) -> dict:
    """Vectors, logits, loss and every gradient."""
    output = model(input_ids=ids, pixel_values=images, return_loss=True, **arguments)
    pooled = model.vision_model(images, **arguments).pooler_output
    model.zero_grad()
    output.loss.backward()
    found = {f"{prefix}pixels": images, f"{prefix}ids": ids, f"{prefix}features": pooled,
             f"{prefix}images": output.image_embeds, f"{prefix}texts": output.text_embeds,
             f"{prefix}logits": output.logits_per_image, f"{prefix}loss": output.loss}
    for name, parameter in model.named_parameters():
        found[f"{prefix}grad/{name}"] = parameter.grad
    return found


def make_main() -> dict:
    """The main case: quick GELU, padding that is the end's id, also with images of other sizes."""
    folder = fresh_folder("clip-tiny")
    model = randomize(CLIPModel(config()), 1)
    model.save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size=16).save_pretrained(folder)
    expected = answers(model, pixels(4, 16, 16, 2), captions([5, 9, 2, 6], END, END, 3))
    # A grid of 6 × 5 patches, and two rows of pixels that fill none.
    expected |= answers(model, pixels(3, 26, 20, 4), captions([3, 4, 9], END, 0, 5), "large/",
                        interpolate_pos_encoding=True)
    write(folder, expected)
    make_zero_shot(model)
    state = load_file(folder / "model.safetensors")
    assert set(state) == set(model.state_dict())
    return state


def spelled(text: str) -> list[int]:
    """The ids of a tokenizer of the letters a to n, each also as the end of a word, without merges."""
    ids = [28]
    for word in text.split():
        ids += [ord(letter) - ord("a") for letter in word]
        ids[-1] += 14
    return ids + [END]


def make_zero_shot(model: CLIPModel) -> None:
    """Classes told by prompts, as OpenAI's notebooks do it: the normalized mean of normalized vectors."""
    folder = fresh_folder("clip-zero-shot")
    prompts, names = ["a {} c", "{}", "n m {}"], ["b", "de", "k ja"]
    classes = []
    for name in names:
        rows = [spelled(prompt.replace("{}", name)) for prompt in prompts]
        ids = torch.tensor([row + [END] * (POSITIONS - len(row)) for row in rows])
        output = model(input_ids=ids, pixel_values=pixels(1, 16, 16, 2))
        mean = output.text_embeds.mean(0)
        classes.append(mean / mean.norm())
    images = model(input_ids=ids, pixel_values=pixels(4, 16, 16, 2)).image_embeds
    (folder / "prompts.json").write_text(json.dumps({"prompts": prompts, "names": names}) + "\n")
    write(folder, {"classes": torch.stack(classes),
                   "logits": model.logit_scale.exp() * images @ torch.stack(classes).T})


def make_legacy() -> None:
    """As old files are: a pair of `_dict`, 2 as the end, buffers of positions; and GELU."""
    folder = fresh_folder("clip-legacy")
    changes = dict(hidden_act="gelu", layer_norm_eps=1e-3)
    model = randomize(CLIPModel(config(dict(eos_token_id=2, **changes), changes)), 11)
    described = model.config.to_dict()
    for part in ("text_config", "vision_config"):
        kept = {key: value for key, value in described[part].items()
                if not isinstance(value, (dict, list)) and value is not None}
        described[part + "_dict"] = kept
        # What stands here counts for less.
        described[part] = {"hidden_size": 99, "hidden_act": "relu"}
    described = {key: value for key, value in described.items()
                 if key.endswith("_config") or key.endswith("_dict")
                 or key in ("model_type", "projection_dim", "logit_scale_init_value")}
    described["architectures"] = ["CLIPModel"]
    (folder / "config.json").write_text(json.dumps(described, indent=2) + "\n")
    state = OrderedDict(model.state_dict())
    state["text_model.embeddings.position_ids"] = torch.arange(POSITIONS).expand(1, -1).clone()
    state["vision_model.embeddings.position_ids"] = torch.arange(17).expand(1, -1).clone()
    torch.save(state, folder / "pytorch_model.bin")
    ids = captions([4, 9, 3], END, 0, 12)
    write(folder, answers(model, pixels(3, 16, 16, 13), ids))
    again = CLIPModel.from_pretrained(folder, attn_implementation="eager").eval()
    found = again(input_ids=ids, pixel_values=pixels(3, 16, 16, 13)).logits_per_image
    assert torch.allclose(found, load_file(folder / "expected.safetensors")["logits"], atol=1e-5)


def make_vision() -> None:
    """A vision tower alone, as CLIPVisionModel saves it."""
    folder = fresh_folder("clip-vision")
    model = randomize(CLIPVisionModel(config().vision_config), 21)
    model.save_pretrained(folder)
    images = pixels(2, 16, 16, 22)
    write(folder, {"pixels": images, "features": model(images).pooler_output})


def openai(state: dict) -> OrderedDict:
    """The same weights under OpenAI's names: fused projections, transposed matrices."""
    result = OrderedDict()
    towers = [("text_model", "transformer"), ("vision_model", "visual.transformer")]
    for tower, new in towers:
        count = 1 + max(int(match[1]) for name in state
                        if (match := re.match(tower + r"\.encoder\.layers\.(\d+)\.", name)))
        for layer in range(count):
            old, block = f"{tower}.encoder.layers.{layer}.", f"{new}.resblocks.{layer}."
            for kind in ("weight", "bias"):
                result[f"{block}attn.in_proj_{kind}"] = torch.cat(
                    [state[f"{old}self_attn.{part}_proj.{kind}"] for part in "qkv"])
                for source, target in [("self_attn.out_proj", "attn.out_proj"),
                                       ("layer_norm1", "ln_1"), ("mlp.fc1", "mlp.c_fc"),
                                       ("mlp.fc2", "mlp.c_proj"), ("layer_norm2", "ln_2")]:
                    result[f"{block}{target}.{kind}"] = state[f"{old}{source}.{kind}"]
    for kind in ("weight", "bias"):
        result[f"visual.ln_pre.{kind}"] = state[f"vision_model.pre_layrnorm.{kind}"]
        result[f"visual.ln_post.{kind}"] = state[f"vision_model.post_layernorm.{kind}"]
        result[f"ln_final.{kind}"] = state[f"text_model.final_layer_norm.{kind}"]
    vision, text = "vision_model.embeddings.", "text_model.embeddings."
    result["visual.class_embedding"] = state[vision + "class_embedding"]
    result["visual.positional_embedding"] = state[vision + "position_embedding.weight"]
    result["visual.conv1.weight"] = state[vision + "patch_embedding.weight"]
    result["visual.proj"] = state["visual_projection.weight"].T.contiguous()
    result["token_embedding.weight"] = state[text + "token_embedding.weight"]
    result["positional_embedding"] = state[text + "position_embedding.weight"]
    result["text_projection"] = state["text_projection.weight"].T.contiguous()
    result["logit_scale"] = state["logit_scale"]
    return result


def make_names(state: dict) -> None:
    """The weights of clip-tiny as OpenAI's package has them, and those of a ResNet by name."""
    folder = fresh_folder("clip-names")
    shutil.copy(FIXTURES / "clip-tiny" / "config.json", folder / "description.json")
    names = openai(state)
    numbers = {"input_resolution": torch.tensor(16), "context_length": torch.tensor(POSITIONS),
               "vocab_size": torch.tensor(VOCABULARY)}
    torch.save(names | numbers, folder / "openai.pt")
    save_file({f"module.{key}": value for key, value in names.items()},
              folder / "module.safetensors", metadata={"format": "pt"})
    resnet = {"visual.layer1.0.conv1.weight": torch.zeros(2, 2, 1, 1),
              "visual.conv1.weight": torch.zeros(2, 3, 3, 3), "logit_scale": torch.tensor(1.0)}
    torch.save(resnet, folder / "resnet.pt")


def make_processor() -> None:
    """What CLIP's image processor makes of some of the images of Tests/Fixtures/images/."""
    folder = fresh_folder("clip-processor")
    sources = ["landscape.png", "portrait.png", "strip.png", "baseline-420.jpg"]
    expected = {}
    for side in (24, 33):
        processor = CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size=side)
        for name in sources:
            image = Image.open(FIXTURES / "images" / name)
            plain = processor(image, do_rescale=False, do_normalize=False, return_tensors="np")
            bytes_ = numpy.asarray(plain["pixel_values"][0]).transpose(1, 2, 0)
            assert (bytes_ == bytes_.astype(numpy.uint8)).all()
            expected[f"{side}/{name}/bytes"] = torch.from_numpy(bytes_.astype(numpy.uint8).copy())
    normalized = processor(Image.open(FIXTURES / "images" / sources[0]), return_tensors="pt")
    expected[f"33/{sources[0]}/pixels"] = normalized["pixel_values"]
    processor.save_pretrained(folder)
    # As openai/clip-vit-base-patch32 has it, in another size.
    legacy = {"crop_size": 24, "do_center_crop": True, "do_normalize": True, "do_resize": True,
              "feature_extractor_type": "CLIPFeatureExtractor",
              "image_mean": [0.48145466, 0.4578275, 0.40821073],
              "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3, "size": 24}
    (folder / "legacy.json").write_text(json.dumps(legacy, indent=2) + "\n")
    write(folder, expected)


def main() -> None:
    torch.set_num_threads(1)
    state = make_main()
    make_legacy()
    make_vision()
    make_names(state)
    make_processor()
    for name in ["clip-tiny", "clip-zero-shot", "clip-legacy", "clip-vision", "clip-names",
                 "clip-processor"]:
        folder = FIXTURES / name
        size = sum(file.stat().st_size for file in folder.iterdir())
        files = ", ".join(sorted(file.name for file in folder.iterdir()))
        print(f"{folder.name}: {size} bytes: {files}")


if __name__ == "__main__":
    main()
