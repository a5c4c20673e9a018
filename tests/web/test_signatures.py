"""R29 over HTTP: a request is the one that was signed, once, within a minute, by a key in force."""

from __future__ import annotations

import asyncio
import os
import re
from datetime import timedelta

import pytest
from multidict import CIMultiDict
from yarl import URL

from poc.core.strictjson import b64u
from tests.hub_world import World
from tests.registry import signed, signing_key, usual

WHO = "jo.technical 1"
PATH = "/v1/inbox"


@pytest.fixture
async def world(tmp_path):
    async with World(tmp_path, usual()).running() as running:
        await running.fill()
        yield running


async def code(world, headers, method="GET", path=PATH, body=b""):
    """The code of what these headers give, None where the request was taken."""
    url = URL(world.origin + path, encoded=True)
    async with world.session.request(method, url, data=body, headers=headers) as answer:
        found = await answer.json(content_type=None)
        assert answer.status in {200, 400, 401, 404, 413}
        assert (answer.status == 200) == ("code" not in found)
        return found.get("code")


def changed(world, name, pattern, text):
    """Headers signed well, one of them rewritten afterwards."""
    headers = world.headers("GET", PATH, who=WHO)
    after = re.sub(pattern, text, headers[name], count=1)
    assert after != headers[name]
    return {**headers, name: after}


REWRITTEN = {
    "another label": ("Signature-Input", "^poc=", "sig1="),
    "another label of the signature": ("Signature", "^poc=", "sig1="),
    "another tag": ("Signature-Input", 'tag="poc/1"', 'tag="poc/2"'),
    "no tag": ("Signature-Input", ';tag="poc/1"', ""),
    "another algorithm": ("Signature-Input", "ed25519", "rsa-v1_5-sha256"),
    "no algorithm": ("Signature-Input", ';alg="ed25519"', ""),
    "an extra parameter": ("Signature-Input", '"poc/1"', '"poc/1";expires=9999999999'),
    "parameters in another order": ("Signature-Input", r'(;created=\d+)(;keyid="[^"]+")', r"\2\1"),
    "an extra component": ("Signature-Input", r'"content-digest"\)', '"content-digest" "date")'),
    "a component less": ("Signature-Input", ' "content-digest"', ""),
    "components in another order": ("Signature-Input", '"@method" "@target-uri"', '"@target-uri" "@method"'),
    "authority instead of target": ("Signature-Input", "@target-uri", "@authority"),
    "another time": ("Signature-Input", r"created=\d+", "created=1795507200"),
    "a time that is none": ("Signature-Input", r"created=\d+", "created=soon"),
    "a negative time": ("Signature-Input", "created=", "created=-"),
    "a huge time": ("Signature-Input", r"created=\d+", "created=" + "9" * 30),
    "another nonce": ("Signature-Input", 'nonce="[^"]+"', f'nonce="{b64u(bytes(16))}"'),
    "a nonce of 15 bytes": ("Signature-Input", 'nonce="[^"]+"', f'nonce="{b64u(bytes(15))}"'),
    "no nonce": ("Signature-Input", ';nonce="[^"]+"', ""),
    "another key": ("Signature-Input", 'keyid="[^"]+"', f'keyid="{signing_key("sd.technical 1").kid}"'),
    "an unknown key": ("Signature-Input", 'keyid="[^"]+"', f'keyid="{b64u(bytes(32))}"'),
    "two signatures": ("Signature-Input", "$", ', b=("@method");created=1;keyid="x"'),
    "a signature cut short": ("Signature", "[A-Za-z0-9+/]{4}=", "="),
    "a signature of zeros": ("Signature", ":[^:]+:", ":" + "A" * 86 + "==:"),
    "a signature in base64url": ("Signature", ":[^:]+:", ":" + "-" * 86 + "==:"),
    "another digest": ("Content-Digest", ":[^:]+:", ":" + "A" * 43 + "=:"),
    "a digest of another kind": ("Content-Digest", "sha-256", "sha-512"),
    "two digests": ("Content-Digest", "$", ", sha-512=:AAAA:"),
    "an empty signature": ("Signature", ".+", ""),
}


@pytest.mark.parametrize(("name", "pattern", "text"), REWRITTEN.values(), ids=REWRITTEN)
async def test_a_header_rewritten_after_signing_is_refused(world, name, pattern, text):
    assert await code(world, changed(world, name, pattern, text)) is not None


@pytest.mark.parametrize("name", ["Signature", "Signature-Input", "Content-Digest"])
async def test_a_request_that_lacks_a_header_is_not_signed(world, name):
    headers = world.headers("GET", PATH, who=WHO)
    del headers[name]
    assert await code(world, headers) == "not-signed"


@pytest.mark.parametrize("name", ["Signature", "Signature-Input", "Content-Digest"])
async def test_a_header_that_stands_twice_is_refused(world, name):
    headers = CIMultiDict(world.headers("GET", PATH, who=WHO))
    headers.add(name, headers[name])
    assert await code(world, headers) == "bad-request-signature"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", PATH, b"x"),
        ("GET", PATH + "?after=0", b""),
        ("GET", PATH + "/", b""),
        ("GET", "/v1/evidence", b""),
        ("GET", "/v1/%69nbox", b""),
        ("PUT", "/v1/messages/x", b""),
    ],
)
async def test_another_request_than_the_signed_one_is_refused(world, method, path, body):
    headers = world.headers("GET", PATH, who=WHO)
    assert await code(world, headers, method, path, body) is not None


async def test_an_altered_body_is_refused(world):
    path = "/v1/messages/x/acknowledgements"
    headers = world.headers("POST", path, b'{"jws":"a"}', who=WHO)
    assert await code(world, headers, "POST", path, b'{"jws":"b"}') == "digest-mismatch"


async def test_a_request_for_another_origin_is_refused_whatever_host_says(world):
    origin = world.origin
    for elsewhere in ("http://elsewhere.example", origin.replace("http", "https"), origin + "0"):
        world.origin = elsewhere
        headers = world.headers("GET", PATH, who=WHO)
        world.origin = origin
        host = elsewhere.split("://")[1]
        assert await code(world, {**headers, "Host": host}) == "bad-request-signature"


async def test_what_host_says_is_not_looked_at(world):
    headers = world.headers("GET", PATH, who=WHO)
    assert await code(world, {**headers, "Host": "elsewhere.example"}) is None


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-61, "clock-skew"), (-60, None), (60, None), (61, "clock-skew")]
)
async def test_a_signature_counts_within_a_minute_either_way(world, seconds, expected):
    at = world.now + timedelta(seconds=seconds)
    assert await code(world, world.headers("GET", PATH, who=WHO, at=at)) == expected


async def test_of_fifty_uses_of_one_signature_at_once_exactly_one_counts(world):
    headers = world.headers("GET", PATH, who=WHO)
    codes = await asyncio.gather(*(code(world, headers) for _ in range(50)))
    assert sorted(map(str, codes)) == ["None"] + ["nonce-used"] * 49


async def test_a_nonce_counts_once_also_on_another_route_and_after_it_was_swept_too_early(world):
    nonce = b64u(os.urandom(16))
    assert await code(world, world.headers("GET", PATH, who=WHO, nonce=nonce)) is None
    await world.store.forget_nonces(world.now + timedelta(minutes=9))
    path = "/v1/evidence"
    headers = world.headers("GET", path, who=WHO, nonce=nonce)
    assert await code(world, headers, path=path) == "nonce-used"


async def test_two_keys_may_use_the_same_nonce(world):
    nonce = b64u(os.urandom(16))
    for who in (WHO, "sd.technical 1"):
        assert await code(world, world.headers("GET", PATH, who=who, nonce=nonce)) is None


async def test_a_signature_that_does_not_verify_uses_up_no_nonce(world):
    nonce = b64u(os.urandom(16))
    headers = world.headers("GET", PATH, who=WHO, nonce=nonce)
    bad = {**headers, "Signature": "poc=:" + "A" * 86 + "==:"}
    assert await code(world, bad) == "bad-request-signature"
    assert await code(world, headers) is None


async def test_a_signature_is_refused_after_a_restart_within_the_minute(tmp_path):
    world = World(tmp_path, usual())
    async with world.running():
        await world.fill()
        signed_for = world.origin
        headers = world.headers("GET", PATH, who=WHO)
        assert await code(world, headers) is None
    async with world.running():
        target, world.origin = world.origin, signed_for
        async with world.session.get(target + PATH, headers=headers) as answer:
            assert (await answer.json(content_type=None))["code"] == "nonce-used"


async def test_a_device_counts_until_it_is_revoked(world):
    assert await code(world, world.headers("GET", PATH, who=WHO)) is None
    registry = world.registry
    registry.now, registry.directory = world.now, world.hub.log.view.directory
    body = {"kid": signing_key(WHO).kid, "reason": "lost", "suspected_since": None}
    payload = registry.payload("contact.device-revoke", "jo.technical", body)
    assert (await world.ask("POST", "/v1/statements", signed(payload, "jo authority").value()))[0] == 201
    assert await code(world, world.headers("GET", PATH, who=WHO)) == "bad-request-signature"
