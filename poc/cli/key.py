"""``poc key``: make, list and export keys, change the passphrase; kits on paper stand in ``key_kit``."""

from __future__ import annotations

import argparse
import getpass
import secrets
import sys
from pathlib import Path
from typing import Any

from poc.cli import key_kit, key_rotate
from poc.cli.context import Context, write_file
from poc.cli.output import Result
from poc.core.form import PARTY_PATTERN, is_state
from poc.core.strictjson import canonical
from poc.errors import RefusedError, UsageError
from poc.keyring import KEYRING_NAME, Keyring, read_index

ROLES = ("authority", "device", "hub", "log", "recovery", "registrar", "witness")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    new = verbs.add_parser("new", help="make a key; a device gets a signing and a sealing key")
    new.add_argument(
        "party", metavar="PARTY", help="who holds it, such as jo, jo.technical, x-las.registrar-1"
    )
    new.add_argument("--role", choices=ROLES, required=True, help="what it is for")
    new.set_defaults(run=_new)
    listing = verbs.add_parser("list", help="list the home's keys, how old they are and what falls due")
    listing.set_defaults(run=_list)
    key_rotate.add(verbs)
    export = verbs.add_parser("export", help="give public keys to hand over; needs no passphrase")
    export.add_argument(
        "which", metavar="PARTY|KID", help="a party, for its keys in use; or a key's id or its beginning"
    )
    export.add_argument("--role", choices=ROLES, help="only the party's keys of this role")
    export.add_argument("--out", metavar="FILE", type=Path, help="write them into a new file")
    export.set_defaults(run=_export)
    key_kit.add_kit(verbs)
    passphrase = verbs.add_parser("passphrase", help="change the passphrase (asked for at the terminal)")
    passphrase.set_defaults(run=_passphrase)


def _new(context: Context, arguments: argparse.Namespace) -> Result:
    party = arguments.party
    if not is_state(party) and not PARTY_PATTERN.match(party):
        raise UsageError("usage", "PARTY is an id such as jo, jo.technical or x-las.registrar-1")
    exists = (context.home / KEYRING_NAME).exists()
    passphrase = context.passphrase(new=not exists)
    opener = Keyring.unlock if exists else Keyring.create
    keys = opener(context.home, passphrase)
    now = context.now()
    made = [keys.add_signing(arguments.role, party, now, secrets.token_bytes).kid]
    if arguments.role == "device":
        made.append(keys.add_sealing(party, now, secrets.token_bytes).kid)
    keys.save()
    rows = [row for row in read_index(context.home) if row["kid"] in made]
    lines = [f"made {row['kid']} ({row['role']}, {row['use']})" for row in rows]
    earlier = [
        row["kid"]
        for row in read_index(context.home)
        if (row["party"], row["role"], row["retired_at"]) == (party, arguments.role, None)
        and row["kid"] not in made
    ]
    warnings = []
    if earlier:
        warnings.append(
            f"this home has keys of {party} for the same already, and `poc key export {party}` gives all of "
            f"them; to export one name it: {', '.join(earlier)}"
        )
    return Result({"keys": rows}, lines=lines, warnings=warnings)


async def _list(context: Context, _arguments: argparse.Namespace) -> Result:
    return await key_rotate.listed(context, read_index(context.home))


def _export(context: Context, arguments: argparse.Namespace) -> Result:
    rows = _chosen(read_index(context.home), arguments.which, arguments.role)
    value = rows[0] if arguments.which != rows[0]["party"] else {"keys": rows}
    if arguments.out is not None:
        write_file(arguments.out, canonical(value) + b"\n")
    lines = [f"{row['use']} {row['kid']} ({row['role']} of {row['party']})" for row in rows]
    return Result(value, lines=lines)


def _chosen(index: list[dict[str, Any]], which: str, role: str | None) -> list[dict[str, Any]]:
    """A party's keys that are in use, or the one key whose id begins so. Raises ``no-key``."""
    here = [row for row in index if row["jwk"] is not None]
    rows = [row for row in here if row["party"] == which and _is_in_use(row, here)]
    if not rows:
        rows = [row for row in here if row["kid"].startswith(which)]
        if len(rows) != 1:
            raise RefusedError("no-key", f"{len(rows)} keys begin with {which[:43]}")
    rows = [row for row in rows if role in (None, row["role"])]
    if not rows:
        raise RefusedError("no-key", f"{which[:43]} has no key of the role {role}")
    return rows


def _is_in_use(row: dict[str, Any], index: list[dict[str, Any]]) -> bool:
    """Not retired, not made to replace a key that still is in use, and not the archive's, which stays."""
    in_use = {other["kid"] for other in index if other["retired_at"] is None}
    return row["retired_at"] is None and row.get("replaces") not in in_use and row["role"] != "archive"


def _passphrase(context: Context, _arguments: argparse.Namespace) -> Result:
    keys = Keyring.unlock(context.home, context.passphrase())
    if not sys.stdin.isatty():
        raise UsageError("no-passphrase")
    new = getpass.getpass("New passphrase: ")
    if new != getpass.getpass("Once more: "):
        raise RefusedError("wrong-passphrase", "the two differ")
    keys.change_passphrase(new)
    return Result({"changed": True}, lines=["The keyring opens with the new passphrase from now on."])
