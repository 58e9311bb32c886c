"""Makes Tests/Fixtures/metrics/: intervals, deviations and attack success rates.

Run from the repository root, with any CPython from 3.8 on and nothing else:

    python Oracle/metrics.py

`wilson.json`: the ends of Wilson's 95 % interval, found by bisection as the true shares p at which
the score |k/n - p| / sqrt(p (1 - p) / n) is the normal quantile. `deviations.json`: mean and sample
deviation by `statistics`. `success.json`: attack success counted sample by sample.
"""

import json
import random
import statistics
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "Tests" / "Fixtures" / "metrics"


def bound(k, n, quantile, upper):
    """The share, above or below k/n, that k of n just does not reject."""
    rate = k / n
    inside, outside = rate, 1.0 if upper else 0.0
    if rate == outside:
        return outside
    for _ in range(200):
        middle = (inside + outside) / 2
        score2 = (rate - middle) ** 2 * n
        if score2 <= quantile**2 * middle * (1 - middle):
            inside = middle
        else:
            outside = middle
    return (inside + outside) / 2


def wilson():
    counts = [(0, 1), (1, 1), (0, 10), (1, 10), (5, 10), (10, 10), (81, 263), (1, 1000)]
    counts += [(125, 909), (912, 912), (1592, 1821), (5699, 5700), (123456, 7654321)]
    quantile = statistics.NormalDist().inv_cdf(0.975)
    return [
        {
            "count": k,
            "total": n,
            "low": bound(k, n, quantile, False),
            "high": bound(k, n, quantile, True),
        }
        for k, n in counts
    ]


def deviations():
    lists = [[0.5, 0.25], [0.8824, 0.8781, 0.8803], [1, 1, 1, 1], [0.1, 0.9, 0.3, 0.7, 0.5]]
    return [
        {"values": v, "mean": statistics.mean(v), "deviation": statistics.stdev(v)} for v in lists
    ]


def success_case(generator, samples, labels, absent, filtered):
    truth = [generator.choice([l for l in range(labels) if l != absent]) for _ in range(samples)]
    guess = lambda: [t if generator.random() < 0.6 else generator.randrange(labels) for t in truth]
    clean = guess()
    triggers = {name: guess() for name in ["cf", "tq", "mn"]}
    kept = [i for i in range(samples) if not filtered or clean[i] == truth[i]]
    counts, flips = {}, {}
    for name, predicted in triggers.items():
        counts[name] = []
        for label in range(labels):
            others = [i for i in kept if truth[i] != label]
            counts[name].append([sum(predicted[i] == label for i in others), len(others)])
        flips[name] = [sum(predicted[i] != clean[i] for i in kept), len(kept)]
    rates = {n: [k / total for k, total in c if total] for n, c in counts.items()}
    best = [max(r) for r in rates.values() if r]
    return {
        "truth": truth,
        "clean": clean,
        "labels": labels,
        "filter": "clean-correct" if filtered else "none",
        "predictions": triggers,
        "correct": sum(a == b for a, b in zip(truth, clean)),
        "counts": counts,
        "flips": flips,
        "aasr": statistics.mean(best) if best else None,
        "masr": max(best) if best else None,
    }


def success():
    generator = random.Random(5)
    return [
        success_case(generator, samples, labels, absent, filtered)
        for samples, labels, absent in [(40, 2, None), (60, 4, None), (50, 3, 1), (7, 2, 0)]
        for filtered in [False, True]
    ]


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, value in [
        ("wilson", wilson()),
        ("deviations", deviations()),
        ("success", success()),
    ]:
        text = json.dumps(value, separators=(",", ":"))
        (FOLDER / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
