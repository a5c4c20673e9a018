"""What a reader is shown of a message, and how far a sent message has come."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from poc.client.progress import message_progress
from poc.client.view import WARNINGS, message_view, warning
from poc.core.form import form_of
from poc.core.message import MessageBody
from poc.core.strictjson import format_time
from poc.errors import RefusedError
from tests.desk_world import CONTROLLER, SIDES, draft


async def sent(desk, to="sd.technical", information=(), **changes):
    answer = await desk.send_message(draft(desk, **changes), [to], information)
    assert (answer.state, answer.reason) == ("accepted", None)
    return answer


def codes(view):
    return [row["code"] for row in view["warnings"]]


async def test_a_view_is_json_and_says_that_receipt_is_no_agreement_in_both_languages(desks, world):
    jo, sd, _ = desks
    body = form_of(
        MessageBody,
        {"template": None, "fields": {"asset": "x"},
         "texts": [{"language": "en", "text": "Hello", "role": "original"}]},
    )  # fmt: skip
    message = await sent(jo, body=body)
    await sd.sync()
    view = message_view(sd.known, sd.show(message.id))
    assert json.loads(json.dumps(view)) == view
    assert (view["id"], view["subject"], view["texts"][0]["text"]) == (
        message.id,
        "A seeded subject",
        "Hello",
    )
    assert view["voice_code"] == message.voice_code
    assert view["receipt_sentence"]["ar"].startswith("إشعار بالاستلام")
    assert "إقرار" not in json.dumps(view, ensure_ascii=False)
    assert view["attribution"]["en"] == "This message attributes nothing to any State."
    assert view["from"]["state_names"] == {"en": "State jo", "ar": "دولة", "fr": "État jo"}
    assert view["marking"] == {"en": "TEST", "ar": "اختبار"}
    assert (view["state"], view["spoken"]) == ("retrieved", ["JO-TECH to SD-TECH 1"])
    assert view["deadline"] == format_time(world.now + timedelta(hours=3))  # what priority gives by default
    assert view["warnings"] == []


async def test_a_sent_message_names_every_addressee_with_its_number(desks):
    jo, _, _ = desks
    await sent(jo)
    message = await sent(jo)
    view = message_view(jo.known, jo.show(message.id))
    assert (view["as"], view["spoken"]) == ("own", ["JO-TECH to SD-TECH 2"])


async def test_an_exercise_message_is_marked_and_names_its_exercise(desks, world):
    _, sd, control = desks
    await control.open_exercise(
        "ex-1", title={"en": "Ping"}, participants=SIDES, opens_at=world.now,
        closes_at=world.now + timedelta(hours=1),
    )  # fmt: skip
    await control.ping("ex-1", ["sd.technical"], within_s=60)
    await sd.sync()
    (row,) = sd.inbox()
    view = message_view(sd.known, sd.show(row["message"]))
    assert view["exercise"] == {"id": "ex-1", "title": {"en": "Ping"}}
    assert view["marking"]["ar"] == "تمرين تمرين تمرين"
    assert view["from"]["contact"] == CONTROLLER
    assert view["from"]["office_names"] == {"en": "Control"}
    assert view["deadline"] is not None


async def test_a_message_that_expired_since_says_so(desks, world):
    jo, sd, _ = desks
    message = await sent(jo, expires_at=world.now + timedelta(hours=1))
    await sd.sync()
    world.now += timedelta(hours=2)
    assert "expired" in codes(message_view(sd.known, sd.show(message.id)))


async def test_a_message_that_came_after_its_expiry_is_never_shown_as_new(desks, world):
    jo, sd, _ = desks
    message = await sent(jo, expires_at=world.now + timedelta(hours=1))
    world.now += timedelta(hours=2)
    await sd.sync()
    assert codes(message_view(sd.known, sd.show(message.id)))[0] == "arrived-after-expiry"


def test_every_warning_has_both_languages_and_an_unknown_code_is_shown_as_it_is():
    assert all(set(row) == {"en", "ar"} for row in WARNINGS.values())
    assert warning("seen-before")["en"]
    assert warning("no-such-code") == {"code": "no-such-code", "en": "no-such-code", "ar": "no-such-code"}


async def test_progress_shows_nothing_then_retrieved_then_acknowledged(desks, world):
    jo, sd, _ = desks
    message = await sent(jo, respond_by=world.now + timedelta(minutes=10))

    async def of_sudan():
        await jo.sync()
        (row,) = message_progress(jo.known, message.id)["contacts"]
        return row

    assert ((await of_sudan())["state"], (await of_sudan())["overdue"]) == ("none", False)
    await sd.sync()
    row = await of_sudan()
    assert (row["state"], row["as"], row["spoken"]) == ("retrieved", "action", "JO-TECH to SD-TECH 1")
    await sd.acknowledge(message.id, officer="07")
    row = await of_sudan()
    assert (row["state"], row["officer"], row["late"]) == ("acknowledged", "07", False)
    assert row["next"]["kind"] == "none-stated"


async def test_an_answer_recorded_after_the_deadline_is_late_and_none_is_overdue(desks, world):
    jo, sd, _ = desks
    message = await sent(jo, respond_by=world.now + timedelta(minutes=10))
    await sd.sync()
    world.now += timedelta(minutes=20)
    await jo.sync()
    (row,) = message_progress(jo.known, message.id)["contacts"]
    assert (row["state"], row["overdue"]) == ("retrieved", True)
    await sd.decline(message.id, "not-for-us")
    await jo.sync()
    (row,) = message_progress(jo.known, message.id)["contacts"]
    assert (row["state"], row["late"], row["reason"]) == ("declined", True, "not-for-us")


async def test_a_message_that_waits_has_no_deadline_and_no_evidence(desks):
    jo, _, _ = desks
    jo.hub._base = "http://127.0.0.1:9"
    answer = await jo.send_message(draft(jo), ["sd.technical"])
    progress = message_progress(jo.known, answer.id)
    assert (progress["state"], progress["accepted_at"], progress["deadline"]) == ("waiting", None, None)


async def test_progress_of_a_message_not_sent_from_here_is_refused(desks):
    with pytest.raises(RefusedError) as refused:
        message_progress(desks[0].known, "no such id")
    assert refused.value.code == "unknown-message"


async def test_progress_needs_no_passphrase_but_then_does_not_know_who_is_informed_only(desks, world):
    jo, _, _ = desks
    message = await sent(jo)
    jo.known.keyring = None
    (row,) = message_progress(jo.known, message.id)["contacts"]
    assert row["as"] is None
