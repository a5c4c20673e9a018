"""Drafts, templates and nudges, which never pass through a hub's log, against tests/vectors."""

from __future__ import annotations

from tests.independent.basics import b64u, moment, parse, refuse_if, sha256, thumbprint, unb64u
from tests.independent.drafts import read_draft, text_code
from tests.independent.evidence import Bench, check_preparation
from tests.independent.forms import check_form
from tests.independent.nudges import nudge_id, read_webhook, short_number
from tests.independent.registry import replay
from tests.independent.sealed import public_key
from tests.independent.templates import reference
from tests.independent.texts import fold
from tests.independent.vectors import differing, load, seed_of, verdict

SECRET = seed_of("webhook")
SEED = seed_of("seal jo.technical 2")
KID = thumbprint(public_key(SEED))


def draft(case):
    _, found = read_draft(case["file"].encode(), KID, SEED)
    assert (found, text_code(found)) == (case["content_sha256"], case["text_code"])


def template(case):
    data = case["file"].encode()
    check_form("template", parse(data))
    assert reference(data) == case["reference"]


def nudge(case, **changed):
    headers = {**case["headers"], **changed.get("headers", {})}
    body, now = changed.get("body", case["body"].encode()), changed.get("now", "2026-03-01T09:00:00Z")
    value = read_webhook(headers, body, SECRET, moment(now))
    data = value["data"]
    assert (data["number"], data["subject"], data["text"]) == (
        case["short_number"],
        case["subject"],
        case["text"],
    )
    assert headers["webhook-id"] == nudge_id(case["message"], case["contact"], case["step"], case["address"])
    if data["number"] is not None:
        refuse_if(data["number"] != short_number(case["message"], case["contact"]), "bad-form")


def test_the_same_second_keys_count():
    known = load("draft/preparations")
    bench = Bench(replay([unb64u(leaf) for leaf in known["entries"]]))

    def prepared(case):
        check_form("message", case["message"])
        check_preparation(bench, case["message"], case["size"])

    assert differing("draft/preparations", prepared) == []


def test_the_same_drafts_open_and_have_the_same_text_codes():
    assert differing("draft/drafts", draft) == []


def test_the_same_files_are_templates_with_the_same_hashes():
    assert differing("template/templates", template) == []


def test_the_same_texts_are_one_to_a_search():
    for case in load("text/fold")["cases"]:
        folded = [fold(text) for text in case["texts"]]
        assert (len(set(folded)) == 1) == (case["expect"] == "same"), case["name"]
        assert [fold(text) for text in folded] == folded


def test_nudges_say_the_same_and_their_signatures_verify():
    assert differing("nudge/nudges", nudge) == []


def test_a_nudge_that_was_altered_or_kept_back_is_refused():
    case = load("nudge/nudges")["cases"][0]
    other = b64u(sha256(b"other"))
    assert verdict(lambda: nudge(case, body=case["body"].replace("0937", "0938").encode())) == "bad-signature"
    assert verdict(lambda: nudge(case, headers={"webhook-id": f"msg_{other}"})) == "bad-signature"
    assert verdict(lambda: nudge(case, headers={"webhook-timestamp": "1772355601"})) == "bad-signature"
    assert verdict(lambda: nudge(case, now="2026-03-01T09:05:00Z")) == "ok"
    assert verdict(lambda: nudge(case, now="2026-03-01T09:05:01Z")) == "bad-time"
    assert verdict(lambda: nudge(case, now="2026-03-01T08:54:59Z")) == "bad-time"
