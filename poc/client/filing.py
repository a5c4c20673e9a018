"""What people hand in for a statement: exported public keys and a card file, made into forms.

Reads the files of ``poc key export`` and the card file of ``poc contact show --card``. Composing and
signing statements stands in ``statements``; what a card's parts hold, in ``core.card``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from poc.core.bodies import jwk_form
from poc.core.card import (
    PARTS,
    CardPart,
    Commitment,
    OfficePart,
    Opening,
    PersonPart,
    ReachPart,
    make_opening,
)
from poc.core.directory import Contact
from poc.core.form import form_bytes, form_of, form_value
from poc.core.keys import SealingPublicKey, VerifyKey
from poc.core.strictjson import format_time, parse, unb64u
from poc.errors import PocError, RefusedError

RIGHTS: Final = ("acknowledge", "change", "retrieve", "send")
_MODELS: Final[dict[str, type[CardPart]]] = {"office": OfficePart, "reach": ReachPart, "person": PersonPart}
# What a card file may leave out, by part: written as null or empty.
_LEFT_OUT: Final[dict[str, dict[str, Any]]] = {
    "office": {"department": None, "openpgp": None},
    "reach": {},
    "person": {"title": None, "channels": []},
}
_HOURS_LEFT_OUT: Final[dict[str, Any]] = {"always": False, "weekly": [], "exceptions": []}


# --- exported keys -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """The public keys of one party, as exported by its own home, oldest first."""

    party: str
    signing: tuple[VerifyKey, ...]
    sealing: tuple[SealingPublicKey, ...]

    def signing_jwks(self) -> list[dict[str, Any]]:
        """The signing keys as members of forms, sorted as forms want them."""
        return sorted((form_value(jwk_form(key)) for key in self.signing), key=lambda jwk: str(jwk["x"]))


def read_public_keys(data: bytes) -> PublicKeys:
    """Read what ``poc key export --json`` wrote: one key, or ``{"keys": […]}`` of one party.

    Raises ``bad-json`` (line and column), ``bad-key-file``, or what a key is refused for.
    """
    value: Any = parse(data)
    rows = value["keys"] if isinstance(value, dict) and "keys" in value else [value]
    try:
        parties = {row["party"] for row in rows}
        signing = tuple(VerifyKey.from_jwk(row["jwk"]) for row in rows if row["use"] == "sign")
        sealing = tuple(SealingPublicKey.from_jwk(row["jwk"]) for row in rows if row["use"] == "seal")
    except (KeyError, TypeError):
        raise RefusedError("bad-key-file", "not a file of `poc key export`") from None
    if len(parties) != 1 or not all(isinstance(party, str) for party in parties):
        raise RefusedError("bad-key-file", f"keys of {len(parties)} parties; one is expected")
    return PublicKeys(parties.pop(), signing, sealing)


def device_value(number: int, keys: PublicKeys, may: Sequence[str], rotate_by: datetime) -> dict[str, Any]:
    """The form's value of a device with one signing and one sealing key. Raises ``bad-key-file``."""
    if len(keys.signing) != 1 or len(keys.sealing) != 1:
        raise RefusedError("bad-key-file", "a device has exactly one signing and one sealing key")
    return {
        "number": number,
        "key": form_value(jwk_form(keys.signing[0])),
        "sealing": sealing_value(keys.sealing[0], rotate_by),
        "may": sorted(may),
    }


def numbered_devices(
    before: Contact | None,
    named: Sequence[tuple[PublicKeys, Sequence[str]]],
    rotate_by: datetime,
) -> list[dict[str, Any]]:
    """The complete list of devices: one that is active already keeps its number and its form."""
    active = {} if before is None else {device.kid: device for device in before.devices}
    following = 1 if before is None else before.highest_number + 1
    devices = []
    for keys, may in named:
        kept = active.get(keys.signing[0].kid) if len(keys.signing) == 1 else None
        if kept is None:
            devices.append(device_value(following, keys, may, rotate_by))
            following += 1
        else:
            devices.append(device_value(kept.number, keys, sorted(kept.may), kept.rotate_by))
    return sorted(devices, key=lambda device: int(device["number"]))


def sealing_value(key: SealingPublicKey, rotate_by: datetime) -> dict[str, Any]:
    """How a statement names a sealing key."""
    return sealing_ref_value(key.kid, rotate_by)


def sealing_ref_value(kid: str, rotate_by: datetime) -> dict[str, Any]:
    """The same for one known by its thumbprint."""
    return {"kid": kid, "alg": "HPKE-9-KE", "rotate_by": format_time(rotate_by)}


# --- cards -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FiledCard:
    """A card ready for a statement: its commitments, and the openings of the parts that are new."""

    commitments: dict[str, Any]
    openings: tuple[Opening, ...]


def file_card(
    value: Any,
    contact: str,
    origin: str,
    random: Callable[[int], bytes],
    *,
    before: Contact | None = None,
    kept: Mapping[str, Opening] | None = None,
) -> FiledCard:
    """A card from the value of a card file: ``{part: {…, "visibility": …}}`` for each part.

    A part that is not in the file stays as it was; ``"person": null`` takes it away. A part whose
    content did not change (``kept`` has its opening) keeps its commitment; a changed one gets a fresh
    salt. Raises ``bad-card`` naming the part and member.
    """
    if not isinstance(value, dict) or not value or not set(value) <= set(PARTS):
        raise RefusedError("bad-card", f"an object with {', '.join(PARTS)} is expected")
    commitments: dict[str, Any] = {}
    openings = []
    for part in PARTS:
        old = None if before is None else before.card.part(part)
        given = value.get(part)
        if given is None:
            _check_left_out(part, value, old)
            commitments[part] = form_value(old) if old is not None and part not in value else None
            continue
        opened, visibility = _read_part(part, given, contact, origin)
        opening = (kept or {}).get(part)
        if old is None or opening is None or unb64u(opening.bytes) != form_bytes(opened):
            opening = make_opening(opened, random(32))
            openings.append(opening)
        commitments[part] = {"commitment": opening.commitment(), "visibility": visibility}
    return FiledCard(commitments, tuple(openings))


def _check_left_out(part: str, value: dict[str, Any], old: Commitment | None) -> None:
    if part != "person" and (part in value or old is None):
        raise RefusedError("bad-card", f"{part}: this part is needed")


def _read_part(part: str, given: Any, contact: str, origin: str) -> tuple[CardPart, str]:
    if not isinstance(given, dict):
        raise RefusedError("bad-card", f"{part}: an object is expected")
    content = {**_LEFT_OUT[part], **given}
    visibility = content.pop("visibility", "parties")
    if "channels" in content and isinstance(content["channels"], list):
        content["channels"] = [_with_null_label(channel) for channel in content["channels"]]
    if isinstance(content.get("hours"), dict):
        content["hours"] = {**_HOURS_LEFT_OUT, **content["hours"]}
    top = {"v": 1, "origin": origin, "contact": contact, "part": part}
    try:
        form_of(Commitment, {"commitment": "A" * 43, "visibility": visibility})
        return form_of(_MODELS[part], {**top, **content}), visibility
    except PocError as error:
        raise RefusedError("bad-card", f"{part}.{error.detail}") from None


def _with_null_label(channel: Any) -> Any:
    return {"label": None, **channel} if isinstance(channel, dict) else channel


def card_value(parts: Mapping[str, CardPart], contact: Contact) -> dict[str, Any]:
    """The card file of a contact's open parts: what :func:`file_card` reads back."""
    value: dict[str, Any] = {}
    for part, opened in parts.items():
        commitment = contact.card.part(opened.part)
        content = {
            name: member
            for name, member in form_value(opened).items()
            if name not in {"v", "origin", "contact", "part"}
        }
        visibility = "parties" if commitment is None else commitment.visibility
        value[part] = {**content, "visibility": visibility}
    return value
