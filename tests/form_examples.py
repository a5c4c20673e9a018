"""Examples of every form but statements: good ones, and changes that make them bad.

``tests/core/test_forms.py`` holds them against the models; ``tests/vectors/make_forms.py`` freezes
them as vectors for other implementations.
"""

from __future__ import annotations

from typing import Any

from poc.core.evidence import Acknowledgement, Cancel, EvidenceFile, Receipt, Retrieval
from poc.core.exercise import Announcement, Order, Script
from poc.core.form import Form
from poc.core.message import Envelope, EnvelopeHeader, Message, Preparation

HASH = "A" * 43
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
GOOD: list[tuple[type[Form], dict[str, Any]]] = [
    (Message, MESSAGE),
    (EnvelopeHeader, HEADER),
    (Envelope, ENVELOPE),
    (Preparation, {**SIGNED, "contact": "jo.technical", "content_sha256": HASH}),
    (Receipt, RECEIPT),
    (Acknowledgement, ACKNOWLEDGEMENT),
    (Retrieval, {**ACKNOWLEDGEMENT, "outcome": "retrieved", "answer": None}),
    (
        Cancel,
        {
            **{k: v for k, v in SIGNED.items() if k != "kid"},
            "message": ID,
            "envelope_sha256": HASH,
            "contact": None,
            "reason": "withdrawn",
        },
    ),
    (
        EvidenceFile,
        {
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
    ),
    (Announcement, ANNOUNCEMENT),
    (Script, {**SIGNED, "exercise": "cbm-2026-11", "salt": HASH, "injects": [INJECT], "notes": None}),
    (Order, ORDER),
]
BAD: list[tuple[type[Form], dict[str, Any], dict[str, Any]]] = [
    (Message, MESSAGE, {"exercise": None}),
    (Message, MESSAGE, {"status": "test"}),
    (Message, MESSAGE, {"status": "real"}),
    (Message, MESSAGE, {"status": "actual", "exercise": None}),
    (Message, MESSAGE, {"respond_by": LATER}),
    (Message, MESSAGE, {"tlp": "TLP:WHITE"}),
    (Message, MESSAGE, {"tlp": "tlp:red"}),
    (Message, MESSAGE, {"attribution": "jo"}),
    (Message, MESSAGE, {"to": []}),
    (Message, MESSAGE, {"to": MESSAGE["to"] * 2}),
    (Message, MESSAGE, {"subject": "two\nlines"}),
    (Message, MESSAGE, {"officer": "x" * 17}),
    (Message, MESSAGE, {"id": ID.upper().replace("F", "f").replace("f", "F")}),
    (Message, MESSAGE, {"id": ID.replace("-7000-", "-4000-")}),
    (Message, MESSAGE, {"body": {**MESSAGE["body"], "fields": {"Sector": "x"}}}),
    (Message, MESSAGE, {"kind": "order"}),
    (Message, MESSAGE, {"body": {**MESSAGE["body"], "texts": MESSAGE["body"]["texts"] * 2}}),
    (Message, MESSAGE, {"body": {**MESSAGE["body"], "texts": [{**TEXT, "role": "courtesy"}]}}),
    (Message, MESSAGE, {"body": {**MESSAGE["body"], "texts": [TEXT, {**TEXT, "language": "en"}]}}),
    (EnvelopeHeader, HEADER, {"enc": "A128GCM"}),
    (EnvelopeHeader, HEADER, {"typ": "JWE"}),
    (EnvelopeHeader, HEADER, {"exercise": None}),
    (Envelope, ENVELOPE, {"recipients": []}),
    (Envelope, ENVELOPE, {"iv": "A" * 15}),
    (Envelope, ENVELOPE, {"tag": "A" * 23}),
    (Envelope, ENVELOPE, {"recipients": ENVELOPE["recipients"] * 251}),
    (Receipt, RECEIPT, {"event": "read"}),
    (Receipt, RECEIPT, {"slots": None}),
    (Receipt, RECEIPT, {"artefact_sha256": HASH}),
    (Receipt, RECEIPT, {"event": "recorded", "contact": "sd.duty"}),
    (Receipt, RECEIPT, {"event": "recorded", "artefact_sha256": HASH}),
    (Receipt, RECEIPT, {"event": "expired"}),
    (Receipt, RECEIPT, {"reason": "Because."}),
    (Acknowledgement, ACKNOWLEDGEMENT, {"outcome": "retrieved"}),
    (Acknowledgement, ACKNOWLEDGEMENT, {"concurrence": "full"}),
    (Acknowledgement, ACKNOWLEDGEMENT, {"next": {"kind": "reply-by", "at": None, "contact": None}}),
    (Acknowledgement, ACKNOWLEDGEMENT, {"next": {"kind": "no-reply", "at": LATER, "contact": None}}),
    (Acknowledgement, ACKNOWLEDGEMENT, {"next": {"kind": "passed-to", "at": None, "contact": None}}),
    (Acknowledgement, ACKNOWLEDGEMENT, {"next": {"kind": "none-stated", "at": None, "contact": "jo.duty"}}),
    (Announcement, ANNOUNCEMENT, {"participants": ["sd.duty", "jo.technical"]}),
    (Announcement, ANNOUNCEMENT, {"participants": []}),
    (Announcement, ANNOUNCEMENT, {"windows": [{"opens_at": AT, "closes_at": AT}]}),
    (Announcement, ANNOUNCEMENT, {"cbm_refs": [9]}),
    (Announcement, ANNOUNCEMENT, {"cbm_refs": [4, 1]}),
    (Announcement, ANNOUNCEMENT, {"status": "actual"}),
    (Announcement, ANNOUNCEMENT, {"id": "CBM 2026"}),
    (Order, ORDER, {"number": None}),
    (Order, ORDER, {"number": 2}),
    (Order, ORDER, {"previous": HASH}),
    (Order, ORDER, {"order": "break-out"}),
    (Order, ORDER, {"order": "skip"}),
    (Order, ORDER, {"inject": 1}),
    (Order, ORDER, {"contact": "jo.technical"}),
    (Order, ORDER, {"order": "stop"}),
]
