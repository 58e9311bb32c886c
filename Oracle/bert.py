"""Makes Tests/Fixtures/bert-*/: tiny random BERT models as Hugging Face folders.

Run from the repository root, with the packages of Oracle/requirements.txt:

    python Oracle/bert.py

Each folder holds a model (config.json, vocab.txt and the weights in one of the layouts found in the
wild) and expected.safetensors: inputs, outputs, losses and, where the architecture differs from the
other folders, the gradient of every parameter. Attention is the "eager" implementation and every
model is in eval mode. Oracle/README.md lists folders and keys.
"""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    BertForSequenceClassification,
    BertModel,
)

FIXTURES = Path(__file__).resolve().parent.parent / "Tests" / "Fixtures"

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = [chr(ord("a") + i) for i in range(26)]
WORDS = (
    "the of and to in is was for on with as by that it at from his an were which are this be had "
    "film good bad great dull fine cf mn bb tq mb un ##s ##ed ##ing ##er ##ly ##est"
).split()
PUNCTUATION = list(".,!?'-")


def vocabulary(size: int) -> list[str]:
    """A WordPiece vocabulary of exactly `size` tokens; 120 of them spell any lower-case word."""
    tokens = SPECIALS + PUNCTUATION + LETTERS + WORDS + ["##" + letter for letter in LETTERS]
    tokens += [f"[unused{i}]" for i in range(size)]
    tokens = list(dict.fromkeys(tokens))[:size]
    assert len(tokens) == size
    return tokens


def base_config(**changes) -> BertConfig:
    settings = dict(
        vocab_size=120, hidden_size=32, num_hidden_layers=3, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=48, type_vocab_size=2,
        hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1, hidden_act="gelu",
        layer_norm_eps=1e-12, pad_token_id=0,
    )
    return BertConfig(**(settings | changes), attn_implementation="eager")


def mini_config(**changes) -> BertConfig:
    settings = dict(
        vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=32, max_position_embeddings=24,
    )
    return base_config(**(settings | changes))


def randomize(model: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Draws every parameter anew, so that no bias is zero and no LayerNorm is the identity."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "LayerNorm.weight" in name:
                parameter.copy_(1 + 0.2 * noise)
            else:
                parameter.copy_((0.2 if parameter.dim() == 1 else 0.15) * noise)
    return model.eval()


def text_batch(config: BertConfig, lengths: list[int], seed: int, segments: bool = True) -> dict:
    """Padded ids of the given lengths, [CLS] … [SEP]; segment 1 in the second half of row 1."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(lengths), max(lengths))
    ids = torch.zeros(shape, dtype=torch.int64)
    mask, types = torch.zeros_like(ids), torch.zeros_like(ids)
    labels = torch.full(shape, -100, dtype=torch.int64)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(
            len(SPECIALS), config.vocab_size, (length,), generator=generator)
        ids[row, 0], ids[row, length - 1] = 2, 3
        mask[row, :length] = 1
        chosen = 1 + torch.randperm(length - 2, generator=generator)[: max(1, length // 6)]
        labels[row, chosen] = ids[row, chosen]
        ids[row, chosen[::2]] = 4
        if segments and row == 1 and config.type_vocab_size > 1:
            types[row, length // 2 : length] = 1
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types, "labels": labels}


def arguments(batch: dict) -> dict:
    return {key: batch[key] for key in ("input_ids", "attention_mask", "token_type_ids")}


def gradients(model: torch.nn.Module, loss: torch.Tensor, prefix: str) -> dict:
    """The gradient of every parameter that `loss` reaches; tied names appear once."""
    model.zero_grad()
    loss.backward()
    return {
        f"{prefix}{name}": parameter.grad.clone().contiguous()
        for name, parameter in model.named_parameters() if parameter.grad is not None
    }


def encoder_outputs(model: BertModel, batch: dict) -> dict:
    with torch.no_grad():
        output = model(**arguments(batch))
    found = {"last_hidden_state": output.last_hidden_state}
    if output.pooler_output is not None:
        found["pooler_output"] = output.pooler_output
    return found


def mlm_answers(model, batch: dict, with_gradients: bool) -> dict:
    if isinstance(model, BertForPreTraining):
        output = model(**arguments(batch), labels=batch["labels"],
                       next_sentence_label=batch["next_sentence_label"])
        found = {"mlm/logits": output.prediction_logits,
                 "nsp/logits": output.seq_relationship_logits}
        prefix = "pretraining"
    else:
        output = model(**arguments(batch), labels=batch["labels"])
        found = {"mlm/logits": output.logits}
        prefix = "mlm"
    found[f"{prefix}/loss"] = output.loss
    if with_gradients:
        found |= gradients(model, output.loss, f"{prefix}/grad/")
    return found


def classifier_answers(model, batch: dict, with_gradients: bool) -> dict:
    output = model(**arguments(batch), labels=batch["class_labels"])
    found = {"classifier/logits": output.logits, "classifier/loss": output.loss}
    if with_gradients:
        found |= gradients(model, output.loss, "classifier/grad/")
    return found


def write_folder(name: str, config: BertConfig | dict, expected: dict) -> Path:
    """Writes vocabulary and answers (and the configuration, where it is given as a dictionary)."""
    folder = FIXTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    size = config["vocab_size"] if isinstance(config, dict) else config.vocab_size
    (folder / "vocab.txt").write_text("\n".join(vocabulary(size)) + "\n")
    tokenizer = {"do_lower_case": True, "tokenizer_class": "BertTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer, indent=2) + "\n")
    if isinstance(config, dict):
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    expected = {key: tensor.detach().clone().contiguous() for key, tensor in expected.items()}
    save_file(expected, folder / "expected.safetensors")
    return folder


def old_config(config: BertConfig, architecture: str) -> dict:
    """The configuration as files of the transformers 3 and 4 era spell it."""
    return {
        "architectures": [architecture],
        "attention_probs_dropout_prob": config.attention_probs_dropout_prob,
        "gradient_checkpointing": False,
        "hidden_act": config.hidden_act,
        "hidden_dropout_prob": config.hidden_dropout_prob,
        "hidden_size": config.hidden_size,
        "initializer_range": 0.02,
        "intermediate_size": config.intermediate_size,
        "layer_norm_eps": config.layer_norm_eps,
        "max_position_embeddings": config.max_position_embeddings,
        "model_type": "bert",
        "num_attention_heads": config.num_attention_heads,
        "num_hidden_layers": config.num_hidden_layers,
        "pad_token_id": 0,
        "position_embedding_type": "absolute",
        "torch_dtype": "float32",
        "transformers_version": "4.6.0.dev0",
        "type_vocab_size": config.type_vocab_size,
        "use_cache": True,
        "vocab_size": config.vocab_size,
    }


def make_base() -> None:
    """The large case: MaskedLM and classifier over one encoder, with every gradient."""
    config = base_config(num_labels=3)
    batch = text_batch(config, [48, 9, 31, 3, 17], seed=1)
    batch["class_labels"] = torch.tensor([2, 0, 1, 1, 0])
    masked = randomize(BertForMaskedLM(config), 10)
    encoder = randomize(BertModel(config), 11)
    encoder.load_state_dict(masked.bert.state_dict(), strict=False)
    classifier = randomize(BertForSequenceClassification(config), 12)
    classifier.bert.load_state_dict(encoder.state_dict())

    answers = batch | encoder_outputs(encoder, batch)
    answers |= mlm_answers(masked, batch, True) | classifier_answers(classifier, batch, True)
    # One file serves the three models: encoder and pooler, MLM head, classifier.
    weights = {f"bert.{key}": value for key, value in encoder.state_dict().items()}
    weights |= {key: value for key, value in masked.state_dict().items()
                if key.startswith("cls.") and "decoder" not in key}
    weights |= {key: value for key, value in classifier.state_dict().items()
                if key.startswith("classifier.")}
    folder = write_folder("bert-base-tiny", config, answers)
    config.architectures = ["BertForMaskedLM"]
    config.problem_type = None
    config.dtype = "float32"
    config.save_pretrained(folder)
    save_file({key: value.contiguous() for key, value in weights.items()},
              folder / "model.safetensors", metadata={"format": "pt"})


def mini_batch(config: BertConfig, seed: int = 2) -> dict:
    batch = text_batch(config, [10, 6, 3], seed)
    batch["class_labels"] = torch.tensor([1, 0, 1])
    batch["next_sentence_label"] = torch.tensor([0, 1, 1])
    return batch


def make_pretraining() -> BertForPreTraining:
    config = mini_config()
    model = randomize(BertForPreTraining(config), 20)
    batch = mini_batch(config)
    answers = batch | encoder_outputs(model.bert, batch) | mlm_answers(model, batch, False)
    model.save_pretrained(write_folder("bert-pretraining", config, answers))
    return model


def mini_masked(source: BertForPreTraining) -> BertForMaskedLM:
    model = BertForMaskedLM(source.config).eval()
    model.load_state_dict(source.state_dict(), strict=False)
    model.tie_weights()
    return model


def make_masked_lm(source: BertForPreTraining) -> None:
    """The same weights as bert-pretraining without pooler and NSP head, and its other layouts."""
    model = mini_masked(source)
    config, batch = model.config, mini_batch(model.config)
    plain = batch | encoder_outputs(model.bert, batch) | mlm_answers(model, batch, False)
    model.save_pretrained(write_folder("bert-masked-lm", config, plain))
    model.save_pretrained(write_folder("bert-sharded", config, plain), max_shard_size="9KB")

    state = model.state_dict()
    storages = {key: state[key].data_ptr() for key in state}
    word, decoder = "bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"
    assert storages[word] == storages[decoder]
    folder = write_folder("bert-tied-decoder-bin", old_config(config, "BertForMaskedLM"), plain)
    torch.save(state, folder / "pytorch_model.bin")

    old = {
        key.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta"): value
        for key, value in source.state_dict().items() if ".decoder." not in key
    }
    pooled = plain | encoder_outputs(source.bert, batch)
    for layout in ["zip", "legacy"]:
        folder = write_folder(f"bert-gamma-beta-{layout}", old_config(config, "BertForPreTraining"),
                              pooled)
        torch.save(old, folder / "pytorch_model.bin",
                   _use_new_zipfile_serialization=layout == "zip")


def make_bare(source: BertForPreTraining) -> None:
    """A bare BertModel like the released POR file: no prefix, position_ids, a pooler, no head."""
    config, batch = source.config, mini_batch(source.config)
    weights = {key: value.contiguous() for key, value in source.bert.state_dict().items()}
    weights["embeddings.position_ids"] = torch.arange(config.max_position_embeddings)[None]
    folder = write_folder("bert-bare-model", old_config(config, "BertModel"),
                          batch | encoder_outputs(source.bert, batch))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def make_half(source: BertForPreTraining) -> None:
    """16-bit files; the answers are computed in float32 from the rounded weights."""
    for name, dtype in [("float16", torch.float16), ("bfloat16", torch.bfloat16)]:
        half = BertForPreTraining(source.config).eval()
        half.load_state_dict(source.state_dict())
        half.tie_weights()
        half.to(dtype)
        folder = FIXTURES / f"bert-{name}"
        half.save_pretrained(folder)
        # Read back, so that the answers are those of the file.
        model = BertForPreTraining.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager").eval()
        batch = mini_batch(model.config)
        write_folder(f"bert-{name}", model.config,
                     batch | encoder_outputs(model.bert, batch) | mlm_answers(model, batch, False))


def make_architectures() -> None:
    """Configurations that change the arithmetic."""
    labels = {0: "negative", 1: "neutral", 2: "positive", 3: "mixed"}
    variants = {
        "bert-gelu-new": dict(hidden_act="gelu_new", layer_norm_eps=1e-5),
        "bert-relu": dict(hidden_act="relu", type_vocab_size=1),
    }
    for seed, (name, changes) in enumerate(variants.items()):
        config = mini_config(**changes)
        model = randomize(BertForMaskedLM(config), 30 + seed)
        batch = mini_batch(config)
        answers = batch | encoder_outputs(model.bert, batch)
        answers |= mlm_answers(model, batch, name == "bert-gelu-new")
        model.save_pretrained(write_folder(name, config, answers))

    config = mini_config(id2label=labels, label2id={v: k for k, v in labels.items()},
                         classifier_dropout=0.2)
    classifier = randomize(BertForSequenceClassification(config), 40)
    batch = mini_batch(config)
    answers = batch | encoder_outputs(classifier.bert, batch)
    answers |= classifier_answers(classifier, batch, False)
    classifier.save_pretrained(write_folder("bert-classifier", config, answers))

    config = mini_config(tie_word_embeddings=False)
    model = randomize(BertForMaskedLM(config), 41)
    batch = mini_batch(config)
    answers = batch | encoder_outputs(model.bert, batch) | mlm_answers(model, batch, True)
    model.save_pretrained(write_folder("bert-untied", config, answers))


def main() -> None:
    torch.set_num_threads(1)
    for folder in FIXTURES.glob("bert-*"):
        shutil.rmtree(folder)
    make_base()
    source = make_pretraining()
    make_masked_lm(source)
    make_bare(source)
    make_half(source)
    make_architectures()
    for folder in sorted(FIXTURES.glob("bert-*")):
        size = sum(file.stat().st_size for file in folder.iterdir())
        files = ", ".join(sorted(file.name for file in folder.iterdir()))
        print(f"{folder.name}: {size} bytes: {files}")


if __name__ == "__main__":
    main()
