"""``poc state request``, and enrolling a State from such a request: its page beside the file.

The authority makes both at its own home, before it is enrolled. The registrar types the fingerprint from
the page annexed to the note verbale: a file that was changed on its way is not the one on paper.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.cli import words
from poc.cli.context import Context, read_file, write_file
from poc.cli.filed import KEYS_HELP, public_keys
from poc.cli.output import Result
from poc.core.form import is_state
from poc.core.state_request import ReadRequest, check_request, read_request
from poc.core.statement import format_fingerprint, parse_fingerprint
from poc.core.strictjson import format_time
from poc.errors import RefusedError, UsageError
from poc.keyring import Keyring
from poc.limits import BODY_BYTES_MAX

if TYPE_CHECKING:
    from poc.client.enrolment import Registry
    from poc.client.filing import PublicKeys
    from poc.client.sdk import Desk

KINDS = ("member", "observer", "organisation")
REQUEST_HELP = "the request file of `poc state request`"


def add_request(verbs: Any) -> None:
    """Add the verb."""
    request = verbs.add_parser(
        "request", help="ask for one's own enrolment: a file, and the page annexed to the note verbale"
    )
    request.add_argument("state", metavar="STATE", help="ISO 3166-1 alpha-2 in lower case, or x-… for a body")
    request.add_argument("--kind", choices=KINDS, default="member", help="what it is; member by default")
    add_names(request, required=True)
    request.add_argument(
        "--authority",
        metavar="KEYS",
        type=Path,
        action="append",
        default=[],
        help=f"further authority keys, held elsewhere, repeatable: {KEYS_HELP}; those of this home always",
    )
    request.add_argument(
        "--threshold", type=int, default=1, metavar="N", help="how many authority keys sign; 1 by default"
    )
    request.add_argument(
        "--recovery",
        metavar="KEYS",
        type=Path,
        help="the recovery key, if it is not in this home: its public key",
    )
    request.add_argument("--origin", help="the registry asked, where this home has not joined it")
    request.add_argument(
        "--fingerprint", help="its fingerprint in full, from paper, where this home has not joined"
    )
    request.add_argument("--out", metavar="FILE", type=Path, required=True, help="the request file to write")
    request.add_argument(
        "--page", metavar="FILE", type=Path, required=True, help="the PDF to write: the page, and model notes"
    )
    request.set_defaults(run=_request)


def add_names(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """The options with a State's names."""
    parser.add_argument(
        "--name",
        metavar="LANG=TEXT",
        type=words.pair,
        action="append",
        required=required,
        help="its own short name in a language, repeatable, as ar=الأردن",
    )
    parser.add_argument(
        "--official",
        metavar="LANG=TEXT",
        type=words.pair,
        action="append",
        help="its official name, repeatable; the short names by default",
    )


def names_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The names as a statement holds them."""
    short = words.pairs(arguments.name or (), "the name in")
    return {
        "short": short,
        "official": words.pairs(arguments.official or (), "the official name in") or short,
    }


def keys_of(path: Path, state: str, *, one: bool = False) -> PublicKeys:
    """The exported keys of a State in a file. Raises ``bad-key-file`` where they are of another."""
    keys = public_keys(path)
    if keys.party != state or (one and len(keys.signing) != 1):
        what = "exactly one key" if one else "keys"
        raise RefusedError("bad-key-file", f"{path}: {what} of {state} expected, {keys.party} found")
    return keys


def _request(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.enrolment import make_request
    from poc.report.request_page import request_page

    if not is_state(arguments.state):
        raise UsageError("usage", "STATE is an id such as jo or x-las")
    for path in (arguments.out, arguments.page):
        if path.exists():
            raise RefusedError("file-exists", str(path))
    registry = _registry(context, arguments)
    data = make_request(
        Keyring.unlock(context.home, context.passphrase()),
        registry,
        arguments.state,
        {"kind": arguments.kind, "names": names_of(arguments)},
        threshold=arguments.threshold,
        elsewhere=[keys_of(path, arguments.state) for path in arguments.authority],
        recovery=None
        if arguments.recovery is None
        else keys_of(arguments.recovery, arguments.state, one=True),
        now=context.now(),
    )
    read = read_request(data)
    write_file(arguments.page, request_page(read))
    write_file(arguments.out, data)
    lines = [
        *told(read),
        f"the request is in {arguments.out}; the page and model notes verbales are in {arguments.page}.",
        "Annex the page to the note verbale; send the file to a registrar by any way.",
    ]
    return Result({**shown(read), "file": str(arguments.out), "page": str(arguments.page)}, lines=lines)


def _registry(context: Context, arguments: argparse.Namespace) -> Registry:
    """The registry this home joined, or the one named.

    Raises ``usage``, ``wrong-fingerprint``, ``wrong-origin``.
    """
    from poc.client.enrolment import Registry
    from poc.client.home import TRUST_NAME, open_home

    fingerprint = None if arguments.fingerprint is None else parse_fingerprint(arguments.fingerprint)
    if not (context.home / TRUST_NAME).exists():
        if arguments.origin is None or fingerprint is None:
            raise UsageError("usage", "this home has not joined a registry: name --origin and --fingerprint")
        return Registry(arguments.origin, fingerprint)
    settings = open_home(context.home)
    if arguments.origin not in (None, settings.origin):
        raise RefusedError("wrong-origin", f"this home joined {settings.origin}")
    if fingerprint not in (None, settings.fingerprint):
        raise RefusedError("wrong-fingerprint", f"this home joined {settings.fingerprint}")
    return Registry(settings.origin, settings.fingerprint)


def read_request_file(path: Path) -> ReadRequest:
    """A request from a file, every signature verified. Raises as ``read_request``."""
    return read_request(read_file(path, BODY_BYTES_MAX))


def requested(desk: Desk, context: Context, arguments: argparse.Namespace) -> ReadRequest:
    """The request that a registrar enrols from, compared with its page and this registry.

    Raises ``usage`` without the page's fingerprint, and as ``check_request``.
    """
    if arguments.fingerprint is None:
        raise UsageError("usage", "--request needs --fingerprint: the request's, typed from the annexed page")
    read = read_request_file(arguments.request)
    if read.request.state != arguments.state:
        raise RefusedError("request-differs", f"it asks to enrol {read.request.state}")
    check_request(
        read,
        origin=desk.directory.origin,
        genesis_fingerprint=desk.directory.fingerprint,
        printed=parse_fingerprint(arguments.fingerprint),
        now=context.now(),
    )
    return read


def shown(read: ReadRequest) -> dict[str, Any]:
    """A request for programs."""
    request = read.request
    return {
        "state": request.state,
        "kind": request.kind,
        "origin": request.origin,
        "fingerprint": read.fingerprint,
        "made_at": format_time(request.made_at),
        "threshold": request.authority.threshold,
        "authority_keys": [key.kid for key in request.authority.keys],
        "recovery_key": None if request.recovery is None else request.recovery.kid,
        "signed_by": list(read.signed_by),
    }


def told(read: ReadRequest) -> list[str]:
    """A request for people: what is read back in the call-back."""
    request = read.request
    names = " / ".join(request.names.official.values())
    keys = len(request.authority.keys)
    recovery = "no recovery key" if request.recovery is None else "a recovery key"
    return [
        f"{request.state}: {names} ({request.kind}), asked of {request.origin}",
        f"authority: {request.authority.threshold} of {keys} keys must sign; {recovery}",
        f"made at {format_time(request.made_at)}; fingerprint of the request:",
        format_fingerprint(read.fingerprint),
    ]
