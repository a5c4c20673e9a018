"""A State-signed address book: offices from verified entries, as files that other programs import.

Every file says which registry, log and root it was made from and when, so that a reader can hold it against
a snapshot or another desk. What is only listed or frozen is marked wherever a name is shown; what was
withdrawn is never in it. The person part of a card is never exported.
"""

from __future__ import annotations

import base64
import csv
import io
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

from poc.client import openpgp
from poc.client.lookup import FoundContact, find_contact, show_contact
from poc.client.vcard import Property, jcards, vcard
from poc.core.card import CardPart, OfficePart
from poc.core.directory import Directory
from poc.core.form import state_of
from poc.core.strictjson import b64u, format_time
from poc.errors import RefusedError

Format = Literal["vcard", "jcard", "csv", "openpgp"]
FORMATS: Final[tuple[Format, ...]] = ("vcard", "jcard", "csv", "openpgp")

_ROLES: Final = {
    "diplomatic": {"en": "diplomatic point of contact", "ar": "نقطة اتصال دبلوماسية"},
    "technical": {"en": "technical point of contact", "ar": "نقطة اتصال تقنية"},
    "duty": {"en": "duty desk", "ar": "مكتب مناوب"},
}
_MARKS: Final = {
    "listed": {"en": "LISTED ONLY, not verified", "ar": "مُدرجة فقط، غير موثّقة"},
    "frozen": {"en": "FROZEN by its own State", "ar": "مجمّدة من دولتها"},
}
_PHONES: Final = {"phone": "voice", "mobile": "cell", "satellite": "voice", "fax": "fax"}
_FORMULA: Final = (*"=+-@", *"\uff1d\uff0b\uff0d\uff20", "\t", "\r")  # full width too
_ADDRESS: Final = 7  # components of ADR, RFC 6350 6.3.1; the third is the street


@dataclass(frozen=True, slots=True)
class ProofReference:
    """What an address book was made from: the head of the log, and whose log it is."""

    origin: str
    fingerprint: str
    size: int
    root: str
    newest_entry_at: str
    verified_at: str

    def sentence(self) -> str:
        """The same for people."""
        return (
            f"From the registry {self.origin}, fingerprint {self.fingerprint}: every signature of its log "
            f"verified at {self.verified_at}, {self.size} entries, the newest of {self.newest_entry_at}, "
            f"root {self.root}."
        )


@dataclass(frozen=True, slots=True)
class Office:
    """One contact of an address book."""

    found: FoundContact
    official: dict[str, str]
    openpgp: str | None
    changed_at: datetime

    @property
    def mark(self) -> str | None:
        """What must be told with the name: ``listed``, ``frozen`` or nothing."""
        if self.found.level == "listed":
            return "listed"
        return "frozen" if self.found.frozen else None


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Offices sorted by id, and what they were taken from."""

    offices: tuple[Office, ...]
    proof: ProofReference


@dataclass(frozen=True, slots=True)
class Exported:
    """A file, the contacts in it, and what of the others, or of these, had to be left out and why."""

    data: bytes
    contacts: tuple[str, ...]
    left_out: Mapping[str, str]


def address_book(
    directory: Directory,
    cards: Mapping[str, Mapping[str, CardPart]],
    contacts: Sequence[str] | None,
    now: datetime,
) -> AddressBook:
    """The offices named, or all in force.

    Raises ``unknown-contact`` for one that is withdrawn or never was.
    """
    wanted = None if contacts is None else {find_contact(directory, contact) for contact in contacts}
    offices = []
    for contact in sorted(directory.contacts.values(), key=lambda c: c.id):
        state = directory.states.get(contact.state)
        gone = contact.withdrawn or (state is not None and state.status == "withdrawn")
        if gone or (wanted is not None and contact.id not in wanted):
            continue
        card = cards.get(contact.id, {})
        office = card.get("office")
        key = office.openpgp if isinstance(office, OfficePart) else None
        official = {} if state is None else dict(state.names.official)
        shown = show_contact(directory, contact, card, now)
        offices.append(Office(shown, official, key, contact.newest.logged_at))
    proof = ProofReference(
        origin=directory.origin,
        fingerprint=directory.fingerprint,
        size=directory.size,
        root=b64u(directory.tree.root()),
        newest_entry_at=format_time(directory.logged_at),
        verified_at=format_time(now),
    )
    return AddressBook(tuple(offices), proof)


def export(book: AddressBook, kind: Format) -> Exported:
    """The address book as a file. Raises ``nothing-to-export`` where no contact has what the form needs."""
    if kind == "openpgp":
        return _keyring(book)
    if not book.offices:
        raise RefusedError("nothing-to-export", "no contact")
    contacts = tuple(office.found.contact for office in book.offices)
    if kind == "csv":
        return Exported(_csv(book), contacts, {})
    keys, left_out = _public_keys(book)
    cards = (_properties(office, book.proof, keys.get(office.found.contact)) for office in book.offices)
    data = b"".join(map(vcard, cards)) if kind == "vcard" else jcards(cards)
    return Exported(data, contacts, left_out)


def _public_keys(book: AddressBook) -> tuple[dict[str, str], dict[str, str]]:
    """The OpenPGP keys that can be used, armoured anew, and why the others cannot; by contact."""
    keys, left_out = {}, {}
    for office in book.offices:
        if office.openpgp is not None:
            try:
                keys[office.found.contact] = openpgp.write_armour(openpgp.read_armour(office.openpgp))
            except RefusedError as error:
                left_out[office.found.contact] = error.message
    return keys, left_out


# --- vCard and jCard ---------------------------------------------------------------------------


def _properties(office: Office, proof: ProofReference, key: str | None) -> Iterator[Property]:
    found = office.found
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"https://{proof.origin}/{found.contact}")
    yield Property("uid", f"urn:uuid:{name}", type="uri")
    yield Property("kind", "org")
    yield from _in_languages("fn", "1", _marked(office))
    yield from _organisation(found, office.official)
    yield from _in_languages("role", "3", _ROLES[found.role])
    for number, channel in enumerate(found.channels, start=1):
        yield from _channel(channel, number)
    for number, language in enumerate(found.languages, start=1):
        yield Property("lang", language, {"pref": str(number)}, "language-tag")
    if found.zone is not None:
        yield Property("tz", found.zone)
    if key is not None:
        data = base64.b64encode(key.encode()).decode()
        yield Property("key", f"data:application/pgp-keys;base64,{data}", type="uri")
    yield Property("rev", format_time(office.changed_at), type="timestamp")
    yield Property("note", _note(office, proof))
    for member, value in asdict(proof).items():
        yield Property(f"x-poc-{member.replace('_', '-')}", str(value))
    yield Property("x-poc-contact", found.contact)
    yield Property("x-poc-level", found.level)


def _in_languages(name: str, altid: str, texts: Mapping[str, str]) -> Iterator[Property]:
    """One property in several languages: the same ALTID says that they are one (RFC 6350 5.4)."""
    for language, text in texts.items():
        yield Property(name, text, {"altid": altid, "language": language} if language else {})


def _marked(office: Office) -> dict[str, str]:
    """The names of the office, with what must be told beside them; its id where its card is not open."""
    names = office.found.names or {"": office.found.contact}
    if office.mark is None:
        return names
    marks = _MARKS[office.mark]
    return {language: f"{name} ({marks.get(language, marks['en'])})" for language, name in names.items()}


def _organisation(found: FoundContact, official: Mapping[str, str]) -> Iterator[Property]:
    """The State by its own names, the department as the unit below it, per language."""
    states = {**found.state_names, **official} or {"en": found.state}
    usual = states.get("en") or next(iter(states.values()))
    for language in {**states, **found.department}:
        state, unit = states.get(language, usual), found.department.get(language)
        value = state if unit is None else (state, unit)
        yield Property("org", value, {"altid": "2", "language": language})


def _channel(channel: Mapping[str, Any], number: int) -> Iterator[Property]:
    """A channel with its place in the order to try them; its label beside it, tied by a group."""
    kind, value, label = channel["kind"], channel["value"], channel["label"]
    group, pref = f"channel{number}", {"pref": str(number)}
    if kind in _PHONES:
        yield Property("tel", value, {"type": _PHONES[kind], **pref}, group=group)
    elif kind == "email":
        yield Property("email", value, pref, group=group)
    elif kind == "web":
        yield Property("url", value, pref, "uri", group)
    elif kind == "post":
        street = [""] * _ADDRESS
        street[2] = value
        yield Property("adr", street, pref, group=group)
    else:  # a messenger's name or a frequency is no URI, which IMPP would need
        yield Property("note", f"{kind}: {value}", group=group)
    shown = kind if label is None and kind == "satellite" else label
    if shown is not None:
        yield Property("x-ablabel", shown, group=group)


def _note(office: Office, proof: ProofReference) -> str:
    if office.mark == "listed":
        how = "LISTED ONLY: written down by registrars, not nominated by the State; nothing is sealed to it."
    else:
        how = f"Nominated by a signature of the authority of {state_of(office.found.contact)}."
    frozen = " FROZEN by its own State: reach it by voice." if office.mark == "frozen" else ""
    return f"{how}{frozen} {proof.sentence()}"


# --- CSV ---------------------------------------------------------------------------------------


def _csv(book: AddressBook) -> bytes:
    """A table with a byte order mark, without which spreadsheets misread Arabic; no cell is a formula."""
    most = max((len(office.found.channels) for office in book.offices), default=0)
    proof = asdict(book.proof)
    headings = [
        *("contact", "state", "state_en", "state_ar", "role", "level", "mark", "name_en", "name_ar"),
        *("department_en", "department_ar", "languages", "zone"),
        *(f"channel_{number}" for number in range(1, most + 1)),
        *proof,
    ]
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(headings)
    for office in book.offices:
        found = office.found
        channels = [_channel_cell(channel) for channel in found.channels]
        cells = [
            *(found.contact, found.state, found.state_names.get("en", ""), found.state_names.get("ar", "")),
            *(found.role, found.level, "" if office.mark is None else _MARKS[office.mark]["en"]),
            *(found.names.get("en", ""), found.names.get("ar", "")),
            *(found.department.get("en", ""), found.department.get("ar", "")),
            *(" ".join(found.languages), found.zone or ""),
            *channels,
            *[""] * (most - len(channels)),
            *map(str, proof.values()),
        ]
        writer.writerow(map(plain_cell, cells))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _channel_cell(channel: Mapping[str, Any]) -> str:
    label = f" ({channel['label']})" if channel["label"] else ""
    return f"{channel['kind']} {channel['value']}{label}"


def plain_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe before what would begin one."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


# --- OpenPGP -----------------------------------------------------------------------------------


def _keyring(book: AddressBook) -> Exported:
    """The armoured keys one after the other; what stands between them is for people and ignored."""
    keys, left_out = _public_keys(book)
    if not keys:
        raise RefusedError("nothing-to-export", "no OpenPGP key")
    parts = [f"# {book.proof.sentence()}\n"]
    for office in book.offices:
        contact = office.found.contact
        if contact in keys:
            mark = "" if office.mark is None else f" {_MARKS[office.mark]['en']}"
            parts.append(f"\n# {contact}{mark}\n{keys[contact]}")
        else:
            left_out.setdefault(contact, "its card has no OpenPGP key, or is not open here")
    return Exported("".join(parts).encode(), tuple(keys), left_out)
