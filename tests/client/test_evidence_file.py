"""Evidence a desk holds is its own: no hub takes it away, alters it or puts another beside it."""

from __future__ import annotations

import json
from typing import Any

from poc.client.progress import message_progress
from poc.core import jws
from poc.core.proof import verify_evidence
from poc.core.strictjson import canonical
from tests import registry as made
from tests.desk_world import draft


async def acknowledged(desks):
    jo, sd, _ = desks
    sent = await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()
    await sd.acknowledge(sent.id)
    await jo.sync()
    return sent.id


def timeline(desk, data):
    report = verify_evidence(data, desk.directory.fingerprint)
    assert report.problems == ()
    return [event.event for event in report.timeline]


async def test_evidence_that_is_here_goes_into_the_file_whatever_the_hub_shows(desks, between):
    jo = desks[0]
    message = await acknowledged(desks)
    kinds = ("receipts", "retrievals", "acknowledgements", "cancels")
    lies: tuple[Any, ...] = ({kind: [] for kind in kinds}, {"receipts": ["x", 7, None]}, dict.fromkeys(kinds))
    for lie in lies:
        between.change(f"/v1/messages/{message}/evidence", lambda answer, lie=lie: answer.update(lie))
        assert timeline(jo, await jo.evidence(message)).count("acknowledged") == 1, lie
    jo.hub._base = "http://127.0.0.1:9"
    assert timeline(jo, await jo.evidence(message)).count("acknowledged") == 1
    assert any("what is kept here" in warning for warning in jo.hub.take_warnings())


async def test_a_recipients_file_is_of_the_envelope_that_came(desks, between):
    jo, sd, _ = desks
    message = await acknowledged(desks)
    other = await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()
    (row,) = sd.known.trust.inbox(other.id)
    envelope = json.loads(row.item)["envelope"]
    between.change(f"/v1/messages/{message}", lambda answer: answer.update(envelope=envelope))
    events = timeline(sd, await sd.evidence(message, disclose=True))
    assert events.count("acknowledged") == events.count("accepted") == 1


async def test_of_two_records_of_an_answer_the_first_counts(desks, between):
    jo, sd, _ = desks
    asking = draft(jo, kind="information-request", respond_within_s=600)
    sent = await jo.send_message(asking, ["sd.technical"])
    await sd.sync()
    await sd.acknowledge(sent.id)

    def record_again(page):
        for item in list(page.get("items", ())):  # beyond what the hub gave, it says so
            value = json.loads(jws.read_compact(item["jws"]).payload)
            if value.get("event") == "recorded":
                value["at"] = "2039-01-01T00:00:00Z"
                page["next"] += 1
                late = jws.sign_compact(canonical(value), jws.RECEIPT, made.signing_key("hub"))
                page["items"].append({**item, "number": page["next"], "jws": late})

    between.change("/v1/evidence", record_again)
    await jo.sync()
    (row,) = message_progress(jo.known, sent.id)["contacts"]
    assert (row["state"], row["late"]) == ("acknowledged", False)
