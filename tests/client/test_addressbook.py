"""Address books: what is in them, how it is marked, and that no cell or name does more than it says."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.client.addressbook import FORMATS, address_book, export, plain_cell
from poc.client.openpgp import write_armour
from poc.core.card import OfficePart, PersonPart, ReachPart
from poc.core.form import form_of
from poc.core.strictjson import b64u, format_time
from poc.errors import RefusedError
from tests import registry as made
from tests.client.test_vcard import unescaped, unfolded
from tests.gnupg import gpg, needs_gpg, public_key

LISTED, FROZEN, GONE = "sd.duty", "jo.diplomatic", "sd.diplomatic"
ARMOUR = write_armour(b"\xc6\x03abc")
CHANNELS = (
    ("satellite", "+999 5550199", None),
    ("mobile", "+999 5550102", "duty officer"),
    ("fax", "+999 5550103", None),
    ("email", "desk@jo.technical.example", None),
    ("web", "https://jo.technical.example/a,b", None),
    ("post", "PO Box 1; Amman, 11000", None),
    ("messenger", "@desk", "by appointment"),
)


def part(contact, name, **members):
    top = {"v": 1, "origin": made.ORIGIN, "contact": contact, "part": name}
    model: Any = {"office": OfficePart, "reach": ReachPart, "person": PersonPart}[name]
    return form_of(model, {**top, **members})


def card(contact, names=None, channels=CHANNELS, openpgp=None):
    rows = [{"kind": kind, "value": value, "label": label} for kind, value, label in channels]
    hours = {"always": True, "weekly": [], "exceptions": []}
    return {
        "office": part(contact, "office", names=names or {"en": "Desk, one; two", "ar": "مكتب"},
                       department={"en": "Response", "fr": "Réponse", "ru": "Ответ"}, openpgp=openpgp),
        "reach": part(contact, "reach", channels=rows, zone="Asia/Amman", hours=hours,
                      languages=["ar", "en"]),
        "person": part(contact, "person", names={"en": "A. Person"}, title=None, channels=rows[:1]),
    }  # fmt: skip


@pytest.fixture(scope="module")
def directory():
    registry = made.usual()
    body = {"role": "duty", "alternate_of": None, "source": "a list", "card": made.card(LISTED)}
    registry.submit("contact.record", LISTED, body, *made.REGISTRARS)
    standing = registry.directory.contact(FROZEN).standing.leaf_hash
    registry.submit("contact.freeze", FROZEN, {"entry": standing}, "jo.technical 1")
    nomination = registry.directory.contact(GONE).nomination.leaf_hash
    registry.submit("contact.withdraw", GONE, {"entry": nomination}, "sd authority")
    return registry.directory


def book(directory, contacts=None, **cards):
    opened = {contact: card(contact) for contact in directory.contacts}
    return address_book(directory, {**opened, **cards}, contacts, directory.logged_at + timedelta(hours=1))


def lines_of(directory, contact, **cards):
    return unfolded(export(book(directory, [contact], **cards), "vcard").data)


def values(lines, name):
    """The values of a property, unescaped, with what stands before the colon."""
    found = {}
    for line in lines:
        head, _, value = line.partition(":")
        if head.split(";")[0].split(".")[-1] == name:
            found[head] = unescaped(value)
    return found


def test_an_office_has_its_names_in_both_languages_and_its_channels_in_dial_order(directory):
    lines = lines_of(directory, "jo.technical")
    assert values(lines, "FN") == {
        "FN;ALTID=1;LANGUAGE=en": "Desk, one; two",
        "FN;ALTID=1;LANGUAGE=ar": "مكتب",
    }
    assert "ORG;ALTID=2;LANGUAGE=en:State jo;Response" in lines
    assert "ORG;ALTID=2;LANGUAGE=ar:دولة" in lines
    assert "ORG;ALTID=2;LANGUAGE=ru:State jo;Ответ" in lines
    assert values(lines, "TEL") == {
        "channel1.TEL;TYPE=voice;PREF=1": "+999 5550199",
        "channel2.TEL;TYPE=cell;PREF=2": "+999 5550102",
        "channel3.TEL;TYPE=fax;PREF=3": "+999 5550103",
    }
    assert "channel4.EMAIL;PREF=4:desk@jo.technical.example" in lines
    assert "channel5.URL;PREF=5:https://jo.technical.example/a,b" in lines
    assert "channel6.ADR;PREF=6:;;PO Box 1\\; Amman\\, 11000;;;;" in lines
    assert "channel7.NOTE:messenger: @desk" in lines
    assert values(lines, "X-ABLABEL") == {
        "channel1.X-ABLABEL": "satellite",
        "channel2.X-ABLABEL": "duty officer",
        "channel7.X-ABLABEL": "by appointment",
    }
    assert [line for line in lines if line.startswith("LANG")] == ["LANG;PREF=1:ar", "LANG;PREF=2:en"]
    assert "TZ:Asia/Amman" in lines
    assert "KIND:org" in lines


def test_every_form_says_what_it_was_made_from(directory):
    made_from = book(directory, openpgp=None, **{"jo.technical": card("jo.technical", openpgp=ARMOUR)})
    root = b64u(directory.tree.root())
    assert (made_from.proof.size, made_from.proof.root) == (directory.size, root)
    assert made_from.proof.newest_entry_at == format_time(directory.logged_at)
    for kind in FORMATS:
        text = export(made_from, kind).data.replace(b"\r\n ", b"").decode()
        for reference in (directory.fingerprint, root, made.ORIGIN, made_from.proof.verified_at):
            assert reference in text, kind


@pytest.mark.parametrize("kind", FORMATS)
def test_withdrawn_contacts_and_persons_are_in_no_form(directory, kind):
    cards = {contact: card(contact, openpgp=ARMOUR) for contact in directory.contacts}
    made_of = export(book(directory, **cards), kind)
    assert made_of.contacts == ("jo.diplomatic", "jo.technical", "sd.duty", "sd.technical")
    assert GONE.encode() not in made_of.data
    assert b"A. Person" not in made_of.data


@pytest.mark.parametrize("contact", [GONE, "jo.nobody", "", "*", "jo"])
def test_one_that_is_not_in_force_cannot_be_named(directory, contact):
    with pytest.raises(RefusedError) as caught:
        book(directory, ["jo.technical", contact])
    assert caught.value.code == "unknown-contact"


@pytest.mark.parametrize(
    ("contact", "en", "ar"), [(LISTED, "LISTED ONLY", "غير موثّقة"), (FROZEN, "FROZEN", "مجمّدة")]
)
def test_what_is_not_verified_or_frozen_is_marked_wherever_its_name_is_shown(directory, contact, en, ar):
    names = values(lines_of(directory, contact), "FN")
    assert en in names["FN;ALTID=1;LANGUAGE=en"]
    assert ar in names["FN;ALTID=1;LANGUAGE=ar"]
    assert any(en in value for value in values(lines_of(directory, contact), "NOTE").values())
    rows = table(export(book(directory, [contact]), "csv").data)
    assert en in rows[0]["mark"]
    keys = export(book(directory, **{contact: card(contact, openpgp=ARMOUR)}), "openpgp").data.decode()
    assert f"# {contact} {en}" in keys


def test_a_verified_one_bears_no_mark(directory):
    lines = lines_of(directory, "jo.technical")
    assert not any(mark in line for line in lines for mark in ("LISTED", "FROZEN"))
    note = next(iter(values(lines, "NOTE").values()))
    assert "X-POC-LEVEL:verified" in lines
    assert note.startswith("messenger") or "authority of jo" in note


def test_a_card_that_is_not_open_leaves_the_id_as_name_and_nothing_made_up(directory):
    lines = lines_of(directory, "jo.technical", **{"jo.technical": {}})
    assert "FN:jo.technical" in lines
    assert not any(line.split(".")[-1].startswith(("TEL", "EMAIL", "TZ", "LANG;")) for line in lines)


def test_the_same_contact_keeps_its_uid_and_another_has_another(directory):
    first, again = (values(lines_of(directory, "jo.technical"), "UID") for _ in range(2))
    assert first == again != values(lines_of(directory, "sd.technical"), "UID")


def test_a_jcard_says_the_same(directory):
    ((kind, rows),) = json.loads(export(book(directory, ["jo.technical"]), "jcard").data)
    assert kind == "vcard"
    assert ["fn", {"altid": "1", "language": "ar"}, "text", "مكتب"] in rows
    assert ["tel", {"type": "cell", "pref": "2", "group": "channel2"}, "text", "+999 5550102"] in rows
    assert ["org", {"altid": "2", "language": "ar"}, "text", "دولة"] in rows


# --- CSV ---------------------------------------------------------------------------------------


def table(data):
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_a_table_has_one_row_per_contact_with_channels_in_order(directory):
    rows = table(export(book(directory), "csv").data)
    assert [row["contact"] for row in rows] == ["jo.diplomatic", "jo.technical", "sd.duty", "sd.technical"]
    assert rows[1]["channel_2"] == "mobile +999 5550102 (duty officer)"
    assert rows[1]["name_ar"] == "مكتب"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\t=", "\r=", " =", "  @"])
def test_no_cell_of_a_table_begins_a_formula(directory, sign):
    assert plain_cell(f"{sign}cmd|'/c calc'!A1") == f"'{sign}cmd|'/c calc'!A1"
    if sign.isprintable() and not sign.startswith(" "):
        hostile = card("jo.technical", names={"en": f'{sign}HYPERLINK("https://x.example")'})
        rows = table(export(book(directory, ["jo.technical"], **{"jo.technical": hostile}), "csv").data)
        assert rows[0]["name_en"].startswith(f"'{sign}")


@given(st.text(max_size=40))
def test_no_text_at_all_begins_a_formula(text):
    shown = plain_cell(text)
    assert shown.lstrip(" ")[:1] not in {"=", "+", "-", "@", "\t", "\r"} or shown == ""
    assert shown.removeprefix("'") == text or shown == text


# --- OpenPGP -----------------------------------------------------------------------------------


def test_a_key_that_cannot_be_used_is_told_and_in_no_form(directory):
    spoilt = {"jo.technical": card("jo.technical", openpgp=ARMOUR.replace("PUBLIC", "PRIVATE"))}
    for kind in ("vcard", "jcard"):
        made_of = export(book(directory, ["jo.technical"], **spoilt), kind)
        assert "cannot be used" in made_of.left_out["jo.technical"]
        assert b"pgp-keys" not in made_of.data
    with pytest.raises(RefusedError) as caught:
        export(book(directory, ["jo.technical"], **spoilt), "openpgp")
    assert caught.value.code == "nothing-to-export"
    both = {**spoilt, "sd.technical": card("sd.technical", openpgp=ARMOUR)}
    made_of = export(book(directory, **both), "openpgp")
    assert made_of.contacts == ("sd.technical",)
    assert set(made_of.left_out) == {"jo.technical", "jo.diplomatic", "sd.duty"}
    assert b"PRIVATE" not in made_of.data


def test_an_empty_address_book_is_refused(directory):
    nobody = address_book(made.Registry().directory, {}, None, directory.logged_at)
    for kind in FORMATS:
        with pytest.raises(RefusedError) as caught:
            export(nobody, kind)
        assert caught.value.code == "nothing-to-export"


@needs_gpg
def test_gpg_imports_the_keyring_and_the_key_of_a_vcard(directory, tmp_path):
    import base64

    armour = {
        contact: public_key(tmp_path / contact, f"Desk <desk@{contact}.example>")
        for contact in ("jo.technical", "sd.technical")
    }
    cards = {contact: card(contact, openpgp=key) for contact, key in armour.items()}
    gpg(tmp_path / "ring", "--import", given=export(book(directory, **cards), "openpgp").data)
    listed = gpg(tmp_path / "ring", "--list-keys", "--with-colons")
    assert listed.count("\npub:") + listed.startswith("pub:") == 2
    (uri,) = values(lines_of(directory, "sd.technical", **cards), "KEY").values()
    data = base64.b64decode(uri.removeprefix("data:application/pgp-keys;base64,"))
    gpg(tmp_path / "card", "--import", given=data)
    assert "desk@sd.technical.example" in gpg(tmp_path / "card", "--list-keys", "--with-colons")
