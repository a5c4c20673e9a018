"""``poc evidence``: verify an evidence file with nothing but the file and the fingerprint."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from poc.cli.context import Context, read_file
from poc.cli.output import Result, Table
from poc.core.proof import verify_evidence
from poc.core.statement import parse_fingerprint
from poc.core.strictjson import format_time
from poc.limits import EVIDENCE_BYTES_MAX


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    verify = verbs.add_parser("verify", help="verify an evidence file, offline")
    verify.add_argument("file", metavar="FILE", type=Path)
    verify.add_argument("--fingerprint", required=True, help="the registry's fingerprint, in full")
    verify.set_defaults(run=_verify)


def _verify(_context: Context, arguments: argparse.Namespace) -> Result:
    data = read_file(arguments.file, EVIDENCE_BYTES_MAX)
    report = verify_evidence(data, parse_fingerprint(arguments.fingerprint))
    timeline = [{**asdict(event), "at": format_time(event.at)} for event in report.timeline]
    problems = [asdict(problem) for problem in report.problems]
    value = {
        "verified": not problems,
        "origin": report.origin,
        "message": report.message,
        "envelope_sha256": report.digest,
        "author_proven": report.author_proven,
        "timeline": timeline,
        "problems": problems,
        "warnings": list(report.warnings),
    }
    rows = [[e["at"], e["event"], e["who"], e["contact"] or "", (e["kid"] or "")[:12]] for e in timeline]
    return Result(
        value,
        lines=[
            f"message {report.message} of {report.origin}",
            "the author is proven" if report.author_proven else "the content was not disclosed",
            *(f"PROBLEM {problem['code']}: {problem['detail']}" for problem in problems),
        ],
        tables=[Table(("at", "event", "by", "contact", "key"), rows)],
        warnings=report.warnings,
        exit_code=1 if problems else 0,
    )
