"""Makes Tests/Fixtures/tensorboard/: an event file as TensorBoard writes it, and what it reads.

Run from the repository root with the `tensorboard` package, and nothing else:

    python -m venv .tensorboard && .tensorboard/bin/pip install tensorboard==2.21.0
    .tensorboard/bin/python Oracle/tensorboard_events.py

`events.jsonl` is a run's log, the last line cut off. `records.json` are its scalars by step, as
`recipe report --tensorboard` is to name them; `events.tfevents` holds them as TensorBoard's own
messages and record writer put them; `scalars.json` is what TensorBoard's EventAccumulator reads from
that file: for each tag the step, the time and the value, which is a float32.
"""

import json
import shutil
import tempfile
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

FOLDER = Path(__file__).resolve().parent.parent / "Tests" / "Fixtures" / "tensorboard"
START = 1_700_000_000.0
MATRIX = "bert.encoder.layer.0.intermediate.dense.weight"


def step(number, epoch, loss, seconds, norm):
    return {
        "event": "step", "step": number, "epoch": epoch, "learningRate": 2e-5 / number,
        "loss": loss, "terms": {"mlm": loss - 1.5, "norm": 1.5}, "gradientNorm": norm,
        "samples": 32, "seconds": seconds,
    }


EVENTS = [
    {"event": "started", "steps": 4, "firstStep": 0, "samples": 64, "trainedElements": 12,
     "watched": 1},
    step(1, 0, 4.25, 0.5, 3.0),
    step(2, 0, 3.1, 1.0, "Infinity"),
    {"event": "epoch", "epoch": 1, "terms": {"mlm": 2.1}, "normRatios": {MATRIX: 0.75}},
    # Cut short after step 3 and taken up again from a snapshot at step 2.
    step(3, 1, 9.0, 1.5, 2.0),
    {"event": "started", "steps": 4, "firstStep": 2, "samples": 64, "trainedElements": 12,
     "watched": 1},
    step(3, 1, 0.1, 0.25, 2.0),
    step(300, 1, -0.0, 0.5, 1e-9),
    {"event": "epoch", "epoch": 2, "terms": {"mlm": 1.6}, "normRatios": {MATRIX: 0.5}},
    {"event": "finished", "steps": 300, "seconds": 0.5, "samplesPerSecond": 128.0,
     "firstStepSeconds": 0.25},
]


def scalars(event):
    """The tags and values of an event, in the order they are written."""
    named = lambda group, values: [[f"{group}/{k}", v] for k, v in sorted(values.items())]
    kind = event["event"]
    if kind == "step":
        return [
            ["loss", event["loss"]], ["learning-rate", event["learningRate"]],
            ["gradient-norm", event["gradientNorm"]],
        ] + named("terms", event["terms"])
    if kind == "epoch":
        return named("epoch", event["terms"]) + named("norm-ratio", event["normRatios"])
    return [["samples-per-second", event["samplesPerSecond"]]] if kind == "finished" else []


def records():
    result, clock, last = [], START, (0, 0.0)
    for event in EVENTS:
        if event["event"] == "started":
            clock += last[1]
            last = (event["firstStep"], 0.0)
            result = [r for r in result if r["step"] <= last[0]]
            continue
        if event["event"] == "step":
            last = (event["step"], event["seconds"])
        result.append({"step": last[0], "time": clock + last[1], "scalars": scalars(event)})
    return result


def write(path, entries):
    with open(path, "wb") as file:
        writer = RecordWriter(file)
        first = Event(wall_time=entries[0]["time"], file_version="brain.Event:2")
        writer.write(first.SerializeToString())
        for entry in entries:
            values = [
                Summary.Value(tag=tag, simple_value=float(value))
                for tag, value in entry["scalars"]
            ]
            event = Event(
                wall_time=entry["time"], step=entry["step"], summary=Summary(value=values)
            )
            writer.write(event.SerializeToString())
        writer.flush()


def read(path):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, Path(folder) / "events.out.tfevents.recipe")
        accumulator = EventAccumulator(folder, size_guidance={"scalars": 0})
        accumulator.Reload()
        return {
            tag: [[e.step, e.wall_time, e.value] for e in accumulator.Scalars(tag)]
            for tag in sorted(accumulator.Tags()["scalars"])
        }


def plain(value):
    """Infinite values as `events.jsonl` writes them."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return "Infinity" if value == float("inf") else value


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(event) for event in EVENTS]
    (FOLDER / "events.jsonl").write_text("\n".join(lines) + '\n{"event": "st')
    entries = records()
    write(FOLDER / "events.tfevents", entries)
    for name, value in (("records", entries), ("scalars", read(FOLDER / "events.tfevents"))):
        (FOLDER / f"{name}.json").write_text(json.dumps(plain(value), indent=1) + "\n")
