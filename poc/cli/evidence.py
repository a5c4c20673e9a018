"""``poc evidence``: verify an evidence file with nothing but the file and the fingerprint."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from poc.cli.context import Context, add_fingerprint, read_given
from poc.cli.message_text import spaced_code
from poc.cli.output import Result, Table, both_times
from poc.core.evidence import RECEIPT_IS_NOT_AGREEMENT
from poc.core.form import form_value
from poc.core.message import NON_ATTRIBUTION
from poc.core.proof import EvidenceReport, verify_evidence
from poc.core.statement import format_fingerprint
from poc.core.strictjson import format_time
from poc.errors import RefusedError
from poc.limits import EVIDENCE_BYTES_MAX

_WARNINGS: Final = {"no-witnesses": "no witnesses: the operator could show different logs"}

_ORDER: Final = (
    "sent", "rejected", "accepted", "released", "not-needed", "cancelled",
    "retrieved", "acknowledged", "declined", "recorded", "expired",
)  # fmt: skip


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    verify = verbs.add_parser(
        "verify",
        help="verify an evidence file; no network, no passphrase",
        epilog="It needs no home. In a home of the same registry the file's heads are compared with the log "
        "verified there, and one that contradicts it is kept: `poc fork list`.",
    )
    verify.add_argument("file", metavar="FILE", type=Path, help="the evidence file; - reads standard input")
    add_fingerprint(verify)
    verify.set_defaults(run=_verify)


async def _verify(context: Context, arguments: argparse.Namespace) -> Result:
    pinned = context.pinned(arguments.fingerprint)
    data = read_given(arguments.file, EVIDENCE_BYTES_MAX)
    await _compare(context, pinned, data)
    report = verify_evidence(data, pinned)
    problems = [asdict(problem) for problem in report.problems]
    warnings = [_WARNINGS.get(code, code) for code in report.warnings]
    unproven = _not_proven(report)
    # Within one second the order is the one in which things can happen.
    timeline = sorted(report.timeline, key=lambda event: (event.at, _ORDER.index(event.event)))
    value = {
        "verified": not problems,
        "origin": report.origin,
        "fingerprint": report.fingerprint,
        "message": report.message,
        "envelope_sha256": report.digest,
        "author_proven": report.author_proven,
        "header": form_value(report.header),
        "voice_code": report.voice_code,
        "log": {"size": report.log.size},
        "timeline": [{**asdict(event), "at": format_time(event.at)} for event in timeline],
        "problems": problems,
        "not_proven": unproven,
        "receipt_sentence": RECEIPT_IS_NOT_AGREEMENT,
        "warnings": warnings,
    }
    rows = [(both_times(e.at), e.event, e.who, e.contact or "", f"{e.kid[:12]}…") for e in timeline]
    notes = [f"PROBLEM {problem['code']}: {problem['detail']}" for problem in problems]
    notes += [f"not proven: {sentence}" for sentence in unproven]
    notes += [*RECEIPT_IS_NOT_AGREEMENT.values(), NON_ATTRIBUTION]
    return Result(
        value,
        lines=_lines(report),
        tables=[Table(("time by the signer's clock", "event", "by", "contact", "key"), rows)],
        warnings=warnings,
        exit_code=1 if problems else 0,
        notes=notes,
    )


def _lines(report: EvidenceReport) -> list[str]:
    header = report.header
    verdict = "VERIFIED" if not report.problems else "VERIFIED, BUT IT DOES NOT FIT TOGETHER"
    lines = [
        f"{verdict}: message {report.message} of {report.origin}",
        f"fingerprint  {format_fingerprint(report.fingerprint)}",
        f"what         {header.kind}, {header.precedence}, {header.status} {header.exercise or ''}".rstrip(),
        f"sender       {header.sender.contact} ({'proven' if report.author_proven else 'a claim'})",
        f"log          {report.log.size} entries, every one verified",
    ]
    if report.voice_code is not None:
        lines.append(f"voice code   {spaced_code(report.voice_code)}")
    lines += _content_lines(report)
    return lines


def _content_lines(report: EvidenceReport) -> list[str]:
    if report.content is None:
        return ["content      not disclosed in this file"]
    message = report.content.message
    lines = [f"subject      {message.subject}"]
    for text in message.body.texts:
        lines.append(f"[{text.language}, {text.role}]")
        lines += text.text.split("\n")
    return lines


async def _compare(context: Context, pinned: str, data: bytes) -> None:
    """In a desk's home of the same registry, hold the file's heads against the log verified there.

    Raises ``head-inconsistent``, ``bad-form``.
    """
    from poc.client.home import open_home

    try:
        settings = open_home(context.home)
    except RefusedError as error:
        if error.code != "not-a-desk":
            raise
        return
    if settings.fingerprint == pinned:
        async with context.desk() as desk:
            desk.compare_evidence(data)


def _not_proven(report: EvidenceReport) -> list[str]:
    """What a reader might take for proven and is not."""
    told: list[Any] = [
        "that anybody read, understood or agreed with the content: a key acted, not a pulse",
        "that nothing else happened: a file may leave out what its maker does not show",
        "the times: each is by its signer's own clock; the hub's decides what is late",
    ]
    if not report.author_proven:
        told.insert(0, "the author and the content: the file does not disclose the content key")
    if "no-witnesses" in report.warnings:
        told.append("that the operator showed everybody the same log: the registry has no witnesses")
    return told
