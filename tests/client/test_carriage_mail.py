"""Mails with a carriage file: ready to send, read back as mail programs save them, hostile ones refused."""

from __future__ import annotations

import email
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default

import pytest

from poc.client.carriage_mail import FILE_NAME, carriage_in, write_mail
from poc.core.exercise import MARKING
from poc.errors import RefusedError
from poc.limits import CARRIAGE_BYTES_MAX

DATA = b'{"answers":[],"form":"poc-carriage","log":null,"messages":[' + b'"AAAA",' * 3000 + b'"A"]}'
NOW = datetime(2026, 11, 24, 8, 0, 0, tzinfo=UTC)
SECONDS_MAX = 5.0  # of this process's own time; what is refused is refused at once


def refused(data):
    begun = time.process_time()
    with pytest.raises(RefusedError) as caught:
        carriage_in(data)
    assert time.process_time() - begun < SECONDS_MAX
    return caught.value.code


def body_of(mail):
    return mail.get_body().get_content()


def written(marking=MARKING, to="desk@sd.example", sender="desk@jo.example"):
    return write_mail("message", DATA, marking, NOW, to=to, sender=sender)


def test_it_is_a_mail_with_fixed_words_in_both_languages_and_one_attachment():
    mail = email.message_from_bytes(written({}), policy=default)
    assert (mail["From"], mail["To"], mail["X-Unsent"]) == ("desk@jo.example", "desk@sd.example", "1")
    assert mail["Subject"] == "Sealed message / رسالة مختومة"
    text = body_of(mail)
    assert f"poc message import {FILE_NAME}" in text
    assert "contains no link" in text
    assert "مختوم" in text
    assert "http" not in text
    (attached,) = mail.iter_attachments()
    assert (attached.get_content_type(), attached.get_filename()) == ("application/json", FILE_NAME)
    assert attached["Content-Transfer-Encoding"] == "base64"
    assert attached.get_content() == DATA
    assert max(map(len, written().split(b"\r\n"))) <= 998
    assert written().isascii()


def test_a_mail_with_answers_says_that_they_are_signed_not_sealed():
    data = write_mail("answers", DATA, {}, NOW, to=None, sender=None)
    mail = email.message_from_bytes(data, policy=default)
    assert mail["Subject"] == "Signed answer / رد موقّع"
    assert "sealed" not in body_of(mail)
    assert carriage_in(data) == DATA


def test_an_exercise_is_marked_first_and_last_and_in_the_subject():
    mail = email.message_from_bytes(written(), policy=default)
    lines = body_of(mail).strip().splitlines()
    banner = "EXERCISE EXERCISE EXERCISE / تمرين تمرين تمرين"
    assert (lines[0], lines[-1]) == (banner, banner)
    assert mail["Subject"].startswith(banner)


def test_addresses_that_are_not_known_stay_blank():
    mail = email.message_from_bytes(written(to=None, sender=None), policy=default)
    assert (mail["To"], mail["From"]) == (None, None)


def saved(**how):
    """The mail as another program sends, forwards and saves it."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Received"] = "x@y.example", "z@y.example", "from a by b; Tue"
    mail["Subject"] = "Fwd: whatever"
    mail.set_content("See below -- ; {not this}\n--\nA signature\n")
    mail.add_alternative("<p>--x</p>", subtype="html")
    mail.add_attachment(b'{"other": 1}', maintype="application", subtype="json", filename="o.json")
    mail.add_attachment(DATA, maintype="application", subtype="octet-stream", filename="renamed.bin", **how)
    return mail


@pytest.mark.parametrize(
    "data",
    [
        DATA,
        b"\r\n" + DATA + b"\r\n",
        written(),
        written().replace(b"\r\n", b"\n"),
        written().replace(b"\r\n", b"\r"),
        b"From me Tue Nov 24 2026\n" + written(),
        saved().as_bytes(),
        saved(cte="quoted-printable").as_bytes(),
        b"Received: x\n" * 500 + written(),
    ],
    ids=[
        "no mail",
        "blank lines",
        "as written",
        "lf",
        "cr",
        "mbox",
        "forwarded",
        "quoted-printable",
        "many headers",
    ],
)
def test_the_file_is_found_whatever_a_mail_program_puts_around(data):
    assert carriage_in(data) == DATA


def test_it_is_found_in_a_mail_attached_to_a_mail():
    outer = EmailMessage()
    outer.set_content("forwarded")
    outer.add_attachment(saved())
    assert carriage_in(outer.as_bytes()) == DATA


def two():
    mail = saved()
    mail.add_attachment(DATA.replace(b"AAAA", b"BBBB"), maintype="a", subtype="b", filename="2")
    return mail.as_bytes()


def nested(depth):
    head = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(depth))
    return head + b"Content-Type: text/plain\n\nx\n" * 50_000


def many(count):
    return b'Content-Type: multipart/mixed; boundary="x"\n\n' + b"--x\n\n{\n" * count + b"--x--\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 1000,
        b"Subject: nothing attached\n\nhello\n",
        two(),
        nested(15),
        nested(5_000),
        many(50),
        many(100_000),
        b"message/rfc822\n" * 30,
        b"Content-Type: multipart/mixed;" + b";" * (4 << 20) + b"\n\nx",
        b"Content-Type: multipart/mixed; x=\n" + b' ";";\n' * 100_000 + b"\nx",
        b"a:b\n" * 1_000_000,
        b"a:b\n" * 150_000 + b"\n",
        b"Content-Transfer-Encoding: base64\n\n" + b"=" * (6 << 20),
        b"Content-Transfer-Encoding: x-uuencode\n\nbegin 666 x\n" + b"M" * (6 << 20),
    ],
    ids=range(15),
)
def test_a_mail_without_one_file_or_made_to_cost_is_refused_at_once(data):
    assert refused(data) == "bad-mail"


def test_ten_megabytes_are_too_large():
    assert refused(b"x" * (CARRIAGE_BYTES_MAX + 1)) == "too-large"
