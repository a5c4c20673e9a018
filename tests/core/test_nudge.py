"""What a nudge says, its short number, and the signature of a webhook."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from datetime import UTC, datetime

import pytest

from poc.core.form import form_of
from poc.core.nudge import (
    PER_HOUR,
    PRECEDENCES,
    STEPS_SECONDS,
    NudgeAddress,
    NudgeAddresses,
    NudgeCode,
    code_notice,
    format_secret,
    is_email,
    is_for,
    nudge_id,
    read_secret,
    short_number,
    trial_notice,
    unread_notice,
    webhook_headers,
)
from poc.errors import RefusedError
from tests.vectors import make_nudge

ID, CONTACT = "0199f1a2-0000-7000-8000-000000000001", "sd.technical"
AT = datetime(2026, 11, 24, 8, 0, 0, tzinfo=UTC)
ADDRESS = {"kind": "email", "address": "duty@example.org", "from": "flash", "languages": ["ar", "en"]}


def test_the_short_number_is_four_digits_of_a_hash_of_message_and_contact():
    data = b"poc/1 short number\0" + ID.encode() + b"\0" + CONTACT.encode()
    number = int.from_bytes(hashlib.sha256(data).digest(), "big") % 10_000
    assert short_number(ID, CONTACT) == f"{number:04d}"
    assert short_number(ID, CONTACT) != short_number(ID, "jo.technical")
    assert all(len(short_number(f"{ID}{n}", CONTACT)) == 4 for n in range(50))


def test_a_nudge_has_one_id_for_each_message_contact_step_and_address_and_it_names_none():
    ids = {
        nudge_id(message, contact, step, address)
        for message in (ID, "b")
        for contact in (CONTACT, "c")
        for step in (0, 1)
        for address in (1, 2)
    }
    assert len(ids) == 16
    assert nudge_id(ID, CONTACT, 0, 1) == nudge_id(ID, CONTACT, 0, 1)
    assert not any(ID in one or CONTACT in one for one in ids)


@pytest.mark.parametrize("precedence", PRECEDENCES)
def test_the_text_is_fixed_and_in_both_languages_and_says_that_it_holds_no_link(precedence):
    notice = unread_notice("actual", precedence, "0417", ("en", "ar"))
    english, arabic = notice.texts["en"], notice.texts["ar"]
    assert english.splitlines() == [
        "A message waits unread at your desk.",
        f"Precedence: {precedence.upper()}",
        "Number: 0417",
        "This notice contains no link; open your desk as usual.",
    ]
    assert [line.partition(": ")[2] for line in arabic.splitlines()][2] == "0417"
    assert "لا يحتوي هذا الإشعار على أي رابط" in arabic
    assert len(arabic.splitlines()) == len(english.splitlines())
    assert notice.subject == "Unread message / رسالة لم تُقرأ"
    assert "http" not in notice.text
    assert "://" not in notice.text


@pytest.mark.parametrize(
    ("status", "english", "arabic"),
    [
        ("exercise", "EXERCISE EXERCISE EXERCISE", "تمرين تمرين تمرين"),
        ("test", "TEST TEST TEST", "اختبار اختبار اختبار"),
    ],
)
def test_the_banner_of_an_exercise_or_test_stands_first_and_last_and_in_the_subject(status, english, arabic):
    notice = unread_notice(status, "flash", "0417", ("ar", "en"))
    for text, banner in ((notice.texts["en"], english), (notice.texts["ar"], arabic)):
        assert (text.splitlines()[0], text.splitlines()[-1]) == (banner, banner)
    assert notice.subject.startswith(f"{arabic} / {english}: ")
    assert notice.text.startswith(arabic)


def test_an_actual_nudge_has_no_banner():
    text = unread_notice("actual", "flash", "0417", ("en",)).text
    assert "EXERCISE" not in text
    assert "TEST" not in text


def test_one_language_is_one_text():
    assert list(unread_notice("test", "routine", "1", ("ar",)).texts) == ["ar"]
    assert unread_notice("actual", "routine", "1", ("ar",)).subject == "رسالة لم تُقرأ"


def test_a_code_is_said_in_both_languages_and_a_trial_says_that_nothing_waits():
    assert code_notice("123456", ("en", "ar")).text.count("123456") == 2
    assert "no message waits" in trial_notice(("en",)).text
    assert trial_notice(("ar", "en")).number is None


def test_the_payload_of_a_webhook_holds_fixed_facts_only():
    notice = unread_notice("test", "flash", "0417", ("en",))
    value = json.loads(notice.payload(AT))
    assert value == {
        "type": "nudge.unread",
        "timestamp": "2026-11-24T08:00:00Z",
        "data": {
            "precedence": "flash",
            "status": "test",
            "number": "0417",
            "code": None,
            "subject": notice.subject,
            "text": notice.text,
            "texts": {"en": notice.texts["en"]},
        },
    }
    assert json.loads(code_notice("123456", ("en",)).payload(AT))["type"] == "nudge.code"


def test_an_address_is_told_from_its_precedence_on():
    assert [p for p in PRECEDENCES if is_for("immediate", p)] == ["immediate", "flash"]
    assert all(is_for("routine", p) for p in PRECEDENCES)
    assert [p for p in PRECEDENCES if is_for("flash", p)] == ["flash"]


def test_the_more_urgent_the_sooner_the_oftener_and_the_less_limited():
    for less, more in itertools.pairwise(PRECEDENCES):
        assert STEPS_SECONDS[more][0] < STEPS_SECONDS[less][0]
        assert len(STEPS_SECONDS[more]) > len(STEPS_SECONDS[less])
        assert PER_HOUR[more] > PER_HOUR[less]
    assert STEPS_SECONDS["flash"][0] == 0
    assert all(list(steps) == sorted(set(steps)) for steps in STEPS_SECONDS.values())


def test_webhook_headers_are_those_of_standard_webhooks():
    secret, payload = bytes(range(32)), b'{"a":1}'
    headers = webhook_headers(secret, "msg_x", AT, payload)
    stamp = str(int(AT.timestamp()))
    expected = base64.b64encode(
        hmac.new(secret, b"msg_x." + stamp.encode() + b"." + payload, hashlib.sha256).digest()
    ).decode()
    assert headers == {
        "webhook-id": "msg_x",
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{expected}",
        "content-type": "application/json",
    }


def test_the_example_of_the_specification_verifies():
    """The example of the reference libraries: secret, id, timestamp, body and signature."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = webhook_headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_is_read_as_it_is_written():
    secret = bytes(range(32))
    assert format_secret(secret).startswith("whsec_")
    assert read_secret(format_secret(secret)) == secret


@pytest.mark.parametrize("text", ["", "whsec_", "AAAA", "whsec_!!!!", "whsec_" + "AAAA" * 8, "whsec_é"])
def test_what_is_no_secret_is_refused_and_not_quoted(text):
    with pytest.raises(RefusedError) as refused:
        read_secret(text)
    assert refused.value.code == "bad-form"
    assert text in {"", "whsec_"} or text not in str(refused.value)


@pytest.mark.parametrize("text", ["duty@example.org", "a+b.c@desk.example", "o'neill@mail.example.org"])
def test_a_plain_address_is_an_address(text):
    assert is_email(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "duty", "@example.org", "duty@", "duty@@example.org", "duty @example.org", "duty@example.org "),
        *("duty@example.org\nBcc: x@example.org", "Duty <duty@example.org>", "a@example.org,b@example.org"),
        *(
            "duty@-example.org",
            "duty@example.org.",
            "دائرة@example.org",
            '"a b"@example.org',
            "a;b@example.org",
        ),
        *("x" * 65 + "@example.org", "duty@exa_mple.org", "duty@[127.0.0.1]"),
    ],
)
def test_what_could_be_two_or_end_a_header_is_none(text):
    assert not is_email(text)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "sms"},
        {"address": ""},
        {"address": "x" * 501},
        {"from": "urgent"},
        {"languages": []},
        {"languages": ["ar", "ar"]},
        {"languages": ["fr"]},
        {"more": 1},
    ],
)
def test_an_address_of_another_form_is_refused(change):
    assert form_of(NudgeAddress, ADDRESS).languages == ("ar", "en")
    with pytest.raises(RefusedError, match="bad-form"):
        form_of(NudgeAddress, ADDRESS | change)


def test_more_addresses_than_eight_and_a_code_that_is_none_are_refused():
    assert len(form_of(NudgeAddresses, {"addresses": [ADDRESS] * 8}).addresses) == 8
    with pytest.raises(RefusedError, match="bad-form"):
        form_of(NudgeAddresses, {"addresses": [ADDRESS] * 9})
    for code in ("12345", "1234567", "12345a", "١٢٣٤٥٦", " 123456", "123456\n", 123456):
        with pytest.raises(RefusedError, match="bad-form"):
            form_of(NudgeCode, {"number": 1, "code": code})


def test_the_vectors_are_those_of_the_code_and_verify_by_the_text_of_the_specification():
    document = json.loads(make_nudge.PATH.read_text("utf-8"))
    assert make_nudge.build() == make_nudge.PATH.read_text("utf-8")
    for case in document["cases"]:
        headers = case["headers"]
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{case['body']}".encode()
        made = base64.b64encode(hmac.new(make_nudge.SECRET, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{made}", case["name"]
        assert json.loads(case["body"])["data"]["text"] == case["text"]
