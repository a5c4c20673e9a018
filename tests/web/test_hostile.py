"""R21: whatever comes in over a socket gets an answer below 500, soon, and the hub goes on."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import time
import zlib

import pytest

from poc.limits import BODY_BYTES_MAX, JSON_INTEGER_MAX
from poc.serving.connection import Deadlines
from tests.hub_world import World
from tests.registry import usual

CONTACT = "jo.technical 1"


@pytest.fixture
async def world(tmp_path):
    made = World(tmp_path, usual())
    made.deadlines = Deadlines(header=0.6, body=0.6, idle=1.2)
    async with made.running() as running:
        await running.fill()
        yield running
        assert (await running.ask("GET", "/healthz"))[0] == 200


async def raw(world, data, *, seconds=5.0, end=False):
    """All that comes back for these bytes until the hub closes; end: say that nothing more will come."""
    host, port = world.origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    answer = b""
    try:
        writer.write(data)
        if end:
            writer.write_eof()
        async with asyncio.timeout(seconds):
            while chunk := await reader.read(65536):
                answer += chunk
    except ConnectionError:
        pass
    finally:
        writer.close()
    return answer


def statuses(answer):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", answer)]


def post(body, *, headers=b"", length=None):
    size = len(body) if length is None else length
    top = b"POST /v1/statements HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers
    return top + (b"Content-Length: %d\r\n" % size if size != "none" else b"") + b"\r\n" + body


# In the spirit of JSONTestSuite: each must be refused. What is valid JSON is no statement either.
TEXTS = {
    "an array of one million": b"[" + b"0," * 50_000 + b"0]",
    "deep arrays": b"[" * 60_000,
    "deep closed arrays": b"[" * 50_000 + b"]" * 50_000,
    "deep objects": b'{"a":' * 20_000,
    "depth 33": b"[" * 33 + b"]" * 33,
    "NaN": b"[NaN]",
    "Infinity": b"[-Infinity]",
    "hex": b"[0x1]",
    "leading zero": b"[01]",
    "plus": b"[+1]",
    "bare point": b"[.5]",
    "an exponent of nothing": b"[1e]",
    "a huge exponent": b"[1e400]",
    "a fraction": b'{"payload":1.5,"signatures":[]}',
    "an integer too large": b"[%d]" % (JSON_INTEGER_MAX + 1),
    "an integer too small": b"[-%d]" % (JSON_INTEGER_MAX + 1),
    "100,000 digits": b"[" + b"9" * 100_000 + b"]",
    "single quotes": b"['a']",
    "a comment": b"[1]/*x*/",
    "a trailing comma": b"[1,]",
    "two values": b"{}{}",
    "a lone surrogate": b'["\\ud800"]',
    "a reversed pair": b'["\\udc00\\ud800"]',
    "a raw control": b'["\x01"]',
    "a raw line break": b'["\n"]',
    "an unfinished escape": b'["\\u12"]',
    "an unknown escape": b'["\\x00"]',
    "an overlong sequence": b'["\xc0\xaf"]',
    "an encoded surrogate": b'["\xed\xa0\x80"]',
    "UTF-16": "{}".encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a NUL": b"\x00",
    "duplicates": b'{"payload":"","payload":"","signatures":[]}',
    "an escaped duplicate": b'{"a":1,"\\u0061":2}',
    "many members": b"{" + b",".join(b'"%d":0' % n for n in range(12_000)) + b"}",
    "an unclosed text": b'{"payload":"' + b"a" * 100_000,
    "null": b"null",
    "nothing": b"",
    "space": b" " * 1000,
    "__proto__": b'{"__proto__":{}}',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_a_text_that_is_not_strict_json_is_refused_as_such(world, text):
    began = time.monotonic()
    status, problem = await world.ask("POST", "/v1/statements", text)
    assert (status, problem["code"] in {"bad-json", "bad-form"}) == (400, True), problem
    assert time.monotonic() - began < 3


async def test_a_million_members_within_the_limit_are_refused_in_time(world):
    text = b"{" + b",".join(b'"%x":0' % n for n in range(95_000)) + b"}"
    assert len(text) < BODY_BYTES_MAX
    began = time.monotonic()
    status, problem = await world.ask("PUT", "/v1/messages/x", text, who=CONTACT)
    assert (status < 500, problem["code"]) == (True, "bad-form")
    assert time.monotonic() - began < 3


async def test_ten_megabytes_are_refused_and_the_client_sees_it(world):
    text = b'{"payload":"' + b"a" * 10_000_000 + b'"}'
    answer = await raw(world, post(text), seconds=15)
    assert statuses(answer) == [413]
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["limit_bytes"] == 128 * 1024


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "identity", "zstd", "gzip, gzip", "x" * 100])
async def test_an_encoded_body_is_refused_and_never_unpacked(world, name):
    bomb = gzip.compress(b"0" * 50_000_000) if name == "gzip" else zlib.compress(b"0" * 1_000_000)
    began = time.monotonic()
    status, problem = await world.ask("POST", "/v1/statements", bomb, headers={"Content-Encoding": name})
    assert (status, problem["code"]) == (415, "encoded-body")
    assert time.monotonic() - began < 1


CHUNKED = b"Transfer-Encoding: chunked\r\n"
RAW = {
    "chunks": post(b"2\r\n{}\r\n0\r\n\r\n", headers=CHUNKED, length="none"),
    "a chunk size that is none": post(b"zz\r\n{}\r\n0\r\n\r\n", headers=CHUNKED, length="none"),
    "a huge chunk size": post(b"FFFFFFFFFFFFFFFF\r\n{}", headers=CHUNKED, length="none"),
    "a negative chunk size": post(b"-1\r\n{}\r\n", headers=CHUNKED, length="none"),
    "a long chunk extension": post(
        b"2;" + b"a" * 20_000 + b"\r\n{}\r\n0\r\n\r\n", headers=CHUNKED, length="none"
    ),
    "chunks and a length": post(b"2\r\n{}\r\n0\r\n\r\n", headers=CHUNKED, length=5),
    "an unknown transfer": post(b"{}", headers=b"Transfer-Encoding: gzip\r\n", length="none"),
    "gzip in chunks": post(b"{}", headers=b"Transfer-Encoding: gzip, chunked\r\n", length="none"),
    "two lengths": post(b"{}", headers=b"Content-Length: 3\r\n"),
    "a negative length": post(b"{}", length=-5),
    "a length that is none": b"POST /v1/statements HTTP/1.1\r\nHost: x\r\nContent-Length: two\r\n\r\n{}",
    "a length too long": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 40 + b"\r\n\r\n{}",
    "a length with a plus": b"POST /v1/statements HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}",
    "no host": b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
    "no version": b"GET /healthz\r\n\r\n",
    "HTTP/1.0": b"GET /healthz HTTP/1.0\r\n\r\n",
    "HTTP/9.9": b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    "noise": bytes(range(256)) * 8,
    "a folded header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
    "a header without a colon": b"GET /healthz HTTP/1.1\r\nHost: x\r\nnothing\r\n\r\n",
    "a space before a colon": b"GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n",
    "bare line feeds": b"GET /healthz HTTP/1.1\nHost: x\n\n",
    "a NUL in a header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n",
    "a NUL in the path": b"GET /v1/keys/\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "an encoded NUL": b"GET /v1/keys/%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a bad escape": b"GET /v1/keys/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "half an escape": b"GET /v1/keys/% HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "an escape that is no UTF-8": b"GET /v1/keys/%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a raw byte in the path": b"GET /v1/keys/\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a space in the path": b"GET /v1/keys/a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "dots": b"GET /tile/../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "encoded dots": b"GET /tile/%2e%2e/%2e%2e/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "encoded slashes": b"GET /tile/0%2f000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "two slashes": b"GET //healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a whole address": b"GET http://elsewhere.example/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a whole address that is none": b"GET http://[/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a star": b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "connect": b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "trace": b"TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a method of our own": b"BREW / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a method in small letters": b"get /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a long method": b"A" * 5000 + b" / HTTP/1.1\r\nHost: x\r\n\r\n",
    "head": b"HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a long address": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long query": b"GET /v1/inbox?after="
    + b"1" * 7000
    + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a huge header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 100_000 + b"\r\n\r\n",
    "many headers": b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 10_000 + b"\r\n",
    "a header not in ASCII": b"GET /v1/inbox HTTP/1.1\r\nHost: x\r\nSignature: \xff\xfe\r\nSignature-Input: "
    + "توقيع".encode()
    + b"\r\nContent-Digest: \xe9\r\nConnection: close\r\n\r\n",
    "an expectation": post(b"{}", headers=b"Expect: miracles\r\n"),
    "an upgrade": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "an upgrade to h2c": b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "a range": b"GET /checkpoint HTTP/1.1\r\nHost: x\r\nRange: bytes=5-1\r\nConnection: close\r\n\r\n",
    "a smuggled second request": post(b"{}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", length=2),
}


@pytest.mark.parametrize("data", RAW.values(), ids=RAW)
async def test_no_bytes_give_a_fault_or_a_hang(world, data):
    answer = await raw(world, data)
    found = statuses(answer)
    assert all(status < 500 or status == 501 for status in found), answer[:300]
    for status, text in zip(found, answer.split(b"HTTP/1.1 ")[1:], strict=True):
        if status >= 400 and b"HEAD" not in data[:4]:
            assert b"application/problem+json" in text, answer[:300]


async def test_a_client_that_leaves_in_the_middle_of_its_body_harms_nobody(world):
    await raw(world, post(b"{", length=1000), end=True)
    assert (await world.ask("GET", "/healthz"))[0] == 200


async def test_many_requests_in_one_write_are_all_answered(world):
    one = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert statuses(await raw(world, one * 99 + last)) == [200] * 100


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "after=1&after=2", "after=01", "since=1", "after=%00", "after=٣", "x"]
)
async def test_a_query_that_is_not_the_routes_own_is_refused(world, query):
    path = "/v1/inbox?" + query.replace("٣", "%D9%A3")
    status, problem = await world.ask("GET", path, who=CONTACT)
    assert (status, problem["code"]) == (400, "bad-form")


async def timed(world, data, drip=b""):
    """How long the hub keeps a connection that sends these bytes, then a drip again and again."""
    host, port = world.origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    began = time.monotonic()

    async def dribble():
        while drip:
            writer.write(drip)
            await asyncio.sleep(0.05)

    dripping = asyncio.ensure_future(dribble())
    writer.write(data)
    answer = b""
    try:
        async with asyncio.timeout(10):
            while chunk := await reader.read(65536):
                answer += chunk
    except ConnectionError:
        pass
    finally:
        dripping.cancel()
        writer.close()
    return time.monotonic() - began, answer


DRIBBLES = {
    "nothing at all": (b"", b""),
    "a header byte by byte": (b"GET /healthz HTTP/1.1\r\nHost: ", b"x"),
    "header lines one by one": (b"GET /healthz HTTP/1.1\r\n", b"A: b\r\n"),
    "empty lines": (b"", b"\r\n"),
    "half a method": (b"GE", b""),
}


@pytest.mark.parametrize(("data", "drip"), DRIBBLES.values(), ids=DRIBBLES)
async def test_a_header_that_is_not_complete_in_time_ends_its_connection(world, data, drip):
    seconds, answer = await timed(world, data, drip)
    assert 0.4 < seconds < 2.5
    assert b"200" not in answer.split(b"\r\n")[0]


async def test_a_second_header_on_a_connection_has_the_same_deadline(world):
    seconds, answer = await timed(world, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HT", b"")
    assert statuses(answer) == [200]
    assert seconds < 3


async def test_an_idle_connection_is_closed_in_its_time(world):
    seconds, answer = await timed(world, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert statuses(answer) == [200]
    assert 1 < seconds < 4


async def test_a_body_that_is_not_complete_in_time_is_refused(world):
    head = b"POST /v1/statements HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{"
    seconds, answer = await timed(world, head, b"a")
    assert statuses(answer) == [408]
    assert b"too-slow" in answer
    assert seconds < 4


async def test_a_hundred_dribbling_clients_do_not_slow_an_honest_one(world):
    slow = [asyncio.ensure_future(timed(world, b"GET /heal", b"t")) for _ in range(100)]
    await asyncio.sleep(0.1)
    began = time.monotonic()
    for _ in range(20):
        assert (await world.ask("GET", "/healthz"))[0] == 200
    assert (time.monotonic() - began) / 20 < 0.5
    ends = await asyncio.gather(*slow)
    assert max(seconds for seconds, _ in ends) < 4


async def test_a_complete_request_takes_as_long_as_it_needs(world, monkeypatch):
    async def slow(*_given):
        await asyncio.sleep(1)
        return ()

    monkeypatch.setattr(world.hub.store, "read_proposals", slow)
    assert (await world.ask("GET", "/v1/proposals", who="x-las.registrar-1"))[0] == 200
