"""Metrics stand on a port of their own, count what they say, and are all described."""

from __future__ import annotations

import asyncio
import re
import socket
import urllib.request
from pathlib import Path

import aiohttp
import pytest

from poc.hub.metrics import Metrics
from poc.witness.metrics import WitnessMetrics
from tests.hub_messages import answer, seal
from tests.hub_process import ask, make_home, real_time, running
from tests.hub_world import World
from tests.registry import REGISTRARS, enrolment, signed, usual

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


@pytest.fixture
async def world(tmp_path):
    async with World(tmp_path, usual()).running() as running:
        await running.fill()
        yield running


def families():
    """The full name of every metric."""
    suffix = {"counter": "_total", "info": "_info"}
    registries = (Metrics().registry, WitnessMetrics().registry)
    return {
        family.name + suffix.get(family.type, "") for registry in registries for family in registry.collect()
    }


def test_every_metric_is_described_and_no_other_is():
    assert set(re.findall(r"^## (\S+)$", PAGE.read_text("utf-8"), re.MULTILINE)) == families()


def test_the_page_names_every_label():
    text = PAGE.read_text("utf-8")
    metrics = [*vars(Metrics()).values(), *vars(WitnessMetrics()).values()]
    labels = {name for metric in metrics for name in getattr(metric, "_labelnames", ())}
    assert labels == {
        *("route", "method", "status", "kind", "step", "witness", "code"),
        *("origin", "check", "reason", "days"),
    }
    assert all(f"`{name}`" in text for name in labels)


async def test_messages_evidence_and_pages_are_counted_once_however_often_they_are_sent(world):
    head, now = world.hub.log.view.head, world.now
    sealed, late = seal(head, now), seal(head, now, number=2, to=("sd.technical 1",))
    path = f"/v1/messages/{sealed.message.id}"
    for _ in range(3):
        await world.ask("PUT", path, sealed.envelope_bytes, who="jo.technical 1")
    told = {"jws": answer(sealed, "acknowledgement", "sd.technical 1", head, now)}
    for _ in range(2):
        await world.ask("POST", path + "/acknowledgements", told, who="sd.technical 1")
    await world.ask("PUT", f"/v1/messages/{late.message.id}", late.envelope_bytes, who="sd.technical 1")
    await world.ask("GET", "/v1/inbox", who="sd.technical 1")
    value = world.hub.metrics.registry.get_sample_value
    assert value("poc_messages_accepted_total", {"status": "test"}) == 1
    assert value("poc_evidence_recorded_total", {"kind": "acknowledgement"}) == 1
    assert value("poc_inbox_pages_total") == 1
    route = {"route": "/v1/messages/{id}", "method": "PUT"}
    assert value("poc_requests_total", {**route, "status": "201"}) == 1
    assert value("poc_requests_total", {**route, "status": "200"}) == 2


async def test_a_rejection_is_counted_by_its_status(world):
    sealed = seal(world.hub.log.view.head, world.now)
    path = f"/v1/messages/{sealed.message.id}"
    world.now = sealed.message.expires_at
    for _ in range(2):
        await world.ask("PUT", path, sealed.envelope_bytes, who="jo.technical 1")
    assert world.hub.metrics.registry.get_sample_value("poc_messages_rejected_total", {"status": "test"}) == 1


async def test_gauges_follow_the_log_and_its_proposals(world):
    value = world.hub.metrics.registry.get_sample_value
    payload = world.registry.payload("state.enrol", "eg", enrolment("eg"), issued_at=world.now)
    assert (await world.ask("POST", "/v1/statements", signed(payload, REGISTRARS[0]).value()))[0] == 202
    await world.hub.refresh_metrics()
    assert value("poc_log_size") == world.hub.log.view.directory.size
    assert (value("poc_proposals_open"), value("poc_read_only")) == (1, 0)
    assert value("poc_last_entry_age_seconds") == 0
    world.hub._signer._hub_key = None
    await world.hub.refresh_metrics()
    assert value("poc_read_only") == 1


async def test_what_a_client_makes_up_becomes_no_label(world):
    for path in ("/canary-1", "/v1/keys/canary-2", "/v1/canary-3"):
        await world.ask("GET", path, who="jo.technical 1")
    async with world.session.request("PATCH", world.origin + "/") as refused:
        assert refused.status == 405
    text = world.hub.metrics.text().decode()
    assert "canary" not in text.lower()
    assert 'route="other"' in text
    assert 'method="other"' in text


def test_metrics_have_a_port_of_their_own(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with real_time():
        make_home(tmp_path, usual())
    with running(tmp_path, "--metrics-port", str(port)) as hub:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as found:
            text = found.read().decode()
            assert found.headers["Content-Type"].startswith("text/plain")

        async def unfound():
            async with aiohttp.ClientSession() as session:
                return await ask(session, hub, "GET", "/metrics")

        assert asyncio.run(unfound())[0] == 404
    assert "poc_log_size 1.0" in text
    assert 'poc_build_info{sqlite="' in text
    assert "python_gc" not in text
