"""Runs one scanner over cases and prints what it says of each, as JSON.

    PYTHON Oracle/scan_tools.py TOOL CORPUS

TOOL is picklescan, modelscan, fickling or modelaudit; PYTHON is one that has it. A verdict is
`found` (by the tool's exit code as it comes), `grave` (found, and of the tool's upper grades), `clean`, or `unexamined` where the tool fails or says that it does not read the file. The
tool runs in this process, so its start is not counted; times are the processor's.
"""

import contextlib
import io
import json
import logging
import os
import sys
import time
from pathlib import Path


def picklescan(path: Path) -> str:
    from picklescan import scanner

    scan = scanner.scan_directory_path if path.is_dir() else scanner.scan_file_path
    result = scan(str(path))
    if result.issues_count:
        return "found"
    return "unexamined" if result.scan_err or not result.scanned_files else "clean"


def modelscan(path: Path) -> str:
    from modelscan.modelscan import ModelScan
    from modelscan.settings import DEFAULT_SETTINGS

    result = ModelScan(settings=DEFAULT_SETTINGS).scan(path)
    if result["summary"]["total_issues"]:
        return "found"
    return "unexamined" if result["errors"] or not result["summary"]["scanned"]["total_scanned"] else "clean"


def fickling(path: Path) -> str:
    from fickling.analysis import Severity
    from fickling.loader import scan_file, scan_zip_archive

    verdicts = []
    grave = Severity.LIKELY_OVERTLY_MALICIOUS
    for file in [path] if path.is_file() else [p for p in sorted(path.rglob("*")) if p.is_file()]:
        if file.read_bytes()[:4] == b"PK\x03\x04":
            results = list(scan_zip_archive(str(file), graceful=True).values())
        else:
            results = [scan_file(str(file), graceful=True)]
        for result in results:
            if result.is_safe and not result.errors:
                verdicts.append("clean")
            elif result.results and not result.is_safe:
                is_grave = any(part.severity >= grave for part in result.results)
                verdicts.append("grave" if is_grave else "found")
            else:
                verdicts.append("unexamined")
    for verdict in ("grave", "found"):
        if verdict in verdicts:
            return verdict
    return "clean" if "clean" in verdicts else "unexamined"


def modelaudit(path: Path) -> str:
    from modelaudit.core import determine_exit_code, scan_model_directory_or_file

    result = scan_model_directory_or_file(str(path), cache_enabled=False)
    code = determine_exit_code(result)
    if code == 1 and any(issue.severity.name == "CRITICAL" for issue in result.issues):
        return "grave"
    return {0: "clean", 1: "found"}.get(code, "unexamined")


def main() -> int:
    tool = {f.__name__: f for f in (picklescan, modelscan, fickling, modelaudit)}[sys.argv[1]]
    corpus = Path(sys.argv[2])
    logging.disable(logging.CRITICAL)
    os.environ["PROMPTFOO_DISABLE_TELEMETRY"] = os.environ["NO_ANALYTICS"] = "1"
    output = {}
    # What a tool imports first is no part of the first case.
    with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
        tool(corpus / "index.json")
    for case in json.loads((corpus / "index.json").read_text()):
        begin = time.process_time()
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                verdict = tool(corpus / case["path"])
        except (Exception, SystemExit, RecursionError):
            verdict = "unexamined"
        output[case["name"]] = [verdict, time.process_time() - begin]
    print(json.dumps(output))
    return 0


if __name__ == "__main__":
    sys.exit(main())
