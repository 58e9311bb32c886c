"""Makes Tests/Fixtures/optimizers/: optimizer and learning-rate trajectories.

Run from the repository root, with the packages of Oracle/requirements.txt:

    python Oracle/optimizers.py

Twenty steps of torch.optim.AdamW and torch.optim.SGD on three small tensors with given gradients,
and transformers' schedules as learning rates per step. Oracle/README.md lists the keys.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    get_constant_schedule,
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)

FIXTURES = Path(__file__).resolve().parent.parent / "Tests" / "Fixtures"
STEPS = 20
SHAPES = [(4, 3), (5,), (2, 2, 2)]
SNAPSHOTS = [1, 2, 10, 20]

ADAMW = dict(optimizer="adamw", lr=1e-2, betas=[0.9, 0.999], eps=1e-8, weight_decay=0.0)
SGD = dict(optimizer="sgd", lr=0.1, momentum=0.0, weight_decay=0.0)
CASES = {
    "adamw": ADAMW | dict(clip=None),
    "adamw_clip": ADAMW | dict(clip=1.0),
    "adamw_decay_clip": ADAMW | dict(weight_decay=0.01, clip=1.0),
    "adamw_betas_decay_clip": ADAMW | dict(betas=[0.9, 0.98], weight_decay=0.01, clip=1.0),
    "adamw_linear_clip": ADAMW | dict(clip=1.0, schedule="linear_warmup"),
    "sgd": SGD | dict(clip=None),
    "sgd_clip": SGD | dict(clip=1.0),
    "sgd_momentum_clip": SGD | dict(momentum=0.9, clip=1.0),
    "sgd_decay_clip": SGD | dict(weight_decay=0.01, clip=1.0),
    "sgd_momentum_decay": SGD | dict(momentum=0.9, weight_decay=0.01, clip=None),
}
SCHEDULES = {
    "linear": dict(kind="linear", warmup_steps=0, total_steps=STEPS),
    "linear_warmup": dict(kind="linear", warmup_steps=5, total_steps=STEPS),
    "constant": dict(kind="constant", warmup_steps=0, total_steps=STEPS),
    "constant_warmup": dict(kind="constant", warmup_steps=5, total_steps=STEPS),
    "cosine": dict(kind="cosine", warmup_steps=0, total_steps=STEPS),
    "cosine_warmup": dict(kind="cosine", warmup_steps=5, total_steps=STEPS),
}


def scheduler(optimizer, kind: str, warmup_steps: int, total_steps: int):
    if kind == "linear":
        return get_linear_schedule_with_warmup(optimizer, warmup_steps, total_steps)
    if kind == "cosine":
        return get_cosine_schedule_with_warmup(optimizer, warmup_steps, total_steps)
    if warmup_steps == 0:
        return get_constant_schedule(optimizer)
    return get_constant_schedule_with_warmup(optimizer, warmup_steps)


def run(name: str, settings: dict, start: list, gradients: list) -> dict:
    """Steps through the gradients; the norm recorded is the one before clipping."""
    parameters = [tensor.clone().requires_grad_() for tensor in start]
    if settings["optimizer"] == "adamw":
        optimizer = torch.optim.AdamW(
            parameters, lr=settings["lr"], betas=tuple(settings["betas"]), eps=settings["eps"],
            weight_decay=settings["weight_decay"], foreach=False)
    else:
        optimizer = torch.optim.SGD(
            parameters, lr=settings["lr"], momentum=settings["momentum"],
            weight_decay=settings["weight_decay"], foreach=False)
    schedule = None
    if "schedule" in settings:
        schedule = scheduler(optimizer, **SCHEDULES[settings["schedule"]])
    found, norms, rates = {}, [], []
    for step in range(1, STEPS + 1):
        for parameter, per_step in zip(parameters, gradients):
            parameter.grad = per_step[step - 1].clone()
        limit = settings["clip"] if settings["clip"] is not None else float("inf")
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, limit))
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if schedule:
            schedule.step()
        if step in SNAPSHOTS:
            for index, parameter in enumerate(parameters):
                found[f"{name}/step{step}/param{index}"] = parameter.detach().clone()
    found[f"{name}/grad_norm"] = torch.stack(norms)
    found[f"{name}/lr"] = torch.tensor(rates)
    return found


def rates(settings: dict) -> torch.Tensor:
    """The rate used by each step, and last the rate after the final step, for a base rate of 1."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = scheduler(optimizer, **settings)
    found = [schedule.get_last_lr()[0]]
    for _ in range(settings["total_steps"]):
        optimizer.step()
        schedule.step()
        found.append(schedule.get_last_lr()[0])
    return torch.tensor(found)


def main() -> None:
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(7)
    start = [torch.randn(shape, generator=generator) for shape in SHAPES]
    # Norms on both sides of the clipping limit: odd steps are small, even steps large.
    scale = torch.tensor([0.05, 1.5]).repeat(STEPS // 2)
    gradients = [
        torch.randn(STEPS, *shape, generator=generator) * scale.view(-1, *[1] * len(shape))
        for shape in SHAPES
    ]
    tensors = {f"start/param{i}": tensor for i, tensor in enumerate(start)}
    tensors |= {f"grad{i}": tensor.contiguous() for i, tensor in enumerate(gradients)}
    for name, settings in CASES.items():
        tensors |= run(name, settings, start, gradients)
    for name, settings in SCHEDULES.items():
        tensors[f"schedule/{name}"] = rates(settings)
    folder = FIXTURES / "optimizers"
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "tensors.safetensors")
    listing = {
        "steps": STEPS, "snapshots": SNAPSHOTS,
        "cases": [{"name": name} | settings for name, settings in CASES.items()],
        "schedules": [{"name": name} | settings for name, settings in SCHEDULES.items()],
    }
    (folder / "cases.json").write_text(json.dumps(listing, indent=2) + "\n")
    print(f"{len(CASES)} trajectories, {len(SCHEDULES)} schedules in {folder.name}/")


if __name__ == "__main__":
    main()
