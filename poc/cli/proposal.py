"""``poc proposal``: statements that wait for signatures, at the hub or as a file.

A file needs no desk: whoever holds a key that the statement calls for can show and sign it. Names of
files and of proposals never clash: a proposal's id is 43 characters of base64url.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from poc.cli.context import Context, read_file
from poc.cli.filed import told
from poc.cli.output import Result, Table, warn
from poc.cli.state_request import REQUEST_HELP, read_request_file
from poc.client import statements
from poc.client.home import TRUST_NAME
from poc.core import jws
from poc.core.form import form_value
from poc.core.proposal import Proposal, proposal_bytes, read_proposal, with_signatures
from poc.core.statement import (
    SignedStatement,
    Statement,
    format_fingerprint,
    genesis_fingerprint,
    read_signed_statement,
    read_statement,
)
from poc.core.strictjson import format_time, parse, unb64u
from poc.errors import RefusedError, UsageError
from poc.keyring import Keyring, write_private
from poc.limits import BODY_BYTES_MAX

if TYPE_CHECKING:
    from poc.client.sdk import Desk

_ID: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_WHICH: Final = "a proposal's id at the hub, or a proposal file"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="list the hub's open proposals that concern this home")
    listing.set_defaults(run=_list)
    show = verbs.add_parser("show", help="show what a proposal says and who has signed it")
    show.add_argument("which", metavar="ID|FILE", help=_WHICH)
    show.set_defaults(run=_show)
    sign = verbs.add_parser("sign", help="sign with the keys of this home that the statement calls for")
    sign.add_argument("which", metavar="ID|FILE", help=f"{_WHICH}, which is then written anew")
    sign.add_argument(
        "--request",
        metavar="FILE",
        type=Path,
        help=f"sign only an enrolment that says just what {REQUEST_HELP} says",
    )
    sign.add_argument("--key", metavar="KID", action="append", help="sign a file with this key, repeatable")
    sign.set_defaults(run=_sign)
    submit = verbs.add_parser("submit", help="submit a proposal file with the openings and keys it carries")
    submit.add_argument("file", metavar="FILE", type=Path, help="the proposal file")
    submit.set_defaults(run=_submit)


def _is_file(which: str) -> bool:
    """Whether it names a file. Raises ``no-such-file`` for what is neither a file nor a whole id."""
    if Path(which).exists():
        return True
    if not _ID.fullmatch(which):
        raise UsageError(
            "no-such-file", f"{which}: no file here, and no proposal's id, which has 43 characters"
        )
    return False


async def _list(context: Context, _arguments: argparse.Namespace) -> Result:
    async with context.desk(unlock=True) as desk:
        rows = []
        for value in await desk.proposals():
            signed = read_signed_statement({name: value[name] for name in ("payload", "signatures")})
            statement = read_statement(signed.payload)
            rows.append(
                {
                    "id": statement.sha256,
                    "type": statement.type,
                    "subject": statement.subject,
                    "opened_at": value.get("opened_at"),
                    "expires_at": value.get("expires_at"),
                    "missing": value.get("missing", []),
                }
            )
        cells = [
            [r["id"], r["type"], r["subject"], str(r["expires_at"]), "; ".join(map(str, r["missing"]))]
            for r in rows
        ]
        table = Table(("proposal", "type", "subject", "expires", "still to sign"), cells)
        lines = [] if rows else ["no proposal waits that concerns this home"]
        return Result({"proposals": rows}, lines, [table], desk.warnings())


async def _show(context: Context, arguments: argparse.Namespace) -> Result:
    if _is_file(arguments.which):
        proposal, statement = _read(Path(arguments.which))
        return _described(proposal.signed, statement, proposal)
    async with context.desk(unlock=True) as desk:
        signed = await desk.fetch_proposal(arguments.which)
        return _described(signed, read_statement(signed.payload))


def _read(path: Path) -> tuple[Proposal, Statement]:
    return read_proposal(read_file(path, BODY_BYTES_MAX))


def _described(signed: SignedStatement, statement: Statement, file: Proposal | None = None) -> Result:
    signers = [jws.header_kid(signature.protected) for signature in signed.signatures]
    openings = () if file is None else file.openings
    value: dict[str, Any] = {
        "id": statement.sha256,
        "type": statement.type,
        "subject": statement.subject,
        "origin": statement.origin,
        "issued_at": format_time(statement.issued_at),
        "signatures": signers,
        "statement": parse(statement.payload),
        "openings": [parse(unb64u(opening.bytes)) for opening in openings],
    }
    lines = [f"{name}: {value[name]}" for name in ("type", "subject", "origin", "issued_at", "id")]
    if statement.type == "registry.genesis":
        value["fingerprint"] = genesis_fingerprint(statement.payload)
        lines.append(f"fingerprint: {format_fingerprint(value['fingerprint'])}")
    lines += [f"signature by {kid} (not verified here)" for kid in signers]
    lines += json.dumps(form_value(statement.body), indent=2, ensure_ascii=False).split("\n")
    for opened in value["openings"]:
        lines += json.dumps(opened, indent=2, ensure_ascii=False).split("\n")
    return Result(value, lines=lines)


async def _sign(context: Context, arguments: argparse.Namespace) -> Result:
    if not _is_file(arguments.which):
        return await _sign_at_hub(context, arguments.which, arguments.request)
    path = Path(arguments.which)
    proposal, statement = _read(path)
    _check_request(statement, arguments.request)
    if (context.home / TRUST_NAME).exists():
        async with context.desk(unlock=True) as desk:
            signed = await _signed(desk, proposal.signed, arguments.key)
    else:
        keys = Keyring.unlock(context.home, context.passphrase())
        signed = statements.sign(proposal.signed, keys, None, arguments.key)
    longer = with_signatures(proposal, signed.signatures)
    write_private(path, proposal_bytes(longer))
    return _described(signed, statement, longer)


async def _signed(desk: Desk, signed: SignedStatement, kids: list[str] | None) -> SignedStatement:
    """The statement with this home's signatures; a log that is too old to tell who signs is synced first."""
    try:
        return desk.sign(signed, kids)
    except RefusedError as error:
        if error.code != "no-key":
            raise
        with contextlib.suppress(RefusedError):  # whoever is not enrolled yet may not read the log
            await desk.refresh()
        return desk.sign(signed, kids)


def _check_request(statement: Statement, request: Path | None) -> None:
    """Refuse an enrolment that differs from the request named, if one is; show what its page must say."""
    from poc.client.enrolment import check_against_request

    if request is None:
        return
    read = read_request_file(request)
    check_against_request(statement, read)
    shown = format_fingerprint(read.fingerprint)
    warn(f"it says what the request says; compare with the annexed page: {shown}")


async def _sign_at_hub(context: Context, proposal: str, request: Path | None) -> Result:
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        signed = await desk.fetch_proposal(proposal)
        _check_request(read_statement(signed.payload), request)
        return told(signed, await desk.sign_proposal(proposal), desk.warnings())


async def _submit(context: Context, arguments: argparse.Namespace) -> Result:
    data = read_file(arguments.file, BODY_BYTES_MAX)
    proposal, _ = read_proposal(data)
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        return told(proposal.signed, await desk.submit_file(data), desk.warnings())
