"""A desk against a real HTTP server that serves a hand-made log: what is verified, what is refused."""

from __future__ import annotations

import pytest
from aiohttp import web

from poc.client.lookup import Query
from poc.client.sdk import Desk
from poc.core.bodies import jwk_form
from poc.core.checkpoint import Checkpoint, sign_checkpoint
from poc.core.form import form_value
from poc.core.merkle import CompactRange, leaf_hash
from poc.core.strictjson import b64u
from poc.core.tiles import encode_entries
from poc.errors import RefusedError, UnreachableError
from poc.keyring import Keyring
from tests import registry as made
from tests.registry import ORIGIN, REGISTRARS, Registry, log_signer

PASSPHRASE = "correct horse battery"


class Served:
    """A log over HTTP; tests change what it shows."""

    def __init__(self, registry: Registry) -> None:
        self.leaves = list(registry.leaves)
        self.genesis = registry.leaves[0]
        self.cards: list[dict] = []
        self.signer = log_signer()
        self.root: bytes | None = None
        self.url = ""

    def checkpoint(self) -> bytes:
        tree = CompactRange()
        for leaf in self.leaves:
            tree = tree.append(leaf_hash(leaf))
        return sign_checkpoint(Checkpoint(ORIGIN, tree.size, self.root or tree.root()), self.signer)

    async def answer(self, request: web.Request) -> web.Response:
        path = request.path
        if path == "/checkpoint":
            return web.Response(body=self.checkpoint())
        if path == "/v1/genesis":
            return web.json_response({"entry": b64u(self.genesis)})
        if path.startswith("/tile/entries"):
            return web.Response(body=encode_entries(self.leaves))
        since = int(request.query.get("since", request.query.get("after", "0")))
        if path == "/v1/cards":
            fresh = [card for card in self.cards if card["number"] > since]
            return web.json_response({"cards": fresh, "next": since + len(fresh)})
        if path in ("/v1/keys", "/v1/exercises"):
            return web.json_response({path[4:]: [], "next": since})
        if path in ("/v1/inbox", "/v1/evidence"):
            return web.json_response({"items": [], "next": since})
        return web.json_response({"code": "who-knows", "detail": "x"}, status=404)


@pytest.fixture
def log():
    registry = Registry()
    registry.submit("state.enrol", "jo", made.enrolment("jo"), *REGISTRARS, "jo authority")
    registry.submit(
        "contact.nominate", "jo.technical", made.nomination("jo.technical"), "jo authority", "jo.technical 1"
    )
    return registry


@pytest.fixture
async def hub(log, aiohttp_server_url):
    served = Served(log)
    served.url = await aiohttp_server_url(served.answer)
    return served


@pytest.fixture
async def aiohttp_server_url():
    runners = []

    async def start(handler):
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        runners.append(runner)
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def desk(hub, log, tmp_path):
    async with await Desk.join(
        tmp_path / "d", hub.url, log.directory.fingerprint, party="jo", clock=lambda: log.now
    ) as joined:
        yield joined


def show_cards(hub):
    office, reach = made.openings("jo.technical")
    hub.cards = [
        {"number": n, "contact": "jo.technical", "part": o.part, "opening": form_value(o)}
        for n, o in enumerate((office, reach), 1)
    ]


def give_key(desk):
    keys = Keyring.create(desk.home, PASSPHRASE)
    keys.add_signing("authority", "jo", desk.known.now(), lambda n: bytes(n - 1) + b"\1")
    desk.use_keyring(keys)


async def test_a_wrong_fingerprint_shows_both_and_writes_nothing(hub, tmp_path):
    with pytest.raises(RefusedError) as refused:
        await Desk.join(tmp_path / "d", hub.url, "00" * 32)
    assert refused.value.code == "wrong-fingerprint"
    assert refused.value.data["expected"] == "00" * 32
    assert refused.value.data["found"] != "00" * 32
    assert not (tmp_path / "d").exists()


async def test_a_sync_gives_the_directory_of_the_log(desk, log):
    report = await desk.sync()
    assert (report.size, report.entries) == (3, 2)
    assert desk.directory == log.directory
    assert any("no witnesses" in warning for warning in report.warnings)
    again = await desk.sync()
    assert again.entries == 0


def replace_log_key(log):
    """A policy with another log key, and the attest that brings it into force."""
    newer = made.settings(log_keys=[log_signer("log 2").vkey()])
    log.submit("registry.policy", ORIGIN, newer, *REGISTRARS)
    log.submit("registry.attest", ORIGIN, log.attest_body(), "hub")


async def test_a_desk_that_was_away_follows_the_log_to_its_new_key(desk, hub, log):
    await desk.sync()
    replace_log_key(log)
    hub.leaves, hub.signer = list(log.leaves), log_signer("log 2")
    assert (await desk.sync()).entries == 2
    assert desk.directory == log.directory
    assert (await desk.sync()).entries == 0
    assert desk.head


@pytest.mark.parametrize("label", ["log", "log 3"])
async def test_a_new_head_by_a_key_that_is_not_in_force_there_brings_nothing(desk, hub, log, label):
    await desk.sync()
    size = desk.directory.size
    replace_log_key(log)
    hub.leaves, hub.signer = list(log.leaves), log_signer(label)
    with pytest.raises(RefusedError) as refused:
        await desk.sync()
    assert refused.value.code == "unsigned-note"
    assert desk.directory.size == size
    assert len(desk.known.trust.leaves()) == size


async def test_another_root_that_no_log_key_signed_is_no_proof_of_a_fork(desk, hub):
    await desk.sync()
    hub.leaves = [*hub.leaves, hub.leaves[-1]]
    hub.root, hub.signer = b"\7" * 32, log_signer("log 3")
    with pytest.raises(RefusedError) as refused:
        await desk.sync()
    assert refused.value.code == "unsigned-note"
    assert desk.known.trust.proofs() == []


async def test_an_older_log_is_refused_and_both_heads_are_kept(desk, hub):
    await desk.sync()
    hub.leaves = hub.leaves[:2]
    with pytest.raises(RefusedError) as refused:
        await desk.sync()
    assert refused.value.code == "rollback"
    assert desk.directory.size == 3
    ((kind, kept, shown),) = desk.known.trust.proofs()
    assert kind == "rollback"
    assert kept != shown


async def test_another_root_at_the_same_size_is_refused_as_a_fork(desk, hub):
    await desk.sync()
    hub.root = b"\7" * 32
    with pytest.raises(RefusedError) as refused:
        await desk.sync()
    assert refused.value.code == "fork"
    assert desk.known.trust.proofs()[0][0] == "fork"


async def test_a_checkpoint_by_another_key_is_refused(desk, hub):
    from poc.core.note import Signer

    hub.signer = Signer(ORIGIN, made.signing_key("an impostor"))
    with pytest.raises(RefusedError) as refused:
        await desk.sync()
    assert refused.value.code == "unsigned-note"
    assert desk.directory.size == 1


async def test_a_hub_that_is_down_is_told_as_unreachable(desk, hub, monkeypatch):
    desk.hub._base = "http://127.0.0.1:9"
    with pytest.raises(UnreachableError) as failed:
        await desk.sync()
    assert failed.value.code == "hub-unreachable"


async def test_a_home_is_not_joined_twice(desk, hub, log):
    with pytest.raises(RefusedError) as refused:
        await Desk.join(desk.home, hub.url, log.directory.fingerprint)
    assert refused.value.code == "home-exists"


def authority_keyring(desk):
    from poc.core.keys import SigningKey
    from poc.core.strictjson import domain_hash

    seed = domain_hash("poc/1 test key", b"jo authority")
    keys = Keyring.create(desk.home, PASSPHRASE)
    key = keys.add_signing("authority", "jo", desk.known.now(), lambda _: seed)
    assert isinstance(key, SigningKey)
    assert jwk_form(key.public).kid == key.kid
    desk.use_keyring(keys)


async def test_cards_are_found_in_three_languages_and_offline(desk, hub):
    authority_keyring(desk)
    show_cards(hub)
    report = await desk.sync()
    assert report.cards == 2
    for name in ("jo", "State JO", "état jo", "دوله"):
        found = desk.lookup(Query(state=name)).to_json()["contacts"]
        assert [contact["contact"] for contact in found] == ["jo.technical"]
    assert desk.lookup(Query(role="diplomatic")).contacts == ()
    assert desk.lookup(Query(reachable_now=True, language="ar")).contacts[0].reachable_now


async def test_an_unknown_state_names_the_nearest(desk):
    await desk.sync()
    with pytest.raises(RefusedError) as refused:
        desk.lookup(Query(state="Jordann"))
    assert refused.value.code == "unknown-state"
    assert refused.value.data["nearest"] == "jo"


async def test_a_tampered_opening_is_not_kept(desk, hub):
    authority_keyring(desk)
    show_cards(hub)
    hub.cards[0]["opening"]["salt"] = b64u(bytes(32))
    report = await desk.sync()
    assert report.cards == 1
    assert any("commitment-mismatch" in warning for warning in report.warnings)


async def test_what_waits_in_the_outbox_survives_the_process(desk, hub):
    await desk.sync()
    desk.known.trust.put_outbox("opening", "x" * 43, b"{}")
    desk.known.trust.put_outbox("opening", "x" * 43, b"other")
    async with await Desk.open(desk.home) as again:
        rows = again.known.trust.outbox(state="waiting")
    assert [row.body for row in rows] == [b"{}"]
