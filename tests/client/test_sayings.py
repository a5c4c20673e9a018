"""What is said about an earlier message is addressed and named by itself."""

from __future__ import annotations

import pytest

from poc.client.sayings import SAYINGS, addressees_of, subject_of
from poc.core.conversation import OF_THE_ORIGINATOR
from poc.core.form import form_of
from poc.core.message import Message
from poc.core.text import check_text
from tests.form_examples import GOOD

GOT = (
    ("eg.duty", "information"),
    ("jo.technical", "own"),
    ("om.duty", "action"),
    ("sd.technical", "action"),
)


def message(subject="A notice", sender="jo.technical"):
    first = GOOD["message"]["to"][0]
    to = [{**first, "contact": contact, "as": use} for contact, use in GOT]
    return form_of(
        Message,
        {
            **GOOD["message"],
            "subject": subject,
            "from": {**GOOD["message"]["from"], "contact": sender},
            "to": to,
        },
    )


@pytest.mark.parametrize("saying", SAYINGS.values(), ids=SAYINGS)
def test_what_only_the_originator_says_goes_to_whoever_got_the_message(saying):
    originals = (["om.duty", "sd.technical"], ["eg.duty"])
    assert saying.to_originals == (saying.kind in OF_THE_ORIGINATOR)
    assert addressees_of(saying, message(), "jo.technical") == originals
    if not saying.to_originals:
        assert addressees_of(saying, message(), "sd.technical") == (["jo.technical"], [])
        everybody = addressees_of(saying, message(), "sd.technical", everybody=True)
        assert everybody == (["jo.technical"], ["eg.duty", "om.duty"])


@pytest.mark.parametrize("saying", SAYINGS.values(), ids=SAYINGS)
@pytest.mark.parametrize("language", ["en", "ar", "fr", "zh"])
def test_a_subject_says_once_what_is_said_and_fits(saying, language):
    once = subject_of(saying, message(), language)
    assert once.endswith("A notice")
    assert subject_of(saying, message(once), language) == once
    for subject in ("س" * 200, "نامه\u200cای " * 20, "x" * 193 + "می\u200cه"):
        check_text(subject_of(saying, message(subject), language), 200)
