"""Nudges: who may say where, what arrives by real mail and webhook, when, how often, and when it ends."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from poc.core.draft import Addressee
from poc.core.form import form_of
from poc.core.nudge import NudgeAddresses, short_number
from poc.errors import RefusedError, UnreachableError
from poc.hub import nudging
from poc.hub.sending import Channels
from poc.limits import (
    NUDGE_ADDRESSES_MAX,
    NUDGE_CLAIM_SECONDS,
    NUDGE_CODE_SECONDS_MAX,
    NUDGE_CODE_TRIES_MAX,
    NUDGE_CODES_PER_HOUR_MAX,
    NUDGE_FLASH_SECONDS,
    NUDGES_PER_HOUR_FLASH,
    NUDGES_PER_HOUR_ROUTINE,
)
from poc.outgoing.calls import Outgoing
from poc.store import sqlite_privacy as privacy
from tests.mail_server import certificate
from tests.nudges_world import EMAIL, OFFICER, RESPONDER, SD, code_in, fill, still, verified
from tests.registry import sealing_key

CANARIES = ("Canary-Zq7 subject", "Canary-Zq8 body", "Canary-Zq9 ref")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    home = tmp_path_factory.mktemp("hub")
    asyncio.run(fill(home))
    return home


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    certificate(folder)
    return folder


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """A nudge that failed is tried again without a pause."""
    monkeypatch.setattr(nudging, "NUDGE_TRY_AGAIN_SECONDS", (0, 0))


@pytest.fixture
async def hub(template, certificates, tmp_path):
    async with still(template, tmp_path / "hub", certificates) as made:
        yield made


async def refused(awaited) -> str:
    with pytest.raises(RefusedError) as caught:
        await awaited
    return caught.value.code


def told(shown):
    """What became of an address, without its times."""
    return [(one["standing"], one["succeeded_at"] is not None, one["failure"]) for one in shown]


# --- addresses ---


async def test_an_address_counts_only_once_its_code_was_typed(hub):
    (shown,) = await hub.put(EMAIL)
    assert (shown["standing"], shown["secret"]) == ("waits-for-code", None)
    ((recipients, mail, over_tls),) = hub.box.messages
    assert (recipients, mail["To"], over_tls) == (["duty@desk.example"], "duty@desk.example", True)
    await hub.send(precedence="flash")
    await hub.round()
    assert len(hub.box.messages) == 1  # the code, and no nudge
    code = code_in(hub.mails()[0])
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    assert await refused(hub.confirm(shown["number"], wrong)) == "wrong-code"
    assert await refused(hub.confirm(shown["number"] + 1, code)) == "not-found"
    await hub.confirm(shown["number"], code)
    await hub.confirm(shown["number"], wrong)  # again changes nothing
    assert told(await hub.shown()) == [("confirmed", True, None)]
    hub.later(NUDGE_FLASH_SECONDS[1])
    await hub.round()
    assert len(hub.box.messages) == 2


async def test_a_code_ends_with_its_time_or_its_tries_and_a_new_one_is_sent_on_demand(hub):
    (shown,) = await hub.put(EMAIL)
    code, number = code_in(hub.mails()[0]), shown["number"]
    hub.later(NUDGE_CODE_SECONDS_MAX)
    assert await refused(hub.confirm(number, code)) == "code-ended"
    await hub.hub.nudges.try_out(hub.caller(OFFICER), SD, number)
    await hub.round()
    newer = code_in(hub.mails()[1])
    wrong = f"{(int(newer) + 1) % 10**6:06d}"
    codes = [await refused(hub.confirm(number, wrong)) for _ in range(NUDGE_CODE_TRIES_MAX + 1)]
    assert codes == ["wrong-code"] * NUDGE_CODE_TRIES_MAX + ["code-ended"]
    assert await refused(hub.confirm(number, newer)) == "code-ended"


async def test_a_trial_says_that_nothing_waits_and_its_outcome_is_shown(hub):
    shown = await hub.put_mail()
    await hub.hub.nudges.try_out(hub.caller(OFFICER), SD, shown["number"])
    await hub.round()
    assert "no message waits" in hub.mails()[0]
    assert await refused(hub.hub.nudges.try_out(hub.caller(OFFICER), SD, 99)) == "not-found"


@pytest.mark.parametrize(
    "who", [RESPONDER, "jo.technical 1", "jo authority", "sd.diplomatic 1", "x-las.registrar-1"]
)
async def test_nobody_else_may_say_where_a_contact_is_nudged(hub, who):
    caller = hub.caller(who)
    wanted = form_of(NudgeAddresses, {"addresses": [EMAIL]})
    assert await refused(hub.hub.nudges.put(caller, SD, wanted)) == "not-found"
    assert await refused(hub.hub.nudges.confirm(caller, SD, 1, "123456")) == "not-found"
    assert await refused(hub.hub.nudges.try_out(caller, SD, 1)) == "not-found"
    if not who.startswith("sd."):
        assert await refused(hub.hub.nudges.show(caller, SD)) == "not-found"
    else:
        assert (await hub.hub.nudges.show(caller, SD))["addresses"] == []


async def test_the_authority_of_its_state_may(hub):
    assert await refused(hub.hub.nudges.show(hub.caller("sd authority"), "sd.none")) == "not-found"
    (shown,) = await hub.put(EMAIL, who="sd authority")
    await hub.confirm(shown["number"], code_in(hub.mails()[0]), who="sd authority")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"address": "desk-zq7"}, "bad-form"),
        ({"address": "duty@desk.example, x@desk.example"}, "bad-form"),
        ({"kind": "webhook"}, "bad-url"),
        ({"kind": "webhook", "address": "https://gateway.example/x"}, "host-not-approved"),
        ({"kind": "webhook", "address": "https://127.0.0.1.gateway.example/"}, "host-not-approved"),
        ({"kind": "webhook", "address": "https://user@127.0.0.1/"}, "bad-url"),
    ],
)
async def test_an_address_that_cannot_be_used_is_refused_whole_and_not_quoted(hub, change, code):
    wanted = form_of(NudgeAddresses, {"addresses": [EMAIL, EMAIL | change]})
    with pytest.raises(RefusedError) as caught:
        await hub.hub.nudges.put(hub.caller(OFFICER), SD, wanted)
    assert caught.value.code == code
    assert (EMAIL | change)["address"] not in str(caught.value)
    assert await hub.shown() == []


async def test_the_same_address_twice_is_refused(hub):
    assert await refused(hub.put(EMAIL, EMAIL | {"from": "flash"})) == "bad-form"


async def test_plain_http_and_mail_without_settings_are_refused(hub):
    strict = Channels(Outgoing(), None, frozenset({"gateway.example"}))
    with pytest.raises(RefusedError, match="bad-url"):
        strict.check("webhook", "http://gateway.example/x")
    with pytest.raises(RefusedError, match="nudges-off"):
        strict.check("email", "duty@desk.example")
    strict.check("webhook", "https://gateway.example/x")


async def test_codes_are_sent_so_often_in_an_hour_and_no_more(hub):
    many = [EMAIL | {"address": f"a{n}@desk.example"} for n in range(NUDGE_ADDRESSES_MAX)]
    shown = await hub.put(*many)
    for _ in range(NUDGE_CODES_PER_HOUR_MAX - NUDGE_ADDRESSES_MAX):
        await hub.hub.nudges.try_out(hub.caller(OFFICER), SD, shown[0]["number"])
    again = hub.hub.nudges.try_out(hub.caller(OFFICER), SD, shown[0]["number"])
    assert await refused(again) == "nudge-limit"
    hub.later(3600)
    await hub.hub.nudges.try_out(hub.caller(OFFICER), SD, shown[0]["number"])
    await hub.round()
    assert len(hub.box.messages) == NUDGE_CODES_PER_HOUR_MAX + 1


async def test_a_host_that_is_no_longer_approved_gets_nothing_and_its_state_is_told(hub):
    await hub.put_webhook()
    strict = Channels(hub.channels.outgoing, hub.channels.mail, frozenset())
    hub.channels = strict
    hub.hub = await hub.node()
    await hub.send(precedence="flash")
    await hub.round()
    assert hub.receiver.requests == []
    assert told(await hub.shown()) == [("host-not-approved", True, "host-not-approved")]


# --- what arrives ---


async def test_a_nudge_by_mail_is_fixed_text_and_holds_nothing_of_the_message(hub, capsys, caplog):
    caplog.set_level(0, logger="poc")
    await hub.put_mail()
    sealed = await hub.send(
        precedence="flash", subject=CANARIES[0], text=CANARIES[1], our_reference=CANARIES[2]
    )
    await hub.round()
    ((_, mail, over_tls),) = hub.box.messages
    number = short_number(sealed.message.id, SD)
    assert over_tls
    assert mail.get_content() == (
        "اختبار اختبار اختبار\nرسالة لم تُقرأ بعد تنتظر في مكتبكم.\nدرجة الأسبقية: خاطف\n"
        f"الرقم: {number}\nلا يحتوي هذا الإشعار على أي رابط؛ افتحوا مكتبكم كالمعتاد.\n"
        "اختبار اختبار اختبار\n\n"
        "TEST TEST TEST\nA message waits unread at your desk.\nPrecedence: FLASH\n"
        f"Number: {number}\nThis notice contains no link; open your desk as usual.\nTEST TEST TEST\n"
    )
    whole = mail.as_string() + mail.get_content() + mail["subject"] + capsys.readouterr().err + caplog.text
    for mark in (*CANARIES, sealed.message.id, "jo.technical", SD, "http", "example.org"):
        assert mark not in whole, mark
    assert mail["Auto-Submitted"] == "auto-generated"


async def test_a_nudge_by_webhook_is_signed_and_holds_nothing_of_the_message(hub, capsys, caplog):
    caplog.set_level(0, logger="poc")
    shown = await hub.put_webhook()
    sealed = await hub.send(
        precedence="immediate", subject=CANARIES[0], text=CANARIES[1], our_reference=CANARIES[2]
    )
    await hub.round()
    assert hub.receiver.requests == []
    hub.later(60)
    await hub.round()
    (request,) = hub.receiver.requests
    headers, body = request
    assert verified(shown["secret"], request)
    assert not verified(shown["secret"], (headers, body + b" "))
    assert not verified(shown["secret"], (headers | {"webhook-id": "msg_other"}, body))
    data = json.loads(body)["data"]
    assert (data["precedence"], data["status"]) == ("immediate", "test")
    assert data["number"] == short_number(sealed.message.id, SD)
    whole = str(headers) + body.decode() + capsys.readouterr().err + caplog.text
    for mark in (*CANARIES, sealed.message.id, "jo.technical", SD):
        assert mark not in whole, mark


async def test_a_secret_is_given_once(hub):
    shown = await hub.put_webhook()
    assert shown["secret"].startswith("whsec_")
    named = {name: shown[name] for name in ("kind", "address", "from", "languages")}
    (again,) = await hub.put(named)
    assert (again["secret"], again["number"], again["standing"]) == (None, shown["number"], "confirmed")
    assert (await hub.shown())[0]["secret"] is None


async def test_an_address_is_told_from_its_precedence_on(hub):
    await hub.put_mail(**{"from": "immediate"})
    await hub.send(precedence="priority")
    hub.later(3600)
    await hub.round()
    assert hub.box.messages == []
    await hub.send(precedence="immediate")
    await hub.round()
    hub.later(60)
    await hub.round()
    assert len(hub.box.messages) == 1


# --- when ---


async def test_a_flash_message_is_told_at_once_and_again_until_the_last_step(hub):
    await hub.put_mail()
    await hub.send(precedence="flash")
    seen: list[int] = []
    for second in range(0, NUDGE_FLASH_SECONDS[-1] + 1200, 60):
        await hub.round()
        if len(hub.box.messages) > len(seen):
            seen.append(second)
        hub.later(60)
    assert seen == list(NUDGE_FLASH_SECONDS)
    assert await hub.store.read_due_nudges(hub.now, (), 10) == ()


async def test_a_routine_message_is_told_once_after_an_hour(hub):
    await hub.put_mail()
    await hub.send(precedence="routine")
    await hub.round()
    hub.later(3599)
    await hub.round()
    assert hub.box.messages == []
    for _ in range(5):
        hub.later(3600)
        await hub.round()
    assert len(hub.box.messages) == 1


@pytest.mark.parametrize(
    ("kind", "who", "ends"),
    [
        ("retrieval", OFFICER, True),
        ("retrieval", RESPONDER, False),
        ("acknowledgement", OFFICER, True),
    ],
)
async def test_it_ends_when_somebody_looked_and_a_machine_is_nobody(hub, kind, who, ends):
    await hub.put_mail()
    sealed = await hub.send(precedence="flash")
    await hub.round()
    await hub.record(sealed, kind, who)
    hub.later(NUDGE_FLASH_SECONDS[1])
    await hub.round()
    assert len(hub.box.messages) == (1 if ends else 2)


async def test_it_ends_with_the_message(hub):
    await hub.put_mail()
    await hub.send(precedence="flash", expires_at=hub.now + timedelta(seconds=100))
    await hub.round()
    hub.later(NUDGE_FLASH_SECONDS[1])
    await hub.round()
    assert len(hub.box.messages) == 1
    assert await hub.store.read_due_nudges(hub.now, (), 10) == ()


async def test_after_a_hub_that_was_down_the_steps_missed_do_not_come_at_once(hub):
    await hub.put_mail()
    await hub.send(precedence="flash")
    await hub.round()
    hub.later(1000)  # four steps passed
    for _ in range(4):
        await hub.round()
    assert len(hub.box.messages) == 2


async def test_only_so_many_in_an_hour_and_the_urgent_have_the_rest(hub):
    await hub.put_webhook()
    for _ in range(NUDGES_PER_HOUR_ROUTINE + 2):
        await hub.send(precedence="routine", to=(OFFICER,))
    await hub.round()
    hub.later(3600)
    for _ in range(NUDGES_PER_HOUR_ROUTINE + 2):
        await hub.round()
    assert len(hub.receiver.requests) == NUDGES_PER_HOUR_ROUTINE < NUDGES_PER_HOUR_FLASH
    assert told(await hub.shown()) == [("confirmed", True, "nudge-limit")]
    await hub.send(precedence="flash", to=(OFFICER,))
    await hub.round()
    assert len(hub.receiver.requests) == NUDGES_PER_HOUR_ROUTINE + 1


# --- failures ---


async def test_a_mail_that_is_not_taken_is_shown_to_its_state(hub):
    await hub.put_mail()
    hub.box.refused["duty@desk.example"] = "550 no"
    await hub.send(precedence="flash")
    await hub.round()
    assert told(await hub.shown()) == [("confirmed", True, "mail-refused")]
    hub.box.refused.clear()
    hub.later(NUDGE_FLASH_SECONDS[1])
    await hub.round()
    assert len(hub.box.messages) == 1  # the next step comes all the same


@pytest.mark.parametrize(
    ("answers", "failure", "requests"),
    [
        ([500, 503], None, 3),
        ([429], None, 2),
        ([500, 500, 500], "webhook-refused", 3),
        ([404], "webhook-refused", 1),
        ([302], "webhook-refused", 1),
        ([410], "webhook-refused", 1),
    ],
)
async def test_a_webhook_is_tried_again_under_the_same_id_where_that_may_help(
    hub, answers, failure, requests
):
    await hub.put_webhook()
    hub.receiver.answers = answers
    await hub.send(precedence="flash")
    await hub.round()
    assert told(await hub.shown()) == [("confirmed", True, failure)]
    assert len(hub.receiver.requests) == requests
    assert len({headers["webhook-id"] for headers, _ in hub.receiver.requests}) == 1


async def test_a_private_address_is_not_called_although_its_host_is_approved(hub):
    await hub.put_webhook()
    hub.channels = Channels(Outgoing(), None, hub.channels.webhook_hosts)
    hub.channels.check("webhook", hub.receiver.url.replace("http:", "https:"))
    hub.hub = await hub.node()
    await hub.send(precedence="flash")
    await hub.round()
    assert hub.receiver.requests == []
    assert told(await hub.shown()) == [("bad-url", True, "bad-url")]


async def test_what_a_library_raises_ends_nothing(hub, monkeypatch):
    await hub.put_webhook()

    async def broken(*_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(Channels, "send", broken)
    await hub.send(precedence="flash")
    await hub.round()
    assert hub.hub.nudger._busy == set()


# --- crash and several nodes ---


async def test_three_nodes_send_each_step_once(hub):
    await hub.put_webhook()
    nodes = [hub.hub, await hub.node(), await hub.node()]
    for _ in range(6):
        await hub.send(precedence="flash", to=(OFFICER,))
    for _ in range(8):
        await hub.round(*nodes)
    assert len(hub.receiver.requests) == 6
    hub.later(NUDGE_FLASH_SECONDS[1])
    for _ in range(8):
        await hub.round(*nodes)
    ids = [headers["webhook-id"] for headers, _ in hub.receiver.requests]
    assert len(ids) == len(set(ids)) == 12


async def test_a_step_that_a_node_did_not_finish_is_taken_up_by_another_under_the_same_id(hub):
    """As if the first had ended between sending and saying so: its receiver sees the id twice."""
    await hub.put_webhook()
    await hub.send(precedence="flash", to=(OFFICER,))
    first = await hub.node()
    await first.nudger._take_up()
    (nudge,) = await hub.store.read_due_nudges(hub.now, (), 10)
    assert await hub.store.claim_nudge(nudge, hub.now, hub.now + timedelta(seconds=NUDGE_CLAIM_SECONDS))
    await first.nudger._tell(nudge)
    await hub.round()
    assert len(hub.receiver.requests) == 1  # it is still claimed
    hub.later(NUDGE_CLAIM_SECONDS)
    await hub.round()
    await hub.round()
    assert len({headers["webhook-id"] for headers, _ in hub.receiver.requests}) == 1
    assert len(hub.receiver.requests) == 2


async def test_a_message_accepted_before_a_crash_is_still_told(hub):
    await hub.put_mail()
    await hub.send(precedence="flash")
    hub.hub = await hub.node()
    await hub.round()
    assert len(hub.box.messages) == 1


async def test_a_slow_address_holds_up_neither_the_relay_nor_another_contact(hub, monkeypatch):
    await hub.put_webhook()
    gate, sent = asyncio.Event(), Channels.send

    async def slow(channels, to, *rest):
        await gate.wait()
        await sent(channels, to, *rest)

    monkeypatch.setattr(Channels, "send", slow)
    for _ in range(5):
        await hub.send(precedence="flash", to=(OFFICER,))
    await hub.hub.nudger.round()
    assert len(hub.hub.nudger._tasks) == 1  # never two of one contact
    async with asyncio.timeout(2):
        await hub.send(precedence="flash", to=(OFFICER,))
    gate.set()
    await hub.hub.nudger.idle()


async def test_a_failing_disk_is_asked_again(hub):
    await hub.put_mail()
    await hub.send(precedence="flash")
    await hub.store.close()
    with pytest.raises(UnreachableError, match="storage-failed"):
        await hub.hub.nudger.round()


async def test_a_held_message_is_told_once_it_went_out_and_not_before(hub):
    await hub.put_mail()
    held = tuple(Addressee(SD, sealing_key(label).public, "action", None) for label in (OFFICER, RESPONDER))
    out_at = hub.now + timedelta(minutes=10)
    await hub.send(precedence="flash", addressees=held, not_before=out_at)
    for _ in range(9):
        await hub.hub.timers.do_due()
        await hub.round()
        hub.later(60)
    assert hub.box.messages == []
    hub.later(60)
    await hub.hub.timers.do_due()
    await hub.round()
    assert len(hub.box.messages) == 1


async def test_what_was_erased_before_a_crash_is_overwritten_at_the_next_chance(hub, monkeypatch):
    await hub.hub.nudges.erase_stale()
    truncate, wrote = privacy.truncate_wal, []

    def busy(db):
        wrote.append(1)
        if len(wrote) == 1:
            raise UnreachableError("storage-failed", "in use")
        truncate(db)

    monkeypatch.setattr(privacy, "truncate_wal", busy)
    with pytest.raises(UnreachableError, match="storage-failed"):
        await hub.put(EMAIL)
    await hub.hub.nudges.erase_stale()
    await hub.hub.nudges.erase_stale()
    assert len(wrote) == 2  # once more, and then no more
    assert len(await hub.shown()) == 1
