"""Whoever can write to the disk of a desk: what was put into its trust.db is not believed."""

from __future__ import annotations

import pytest

from poc.client.progress import message_progress
from poc.core.strictjson import canonical
from poc.errors import RefusedError
from tests import registry as made
from tests.desk_world import draft


async def test_nothing_is_sealed_to_a_key_the_log_does_not_name(desks):
    jo = desks[0]
    good, bad = made.sealing_key("sd.technical 1").public, made.sealing_key("an attacker").public
    jo.known.trust._write("UPDATE sealing_key SET jwk = ? WHERE kid = ?", (canonical(bad.jwk()), good.kid))
    with pytest.raises(RefusedError) as refused:
        await jo.send_message(draft(jo), ["sd.technical"])
    assert refused.value.code == "home-damaged"
    assert jo.outbox() == []


async def test_evidence_moved_to_another_message_counts_for_nothing_there(desks):
    jo, sd, _ = desks
    one = await jo.send_message(draft(jo), ["sd.technical"])
    two = await jo.send_message(draft(jo), ["sd.technical"])
    await sd.sync()
    await sd.acknowledge(one.id)
    await jo.sync()
    jo.known.trust._write("DELETE FROM evidence WHERE message = ?", (two.id,))
    jo.known.trust._write("UPDATE evidence SET message = ?", (two.id,))
    progress = message_progress(jo.known, two.id)
    assert [row["state"] for row in progress["contacts"]] == ["none"]
    assert progress["accepted_at"] is None
