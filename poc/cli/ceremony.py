"""``poc ceremony``: a genesis or policy signed step by step, offline, with a transcript of every hash.

The file and the transcript go from machine to machine; each registrar signs on its own. At a terminal the
fingerprint is asked for as it is read aloud; a script gives it with ``--fingerprint``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from poc.cli.context import Context, read_file, write_file
from poc.cli.output import Result, warn
from poc.client import ceremony
from poc.client.ceremony import TRANSCRIPT_BYTES_MAX, Ceremony, Clock
from poc.client.home import TRUST_NAME
from poc.core.directory import Directory
from poc.core.proposal import read_proposal
from poc.core.statement import format_fingerprint, parse_fingerprint
from poc.errors import RefusedError, UsageError
from poc.keyring import Keyring, write_private
from poc.limits import BODY_BYTES_MAX

FILE_HELP = "the genesis of `poc registry init --draft`, or a policy, as a proposal file"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    begin = verbs.add_parser("begin", help="check the draft and begin its transcript")
    _add_files(begin)
    begin.add_argument(
        "--present",
        metavar="TEXT",
        action="append",
        default=[],
        help="an office that is present, repeatable; no names of persons",
    )
    begin.set_defaults(run=_begin)
    sign = verbs.add_parser("sign", help="compare the fingerprint and sign with this home's key")
    _add_files(sign)
    sign.add_argument(
        "--fingerprint", help="all 64 digits as read aloud from another machine; asked for at a terminal"
    )
    sign.set_defaults(run=_sign)
    end = verbs.add_parser("end", help="close the transcript once every signature is there")
    _add_files(end)
    end.set_defaults(run=_end)
    verify = verbs.add_parser("verify", help="check a transcript and its file against each other, offline")
    verify.add_argument("transcript", metavar="TRANSCRIPT", type=Path, help="the transcript of a ceremony")
    verify.add_argument("file", metavar="FILE", type=Path, help="the file that was signed in it")
    verify.set_defaults(run=_verify)


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help=FILE_HELP)
    parser.add_argument(
        "--transcript", metavar="FILE", type=Path, required=True, help="the transcript, carried with the file"
    )


async def _begin(context: Context, arguments: argparse.Namespace) -> Result:
    data = read_file(arguments.file, BODY_BYTES_MAX)
    async with _directory(context, data) as directory:
        begun = ceremony.begin(data, arguments.present, directory, _clock(context))
    write_file(arguments.transcript, begun.transcript().encode())
    files = f"{arguments.file} --transcript {arguments.transcript}"
    then = f"each registrar, on its own machine: poc ceremony sign {files}"
    return _told(
        begun, arguments.transcript, ["Read the draft aloud, then the fingerprint, all of it.", then]
    )


async def _sign(context: Context, arguments: argparse.Namespace) -> Result:
    data = read_file(arguments.file, BODY_BYTES_MAX)
    async with _directory(context, data) as directory:
        held = ceremony.resume(data, _transcript(arguments.transcript), directory)
        for line in held.transcript().splitlines():
            warn(line)
        typed = parse_fingerprint(arguments.fingerprint or _asked())
        keys = Keyring.unlock(context.home, context.passphrase())
        signed = ceremony.sign(held, typed, keys, directory, _clock(context))
    write_private(arguments.file, signed.file())
    write_private(arguments.transcript, signed.transcript().encode())
    last = f"last: poc ceremony end {arguments.file} --transcript {arguments.transcript}"
    return _told(signed, arguments.transcript, [f"still to sign: {who}" for who in signed.missing] or [last])


async def _end(context: Context, arguments: argparse.Namespace) -> Result:
    data = read_file(arguments.file, BODY_BYTES_MAX)
    async with _directory(context, data) as directory:
        held = ceremony.resume(data, _transcript(arguments.transcript), directory)
        ended = ceremony.end(held, _clock(context))
    write_private(arguments.transcript, ended.transcript().encode())
    write_private(arguments.file, ended.file())
    return _told(
        ended,
        arguments.transcript,
        ["Print the transcript; everybody present signs it by hand below its last line."],
    )


async def _verify(context: Context, arguments: argparse.Namespace) -> Result:
    data = read_file(arguments.file, BODY_BYTES_MAX)
    async with _directory(context, data) as directory:
        held = ceremony.verify(data, _transcript(arguments.transcript), directory)
    return _told(held, arguments.transcript, ["Transcript and file fit together; every signature verifies."])


@asynccontextmanager
async def _directory(context: Context, data: bytes) -> AsyncIterator[Directory | None]:
    """The registry of this home, where it joined one and the file is no genesis."""
    _, statement = read_proposal(data)
    if statement.type == "registry.genesis" or not (context.home / TRUST_NAME).exists():
        yield None
        return
    async with context.desk() as desk:
        yield desk.directory


def _transcript(path: Path) -> str:
    try:
        return read_file(path, TRANSCRIPT_BYTES_MAX).decode()
    except UnicodeDecodeError:
        raise RefusedError("bad-transcript", f"{path}: not UTF-8") from None


def _asked() -> str:
    if not sys.stdin.isatty():
        raise UsageError("usage", "name --fingerprint, or run this at a terminal")
    warn("Type the fingerprint as it is read aloud, 64 digits:")
    return sys.stdin.readline(200)


def _clock(context: Context) -> Clock:
    return Clock(context.now(), version("poc"))


def _told(held: Ceremony, path: Path, lines: list[str]) -> Result:
    last = held.transcript().splitlines()[-1].removeprefix("sha256: ")
    value: dict[str, Any] = {
        "transcript": str(path),
        "transcript_sha256": last,
        "type": held.statement.type,
        "origin": held.statement.origin,
        "fingerprint": held.fingerprint,
        "missing": list(held.missing),
        "ended": held.is_ended,
    }
    shown = [
        f"{held.statement.type} of {held.statement.origin}; fingerprint:",
        format_fingerprint(held.fingerprint),
        f"transcript {path}; its last line:",
        format_fingerprint(last),
    ]
    return Result(value, lines=[*shown, *lines])
