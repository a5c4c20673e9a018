"""R13: one final outcome of each contact, whatever comes in which order; and no receipt by anyone else's key.

What a receipt is over stands in ``test_receipts``, what a file of evidence proves in ``test_proof``.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.core import jws
from poc.core.admission import read_envelope
from poc.core.evidence import Receipt
from poc.core.keys import SigningKey
from poc.core.lifecycle import ACKNOWLEDGEMENT, advance, events, states
from poc.core.receipts import (
    Answering,
    accepted_receipt,
    acknowledgement,
    expired_receipt,
    not_needed_receipt,
    recorded_receipt,
    rejected_receipt,
    released_receipt,
    retrieval,
    sign_form,
    verify_answer,
    verify_cancel,
    verify_receipt,
)
from poc.errors import RefusedError
from tests.message_world import HUB, LOG, NOW, directory, head, seal, signing_key

OUTCOME = {
    # (state) -> what it is for deadlines and grades, None while nothing is final
    "awaited": None,
    "retrieved": None,
    "acknowledged": "acknowledged",
    "declined": "declined",
    "expired": "expired",
    "acknowledged-late": "expired",
    "declined-late": "expired",
}


def may_come(state: str) -> set[str]:
    return {event for known, event in ACKNOWLEDGEMENT if known == state}


def test_every_state_says_what_is_final() -> None:
    assert OUTCOME.keys() == states(ACKNOWLEDGEMENT)


def test_whatever_is_not_final_can_still_expire_and_what_is_final_stays() -> None:
    for state, event in product(OUTCOME, events(ACKNOWLEDGEMENT)):
        if OUTCOME[state] is None:
            assert OUTCOME[advance(ACKNOWLEDGEMENT, state, "expired")] == "expired"
        elif event in may_come(state):
            assert OUTCOME[advance(ACKNOWLEDGEMENT, state, event)] == OUTCOME[state]
        if OUTCOME[state] is not None and event == "expired":
            with pytest.raises(RefusedError, match="not-in-this-state"):
                advance(ACKNOWLEDGEMENT, state, event)


@given(st.lists(st.sampled_from(sorted(events(ACKNOWLEDGEMENT) - {"expired"})), max_size=8), st.data())
def test_an_accepted_message_comes_to_exactly_one_final_outcome(said: list[str], data: Any) -> None:
    deadline = data.draw(st.integers(0, len(said)))
    state, finals = "awaited", []
    for event in [*said[:deadline], "expired", *said[deadline:]]:
        before = OUTCOME[state]
        if event in may_come(state):
            state = advance(ACKNOWLEDGEMENT, state, event)
        if OUTCOME[state] != before:
            finals.append(OUTCOME[state])
    in_time = [event for event in said[:deadline] if event != "retrieved"]
    assert finals == [in_time[0] if in_time else "expired"]


# --- whose receipts ------------------------------------------------------------------------------

SEALED = seal()
CHECKED = read_envelope(SEALED.envelope_bytes)
DUTY = signing_key("sd.duty")
ANSWERING = Answering(CHECKED.header, CHECKED.digest, "sd.duty", DUTY.kid, head(), NOW)
ACKNOWLEDGED = sign_form(acknowledgement(ANSWERING), jws.ACKNOWLEDGEMENT, DUTY)
SLOTS = tuple(slot for slot in CHECKED.slots if slot.contact == "sd.duty")
ABOUT = (CHECKED.header, CHECKED.digest)
AT: dict[str, Any] = {"head": head(), "at": NOW}

RECEIPTS: dict[str, Callable[[], Receipt]] = {
    "accepted": lambda: accepted_receipt(*ABOUT, CHECKED.slots, **AT),
    "rejected": lambda: rejected_receipt(*ABOUT, "expired", **AT),
    "released": lambda: released_receipt(*ABOUT, "sd.duty", SLOTS, **AT),
    "not-needed": lambda: not_needed_receipt(*ABOUT, "sd.duty", SLOTS, "acknowledged", **AT),
    "recorded": lambda: recorded_receipt(
        *ABOUT, verify_answer(ACKNOWLEDGED, directory()), ACKNOWLEDGED, **AT
    ),
    "expired": lambda: expired_receipt(*ABOUT, "sd.duty", **AT),
}
OTHERS = {
    "the log's key": LOG.key,
    "the sender": signing_key("jo.technical"),
    "the recipient": DUTY,
    "the controller": signing_key("x-arcc.controller-1"),
    "nobody": SigningKey.from_seed(bytes(32)),
}


def code(function: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        function(*arguments)
    return caught.value.code


def test_every_event_of_a_receipt_is_forged_here() -> None:
    named = Receipt.model_fields["event"].annotation
    assert set(RECEIPTS) == set(getattr(named, "__args__", ()))
    for event, made in RECEIPTS.items():
        assert verify_receipt(sign_form(made(), jws.RECEIPT, HUB), directory()).event == event


@pytest.mark.parametrize("whose", OTHERS)
@pytest.mark.parametrize("event", RECEIPTS)
def test_no_receipt_is_good_by_another_key_than_the_hubs(event: str, whose: str) -> None:
    forged = sign_form(RECEIPTS[event](), jws.RECEIPT, OTHERS[whose])
    assert code(verify_receipt, forged, directory()) == "unknown-key"


@pytest.mark.parametrize("form", [acknowledgement, retrieval])
def test_the_hub_answers_for_nobody(form: Any) -> None:
    """Its key under a recipient's answer, and the recipient's name over its own key."""
    typ = jws.ACKNOWLEDGEMENT if form is acknowledgement else jws.RETRIEVAL
    as_device = sign_form(form(ANSWERING), typ, HUB)
    assert code(verify_answer, as_device, directory()) in ("unknown-key", "member-mismatch")
    own = Answering(CHECKED.header, CHECKED.digest, "sd.duty", HUB.kid, head(), NOW)
    assert code(verify_answer, sign_form(form(own), typ, HUB), directory()) == "unknown-key"


@pytest.mark.parametrize("event", RECEIPTS)
def test_no_receipt_is_an_answer_a_cancel_or_what_another_receipt_is_over(event: str) -> None:
    text = sign_form(RECEIPTS[event](), jws.RECEIPT, HUB)
    assert code(verify_answer, text, directory()) == "wrong-type"
    assert code(verify_cancel, text, directory(), "jo.technical") == "wrong-type"
    answer = verify_answer(ACKNOWLEDGED, directory())
    over_a_receipt = recorded_receipt(*ABOUT, answer, text, **AT)
    assert code(verify_answer, ACKNOWLEDGED, directory(), over_a_receipt) == "receipt-mismatch"
