"""Examples of every form, by its name in ``schemas/``: a good one, and changes that make it bad.

``tests/core/test_forms.py`` holds them against the models; ``tests/vectors/make_forms.py`` freezes
them as vectors for other implementations.
"""

from __future__ import annotations

from typing import Any

from tests.vectors.make_registry import (
    TESTED,
    appointment,
    device,
    enrolment,
    jwk,
    later_bodies,
    nomination,
    record,
    settings,
    update,
)

HASH = "A" * 43
_LATER = later_bodies()
ID = "01936f00-0000-7000-8000-000000000001"
AT = "2026-11-24T08:00:00Z"
LATER = "2026-11-25T08:00:00Z"
TOP = {"v": 1, "origin": "example.org/cbm"}
SIGNED = {**TOP, "kid": HASH, "at": AT, "head": "example.org/cbm\n1\nAAAA\n"}
TIMES = {"sent_at": AT, "not_before": None, "respond_by": None, "respond_within_s": 600, "expires_at": LATER}
TEXT = {"language": "ar", "text": "سطر\nسطر", "role": "original"}
MESSAGE: dict[str, Any] = {
    **TOP,
    **TIMES,
    "id": ID,
    "status": "exercise",
    "exercise": "cbm-2026-11",
    "from": {"contact": "jo.technical", "kid": HASH},
    "to": [{"contact": "sd.duty", "kid": HASH, "as": "action", "slot": HASH}],
    "kind": "notification",
    "precedence": "priority",
    "tlp": "TLP:AMBER+STRICT",
    "handling": None,
    "thread": None,
    "in_reply_to": None,
    "our_reference": None,
    "your_reference": None,
    "subject": "تمرين",
    "body": {
        "template": None,
        "fields": {"sector": "energy"},
        "texts": [TEXT],
    },
    "attachments": [
        {"name": "a.json", "media_type": "application/json", "size_bytes": 1, "sha256": HASH, "blob": None}
    ],
    "attribution": "none",
    "head": SIGNED["head"],
    "commit": HASH,
    "officer": "07",
    "prepared": None,
}
HEADER: dict[str, Any] = {
    **TOP,
    **TIMES,
    "enc": "A256GCM",
    "typ": "poc-envelope+jwe",
    "id": ID,
    "status": "exercise",
    "exercise": "cbm-2026-11",
    "from": MESSAGE["from"],
    "kind": "notification",
    "precedence": "priority",
    "blobs": [],
    "commit": HASH,
}
ENVELOPE: dict[str, Any] = {
    "protected": "e30",
    "recipients": [
        {
            "header": {
                "alg": "HPKE-9-KE",
                "kid": HASH,
                "ek": "AAAA",
                "contact": "sd.duty",
                "sequence": 1,
                "release_at": None,
                "in_place_of": None,
                "salt": "A" * 22,
            },
            "encrypted_key": "AAAA",
        }
    ],
    "iv": "A" * 16,
    "ciphertext": "AAAA",
    "tag": "A" * 22,
}
RECEIPT: dict[str, Any] = {
    **TOP,
    "event": "accepted",
    "message": ID,
    "envelope_sha256": HASH,
    "status": "exercise",
    "exercise": "cbm-2026-11",
    "slots": [{"contact": "sd.duty", "kid": HASH, "sequence": 1, "sha256": HASH}],
    "contact": None,
    "artefact_sha256": None,
    "reason": None,
    "at": AT,
    "head": SIGNED["head"],
}
ACKNOWLEDGEMENT: dict[str, Any] = {
    **SIGNED,
    "outcome": "acknowledged",
    "message": ID,
    "envelope_sha256": HASH,
    "status": "exercise",
    "exercise": "cbm-2026-11",
    "contact": "sd.duty",
    "reason": None,
    "answer": HASH,
    "next": {"kind": "reply-by", "at": LATER, "contact": None},
    "officer": None,
    "concurrence": "none",
}
_SEALING = {"kty": "AKP", "alg": "HPKE-9-KE", "pub": "AAAA"}


def _held(contact: str, part: str) -> dict[str, Any]:
    return {"contact": contact, "opening": {"part": part, "salt": HASH, "bytes": "e30"}}


ANNOUNCEMENT: dict[str, Any] = {
    **SIGNED,
    "id": "cbm-2026-11",
    "controller": "x-arcc.controller-1",
    "title": {"ar": "تمرين", "en": "Exercise"},
    "level": "L1a",
    "status": "exercise",
    "participants": ["jo.technical", "sd.duty"],
    "windows": [{"opens_at": AT, "closes_at": LATER}],
    "answer_within_s": 600,
    "options": [{"code": "A", "label": {"en": "Yes"}}],
    "cbm_refs": [1, 4],
    "script_sha256": None,
}
ORDER: dict[str, Any] = {
    **SIGNED,
    "exercise": "cbm-2026-11",
    "number": 1,
    "previous": None,
    "order": "start",
    "contact": None,
    "inject": None,
    "reason": None,
}
INJECT: dict[str, Any] = {
    "number": 1,
    "at_s": 0,
    "simulated_from": None,
    "to": [],
    "channel": "message",
    "text": {"en": "x"},
    "expected": None,
    "objective": None,
    "cbm_refs": [],
    "notes": "line\nline",
}
CARD: dict[str, Any] = {**TOP, "contact": "jo.technical", "names": {"ar": "مكتب", "en": "Office"}}
CHANNEL = {"kind": "phone", "value": "+962 6 555 0100", "label": None}
SUNDAY = {"day": "sun", "open": "08:00", "close": "16:00"}
HOLIDAY: dict[str, Any] = {"date": "2026-12-31", "slots": [], "note": None}
HOURS: dict[str, Any] = {"always": False, "weekly": [SUNDAY], "exceptions": [HOLIDAY]}
STATEMENT: dict[str, Any] = {
    **TOP,
    "type": "contact.confirm",
    "subject": "jo.technical",
    "version": None,
    "previous": None,
    "issued_at": AT,
    "body": {"entry": HASH},
}
SIGNATURES = [{"protected": "e30", "signature": "AAAA"}]
SIGNED_STATEMENT: dict[str, Any] = {"payload": "e30", "signatures": SIGNATURES}
SEALING = device("jt 1", 1)["sealing"]
ACTS_ON = {"entry": HASH}
STATE_REQUEST: dict[str, Any] = {
    **TOP,
    **{name: enrolment("jo", "jo recovery")[name] for name in ("kind", "names", "authority", "recovery")},
    "form": "poc-state-request",
    "genesis_fingerprint": "0123456789abcdef" * 4,
    "state": "jo",
    "made_at": AT,
}
BODIES: dict[str, dict[str, Any]] = {
    **{kind: body for kind, (_, body) in _LATER.items()},
    "state.rotate": {name: _LATER["state.recover"][1][name] for name in ("authority", "recovery")},
    **dict.fromkeys(
        ("state.withdraw", "contact.freeze", "contact.thaw", "contact.withdraw", "controller.dismiss"),
        _LATER["state.object"][1],
    ),
    "registry.genesis": settings(),
    "registry.policy": settings(),
    "registry.attest": {"checkpoint": "example.org/cbm\n1\nAAAA\n", "consistency": [HASH]},
    "state.enrol": enrolment("jo", "jo recovery"),
    "contact.record": record("eg.duty"),
    "contact.nominate": nomination("jo.technical", "jt 1", "jt 2"),
    "contact.update": update("jo.technical"),
    "contact.device-add": {"entry": HASH, "device": device("jt 1", 1)},
    "contact.device-revoke": {"kid": HASH, "reason": "lost", "suspected_since": AT},
    "contact.rotate": {"kid": HASH, "signing": jwk("jt 1"), "sealing": None},
    "contact.confirm": ACTS_ON,
    "contact.tested": TESTED,
    "controller.appoint": appointment("c 1"),
}


def _both(en: str, ar: str) -> dict[str, str]:
    return {"en": en, "ar": ar}


def _coded(*rows: tuple[str, str, str]) -> list[dict[str, Any]]:
    return [{"code": code, "label": _both(en, ar)} for code, en, ar in rows]


def _field(name: str, kind: str, label: dict[str, str], codes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "type": kind, "label": label, "help": None, "codes": codes}


TEMPLATE: dict[str, Any] = {
    "v": 1,
    "form": "poc-template",
    "id": "jo.small",
    "version": 3,
    "kind": "notification",
    "languages": ["ar", "en"],
    "title": _both("A small form", "نموذج صغير"),
    "about": _both("For tests.", "للاختبار."),
    "openings": {
        "formal": _both("{sender} of {sender_state} greets you.", "تحية من {sender} في {sender_state}."),
        "plain": _both("Hello,", "مرحبا،"),
    },
    "fields": [
        {
            **_field(
                "sector",
                "choice",
                _both("Sector", "القطاع"),
                _coded(("energy", "Energy", "الطاقة"), ("water", "Water", "المياه")),
            ),
            "help": _both("Which one.", "أيها."),
        },
        _field(
            "seen",
            "choices",
            _both("Seen in", "لوحظ في"),
            _coded(("mail", "Mail", "البريد"), ("logs", "Logs", "السجلات")),
        ),
        _field("at", "time", _both("Seen at", "لوحظ عند"), []),
        _field("desk", "contact", _both("Contact", "نقطة الاتصال"), []),
        _field("count", "number", _both("How many", "العدد"), []),
        _field("note", "text", _both("Note", "ملاحظة"), []),
    ],
}
GOOD: dict[str, dict[str, Any]] = {
    "statement": STATEMENT,
    "signed-statement": SIGNED_STATEMENT,
    "entry": {"logged_at": AT, "statement": SIGNED_STATEMENT},
    **{f"body.{kind}": body for kind, body in BODIES.items()},
    "proposal": {
        **TOP,
        "form": "poc-proposal",
        "statement": SIGNED_STATEMENT,
        "openings": [{"part": "reach", "salt": HASH, "bytes": "e30"}],
        "sealing_keys": [{"kty": "AKP", "alg": "HPKE-9-KE", "pub": "AAAA"}],
    },
    "state-request": STATE_REQUEST,
    "state-request-file": {
        **TOP,
        "form": "poc-state-request-file",
        "payload": "e30",
        "signatures": SIGNATURES,
    },
    "card.office": {**CARD, "part": "office", "department": None, "openpgp": None},
    "card.reach": {
        **{name: value for name, value in CARD.items() if name != "names"},
        "part": "reach",
        "channels": [CHANNEL],
        "zone": "Asia/Amman",
        "hours": HOURS,
        "languages": ["ar", "en"],
    },
    "card.person": {**CARD, "part": "person", "title": {"en": "Duty officer"}, "channels": []},
    "opening": {"part": "office", "salt": HASH, "bytes": "e30"},
    "message": MESSAGE,
    "envelope-header": HEADER,
    "envelope": ENVELOPE,
    "preparation": {**SIGNED, "contact": "jo.technical", "content_sha256": HASH},
    "receipt": RECEIPT,
    "acknowledgement": ACKNOWLEDGEMENT,
    "retrieval": {**ACKNOWLEDGEMENT, "outcome": "retrieved", "answer": None},
    "cancel": {
        **{name: value for name, value in SIGNED.items() if name != "kid"},
        "message": ID,
        "envelope_sha256": HASH,
        "contact": None,
        "reason": "withdrawn",
    },
    "evidence-file": {
        **TOP,
        "form": "poc-evidence",
        "envelope": ENVELOPE,
        "receipts": [],
        "retrievals": [],
        "acknowledgements": [],
        "cancels": [],
        "opening": None,
        "log": {"size": 1, "root": HASH},
    },
    "fork-file": {
        **TOP,
        "form": "poc-fork",
        "genesis": "AAAA",
        "first": "example.org/cbm\n1\nAAAA\n",
        "second": "example.org/cbm\n2\nAAAA\n",
        "root": None,
        "consistency": [],
    },
    "snapshot": {
        **TOP,
        "form": "poc-snapshot",
        "made_at": AT,
        "checkpoint": SIGNED["head"],
        "entries": ["e30"],
        "openings": [_held("jo.duty", "office"), _held("jo.duty", "reach"), _held("sd.duty", "office")],
        "sealing_keys": [_SEALING, {**_SEALING, "pub": "BBBB"}],
        "sha256": HASH,
    },
    "announcement": ANNOUNCEMENT,
    "script": {**SIGNED, "exercise": "cbm-2026-11", "salt": HASH, "injects": [INJECT], "notes": None},
    "order": ORDER,
    "template": TEMPLATE,
    "notices": {**TOP, "size": 7, "notices": [SIGNED_STATEMENT]},
    "conflict": {
        **TOP,
        "kind": "notice-contradicted",
        "shown": "a note\n",
        "cosigned": None,
        "notice": SIGNED_STATEMENT,
        "kept_at": AT,
    },
}
_SETTINGS_BAD: list[dict[str, Any]] = [
    {"registrars": settings()["registrars"][:1]},
    {"registrars": settings()["registrars"][::-1]},
    {"quorum": "some"},
    {"thresholds": {"policy": 1, "suspend": 2}},
    {"hub_keys": []},
    {"log_keys": []},
    {"statuses": ["test", "exercise"]},
    {"objection_seconds": -1},
    {"rules": 2},
    {"limits": {**settings()["limits"], "slots": 0}},
]
_ACTS_ON_BAD: list[dict[str, Any]] = [
    {"entry": None},
    {"entry": HASH[:-1]},
    {"entry": HASH[:-1] + "B"},
    {"entry": HASH + "="},
]
_AUTHORITY_BAD: list[dict[str, Any]] = [
    {"authority": {"keys": [], "threshold": 1}},
    {"authority": {"keys": [jwk("a"), jwk("a")], "threshold": 1}},
    {"authority": {"keys": [jwk("a")], "threshold": 0}},
    {"recovery": {**jwk("a"), "kty": "EC"}},
]
_CONTACT_BAD: list[dict[str, Any]] = [
    {"role": "cultural"},
    {"alternate_of": "jo"},
    {"card": None},
    {"card": {**record("eg.duty")["card"], "photo": None}},
]
_UPDATE_BAD: list[dict[str, Any]] = [*_CONTACT_BAD, {"custody": "hosted:"}, {"machine_receipts": "yes"}]
_DEVICES_BAD: list[dict[str, Any]] = [
    {"devices": []},
    {"devices": [device("jt 2", 2), device("jt 1", 1)]},
    {"devices": [device("jt 1", 1), device("jt 2", 1)]},
    {"devices": [device(f"jt {number}", number) for number in range(1, 10)]},
    {"devices": [device("jt 1", 0)]},
    {"devices": [device("jt 1", 1, ["send", "retrieve"])]},
]
_BODIES_BAD: dict[str, list[dict[str, Any]]] = {
    "registry.genesis": _SETTINGS_BAD,
    "registry.policy": _SETTINGS_BAD,
    "registry.attest": [{"checkpoint": None}, {"consistency": [HASH] * 64}, {"consistency": ["AAAA"]}],
    "witness.appoint": [
        {"vkey": None},
        {"url": "ftp://witness.example"},
        {"url": "https://w.example/\u00e4"},
    ],
    "state.enrol": [
        *_AUTHORITY_BAD,
        {"kind": "embassy"},
        {"names": {"short": {}, "official": {"en": "x"}}},
        {"note_verbale": {"reference": "NV/1", "date": "2026-02-30", "scan_sha256": None}},
        {"call_back": {"at": AT, "source": ""}},
    ],
    "state.rotate": _AUTHORITY_BAD,
    "state.recover": [*_AUTHORITY_BAD, {"overrules": "yes"}],
    "state.suspend": [
        {"reason": "politics"},
        {"scope": []},
        {"scope": ["receive"]},
        {"scope": ["nominate", "nominate"]},
        {"scope": ["send", "nominate"]},
        {"until": None},
    ],
    "contact.record": [*_CONTACT_BAD, {"source": "two\nlines"}],
    "contact.update": _UPDATE_BAD,
    "contact.nominate": [*_UPDATE_BAD, *_DEVICES_BAD],
    "contact.device-add": [
        {"device": None},
        {"device": device("jt 1", 1, [])},
        {"device": device("jt 1", 1, sealing={**SEALING, "alg": "HPKE-3-KE"})},
        {"entry": "AAAA"},
    ],
    "contact.device-revoke": [{"kid": "AAAA"}, {"reason": "stolen"}, {"suspected_since": "yesterday"}],
    "contact.rotate": [{"kid": None}, {"signing": {**jwk("a"), "crv": "X25519"}}, {"sealing": HASH}],
    "contact.tested": [{"exercise": "CBM"}, {"message": "1"}, {"acknowledgement_sha256": None}],
    "controller.appoint": [*_DEVICES_BAD, {"names": {}}, {"body": "jo.technical"}],
}
_ACTS_ON_TYPES = [kind for kind, body in BODIES.items() if set(body) == {"entry"}]
_EVERY_BODY = {**_BODIES_BAD, **dict.fromkeys(_ACTS_ON_TYPES, _ACTS_ON_BAD)}
BAD: list[tuple[str, dict[str, Any]]] = [
    ("message", {"exercise": None}),
    ("message", {"status": "test"}),
    ("message", {"status": "real"}),
    ("message", {"status": "actual", "exercise": None}),
    ("message", {"respond_by": LATER}),
    ("message", {"tlp": "TLP:WHITE"}),
    ("message", {"tlp": "tlp:red"}),
    ("message", {"attribution": "jo"}),
    ("message", {"to": []}),
    ("message", {"to": MESSAGE["to"] * 2}),
    ("message", {"subject": "two\nlines"}),
    ("message", {"officer": "x" * 17}),
    ("message", {"id": ID.upper().replace("F", "f").replace("f", "F")}),
    ("message", {"id": ID.replace("-7000-", "-4000-")}),
    ("message", {"body": {**MESSAGE["body"], "fields": {"Sector": "x"}}}),
    ("message", {"kind": "order"}),
    ("message", {"body": {**MESSAGE["body"], "texts": MESSAGE["body"]["texts"] * 2}}),
    ("message", {"body": {**MESSAGE["body"], "texts": [{**TEXT, "role": "courtesy"}]}}),
    ("message", {"body": {**MESSAGE["body"], "texts": [TEXT, {**TEXT, "language": "en"}]}}),
    ("envelope-header", {"enc": "A128GCM"}),
    ("envelope-header", {"typ": "JWE"}),
    ("envelope-header", {"exercise": None}),
    ("envelope", {"recipients": []}),
    ("envelope", {"iv": "A" * 15}),
    ("envelope", {"tag": "A" * 23}),
    ("envelope", {"recipients": ENVELOPE["recipients"] * 251}),
    ("receipt", {"event": "read"}),
    ("receipt", {"slots": None}),
    ("receipt", {"artefact_sha256": HASH}),
    ("receipt", {"event": "recorded", "contact": "sd.duty"}),
    ("receipt", {"event": "recorded", "artefact_sha256": HASH}),
    ("receipt", {"event": "expired"}),
    ("receipt", {"reason": "Because."}),
    ("acknowledgement", {"outcome": "retrieved"}),
    ("acknowledgement", {"concurrence": "full"}),
    ("acknowledgement", {"next": {"kind": "reply-by", "at": None, "contact": None}}),
    ("acknowledgement", {"next": {"kind": "no-reply", "at": LATER, "contact": None}}),
    ("acknowledgement", {"next": {"kind": "passed-to", "at": None, "contact": None}}),
    ("acknowledgement", {"next": {"kind": "none-stated", "at": None, "contact": "jo.duty"}}),
    ("announcement", {"participants": ["sd.duty", "jo.technical"]}),
    ("announcement", {"participants": []}),
    ("announcement", {"windows": [{"opens_at": AT, "closes_at": AT}]}),
    ("announcement", {"cbm_refs": [9]}),
    ("announcement", {"cbm_refs": [4, 1]}),
    ("announcement", {"status": "actual"}),
    ("announcement", {"id": "CBM 2026"}),
    ("order", {"number": None}),
    ("order", {"number": 2}),
    ("order", {"previous": HASH}),
    ("order", {"order": "break-out"}),
    ("order", {"order": "skip"}),
    ("order", {"inject": 1}),
    ("order", {"contact": "jo.technical"}),
    ("order", {"order": "stop"}),
    ("statement", {"version": 0}),
    ("statement", {"previous": "AAAA"}),
    ("statement", {"issued_at": "2026-11-24 08:00:00Z"}),
    ("statement", {"body": []}),
    ("signed-statement", {"signatures": []}),
    ("signed-statement", {"signatures": SIGNATURES * 65}),
    ("signed-statement", {"signatures": [{**SIGNATURES[0], "header": {}}]}),
    ("entry", {"logged_at": LATER[:-1]}),
    ("entry", {"statement": None}),
    ("entry", {"statement": {**SIGNED_STATEMENT, "signatures": {}}}),
    *((f"body.{kind}", change) for kind, changes in sorted(_EVERY_BODY.items()) for change in changes),
    ("template", {"form": "template"}),
    ("template", {"id": "jo..small"}),
    ("template", {"kind": "inject"}),
    ("template", {"languages": ["en", "ar"]}),
    ("template", {"languages": ["ar", "en", "fr"]}),
    ("template", {"title": {"en": "Only English"}}),
    ("template", {"openings": {"formal": _both("{who}", "x"), "plain": _both("a", "b")}}),
    ("template", {"fields": TEMPLATE["fields"][:1] * 2}),
    ("template", {"fields": [{**TEMPLATE["fields"][0], "codes": []}]}),
    ("template", {"fields": [{**TEMPLATE["fields"][5], "codes": TEMPLATE["fields"][0]["codes"]}]}),
    ("template", {"fields": [{**TEMPLATE["fields"][0], "codes": TEMPLATE["fields"][0]["codes"][:1] * 2}]}),
    ("notices", {"size": -1}),
    ("notices", {"notices": [None]}),
    ("notices", {"notices": None}),
    ("conflict", {"kind": "fork"}),
    ("conflict", {"shown": ""}),
    ("conflict", {"notice": {}}),
    ("conflict", {"kept_at": None}),
    ("proposal", {"form": "proposal"}),
    ("proposal", {"openings": [{"part": "photo", "salt": HASH, "bytes": "e30"}]}),
    ("proposal", {"openings": GOOD["proposal"]["openings"] * 4}),
    ("proposal", {"sealing_keys": [{"kty": "AKP", "alg": "HPKE-9", "pub": "AAAA"}]}),
    ("proposal", {"sealing_keys": GOOD["proposal"]["sealing_keys"] * 9}),
    ("state-request", {"form": "poc-proposal"}),
    ("state-request", {"genesis_fingerprint": "0123456789ABCDEF" * 4}),
    ("state-request", {"state": "jo.technical"}),
    ("state-request", {"names": {"short": {"en": "two\nlines"}, "official": {"en": "x"}}}),
    ("state-request", {"authority": {"keys": [jwk("a")], "threshold": 2}}),
    ("state-request", {"recovery": STATE_REQUEST["authority"]["keys"][0]}),
    ("state-request", {"made_at": "2026-11-24"}),
    ("state-request-file", {"form": "poc-state-request"}),
    ("state-request-file", {"signatures": []}),
    ("state-request-file", {"signatures": SIGNATURES * 18}),
    ("state-request-file", {"payload": None}),
    ("card.office", {"part": "reach"}),
    ("card.office", {"names": {"english": "Office"}}),
    ("card.office", {"openpgp": ""}),
    ("card.reach", {"channels": []}),
    ("card.reach", {"channels": [{**CHANNEL, "kind": "pigeon"}]}),
    ("card.reach", {"zone": "../etc/passwd"}),
    ("card.reach", {"languages": []}),
    ("card.reach", {"hours": {**HOURS, "always": True}}),
    ("card.reach", {"hours": {**HOURS, "weekly": [SUNDAY, SUNDAY]}}),
    ("card.reach", {"hours": {**HOURS, "weekly": [{**SUNDAY, "close": "08:00"}]}}),
    ("card.reach", {"hours": {**HOURS, "weekly": [{**SUNDAY, "open": "22:00", "close": "06:00"}]}}),
    ("card.reach", {"hours": {**HOURS, "exceptions": [HOLIDAY, HOLIDAY]}}),
    ("card.reach", {"hours": {**HOURS, "exceptions": [{**HOLIDAY, "date": "2026-02-29"}]}}),
    ("card.person", {"channels": [CHANNEL] * 13}),
    ("card.person", {"title": {}}),
    ("card.person", {"names": {"en": "two\nlines"}}),
    ("opening", {"part": "photo"}),
    ("opening", {"salt": "AAAA"}),
    ("opening", {"bytes": "A" * 65_537}),
    ("preparation", {"contact": "jo"}),
    ("preparation", {"content_sha256": HASH[:-1]}),
    ("preparation", {"head": ""}),
    ("retrieval", {"outcome": "acknowledged"}),
    ("retrieval", {"concurrence": None}),
    ("retrieval", {"officer": "x" * 17}),
    ("cancel", {"reason": "changed my mind"}),
    ("cancel", {"message": None}),
    ("cancel", {"contact": ""}),
    ("evidence-file", {"form": "evidence"}),
    ("evidence-file", {"log": {"size": -1, "root": HASH}}),
    ("evidence-file", {"log": {"size": 1, "root": HASH, "entries": []}}),
    ("evidence-file", {"opening": {"message": ID, "cek": "="}}),
    ("evidence-file", {"receipts": [""]}),
    ("fork-file", {"form": "fork"}),
    ("fork-file", {"root": "AAAA"}),
    ("fork-file", {"consistency": [HASH] * 64}),
    ("fork-file", {"consistency": ["AAAA"]}),
    ("snapshot", {"form": "poc-evidence"}),
    ("snapshot", {"entries": []}),
    ("snapshot", {"entries": ["e30="]}),
    ("snapshot", {"openings": GOOD["snapshot"]["openings"][::-1]}),
    ("snapshot", {"openings": GOOD["snapshot"]["openings"][:1] * 2}),
    ("snapshot", {"openings": [{**_held("jo.duty", "office"), "contact": "jo"}]}),
    ("snapshot", {"sealing_keys": GOOD["snapshot"]["sealing_keys"][::-1]}),
    ("snapshot", {"sealing_keys": [{**_SEALING, "kid": HASH}]}),
    ("snapshot", {"sealing_keys": [{**_SEALING, "alg": "HPKE-9"}]}),
    ("snapshot", {"sha256": HASH[:-1]}),
    ("script", {"salt": "AAAA"}),
    ("script", {"injects": [{**INJECT, "number": 0}]}),
    ("script", {"injects": [{**INJECT, "channel": "pigeon"}]}),
    ("script", {"injects": [{**INJECT, "cbm_refs": [4, 1]}]}),
]
