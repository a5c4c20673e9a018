"""``poc fork``: list the contradicting heads kept here, prove one to others, check such a proof."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.cli.context import Context, add_fingerprint, read_file, write_file
from poc.cli.output import Result, Table
from poc.core.statement import format_fingerprint, parse_fingerprint
from poc.core.strictjson import b64u
from poc.errors import RefusedError, UsageError
from poc.limits import BODY_BYTES_MAX

if TYPE_CHECKING:
    from poc.core.checkpoint import Checkpoint
    from poc.core.directory import Directory

_MEANS = "Whoever runs this log signed two heads that cannot both be of one log: it showed different logs."


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="list the contradicting heads kept here")
    listing.set_defaults(run=_list)
    export = verbs.add_parser("export", help="write a contradiction as a file that anyone can check")
    export.add_argument("file", metavar="FILE", type=Path, help="the file to write")
    export.add_argument(
        "--number", metavar="N", type=int, help="which of `poc fork list` (default: the newest provable here)"
    )
    export.set_defaults(run=_export)
    verify = verbs.add_parser(
        "verify",
        help="check such a file; no network, no passphrase",
        epilog="Exit code 0: proven; 1: not proven. In a home of the same registry the log's keys are those "
        "of the log verified there; else those of the genesis.",
    )
    verify.add_argument("file", metavar="FILE", type=Path, help="the fork file")
    add_fingerprint(verify)
    verify.set_defaults(run=_verify)


async def _list(context: Context, _arguments: argparse.Namespace) -> Result:
    async with context.desk() as desk:
        forks, told = desk.forks(), desk.warnings()
    rows = [
        [str(f.number), f.kind, str(f.verified_size or "none"), str(f.shown_size), f.shown_root, f.provable]
        for f in forks
    ]
    table = Table(("number", "kind", "size verified", "size shown", "root shown", "provable"), rows)
    lines = [] if forks else ["no contradicting heads are kept here"]
    return Result({"forks": [fork.to_json() for fork in forks]}, lines, [table], told)


async def _export(context: Context, arguments: argparse.Namespace) -> Result:
    if arguments.file.exists():
        raise RefusedError("file-exists", str(arguments.file))
    async with context.desk() as desk:
        data, fingerprint = await desk.export_fork(arguments.number), desk.directory.fingerprint
    write_file(arguments.file, data)
    value = {"file": str(arguments.file), "bytes": len(data), "fingerprint": fingerprint}
    lines = [
        f"wrote {arguments.file} ({len(data)} bytes). {_MEANS}",
        f"check it anywhere: poc fork verify {arguments.file} --fingerprint {fingerprint}",
        "Give it to the other parties by another way than this hub.",
    ]
    return Result(value, lines)


async def _verify(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.core.fork import verify_fork

    data = read_file(arguments.file, BODY_BYTES_MAX)
    asked = None if arguments.fingerprint is None else parse_fingerprint(arguments.fingerprint)
    directory = await _directory(context, asked)
    if asked is None and directory is None:
        raise UsageError("usage", f"--fingerprint is needed: {context.home} is no desk's home")
    pinned = asked if directory is None else directory.fingerprint
    fork = verify_fork(data, pinned or "", directory)
    keys = "genesis" if directory is None else "log"
    value = {
        "proven": True,
        "origin": fork.origin,
        "fingerprint": fork.fingerprint,
        "log_keys_of": keys,
        "first": _value(fork.first),
        "second": {**_value(fork.second), "root_at_first": b64u(fork.root)},
    }
    lines = [
        f"PROVEN: {fork.origin} forked. {_MEANS}",
        f"fingerprint  {format_fingerprint(fork.fingerprint)}",
        f"first head   size {fork.first.size}, root {b64u(fork.first.root)}",
        f"second head  size {fork.second.size}; its root at size {fork.first.size} is {b64u(fork.root)}",
        f"both signed by a log key of the {'genesis' if directory is None else 'log verified in this home'}",
    ]
    return Result(value, lines)


async def _directory(context: Context, asked: str | None) -> Directory | None:
    """The directory of this home, where it is a desk of that registry."""
    from poc.client.home import open_home

    try:
        settings = open_home(context.home)
    except RefusedError as error:
        if error.code != "not-a-desk":
            raise
        return None
    if asked not in (None, settings.fingerprint):
        return None
    async with context.desk() as desk:
        return desk.directory


def _value(head: Checkpoint) -> dict[str, Any]:
    return {"size": head.size, "root": b64u(head.root)}
