"""Compares `recipe scan` with other scanners on the corpus of scan_corpus.py, as a Markdown table.

    python Oracle/scan_compare.py CORPUS --recipe PATH [--tool NAME=PYTHON …] [--list]

Each tool runs from an environment of its own (Oracle/requirements-scanners.txt says of which
versions). Caught: of the malicious cases, found. Missed: said to be clean. Not examined: neither.
The cases held back while lists were tuned stand in columns of their own. Seconds are the
processor's; recipe's hold the start of a process for each case, the others start once. Grave counts
only the upper grades of tools that have grades: error, critical, likely overtly malicious.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path


def run_recipe(recipe: str, corpus: Path, cases: list) -> dict:
    words = {0: "clean", 1: "found", 2: "unexamined"}
    output = {}
    for case in cases:
        begin = os.times()
        done = subprocess.run(
            [recipe, "scan", "--format", "json", str(corpus / case["path"])],
            capture_output=True, check=False)
        verdict = words.get(done.returncode, "crashed")
        if verdict == "found" and b'"severity" : "error"' in done.stdout:
            verdict = "grave"
        output[case["name"]] = [verdict, processor_time(begin)]
    return output


def processor_time(begin: os.times_result) -> float:
    """Seconds that children took since then: what else runs on the machine does not matter."""
    now = os.times()
    return now.children_user + now.children_system - begin.children_user - begin.children_system


def run_tool(name: str, python: str, corpus: Path) -> dict:
    script = Path(__file__).with_name("scan_tools.py")
    done = subprocess.run([python, str(script), name, str(corpus)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def version(name: str, python: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({name!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--tool", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--list", action="store_true", help="name what recipe does not catch, and its false alarms")
    parser.add_argument("--without-held", action="store_true", help="leave the held cases out")
    options = parser.parse_args()
    cases = json.loads((options.corpus / "index.json").read_text())
    if options.without_held:
        cases = [case for case in cases if not case["held"]]
    results = {"recipe": run_recipe(options.recipe, options.corpus, cases)}
    for pair in options.tool:
        name, python = pair.split("=", 1)
        results[f"{name} {version(name, python)}"] = run_tool(name, python, options.corpus)

    evil = [c for c in cases if c["malicious"]]
    tuned, held = [c for c in evil if not c["held"]], [c for c in evil if c["held"]]
    benign = [c for c in cases if not c["malicious"]]
    print(f"{len(evil)} malicious ({len(held)} held back), {len(benign)} benign\n")
    print("| Scanner | Caught | Missed | Not examined | Caught of the held | False alarms | Benign not examined | Grave: caught, false | Seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, found in results.items():
        def count(chosen, *words):
            return sum(found[c["name"]][0] in words for c in chosen)

        caught = ("found", "grave")
        has_grades = name.split()[0] in ("recipe", "fickling", "modelaudit")
        grave = f"{count(evil, 'grave')}, {count(benign, 'grave')}" if has_grades else "–"
        seconds = sum(time for _, time in found.values())
        print(
            f"| {name} | {count(evil, *caught)} of {len(evil)} | {count(evil, 'clean')} | "
            f"{count(evil, 'unexamined')} | {count(held, *caught)} of {len(held)} | "
            f"{count(benign, *caught)} of {len(benign)} | {count(benign, 'unexamined')} | "
            f"{grave} | {seconds:.1f} |")
    groups = sorted({c["group"] for c in evil})
    print("\n| Caught by kind | " + " | ".join(f"{g} ({sum(c['group'] == g for c in evil)})" for g in groups) + " |")
    print("| --- |" + " --- |" * len(groups))
    for name, found in results.items():
        row = [str(sum(found[c["name"]][0] in ("found", "grave") for c in evil if c["group"] == g)) for g in groups]
        print(f"| {name} | " + " | ".join(row) + " |")
    if options.list:
        for chosen, wrong in ((tuned + held, ("clean", "unexamined", "crashed")), (benign, ("found", "grave", "unexamined", "crashed"))):
            for case in chosen:
                verdict = results["recipe"][case["name"]][0]
                if verdict in wrong:
                    print(f"{'malicious' if case['malicious'] else 'benign'}: {case['name']}: {verdict}: {case['path']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
