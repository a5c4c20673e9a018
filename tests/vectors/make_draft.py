"""Freezes drafts in clear and sealed, with their text codes, and those that must be refused.

    python -m tests.vectors.make_draft

Sealing draws randomness of its own, so the sealed ones are other bytes each time this is run. The one key
that opens has the seed SHA-256("poc/1 test key" 0x00 ‖ "seal jo.technical 2").
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from poc.core import sealed
from poc.core.clearance import code_of, draft_sha256_of, seal_draft
from poc.core.draft_form import DraftForm
from poc.core.form import form_of
from poc.core.strictjson import b64u, canonical
from tests.form_examples import AT, CONTENT, DRAFT
from tests.registry import sealing_key

PATH = Path(__file__).parent / "draft" / "drafts.json"
LABEL = "jo.technical 2"
DATA = b"line 1\n"
ATTACHMENT = {
    "name": "a.txt",
    "media_type": "text/plain",
    "size_bytes": len(DATA),
    "sha256": b64u(hashlib.sha256(DATA).digest()),
    "blob": None,
}
CEK, IV = bytes(range(32)), bytes(12)


def value(**changes: Any) -> dict[str, Any]:
    """A draft with one attachment, not prepared yet."""
    content = {**CONTENT, "attachments": [ATTACHMENT], **changes.pop("content", {})}
    made = {**DRAFT, "edition": 1, "data": [b64u(DATA)], "content": content}
    return {**made, "cleared": None, "prepared": None, **changes}


def sealed_value(plaintext: bytes | None = None, label: str = LABEL) -> Any:
    """A sealed draft as a JSON value; another plaintext than a draft's where one is given."""
    made = json.loads(seal_draft(form_of(DraftForm, value()), [sealing_key(label).public], cek=CEK, iv=IV))
    if plaintext is None:
        return made
    ciphertext, tag = sealed.encrypt_content(CEK, IV, made["protected"], plaintext)
    return {**made, "ciphertext": b64u(ciphertext), "tag": b64u(tag)}


def flipped(text: str) -> str:
    """Another base64url text of the same length: its first character changed."""
    return ("B" if text[0] == "A" else "A") + text[1:]


def cases() -> list[dict[str, Any]]:
    """Every case: the file as text, what opening it must give."""
    clear = canonical(value())
    good = sealed_value()
    other = canonical(value(content={"from": {"contact": "jo.diplomatic", "kid": None}}))
    slot = good["recipients"][0]
    moved = {**slot, "header": {**slot["header"], "kid": sealing_key("jo.technical 3").public.kid}}
    unsealed = {**slot, "encrypted_key": flipped(slot["encrypted_key"])}
    rows: list[tuple[str, str, bytes]] = [
        ("in clear", "ok", clear),
        ("in clear, with a line break at its end", "ok", clear + b"\n"),
        ("sealed", "ok", canonical(good)),
        ("in clear, not RFC 8785", "not-canonical", json.dumps(value(), ensure_ascii=False).encode()),
        ("in clear, no JSON", "bad-json", clear[:-1]),
        ("in clear, a newer form", "newer-form", canonical(value(v=2))),
        ("in clear, other attachment bytes", "bad-attachment", canonical(value(data=[b64u(b"line 2\n")]))),
        ("in clear, fewer attachment bytes", "bad-attachment", canonical(value(data=[b64u(b"line")]))),
        ("sealed to another key", "no-slot-for-key", canonical(sealed_value(label="jo.technical 3"))),
        ("a slot named as another's", "no-slot-for-key", canonical({**good, "recipients": [moved]})),
        ("a content key that does not open", "cannot-open", canonical({**good, "recipients": [unsealed]})),
        ("altered ciphertext", "cannot-open", canonical({**good, "ciphertext": flipped(good["ciphertext"])})),
        ("altered tag", "cannot-open", canonical({**good, "tag": flipped(good["tag"])})),
        ("altered iv", "cannot-open", canonical({**good, "iv": flipped(good["iv"])})),
        ("another header", "cannot-open", canonical({**good, "protected": _header(contact="jo.diplomatic")})),
        (
            "a header of another type",
            "bad-form",
            canonical({**good, "protected": _header(typ="poc-envelope+jwe")}),
        ),
        ("not padded", "bad-padding", canonical(sealed_value(clear))),
        ("a draft of another contact inside", "member-mismatch", canonical(sealed_value(sealed.pad(other)))),
        ("no draft inside", "bad-json", canonical(sealed_value(sealed.pad(b"a draft")))),
        ("an unheard-of member", "bad-form", canonical({**good, "unheard_of": None})),
    ]
    form = form_of(DraftForm, value())
    told = {"content_sha256": draft_sha256_of(form), "text_code": code_of(form)}
    return [
        {"name": name, "expect": expect, "file": data.decode(), **(told if expect == "ok" else {})}
        for name, expect, data in rows
    ]


def _header(**changes: Any) -> str:
    header = {"v": 1, "origin": DRAFT["origin"], "enc": "A256GCM", "typ": "poc-draft+jwe",
              "contact": "jo.technical", **changes}  # fmt: skip
    return b64u(canonical(header))


def main() -> None:
    """Write the file."""
    PATH.parent.mkdir(exist_ok=True)
    about = f"Drafts, opened with the sealing key of the label {LABEL!r}; drawn up at {AT}."
    text = json.dumps({"about": about, "cases": cases()}, indent=1, ensure_ascii=False)
    PATH.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
