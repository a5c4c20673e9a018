"""Write our own vectors for fork files: what proves that a log showed two histories, and what does not.

    python -m tests.vectors.make_fork

Two logs of one registry share their first three entries and part there. Keys follow from labels as in
``tests/registry.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from poc.core.fork import build_fork
from poc.core.merkle import consistency_proof
from poc.core.note import Signer
from poc.core.strictjson import canonical
from tests.registry import ORIGIN, Registry, signing_key

PATH = Path(__file__).parent / "fork" / "forks.json"
AT = 3


def two_logs() -> tuple[Registry, Registry]:
    """The log a desk verified, and the one it was shown: of five and of six entries."""
    logs = (Registry(), Registry())
    for log in logs:
        log.enrol("jo", "sd")
    logs[0].enrol("eg", "om")
    logs[1].enrol("qa", "om", "ye")
    return logs


def fork_of(smaller: Registry, first: int, larger: Registry, second: int) -> bytes:
    """The fork file of a head of each log."""
    genesis = smaller.entries[0].signed.payload
    notes = (smaller.checkpoint(first), larger.checkpoint(second))
    if first == second:
        return build_fork(genesis, *notes)
    proof = consistency_proof(first, second, larger._node)
    return build_fork(genesis, *notes, larger._tree(first)[1], proof)


def changed(data: bytes, **members: Any) -> bytes:
    """The file with members replaced."""
    return canonical({**json.loads(data), **members})


def cases() -> list[dict[str, str]]:
    """Every case: its name, the file, the code it is refused with or ``ok``."""
    own, other = two_logs()
    fork = fork_of(own, 5, other, 6)
    same = fork_of(own, 5, other, 5)
    file = json.loads(fork)
    proof, root = file["consistency"], file["root"]
    forged = Signer(ORIGIN, signing_key("an impostor"))
    impostor = _signed_by(other, forged)
    rows: list[tuple[str, str, bytes]] = [
        ("two roots of one size", "ok", same),
        ("a larger head of another log", "ok", fork),
        ("a smaller head of another log", "ok", fork_of(other, 4, own, 5)),
        ("sizes of two powers of two", "ok", fork_of(own, 4, other, 5)),
        ("heads with cosignatures", "ok", changed(same, first=own.cosigned("jo.witness").decode())),
        ("one head twice", "not-a-fork", changed(same, second=json.loads(same)["first"])),
        ("two heads of one log", "not-a-fork", fork_of(own, 4, own, 5)),
        ("heads from before the logs part", "not-a-fork", fork_of(own, AT, other, AT)),
        ("a head signed by another key", "unsigned-note", changed(fork, second=impostor)),
        ("a signature changed", "bad-signature", changed(fork, second=_broken(file["second"]))),
        ("a root changed under its signature", "bad-signature", changed(fork, first=_moved(file["first"]))),
        ("the larger head first", "bad-proof", changed(fork, first=file["second"], second=file["first"])),
        ("no root where sizes differ", "bad-proof", changed(fork, root=None)),
        ("no hashes where sizes differ", "bad-proof", changed(fork, consistency=[])),
        ("a root where sizes are equal", "bad-proof", changed(same, root=root)),
        ("hashes where sizes are equal", "bad-proof", changed(same, consistency=proof)),
        ("a hash left out", "bad-proof", changed(fork, consistency=proof[:-1])),
        ("a hash too many", "bad-proof", changed(fork, consistency=[*proof, root])),
        ("hashes in another order", "bad-proof", changed(fork, consistency=proof[::-1])),
        ("a root the hashes do not lead to", "bad-proof", changed(fork, root=proof[0])),
        ("64 hashes", "bad-form", changed(fork, consistency=[root] * 64)),
        ("another origin", "wrong-origin", changed(fork, origin="example.org/other")),
        ("another registry's genesis", "wrong-fingerprint", changed(fork, genesis=_other_genesis())),
        ("a statement that is no genesis", "wrong-fingerprint", changed(fork, genesis=_entry(own, 1))),
        ("spaces in the file", "not-canonical", json.dumps(file).encode()),
        ("a newer file", "newer-form", changed(fork, v=2)),
        ("another kind of file", "bad-form", changed(fork, form="poc-evidence")),
    ]  # fmt: skip
    return [{"name": name, "expect": code, "file": data.decode()} for name, code, data in rows]


def _signed_by(log: Registry, signer: Signer) -> str:
    from poc.core.checkpoint import Checkpoint, sign_checkpoint

    return sign_checkpoint(Checkpoint(ORIGIN, *log._tree(6)), signer).decode()


def _broken(note: str) -> str:
    """The note with another last byte in its signature."""
    return _edited(note, lambda line: line[:-4] + ("AAA=" if line[-4:] != "AAA=" else "BBB="), -1)


def _moved(note: str) -> str:
    """The note with another root, not signed anew."""
    return _edited(note, lambda line: "A" + line[1:] if line[0] != "A" else "B" + line[1:], 2)


def _edited(note: str, edit: Callable[[str], str], number: int) -> str:
    lines = note.rstrip("\n").split("\n")
    lines[number] = edit(lines[number])
    return "\n".join(lines) + "\n"


def _other_genesis() -> str:
    return _entry(Registry(freshness_seconds=77), 0)


def _entry(log: Registry, index: int) -> str:
    from poc.core.strictjson import b64u

    return b64u(log.entries[index].signed.payload)


def text() -> str:
    """The vector file."""
    about = "Fork files, each verified with the fingerprint alone: proven (ok), or the code of the refusal."
    value = {"about": about, "fingerprint": two_logs()[0].directory.fingerprint, "cases": cases()}
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(text(), "utf-8")
