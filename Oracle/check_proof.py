"""Checks the proof of a purification, and its statement, without recipe.

    python Oracle/check_proof.py BEFORE AFTER [--statement AFTER.intoto.json]

Computes every digest of `purification.json` in AFTER from the two folders by the definitions of
Documentation/proof.md: files, the card without its paragraph, unchanged tensors (of safetensors
files). The statement is read by the `in-toto-attestation` package, which knows the layout of
statements and of SLSA provenance (`pip install -r Oracle/requirements-proof.txt`). Prints what differs
and exits 1 where anything does.
"""

import argparse
import hashlib
import json
import struct
import sys
from pathlib import Path

OPENING = b"<!-- recipe:purified:begin -->"
CLOSING = b"<!-- recipe:purified:end -->"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def files(folder: Path) -> dict[str, bytes]:
    if folder.is_file():
        return {folder.name: folder.read_bytes()}
    paths = [path for path in folder.rglob("*") if path.is_file()]
    names = [path.relative_to(folder) for path in paths]
    shown = [name for name in names if not any(part.startswith(".") for part in name.parts[:-1])]
    # `.recipe` is made from the names of the others.
    listed = [name.as_posix() for name in shown if name.as_posix() != ".recipe"]
    return {name: (folder / name).read_bytes() for name in listed}


def records(files: dict[str, bytes]) -> list[dict]:
    names = sorted(files, key=lambda name: name.encode())
    return [{"name": n, "sha256": sha256(files[n]), "size": len(files[n])} for n in names]


def lines(digests: dict[str, str]) -> str:
    """One digest of many names with digests."""
    names = sorted(digests, key=lambda name: name.encode())
    return sha256("".join(f"{digests[name]}  {name}\n" for name in names).encode())


def tensors(data: bytes) -> dict[str, bytes]:
    """The bytes of each tensor of a safetensors file."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    return {
        name: data[8 + length :][slice(*entry["data_offsets"])]
        for name, entry in header.items()
        if name != "__metadata__"
    }


def check_tensors(proof: dict, before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    if any(not name.endswith(".safetensors") for name in {c["file"] for c in proof["changed"]}):
        return []
    same, changed = {}, set()
    for file in (name for name in after if name.endswith(".safetensors")):
        old, new = tensors(before[file]), tensors(after[file])
        for name, data in old.items():
            if new[name] == data:
                same[f"{file}/{name}"] = sha256(data)
            else:
                changed.add((file, name))
    problems = []
    if changed != {(c["file"], c["name"]) for c in proof["changed"]}:
        problems.append("other tensors changed")
    if proof["unchanged"] != {"tensors": len(same), "sha256": lines(same)}:
        problems.append("other tensors are unchanged")
    return problems


def check(proof: dict, before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    problems = []
    if proof["inputs"]["model"] != records(before):
        problems.append("the files of the input differ")
    output = {name: data for name, data in after.items() if name != "purification.json"}
    card = proof["card"]
    if card["state"] != "left":
        text = output.pop("README.md")
        start, end = text.index(OPENING) + len(OPENING), text.index(CLOSING)
        rest = text[:start] + text[end:]
        if (len(rest), sha256(rest)) != (card["size"], card["sha256"]):
            problems.append("the card differs")
        if sha256(after["purification.json"]).encode() not in text[start:end]:
            problems.append("the card names another proof")
    if proof["outputs"] != records(output):
        problems.append("the files of the output differ")
    for source in proof["inputs"]["data"]:
        entries = source.get("entries")
        if entries and source["sha256"] != lines({e["name"]: e["sha256"] for e in entries}):
            problems.append(f"the digest of {source['name']} is not that of its files")
    return problems + check_tensors(proof, before, after)


def check_statement(path: Path, proof: dict, after: dict[str, bytes]) -> list[str]:
    from google.protobuf import json_format
    from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.statement import Statement

    statement = json_format.Parse(path.read_text(), statement_pb2.Statement())
    Statement.copy_from_pb(statement).validate()
    predicate = json_format.Parse(
        json_format.MessageToJson(statement.predicate), provenance_pb2.Provenance()
    )
    problems = []
    subjects = {subject.name: subject.digest["sha256"] for subject in statement.subject}
    if subjects != {name: sha256(data) for name, data in after.items()}:
        problems.append("the statement is about other files")
    if statement.predicate_type != "https://slsa.dev/provenance/v1":
        problems.append("the statement's predicate is of another type")
    definition = predicate.build_definition
    if json_format.MessageToDict(definition.external_parameters) != proof["plan"]:
        problems.append("the statement has another plan")
    inputs = {f"model/{file['name']}" for file in proof["inputs"]["model"]}
    inputs |= {f"{source['role']}/{source['name']}" for source in proof["inputs"]["data"]}
    if {dependency.name for dependency in definition.resolved_dependencies} != inputs:
        problems.append("the statement has other inputs")
    digest = sha256(after["purification.json"])
    if predicate.run_details.metadata.invocation_id != f"sha256:{digest}":
        problems.append("the statement is of another proof")
    return problems


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--statement", type=Path)
    options = parser.parse_args()
    before, after = files(options.before), files(options.after)
    proof = json.loads(after["purification.json"])
    problems = check(proof, before, after)
    if options.statement:
        problems += check_statement(options.statement, proof, after)
    print("\n".join(problems) or "the proof matches")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
