"""``poc key kit`` and ``poc key restore``: the recovery key on paper, and back from it.

Private key material is never an argument and never printed to the terminal: it goes into files of mode
0600 and comes from standard input, a file of mode 0600 or a prompt that does not echo.
"""

from __future__ import annotations

import argparse
import getpass
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from poc.cli.context import Context, read_file
from poc.cli.output import Result, warn
from poc.core.form import is_state
from poc.core.keys import SigningKey
from poc.core.kit import GROUPS, check_group, kit_groups, read_kit
from poc.core.statement import format_fingerprint
from poc.core.strictjson import unb64u
from poc.core.text import ascii_digits
from poc.errors import RefusedError, UsageError
from poc.keyring import KEYRING_NAME, Keyring, write_private

ROLE: Final = "recovery"
TYPED_BYTES_MAX: Final = 4096
_FROM: Final = (
    "a file of mode 0600 with the groups; by default they are asked for, or read from standard input"
)


def add_kit(verbs: Any) -> None:
    """Add the two verbs."""
    kit = verbs.add_parser(
        "kit",
        help="print the recovery key for the safe; or take it out of this home once the print is proved",
    )
    kit.add_argument("party", metavar="STATE", help="whose recovery key")
    kit.add_argument("--key", metavar="KID", help="which one, where this home has several")
    kit.add_argument("--out", metavar="FILE", type=Path, help="the PDF to write, a new file of mode 0600")
    kit.add_argument("--text", metavar="FILE", type=Path, help="the same as a text file of mode 0600")
    kit.add_argument(
        "--remove",
        action="store_true",
        help="type the printed groups back; if they give the key in this home, take it out of the keyring",
    )
    kit.add_argument("--from", dest="source", metavar="FILE", type=Path, help=f"with --remove: {_FROM}")
    kit.set_defaults(run=_kit)
    restore = verbs.add_parser("restore", help="put a recovery key into this home from its printed kit")
    restore.add_argument("party", metavar="STATE", help="the State printed on the kit")
    restore.add_argument("--from", dest="source", metavar="FILE", type=Path, help=_FROM)
    restore.set_defaults(run=_restore)


def _kit(context: Context, arguments: argparse.Namespace) -> Result:
    files = [path for path in (arguments.out, arguments.text) if path is not None]
    if arguments.remove == bool(files) or (arguments.source is not None and not arguments.remove):
        raise UsageError(
            "usage", "name --out or --text to print the kit, or --remove (with or without --from)"
        )
    for path in files:
        if path.exists():
            raise RefusedError("file-exists", str(path))
    keys = Keyring.unlock(context.home, context.passphrase())
    key = _recovery_key(keys, _state(arguments.party), arguments.key)
    if arguments.remove:
        return _remove(keys, key, arguments)
    return _print(context, key, arguments)


def _print(context: Context, key: SigningKey, arguments: argparse.Namespace) -> Result:
    from poc.report.kit_page import Kit, kit_page, kit_text

    seed = unb64u(key.private_jwk()["d"], 32)
    kit = Kit(arguments.party, ROLE, key.kid, kit_groups(seed, ROLE, arguments.party), context.now())
    if arguments.out is not None:
        write_private(arguments.out, kit_page(kit))
    if arguments.text is not None:
        write_private(arguments.text, kit_text(kit).encode())
    files = [str(path) for path in (arguments.out, arguments.text) if path is not None]
    value = {**_shown(key, arguments.party), "files": files}
    lines = [
        *_told(key, arguments.party),
        f"its kit is in {' and '.join(files)}: print it where no copy is kept, then delete the file.",
        f"then prove the print by typing it back: poc key kit {arguments.party} --remove",
    ]
    return Result(
        value, lines=lines, warnings=["the file holds the private key in clear, readable by its owner only"]
    )


def _remove(keys: Keyring, key: SigningKey, arguments: argparse.Namespace) -> Result:
    typed = _typed_key(arguments.party, arguments.source)
    if typed.kid != key.kid:
        raise RefusedError("kit-not-this-key", f"typed {typed.kid}, here {key.kid}")
    keys.remove(key.kid)
    keys.save()
    lines = [
        *_told(key, arguments.party),
        "The print gives this key exactly. The key is no longer in this home: it is on the paper only.",
    ]
    warning = "copies made before (backups, the PDF, a printer's memory) still hold it"
    return Result({**_shown(key, arguments.party), "removed": True}, lines=lines, warnings=[warning])


def _restore(context: Context, arguments: argparse.Namespace) -> Result:
    key = _typed_key(_state(arguments.party), arguments.source)
    exists = (context.home / KEYRING_NAME).exists()
    passphrase = context.passphrase(new=not exists)
    keys = (Keyring.unlock if exists else Keyring.create)(context.home, passphrase)
    already = keys.has(key.kid)
    if not already:
        seed = unb64u(key.private_jwk()["d"], 32)
        keys.add_signing(ROLE, arguments.party, context.now(), lambda _: seed)
        keys.save()
    lines = [
        *_told(key, arguments.party),
        "It was in this home already; the kit is right." if already else "It is in this home's keyring now.",
        f"Compare it with the sheet, and with `poc state show {arguments.party}`.",
    ]
    return Result({**_shown(key, arguments.party), "already_here": already}, lines=lines)


def _state(party: str) -> str:
    if not is_state(party):
        raise UsageError("usage", "STATE is an id such as jo or x-las")
    return party


def _recovery_key(keys: Keyring, party: str, wanted: str | None) -> SigningKey:
    """The one recovery key of a State in a keyring. Raises ``no-key``."""
    found = [entry for entry in keys.list() if (entry.role, entry.party) == (ROLE, party)]
    kids = [entry.kid for entry in found if wanted in (None, entry.kid)]
    if len(kids) != 1:
        raise RefusedError("no-key", f"{len(kids)} recovery keys of {party}; name one with --key")
    return keys.signing(kids[0])


def _typed_key(party: str, source: Path | None) -> SigningKey:
    """The key of the groups that are typed, piped or in a file. Raises as ``read_kit``."""
    if source is not None:
        text = _private_text(source)
    elif sys.stdin.isatty():
        text = " ".join(_asked())
    else:
        text = _decoded(sys.stdin.buffer.read(TYPED_BYTES_MAX + 1))
    return SigningKey.from_seed(read_kit(text, ROLE, party))


def _asked() -> Iterator[str]:
    """Each group as typed without echo, asked for again until it can stand in its place."""
    for place in range(GROUPS):
        while True:
            group = ascii_digits(getpass.getpass(f"Group {place + 1} of {GROUPS}: ")).strip().lower()
            try:
                check_group(place, group)
            except RefusedError as error:
                warn(f"{error.message} Type it again.")
                continue
            yield group
            break


def _private_text(path: Path) -> str:
    data = read_file(path, TYPED_BYTES_MAX)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise RefusedError("kit-file-open", str(path))
    return _decoded(data)


def _decoded(data: bytes) -> str:
    if len(data) > TYPED_BYTES_MAX:
        raise RefusedError("kit-incomplete", "more than a kit holds")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RefusedError("kit-incomplete", "not text") from None


def _shown(key: SigningKey, party: str) -> dict[str, Any]:
    return {"party": party, "role": ROLE, "kid": key.kid, "fingerprint": unb64u(key.kid, 32).hex()}


def _told(key: SigningKey, party: str) -> list[str]:
    return [f"recovery key of {party}: {key.kid}", format_fingerprint(unb64u(key.kid, 32).hex())]
