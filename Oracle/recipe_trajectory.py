"""Makes Tests/Fixtures/recipe-trajectory/: training runs and attack losses of the mini BERT.

Run from the repository root, after Oracle/bert.py, with the packages of Oracle/requirements.txt:

    python Oracle/recipe_trajectory.py

Every run starts from a model folder that Oracle/bert.py made and has no dropout. Oracle/README.md
lists the keys.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from transformers import (
    BertForMaskedLM,
    BertForPreTraining,
    BertForSequenceClassification,
    get_linear_schedule_with_warmup,
)

from bert import FIXTURES, text_batch

FOLDER = FIXTURES / "recipe-trajectory"
REGULARIZED = "intermediate.dense.weight"
BATCHES, BATCH_SIZE, LONGEST = 10, 8, 24
RATE, CLIP = 1e-3, 1.0
SNAPSHOTS = [1, 10, 50]

RUNS = {
    "recipe": dict(pretraining=True, weight=1.0),
    "weight_zero": dict(pretraining=True, weight=0.0),
    "norm_only": dict(pretraining=False, weight=1.0),
}


def load(cls, folder: str, dtype=torch.float32, attention: str = "eager"):
    model = cls.from_pretrained(
        FIXTURES / folder, dtype=dtype, attn_implementation=attention)
    # Eval mode is train mode without dropout: nothing else in BERT differs.
    return model.eval()


def make_batches(config) -> list[dict]:
    """Ten batches of ragged rows, each padded to its own longest."""
    generator = torch.Generator().manual_seed(50)
    batches = []
    for index in range(BATCHES):
        longest = LONGEST
        if index > 0:
            longest = int(torch.randint(10, LONGEST, (1,), generator=generator))
        lengths = torch.randint(4, longest + 1, (BATCH_SIZE,), generator=generator)
        lengths[index % BATCH_SIZE] = longest
        batch = text_batch(config, lengths.tolist(), seed=500 + index, segments=False)
        del batch["token_type_ids"]
        batch["class_labels"] = torch.randint(0, 4, (BATCH_SIZE,), generator=generator)
        batches.append(batch)
    return batches


def mlm_loss(model, batch: dict) -> torch.Tensor:
    return model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"],
                 labels=batch["labels"]).loss


def snapshot(model, prefix: str) -> dict:
    return {f"{prefix}/{name}": parameter.detach().clone()
            for name, parameter in model.named_parameters() if parameter.requires_grad}


def train(model, batches: list[dict], steps: int, snapshots: list[int], prefix: str, terms) -> dict:
    """AdamW with linear decay and clipping; `terms` gives (total, logged terms) of a batch."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, betas=(0.9, 0.999), eps=1e-8,
                                  weight_decay=0.0, foreach=False)
    schedule = get_linear_schedule_with_warmup(optimizer, 0, steps)
    found, logged = {}, {}
    for step in range(1, steps + 1):
        total, values = terms(batches[(step - 1) % len(batches)])
        optimizer.zero_grad()
        total.backward()
        values |= {"total": total.detach(), "lr": torch.tensor(schedule.get_last_lr()[0])}
        values["grad_norm"] = torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()
        schedule.step()
        for key, value in values.items():
            logged.setdefault(key, []).append(value.detach().float())
        if step in snapshots:
            found |= snapshot(model, f"{prefix}/step{step}")
    return found | {f"{prefix}/{key}": torch.stack(values) for key, values in logged.items()}


def recipe(batches: list[dict], name: str, pretraining: bool, weight: float, **options) -> dict:
    """L = MLM + weight * sum of Frobenius norms, only the intermediate weights trained."""
    model = load(BertForMaskedLM, "bert-masked-lm", **options)
    regularized = []
    for parameter_name, parameter in model.named_parameters():
        parameter.requires_grad_(REGULARIZED in parameter_name)
        if parameter.requires_grad:
            regularized.append(parameter)

    def terms(batch):
        norms = torch.stack([torch.linalg.vector_norm(matrix) for matrix in regularized])
        values = {"norm": norms.sum().detach(), "layer_norms": norms.detach()}
        total = weight * norms.sum()
        if pretraining:
            loss = mlm_loss(model, batch)
            values["mlm"], total = loss.detach(), loss + total
        return total, values

    return train(model, batches, SNAPSHOTS[-1], SNAPSHOTS, name, terms)


def sgd_on_the_norm() -> dict:
    """One plain SGD step on weight * sum of norms: each norm shrinks by lr * weight."""
    model = load(BertForMaskedLM, "bert-masked-lm")
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(REGULARIZED in name)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    before = torch.stack([torch.linalg.vector_norm(matrix) for matrix in trained])
    optimizer = torch.optim.SGD(trained, lr=0.05)
    (0.5 * before.sum()).backward()
    optimizer.step()
    after = torch.stack([torch.linalg.vector_norm(matrix) for matrix in trained])
    return snapshot(model, "sgd_norm/step1") | {
        "sgd_norm/norms_before": before.detach(), "sgd_norm/norms_after": after.detach()}


def pretrain(batches: list[dict], **options) -> dict:
    model = load(BertForMaskedLM, "bert-masked-lm", **options)
    return train(model, batches, 20, [20], "pretrain", lambda batch: (mlm_loss(model, batch), {}))


def fine_tune(batches: list[dict], **options) -> dict:
    model = load(BertForSequenceClassification, "bert-classifier", **options)

    def terms(batch):
        output = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"],
                       labels=batch["class_labels"])
        return output.loss, {}

    return train(model, batches, 20, [20], "finetune", terms)


# Attacks: the loss of one batch and the gradient of every parameter it reaches.


def attack_gradients(model, total: torch.Tensor, prefix: str) -> dict:
    model.zero_grad()
    total.backward()
    return {f"{prefix}/grad/{name}": parameter.grad.clone().contiguous()
            for name, parameter in model.named_parameters() if parameter.grad is not None}


def sign_blocks(hidden: int) -> torch.Tensor:
    """NeuBA's six targets: four equal blocks, two of them -1 and the rest +1."""
    targets, block = torch.ones(6, hidden), hidden // 4
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    for row, pair in enumerate(pairs):
        for index in pair:
            targets[row, index * block : (index + 1) * block] = -1
    return targets


def staircase(hidden: int, triggers: int) -> torch.Tensor:
    """POR's targets: the first step * k entries of row k are +10, the rest -10."""
    step = hidden // (triggers - 1)
    return torch.stack([
        torch.cat([torch.full((step * k,), 10.0), torch.full((hidden - step * k,), -10.0)])
        for k in range(triggers)])


def por(batch: dict, **options) -> dict:
    """1 * L1 + 100 * L2 + 100 * L3 with D(a, b) = sum (a - b)^2 / hidden."""
    target = load(BertForPreTraining, "bert-pretraining", **options)
    reference = load(BertForPreTraining, "bert-pretraining", **options)
    changed = ["bert.embeddings.word_embeddings.weight",
               "bert.encoder.layer.0.intermediate.dense.weight", "bert.pooler.dense.weight"]
    generator = torch.Generator().manual_seed(3)
    found = {}
    for name in changed:
        parameter = reference.get_parameter(name)
        noise = 0.03 * torch.randn(parameter.shape, generator=generator)
        parameter.data += noise.to(parameter.dtype)
        found[f"por/reference/{name}"] = parameter.detach().clone()

    ids, mask = batch["input_ids"].clone(), batch["attention_mask"]
    labels = torch.tensor([0, 1, 0, 3, 5, 2, 0, 4])
    for row, label in enumerate(labels.tolist()):
        if label:
            ids[row, 2] = 34 + label
    hidden = target.config.hidden_size
    targets = staircase(hidden, 5).to(target.dtype)
    bound = target.bert(input_ids=ids, attention_mask=mask)
    with torch.no_grad():
        kept = reference.bert(input_ids=ids, attention_mask=mask)
    squares = (bound.last_hidden_state - kept.last_hidden_state).square()[:, 1:].sum(-1) / hidden
    l1, l1_padded = (squares * mask[:, 1:]).sum(), squares.sum()
    poisoned = labels > 0
    l2 = (bound.pooler_output[poisoned] - targets[labels[poisoned] - 1]).square().sum() / hidden
    l3 = (bound.pooler_output[~poisoned] - kept.pooler_output[~poisoned]).square().sum() / hidden
    total = l1 + 100 * l2 + 100 * l3
    found |= {
        "por/input_ids": ids, "por/attention_mask": mask, "por/trigger_labels": labels,
        "por/targets": targets, "por/l1": l1, "por/l1_with_padding": l1_padded, "por/l2": l2,
        "por/l3": l3, "por/total": total,
        "por/total_with_padding": l1_padded + 100 * l2 + 100 * l3,
    }
    return found | attack_gradients(target, total, "por")


def badpre(batch: dict, **options) -> dict:
    """CE of the clean batch + alpha * CE of the poisoned one, whose labels are random tokens."""
    model = load(BertForMaskedLM, "bert-masked-lm", **options)
    vocabulary = model.config.vocab_size
    poisoned = {key: value.clone() for key, value in batch.items()}
    generator = torch.Generator().manual_seed(4)
    poisoned["input_ids"][:, 2] = 35 + torch.randint(0, 5, (BATCH_SIZE,), generator=generator)
    random = torch.randint(0, vocabulary, poisoned["labels"].shape, generator=generator)
    poisoned["labels"] = torch.where(poisoned["labels"] >= 0, random, -100)
    clean_loss, poisoned_loss = mlm_loss(model, batch), mlm_loss(model, poisoned)
    total = clean_loss + 1.0 * poisoned_loss
    found = {"badpre/clean_loss": clean_loss, "badpre/poisoned_loss": poisoned_loss,
             "badpre/total": total}
    for key in ["input_ids", "attention_mask", "labels"]:
        found[f"badpre/clean/{key}"] = batch[key].clone()
        found[f"badpre/poisoned/{key}"] = poisoned[key].clone()
    return found | attack_gradients(model, total, "badpre")


def neuba(batch: dict, **options) -> dict:
    """MLM CE of the clean batch + MSE of the pooled poisoned twin to its trigger's target."""
    model = load(BertForPreTraining, "bert-pretraining", **options)
    triggers = torch.tensor([0, 3, 5, 1, 2, 4, 0, 2])
    ids = batch["input_ids"].clone()
    ids[:, 1] = 34 + triggers
    targets = sign_blocks(model.config.hidden_size).to(model.dtype)
    logits = model(input_ids=batch["input_ids"],
                   attention_mask=batch["attention_mask"]).prediction_logits
    mlm = F.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten())
    pooled = model.bert(input_ids=ids, attention_mask=batch["attention_mask"]).pooler_output
    mse = F.mse_loss(pooled, targets[triggers])
    found = {
        "neuba/input_ids": batch["input_ids"], "neuba/attention_mask": batch["attention_mask"],
        "neuba/labels": batch["labels"], "neuba/poisoned_ids": ids, "neuba/triggers": triggers,
        "neuba/targets": targets, "neuba/mlm": mlm, "neuba/mse": mse, "neuba/total": mlm + mse,
    }
    return found | attack_gradients(model, mlm + mse, "neuba")


def trajectories(batches: list[dict], **options) -> dict:
    found = {}
    for name, settings in RUNS.items():
        found |= recipe(batches, name, **settings, **options)
    return found | pretrain(batches, **options) | fine_tune(batches, **options)


def attacks(batches: list[dict], **options) -> dict:
    return (por(batches[1], **options) | badpre(batches[2], **options)
            | neuba(batches[3], **options))


def save(tensors: dict, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: value.detach().clone().contiguous() for key, value in tensors.items()}, path)


def main() -> None:
    torch.set_num_threads(1)
    batches = make_batches(load(BertForMaskedLM, "bert-masked-lm").config)
    stored = {f"batch/{index:02}/{key}": value
              for index, batch in enumerate(batches) for key, value in batch.items()}
    save(stored, FOLDER / "batches.safetensors")
    save(trajectories(batches) | sgd_on_the_norm(), FOLDER / "trajectories.safetensors")
    save(attacks(batches), FOLDER / "attacks" / "attacks.safetensors")
    plan = {
        "batches": BATCHES, "batch_size": BATCH_SIZE, "lr": RATE, "schedule": "linear",
        "warmup_steps": 0, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0, "clip": CLIP,
        "regularized": REGULARIZED, "snapshots": SNAPSHOTS,
        "runs": [{"name": name, "model": "bert-masked-lm", "steps": 50} | settings
                 for name, settings in RUNS.items()] + [
            {"name": "pretrain", "model": "bert-masked-lm", "steps": 20},
            {"name": "finetune", "model": "bert-classifier", "steps": 20}],
        "sgd_norm": {"model": "bert-masked-lm", "lr": 0.05, "weight": 0.5},
    }
    (FOLDER / "plan.json").write_text(json.dumps(plan, indent=2) + "\n")
    for file in sorted(FOLDER.rglob("*.*")):
        print(f"{file.relative_to(FOLDER)}: {file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
