"""``poc hub``: back a hub up while it runs, check its database or a backup, restore one, confirm a restore.

At the hub's home and without its passphrase. The hub itself is started by ``server.py``.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path
from typing import Any

from poc.cli.context import Context
from poc.cli.output import Progress, Result, Table, both_times


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    backup = verbs.add_parser("backup", help="back this home up into a new folder, also while the hub runs")
    backup.add_argument("folder", metavar="FOLDER", type=Path, help="the folder to make")
    backup.add_argument(
        "--with-keys",
        action="store_true",
        help="the encrypted keyring too: keep such a backup apart from the passphrase",
    )
    backup.set_defaults(run=_backup)
    check = verbs.add_parser(
        "check", help="prove that a hub's database, or a backup, is whole; changes nothing"
    )
    check.add_argument(
        "folder", metavar="FOLDER", type=Path, nargs="?", help="a hub's home or a backup; --home by default"
    )
    check.add_argument("--full", action="store_true", help="every receipt and envelope instead of a sample")
    check.set_defaults(run=_check)
    restore = verbs.add_parser("restore", help="put a backup in place at --home, which has no database")
    restore.add_argument("folder", metavar="BACKUP", type=Path, help="the folder of a backup")
    restore.set_defaults(run=_restore)
    confirm = verbs.add_parser(
        "confirm", help="without witnesses: say that no desk holds more than the restored log; hub stopped"
    )
    confirm.add_argument(
        "--entries",
        type=int,
        required=True,
        metavar="N",
        help="the largest log that any desk holds, asked for",
    )
    confirm.set_defaults(run=_confirm)


async def _backup(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.hub.backup import make_backup

    made = await make_backup(
        context.home,
        arguments.folder,
        context.now(),
        version("poc"),
        Progress(),
        with_keys=arguments.with_keys,
    )
    size = sum(count for count, _ in made.files.values())
    lines = [
        f"Backed up and verified: {arguments.folder}, {size} bytes, {made.entries} entries of {made.origin}.",
        f"Taken at {both_times(made.taken_at)}.",
        "It holds what was erased later, and who is in touch with whom: encrypt it, and delete it in time.",
    ]
    if not arguments.with_keys:
        lines.append("The hub's keys are not in it: keep keyring.jwe and keys.json elsewhere.")
    return Result({"folder": str(arguments.folder), **made.value()}, lines=lines)


async def _check(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.errors import RefusedError
    from poc.hub.backup import MANIFEST_NAME, read_manifest, verify_files
    from poc.hub.check import Finding, check_home

    folder: Path = arguments.folder or context.home
    findings = []
    if (folder / MANIFEST_NAME).exists():
        try:
            verify_files(folder, read_manifest(folder))
            findings.append(Finding("manifest", ok=True, said="every file is the one that was written"))
        except RefusedError as error:
            findings.append(Finding("manifest", ok=False, said=error.message))
    checked = await check_home(folder, context.now(), Progress(), full=arguments.full)
    findings += checked.findings
    bad = [finding for finding in findings if not finding.ok]
    value = {
        "folder": str(folder),
        "ok": not bad,
        "origin": checked.origin,
        "entries": checked.entries,
        "findings": [{"name": f.name, "ok": f.ok, "said": f.said} for f in findings],
    }
    rows = [(f.name, "sound" if f.ok else "BROKEN", f.said) for f in findings]
    last = (
        "Whether something was cut off at the end, only a desk, a witness or a kept anchor shows."
        if not bad
        else "Keep this database as it is. Restore the newest backup that is sound: docs/operate.md."
    )
    return Result(
        value,
        tables=[Table(("what", "is", "found"), rows, title=str(folder))],
        notes=[last],
        exit_code=1 if bad else 0,
    )


async def _restore(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.hub.backup import restore_backup
    from poc.keyring import KEYRING_NAME

    done = await restore_backup(arguments.folder, context.home, context.now(), Progress())
    has_keys = (context.home / KEYRING_NAME).exists()
    value: dict[str, Any] = {"home": str(context.home), "has_keys": has_keys, **done.value()}
    lines = [
        f"Restored: {context.home}, {done.entries} entries of {done.origin}.",
        f"It is as of {both_times(done.taken_at)}; what the hub took after that is not here:",
        "- entries: `poc registry reconcile` with the largest snapshot of any desk;",
        "- messages and answers: the desks that sent them offer them again at their next sync;",
        "- erased openings, open proposals, signatures on them: their owners ask or sign anew.",
        *([] if has_keys else ["No keys are here: put keyring.jwe and keys.json in place first."]),
        "Start the hub. It signs nothing before its witnesses have proved its log;",
        "without witnesses, before `poc registry reconcile` or `poc hub confirm`.",
    ]
    return Result(value, lines=lines)


async def _confirm(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.hub.restored import confirm

    await confirm(context.home, arguments.entries, context.now())
    lines = [f"Confirmed at {arguments.entries} entries. Start the hub: it goes on from there."]
    return Result({"home": str(context.home), "entries": arguments.entries}, lines=lines)
