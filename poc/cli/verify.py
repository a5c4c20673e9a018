"""``poc verify``: verify everything this home holds of the log anew; no network, no passphrase."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from poc.cli.context import Context
from poc.cli.output import Progress, Result, both_times
from poc.core.statement import format_fingerprint
from poc.core.strictjson import parse_time
from poc.errors import CATALOGUE

if TYPE_CHECKING:
    from poc.client.verify import VerifyReport


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command; it has no verbs."""
    parser.add_argument(
        "--progress",
        action="store_true",
        help="tell on standard error how far it is, also without a terminal",
    )
    parser.set_defaults(run=_run)


def _run(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.verify import verify_home

    report = verify_home(context.home, context.now(), Progress(asked=arguments.progress))
    value = report.to_json()
    if report.bad is not None:
        row = CATALOGUE[report.bad.code]
        value |= {"code": report.bad.code, "message": _bad_line(report), "next": row.next_step}
    exit_code = 0 if report.verified else 1
    return Result(value, _lines(report), warnings=report.warnings, exit_code=exit_code)


def _lines(report: VerifyReport) -> list[str]:
    lines = [f"verified {check.count:>6}  {check.what}" for check in report.checks]
    lines += [f"origin       {report.origin}", f"fingerprint  {format_fingerprint(report.fingerprint)}"]
    if report.root is not None and report.newest_at is not None:
        lines += [
            f"size         {report.entries}",
            f"root         {report.root}",
            f"newest entry {both_times(parse_time(report.newest_at))}",
        ]
    if report.bad is None:
        return [*lines, "VERIFIED: everything this home holds of the registry"]
    row = CATALOGUE[report.bad.code]
    return [
        *lines,
        f"NOT VERIFIED: {_bad_line(report)} [{report.bad.code}]",
        f"     next: {row.next_step}",
    ]


def _bad_line(report: VerifyReport) -> str:
    bad = report.bad
    if bad is None:
        return ""
    detail = f" ({bad.detail})" if bad.detail else ""
    return f"{bad.where}: {CATALOGUE[bad.code].sentence}{detail}"
