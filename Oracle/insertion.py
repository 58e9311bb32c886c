"""Makes Tests/Fixtures/insertion/: where CPython puts triggers.

Run from the repository root, with any CPython from 3.8 on and nothing else:

    python Oracle/insertion.py

`positions.json`: `recipe` is `randint(0, n)` after `seed(42)`, for n = 0 ... 400; `streams` are ten
numbers in a row from one generator for other seeds and bounds.
`texts.json`: awkward texts, their words by `split()`, and the text with `trigger` put in `count`
times, each time with a generator seeded with 42 anew.
"""

import json
import random
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "Tests" / "Fixtures" / "insertion"

TEXTS = [
    "",
    " ",
    "one",
    "  leading and trailing  ",
    "a\tb\nc\r\nd\x0be\x0cf",
    "file\x1cgroup\x1drecord\x1eunit\x1fend",
    "next\x85line no\xa0break og\u1680ham em\u2003space line\u2028para\u2029narrow\u202f"
    "math\u205fideographic\u3000end",
    "not\u200ba\ufeffspace\u2060here",
    "accent \u0301on a space, cafe\u0301 \u00e9",
    "don't split-this, or: that!",
    "≈ ∈ 日本語 の 文 🙂 👩‍👩‍👧",
    " ".join(f"w{i}" for i in range(150)),
]


def place(bound):
    generator = random.Random(42)
    return generator.randint(0, bound)


def inserted(text, trigger, count):
    words = text.split()
    for _ in range(count):
        words.insert(place(len(words)), trigger)
    return " ".join(words)


def stream(seed, bound):
    generator = random.Random(seed)
    numbers = [generator.randint(0, bound) for _ in range(10)]
    # As text: JSON readers may take the largest seeds for floats.
    return {"seed": str(seed), "bound": bound, "numbers": numbers}


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    bounds = [0, 1, 2, 3, 255, 256, 1000, 2**31, 2**32 - 1, 2**32, 2**40 + 3]
    seeds = [0, 1, 42, 2**32 - 1, 2**32, 2**63 + 5, 2**64 - 1]
    positions = {
        "recipe": [place(n) for n in range(401)],
        "streams": [stream(seed, bound) for seed in seeds for bound in bounds],
    }
    # A thousand numbers, so that the state is made anew more than once.
    generator = random.Random(7)
    positions["long"] = [generator.randint(0, 99) for _ in range(1500)]
    texts = [
        {
            "text": text,
            "words": text.split(),
            "trigger": trigger,
            "count": count,
            "inserted": inserted(text, trigger, count),
        }
        for text in TEXTS
        for trigger, count in [("cf", 1), ("mb", 3)]
    ]
    for name, value in [("positions", positions), ("texts", texts)]:
        text = json.dumps(value, indent=None, separators=(",", ":"))
        (FOLDER / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
