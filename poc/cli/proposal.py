"""``poc proposal``: show what a proposal file says and who has signed it; add this home's signatures."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from poc.cli.context import Context, read_file
from poc.cli.output import Result
from poc.core import jws
from poc.core.form import form_value
from poc.core.proposal import Proposal, proposal_bytes, read_proposal, with_signatures
from poc.core.statement import Statement, format_fingerprint, genesis_fingerprint
from poc.core.strictjson import format_time, parse, unb64u
from poc.errors import RefusedError
from poc.keyring import Keyring, write_private
from poc.limits import BODY_BYTES_MAX


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    show = verbs.add_parser("show", help="show what a proposal file says and who has signed it")
    show.add_argument("file", metavar="FILE", type=Path)
    show.set_defaults(run=_show)
    sign = verbs.add_parser(
        "sign", help="sign the file's statement with the keys of this home named by --key"
    )
    sign.add_argument("file", metavar="FILE", type=Path)
    sign.add_argument("--key", metavar="KID", action="append", required=True, help="sign with this key")
    sign.set_defaults(run=_sign)


def _read(path: Path) -> tuple[Proposal, Statement]:
    return read_proposal(read_file(path, BODY_BYTES_MAX))


def _show(_context: Context, arguments: argparse.Namespace) -> Result:
    proposal, statement = _read(arguments.file)
    return _told(proposal, statement)


def _told(proposal: Proposal, statement: Statement) -> Result:
    signers = [jws.header_kid(signature.protected) for signature in proposal.signed.signatures]
    value = {
        "type": statement.type,
        "subject": statement.subject,
        "origin": statement.origin,
        "issued_at": format_time(statement.issued_at),
        "id": statement.sha256,
        "signatures": signers,
        "statement": parse(statement.payload),
        "openings": [parse(unb64u(opening.bytes)) for opening in proposal.openings],
    }
    lines = [f"{name}: {value[name]}" for name in ("type", "subject", "origin", "issued_at", "id")]
    if statement.type == "registry.genesis":
        value["fingerprint"] = genesis_fingerprint(statement.payload)
        lines.append(f"fingerprint: {format_fingerprint(genesis_fingerprint(statement.payload))}")
    lines += [f"signature by {kid} (not verified here)" for kid in signers]
    lines += json.dumps(form_value(statement.body), indent=2, ensure_ascii=False).split("\n")
    return Result(value, lines=lines)


def _sign(context: Context, arguments: argparse.Namespace) -> Result:
    proposal, statement = _read(arguments.file)
    keys = Keyring.unlock(context.home, context.passphrase())
    missing = [kid for kid in arguments.key if not keys.has(kid)]
    if missing:
        raise RefusedError("no-key", ", ".join(kid[:43] for kid in missing))
    added = tuple(jws.sign(statement.payload, jws.STATEMENT, keys.signing(kid)) for kid in arguments.key)
    signed = with_signatures(proposal, added)
    write_private(arguments.file, proposal_bytes(signed))
    return _told(signed, statement)
