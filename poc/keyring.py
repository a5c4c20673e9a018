"""The encrypted keyring of a home: private keys at rest, and a public index beside them.

``keyring.jwe`` is an encrypted JWK Set (RFC 7517 section 7): JWE compact, PBES2-HS512+A256KW and
A256GCM. ``keys.json`` lists ids, uses and roles without private members, so that listing needs no
passphrase. Which key a statement or message needs is decided by the callers; asking a person for
the passphrase is the command line's. When a key is replaced and destroyed is decided in
``client.rotation``; how far the bytes of an old file go is said in ``docs/spec/keyring.md``.
Over 400 lines, because what a keyring holds and how it lies on the disk belong together.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from poc.core.keys import SealingKey, SigningKey
from poc.core.strictjson import format_time, parse, parse_time, unb64u
from poc.errors import PocError, RefusedError, UnreachableError

KEYRING_NAME: Final = "keyring.jwe"
INDEX_NAME: Final = "keys.json"
PASSPHRASE_NAME: Final = "passphrase"  # noqa: S105 (a file name)
ALGORITHM: Final = "PBES2-HS512+A256KW"
ROUNDS: Final = 210_000
ROUNDS_MIN: Final = 100_000
ROUNDS_MAX: Final = 2_000_000
PASSPHRASE_CHARS_MIN: Final = 8
KEYRING_BYTES_MAX: Final = 1024 * 1024

KeyUse = Literal["sign", "seal"]
_OURS: Final = ("role", "party", "created_at", "retired_at", "replaces")


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One private key of a keyring: what it is for, and since when."""

    kid: str
    use: KeyUse
    role: str
    party: str
    created_at: datetime
    retired_at: datetime | None
    key: SigningKey | SealingKey
    replaces: str | None = None
    """The key that this one was made to replace; it is not in use before the log says so."""

    def public(self) -> dict[str, Any]:
        """The entry of the public index: no private member."""
        return {
            "kid": self.kid,
            "use": self.use,
            "role": self.role,
            "party": self.party,
            "created_at": format_time(self.created_at),
            "retired_at": _text(self.retired_at),
            "destroyed_at": None,
            "replaces": self.replaces,
            "jwk": self.key.public.jwk(),
        }

    def private(self) -> dict[str, Any]:
        """The JWK inside the encrypted set, with our members under names of our own."""
        public = self.public()
        about = {f"poc_{name}": public[name] for name in _OURS}
        return {**self.key.private_jwk(), "kid": self.kid, "use": self.use, **about}

    def __repr__(self) -> str:
        """Never shows the key."""
        return f"KeyEntry({self.kid}, {self.use}, {self.role}, {self.party})"


@dataclass(frozen=True, slots=True)
class DestroyedKey:
    """What is left of a key that was destroyed: that it was here, and no part of it."""

    kid: str
    use: KeyUse
    role: str
    party: str
    created_at: datetime
    retired_at: datetime | None
    destroyed_at: datetime

    def public(self) -> dict[str, Any]:
        """The entry of the public index, with the members of a key that is here."""
        return {
            "kid": self.kid,
            "use": self.use,
            "role": self.role,
            "party": self.party,
            "created_at": format_time(self.created_at),
            "retired_at": _text(self.retired_at),
            "destroyed_at": format_time(self.destroyed_at),
            "replaces": None,
            "jwk": None,
        }


class Keyring:
    """The unlocked keys of one home. :meth:`save` makes what was added durable."""

    def __init__(
        self, folder: Path, passphrase: str, content: bytes = b"", *, read: str | None = None
    ) -> None:
        """Use :meth:`create` or :meth:`unlock`; ``content`` is what the file they found, ``read``, holds."""
        self._read = read
        self._folder = folder
        self._passphrase = passphrase
        self._take(content)

    def _take(self, content: bytes) -> None:
        keys, destroyed = _content(content) if content else ((), ())
        self._entries = {entry.kid: entry for entry in keys}
        self._destroyed = {gone.kid: gone for gone in destroyed}

    def __repr__(self) -> str:
        """Never shows a key or the passphrase."""
        return f"Keyring({self._folder}, {len(self._entries)} keys)"

    @classmethod
    def create(cls, folder: Path, passphrase: str) -> Keyring:
        """A new, empty keyring; nothing is written before :meth:`save`.

        Raises ``keyring-exists``, or ``weak-passphrase`` under eight characters.
        """
        if (folder / KEYRING_NAME).exists():
            raise RefusedError("keyring-exists", str(folder))
        _check_passphrase(passphrase)
        return cls(folder, passphrase)

    @classmethod
    def unlock(cls, folder: Path, passphrase: str) -> Keyring:
        """Open the keyring of a home.

        Raises ``no-keyring``, ``wrong-passphrase``, or ``bad-keyring`` where the file is not one
        this program wrote or its rounds are outside 100,000 to 2,000,000.
        """
        text = _read(folder / KEYRING_NAME)
        return cls(folder, passphrase, _decrypted(text, passphrase, folder), read=text)

    def reload(self, *, anyway: bool = False) -> bool:
        """Take over what another process wrote since, if any did; what is not saved here is dropped then.

        ``anyway``: also if the file is as it was read. Raises as :meth:`unlock`.
        """
        path = self._folder / KEYRING_NAME
        text = _read(path) if path.exists() else None
        if text is None or (text == self._read and not anyway):
            return False
        self._take(_decrypted(text, self._passphrase, self._folder))
        self._read = text
        return True

    def save(self) -> None:
        """Write keyring and index, each whole or not at all, readable by their owner only.

        The bytes of the file before are overwritten on the disk: they hold what was taken out since.

        Raises ``home-in-use`` where another process wrote the keyring since it was read here: its keys
        would be lost, and nothing is written.
        """
        content = json.dumps(
            {
                "keys": [entry.private() for entry in self._entries.values()],
                "destroyed": [gone.public() for gone in self._destroyed.values()],
            }
        )
        header = {"alg": ALGORITHM, "enc": "A256GCM", "p2c": ROUNDS, "cty": "jwk-set+json"}
        sealed = jwe.encrypt_compact(
            header, content, _octets(self._passphrase), algorithms=[ALGORITHM, "A256GCM"]
        )
        with _held(self._folder):
            path = self._folder / KEYRING_NAME
            if (_read(path) if path.exists() else None) != self._read:
                raise RefusedError("home-in-use", "its keyring was changed meanwhile; run the command again")
            _wipe_leftovers(path)
            with _wiped_after(path):
                write_private(path, sealed.encode())
                self._read = sealed
            write_private(self._folder / INDEX_NAME, self._index())

    async def save_new(self, kid: str) -> None:
        """Save a key just made; one that the disk did not take is forgotten, so that nobody uses it.

        Raises as :meth:`save`.
        """
        try:
            await self.save_in_thread()
        except PocError:
            self.remove(kid)
            raise

    async def save_in_thread(self) -> None:
        """:meth:`save` without holding up the event loop."""
        await asyncio.to_thread(self.save)

    def change_passphrase(self, new: str) -> None:
        """Encrypt the keyring anew under another passphrase. Raises ``weak-passphrase``."""
        _check_passphrase(new)
        self._passphrase = new
        self.save()

    def add_signing(
        self,
        role: str,
        party: str,
        now: datetime,
        random: Callable[[int], bytes],
        *,
        replaces: str | None = None,
    ) -> SigningKey:
        """Make a signing key for a role (device, authority, recovery, registrar, log, hub)."""
        key = SigningKey.from_seed(random(32))
        self._add(KeyEntry(key.kid, "sign", role, party, now, None, key, replaces))
        return key

    def add_sealing(
        self,
        party: str,
        now: datetime,
        random: Callable[[int], bytes],
        *,
        role: str = "device",
        replaces: str | None = None,
    ) -> SealingKey:
        """Make a sealing key for a device, or the archive key of a home (role ``archive``)."""
        key = SealingKey.from_seed(random(32))
        self._add(KeyEntry(key.kid, "seal", role, party, now, None, key, replaces))
        return key

    def next_of(self, kid: str) -> SigningKey | SealingKey | None:
        """The key made to replace this one, if there is one."""
        return next((entry.key for entry in self.list() if entry.replaces == kid), None)

    def archive_key(self) -> SealingKey | None:
        """The key that content keys are kept under here, if anything was ever kept."""
        found = (entry.key for entry in self.list() if entry.role == "archive")
        return next((key for key in found if isinstance(key, SealingKey)), None)

    def retire(self, kid: str, now: datetime) -> None:
        """Mark a key as replaced; it still opens what was sealed to it."""
        self._entries[kid] = replace(self._entry(kid), retired_at=now)

    def remove(self, kid: str) -> None:
        """Take a key out for good; it opens and signs nothing from here any more. Raises ``no-key``."""
        self._entry(kid)
        del self._entries[kid]

    def destroy(self, kid: str, now: datetime) -> None:
        """Take a key out for good and note that it was here. :meth:`save` then overwrites the old file.

        Raises ``no-key``.
        """
        entry = self._entry(kid)
        self._destroyed[kid] = DestroyedKey(
            kid, entry.use, entry.role, entry.party, entry.created_at, entry.retired_at, now
        )
        del self._entries[kid]

    def destroyed(self) -> tuple[DestroyedKey, ...]:
        """What was destroyed here, oldest first."""
        return tuple(sorted(self._destroyed.values(), key=lambda gone: (gone.created_at, gone.kid)))

    def mend(self) -> None:
        """Put right what an interrupted :meth:`save` left: old bytes, and an index that lags behind.

        Raises ``storage-failed``.
        """
        path = self._folder / KEYRING_NAME
        with _held(self._folder):
            if not path.exists() or _read(path) != self._read:
                return  # another process writes here; it does the same
            _wipe_leftovers(path)
            if _bytes_of(self._folder / INDEX_NAME) != self._index():
                write_private(self._folder / INDEX_NAME, self._index())

    def _index(self) -> bytes:
        shown = [*(gone.public() for gone in self.destroyed()), *(entry.public() for entry in self.list())]
        return json.dumps({"keys": shown}, indent=1).encode()

    def signing(self, kid: str) -> SigningKey:
        """A signing key by its id. Raises ``no-key``, ``key-destroyed``."""
        key = self._entry(kid).key
        if not isinstance(key, SigningKey):
            raise RefusedError("no-key", f"key {kid} seals, it does not sign")
        return key

    def sealing(self, kid: str) -> SealingKey:
        """A sealing key by its id. Raises ``no-key``, ``key-destroyed``."""
        key = self._entry(kid).key
        if not isinstance(key, SealingKey):
            raise RefusedError("no-key", f"key {kid} signs, it does not open")
        return key

    def has(self, kid: str) -> bool:
        """Whether the keyring holds a key."""
        return kid in self._entries

    def by_role(self, role: str) -> tuple[SigningKey, ...]:
        """The signing keys of a role that are not retired, oldest first."""
        entries = (e for e in self.list() if e.role == role and e.retired_at is None)
        return tuple(e.key for e in entries if isinstance(e.key, SigningKey))

    def list(self) -> tuple[KeyEntry, ...]:
        """All keys, oldest first."""
        return tuple(sorted(self._entries.values(), key=lambda entry: (entry.created_at, entry.kid)))

    def _entry(self, kid: str) -> KeyEntry:
        entry = self._entries.get(kid)
        gone = self._destroyed.get(kid)
        if entry is None and gone is not None:
            raise RefusedError("key-destroyed", f"key {kid[:12]}…, on {format_time(gone.destroyed_at)}")
        if entry is None:
            raise RefusedError("no-key", kid)
        return entry

    def _add(self, entry: KeyEntry) -> None:
        self._entries[entry.kid] = entry


def read_index(folder: Path) -> list[dict[str, Any]]:
    """The public index of a home's keys; needs no passphrase. Raises ``no-keyring``, ``bad-keyring``."""
    value: Any = parse(_read(folder / INDEX_NAME))
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list):
        raise RefusedError("bad-keyring", INDEX_NAME)
    return keys


def read_passphrase_file(folder: Path) -> str | None:
    """The passphrase from ``POC_PASSPHRASE_FILE`` or the home's ``passphrase`` file, if there is one.

    Raises ``passphrase-file-open`` where others than the owner can read it.
    """
    named = os.environ.get("POC_PASSPHRASE_FILE")
    path = Path(named) if named else folder / PASSPHRASE_NAME
    if not path.exists():
        if named:
            raise RefusedError("no-such-file", f"POC_PASSPHRASE_FILE {path}")
        return None
    return read_secret_file(path)


def read_secret_file(path: Path) -> str:
    """The one line of a file that only its owner may read.

    Raises ``no-such-file``, ``passphrase-file-open``.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedError("no-such-file", f"{path}: {type(error).__name__}") from None
    if stat.S_IMODE(mode) & 0o077:
        raise RefusedError("passphrase-file-open", str(path))
    return text.rstrip("\r\n")


def write_private(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, mode 0600, durable before this returns.

    Raises ``storage-failed``.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _fsync_folder(path.parent)
    except OSError as error:
        raise UnreachableError("storage-failed", f"{path.name}: {error.strerror}") from None


def _wipe_leftovers(path: Path) -> None:
    """Overwrite and delete what an interrupted write left beside a file. Raises ``storage-failed``."""
    before = _before(path)
    try:
        if before.exists() and path.exists() and before.samefile(path):
            before.unlink()  # it ended before the new file was in place
        parts = (found for name in (path.name, INDEX_NAME) for found in path.parent.glob(f".{name}.*.part"))
        for left in (before, *parts):
            if left.exists():
                _wipe(left)
    except OSError as error:
        raise UnreachableError("storage-failed", f"{path.name}: {error.strerror}") from None


@contextlib.contextmanager
def _wiped_after(path: Path) -> Iterator[None]:
    """Overwrite the bytes that a file had before it is replaced inside, once that is done.

    A second name holds them until then, so that whoever dies in between finds them at the next write. A
    file system without second names keeps them until it uses their place again.
    """
    before = _before(path)
    if path.exists():
        with contextlib.suppress(OSError):
            before.hardlink_to(path)
    yield
    _wipe_leftovers(path)


def _before(path: Path) -> Path:
    return path.with_name(f".{path.name}.before")


def _wipe(path: Path) -> None:
    """Write over a file in its place, then delete it."""
    with path.open("r+b") as file:
        file.write(os.urandom(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    _fsync_folder(path.parent)


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Let one process at a time compare and write. Raises ``storage-failed``."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UnreachableError("storage-failed", f"{folder.name}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError:
        raise RefusedError("no-keyring", str(path)) from None
    if len(data) > KEYRING_BYTES_MAX or not data.isascii():
        raise RefusedError("bad-keyring", path.name)
    return data.decode("ascii").strip()


def _bytes_of(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _check_header(text: str) -> None:
    """Refuse other algorithms and rounds before any work is done for them."""
    try:
        header: Any = parse(unb64u(text.split(".", 1)[0]))
    except PocError:
        raise RefusedError("bad-keyring", "not a JWE") from None
    if not isinstance(header, dict):
        raise RefusedError("bad-keyring", "not a JWE")
    rounds = header.get("p2c")
    if (header.get("alg"), header.get("enc")) != (ALGORITHM, "A256GCM"):
        raise RefusedError("bad-keyring", "another algorithm")
    if not isinstance(rounds, int) or not ROUNDS_MIN <= rounds <= ROUNDS_MAX:
        raise RefusedError("bad-keyring", f"rounds outside {ROUNDS_MIN} to {ROUNDS_MAX}")


def _check_passphrase(passphrase: str) -> None:
    if len(passphrase) < PASSPHRASE_CHARS_MIN:
        raise RefusedError("weak-passphrase", f"{PASSPHRASE_CHARS_MIN} characters at least")


def _octets(passphrase: str) -> OctKey:
    return OctKey.import_key(passphrase.encode())


def _decrypted(text: str, passphrase: str, folder: Path) -> bytes:
    _check_header(text)
    try:
        opened = jwe.decrypt_compact(text, _octets(passphrase), algorithms=[ALGORITHM, "A256GCM"])
    except (JoseError, ValueError):
        raise RefusedError("wrong-passphrase", str(folder)) from None
    return opened.plaintext or b"null"


def _content(content: bytes) -> tuple[tuple[KeyEntry, ...], tuple[DestroyedKey, ...]]:
    try:
        value: Any = parse(content)
        keys = tuple(_entry_of(jwk) for jwk in value["keys"])
        return keys, tuple(_destroyed_of(row) for row in value.get("destroyed", ()))
    except (PocError, KeyError, TypeError, AttributeError) as error:
        raise RefusedError("bad-keyring", f"content: {type(error).__name__}") from None


def _destroyed_of(row: dict[str, Any]) -> DestroyedKey:
    return DestroyedKey(
        row["kid"],
        row["use"],
        row["role"],
        row["party"],
        parse_time(row["created_at"]),
        _time(row["retired_at"]),
        parse_time(row["destroyed_at"]),
    )


def _entry_of(jwk: dict[str, Any]) -> KeyEntry:
    sealing = jwk["use"] == "seal"
    names = ("kty", "alg", "pub", "priv") if sealing else ("kty", "crv", "x", "d")
    private = {name: jwk[name] for name in names}
    key = SealingKey.from_private_jwk(private) if sealing else SigningKey.from_private_jwk(private)
    return KeyEntry(
        key.kid,
        "seal" if sealing else "sign",
        jwk["poc_role"],
        jwk["poc_party"],
        parse_time(jwk["poc_created_at"]),
        _time(jwk["poc_retired_at"]),
        key,
        jwk.get("poc_replaces"),
    )


def _text(at: datetime | None) -> str | None:
    return None if at is None else format_time(at)


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)
