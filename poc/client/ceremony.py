"""The transcript of a ceremony: a genesis or policy signed step by step, offline, every hash kept.

A transcript is a text made by rule: its head follows from the statement alone, each step adds lines, and the
last line is the SHA-256 of all before it. So it can be compared on paper, and checked against the file
(docs/spec/ceremony.md). It proves nothing that the signatures do not: it says how they came about. Clocks of
machines off the network may differ, so the times are kept, never judged.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from poc.client import statements
from poc.core import jws, rules
from poc.core.directory import Directory
from poc.core.form import form_bytes
from poc.core.proposal import Proposal, proposal_bytes, read_proposal, with_signatures
from poc.core.required import brought_keys, founding
from poc.core.statement import Statement, format_fingerprint, genesis_fingerprint
from poc.core.strictjson import format_time, unb64u
from poc.core.text import check_text
from poc.errors import RefusedError
from poc.keyring import Keyring

TITLE: Final = "poc ceremony transcript 1"
TYPES: Final = ("registry.genesis", "registry.policy")
TRANSCRIPT_BYTES_MAX: Final = 256 * 1024
_TEXT_CHARS_MAX: Final = 200
_CLOCK: Final = r"at=\S+ program=\S+"
_SIGNATURE: Final = r"(?P<told>who=\S+ kid=[A-Za-z0-9_-]{43} signature-sha256=[0-9a-f]{64})"
_STEPS: Final = {
    "begun": re.compile(_CLOCK),
    "present": re.compile(r"(?P<text>.+)"),
    "found": re.compile(_SIGNATURE),
    "signed": re.compile(f"{_CLOCK} {_SIGNATURE}"),
    "ended": re.compile(f"{_CLOCK} file-sha256=(?P<file>[0-9a-f]{{64}})"),
}


@dataclass(frozen=True, slots=True)
class Clock:
    """When a step is taken by this machine's clock, and by which version of the program."""

    at: datetime
    program: str

    def __str__(self) -> str:
        return f"at={format_time(self.at)} program={self.program}"


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A statement's file with the steps taken so far; both fit together."""

    proposal: Proposal
    statement: Statement
    steps: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """What is read aloud: the genesis fingerprint, or the SHA-256 of a policy's payload; hex."""
        return _fingerprint(self.statement)

    @property
    def is_ended(self) -> bool:
        """Whether nothing may be added."""
        return bool(self.steps) and self.steps[-1].startswith("ended: ")

    def transcript(self) -> str:
        """The text, with the SHA-256 of its lines as the last one."""
        text = "".join(f"{line}\n" for line in (*_head(self.statement), *self.steps))
        return f"{text}sha256: {hashlib.sha256(text.encode()).hexdigest()}\n"

    def file(self) -> bytes:
        """The statement's file as it stands."""
        return proposal_bytes(self.proposal)


def begin(data: bytes, present: Sequence[str], directory: Directory | None, clock: Clock) -> Ceremony:
    """Begin with a drafted genesis or policy; who is present is written as told.

    ``directory`` is the registry's, for a policy. Raises ``ceremony-step`` for any other statement, and
    what the draft is refused for.
    """
    proposal, statement = _read(data)
    missing = _check_signed(proposal, statement, directory)
    for told in present:
        check_text(told, _TEXT_CHARS_MAX)
    found = [f"found: {line}" for line in _signature_lines(proposal, statement, directory)]
    steps = (f"begun: {clock}", *(f"present: {told}" for told in present), *found)
    return Ceremony(proposal, statement, steps, missing)


def resume(data: bytes, transcript: str, directory: Directory | None) -> Ceremony:
    """The ceremony so far, of its file and transcript, after both were found to fit.

    Raises ``bad-transcript`` where the transcript was changed, ``transcript-mismatch`` where file and
    transcript do not say the same, and what the file's signatures are refused for.
    """
    lines = _intact_lines(transcript)
    proposal, statement = _read(data)
    head = _head(statement)
    if tuple(lines[: len(head)]) != head:
        raise RefusedError("transcript-mismatch", "it is of another statement")
    ceremony = Ceremony(
        proposal, statement, tuple(lines[len(head) :]), _check_signed(proposal, statement, directory)
    )
    _check_steps(ceremony, directory)
    return ceremony


def sign(
    ceremony: Ceremony, typed: str, keys: Keyring, directory: Directory | None, clock: Clock
) -> Ceremony:
    """Add the signatures of a registrar's home, after the fingerprint read aloud was compared.

    Raises ``wrong-fingerprint``, ``ceremony-step`` after the end, ``no-key``, ``already-signed``.
    """
    if ceremony.is_ended:
        raise RefusedError("ceremony-step", "the ceremony has ended")
    if not hmac.compare_digest(typed, ceremony.fingerprint):
        raise RefusedError("wrong-fingerprint", f"the file has {format_fingerprint(ceremony.fingerprint)}")
    base = None if ceremony.statement.type == "registry.genesis" else directory
    signed = statements.sign(ceremony.proposal.signed, keys, base)
    proposal = with_signatures(ceremony.proposal, signed.signatures)
    missing = _check_signed(proposal, ceremony.statement, directory)
    before = set(_signature_lines(ceremony.proposal, ceremony.statement, directory))
    now = _signature_lines(proposal, ceremony.statement, directory)
    added = tuple(f"signed: {clock} {line}" for line in now if line not in before)
    return replace(ceremony, proposal=proposal, steps=(*ceremony.steps, *added), missing=missing)


def end(ceremony: Ceremony, clock: Clock) -> Ceremony:
    """Close the transcript over the complete file. Raises ``signatures-missing``, ``ceremony-step``."""
    if ceremony.is_ended:
        raise RefusedError("ceremony-step", "the ceremony has ended")
    if ceremony.missing:
        raise RefusedError("signatures-missing", "; ".join(ceremony.missing))
    return replace(
        ceremony, steps=(*ceremony.steps, f"ended: {clock} file-sha256={_sha256(ceremony.file())}")
    )


def verify(data: bytes, transcript: str, directory: Directory | None) -> Ceremony:
    """A ceremony held to its end, of its transcript and file.

    Raises as :func:`resume`, and ``ceremony-step`` where it was not ended.
    """
    ceremony = resume(data, transcript, directory)
    if not ceremony.is_ended:
        raise RefusedError("ceremony-step", "the ceremony was not ended")
    return ceremony


def _read(data: bytes) -> tuple[Proposal, Statement]:
    proposal, statement = read_proposal(data)
    if statement.type not in TYPES:
        raise RefusedError("ceremony-step", f"a ceremony is of {' or '.join(TYPES)}, not of {statement.type}")
    if statement.type == "registry.genesis":
        rules.check_genesis(statement.payload)
    return proposal, statement


def _fingerprint(statement: Statement) -> str:
    if statement.type == "registry.genesis":
        return genesis_fingerprint(statement.payload)
    return _sha256(statement.payload)


def _head(statement: Statement) -> tuple[str, ...]:
    """The lines that follow from the statement alone."""
    settings: Any = statement.body
    return (
        TITLE,
        f"type: {statement.type}",
        f"origin: {statement.origin}",
        f"settings-sha256: {_sha256(form_bytes(settings))}",
        f"payload-sha256: {_sha256(statement.payload)}",
        f"fingerprint: {format_fingerprint(_fingerprint(statement))}",
        *(f"registrar: id={r.id} body={r.body} kid={r.key.kid}" for r in settings.registrars),
        *(f"log-key: {vkey}" for vkey in settings.log_keys),
        *(f"hub-key: kid={key.kid}" for key in settings.hub_keys),
    )


def _check_signed(proposal: Proposal, statement: Statement, directory: Directory | None) -> tuple[str, ...]:
    """What is still to be signed, after every signature there was verified and found to be called for."""
    settings: Any = statement.body
    brought = brought_keys(settings)
    if statement.type == "registry.genesis":
        needed, known = founding(settings), {}
    elif directory is None:
        raise RefusedError("not-a-desk", "a policy is signed at the homes of its registry's registrars")
    else:
        needed = rules.requirement(directory, statement)
        known = {kid: record.verify_key for kid, record in directory.keys.items()}
    kids = frozenset(_kids(proposal))
    if not needed.fitting(kids):
        raise RefusedError("signature-not-called-for")
    for signature in proposal.signed.signatures:
        kid = jws.header_kid(signature.protected)
        key = known.get(kid) or brought[kid]
        jws.verify(statement.payload, signature, jws.STATEMENT, key)
    return needed.missing(kids)


def _kids(proposal: Proposal) -> list[str]:
    return [jws.header_kid(signature.protected) for signature in proposal.signed.signatures]


def _signature_lines(proposal: Proposal, statement: Statement, directory: Directory | None) -> list[str]:
    """A line for each signature of the file, without its time."""
    settings: Any = statement.body
    holders = {} if directory is None else {kid: record.holder for kid, record in directory.keys.items()}
    holders |= {key.kid: "hub" for key in settings.hub_keys}
    holders |= {registrar.key.kid: registrar.id for registrar in settings.registrars}
    return [
        f"who={holders.get(kid, 'new-key')} kid={kid} signature-sha256={_sha256(unb64u(signature.signature))}"
        for kid, signature in zip(_kids(proposal), proposal.signed.signatures, strict=True)
    ]


def _intact_lines(transcript: str) -> list[str]:
    """The lines of a transcript without its last. Raises ``bad-transcript``."""
    text, marker, last = transcript.rpartition("sha256: ")
    if not marker or not text.endswith("\n") or last != f"{hashlib.sha256(text.encode()).hexdigest()}\n":
        raise RefusedError("bad-transcript", "its last line is not the SHA-256 of the lines before")
    lines = text[:-1].split("\n")
    if lines[0] != TITLE:
        raise RefusedError("bad-transcript", "its first line")
    return lines


def _check_steps(ceremony: Ceremony, directory: Directory | None) -> None:
    """The steps are of their form and in their order, and tell of exactly the file's signatures."""
    told = []
    for number, line in enumerate(ceremony.steps):
        what, _, rest = line.partition(": ")
        step = _STEPS[what].fullmatch(rest) if what in _STEPS else None
        last = number == len(ceremony.steps) - 1
        if step is None or (what == "begun") != (number == 0) or (what == "ended" and not last):
            raise RefusedError("bad-transcript", f"step {number + 1}")
        if what in {"found", "signed"}:
            told.append(step["told"])
        if what == "ended" and (ceremony.missing or step["file"] != _sha256(ceremony.file())):
            raise RefusedError("transcript-mismatch", "the file is not as it was at the end")
    if not ceremony.steps:
        raise RefusedError("bad-transcript", "it has no step")
    if sorted(told) != sorted(_signature_lines(ceremony.proposal, ceremony.statement, directory)):
        raise RefusedError("transcript-mismatch", "the file has other signatures than it tells of")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
