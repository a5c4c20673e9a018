"""R28: no packet leaves for a private address, however it is spelled, resolved or reached."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from ipaddress import ip_network
from pathlib import Path

import aiohttp
import pytest

from poc.errors import PocError, RefusedError, UnreachableError
from poc.outgoing.calls import Outgoing, SystemResolver, exchange
from tests.outgoing.counter import Counter, Names

POC = Path(__file__).resolve().parents[2] / "poc"
ONE, TWO = ip_network("127.0.0.1/32"), ip_network("127.0.0.2/32")

# Spellings of 127.0.0.1 and its like. {p} is the port somebody listens at.
SPELLINGS = (
    *(
        "127.0.0.1:{p}",
        "127.0.0.1.:{p}",
        "127.1:{p}",
        "127.0.1:{p}",
        "127.00.00.01:{p}",
        "127.000.000.001:{p}",
    ),
    *("0177.0.0.1:{p}", "0177.0.0.01:{p}", "017700000001:{p}", "0o177.0.0.1:{p}", "0x7f.0.0.1:{p}"),
    *("0x7f.1:{p}", "0x7f.0x0.0x0.0x1:{p}", "0x7f000001:{p}", "0X7F000001:{p}", "2130706433:{p}"),
    *("2130706433.:{p}", "02130706433:{p}", "4425673729:{p}", "127.0.0.1%00:{p}", "127%2e0%2e0%2e1:{p}"),
    *("%31%32%37.0.0.1:{p}", "127.0.0.1%2f@example.org:{p}", "example.org@127.0.0.1:{p}"),
    *("example.org:80@127.0.0.1:{p}", "user:pass@127.0.0.1:{p}", "127.0.0.1:{p}#@example.org"),
    *("example.org#@127.0.0.1:{p}", "127.0.0.1:{p}\\@example.org", "example.org\\@127.0.0.1:{p}"),
    *("127.0.0.1\t:{p}", "127.0.0.1 :{p}", " 127.0.0.1:{p}", "127.0.0.1\r\nHost: x:{p}", "127.0.0.1;x:{p}"),
    *("①②⑦.⓪.⓪.①:{p}", "１２７.０.０.１:{p}", "127。0。0。1:{p}", "127．0．0．1:{p}"),
    *("١٢٧.٠.٠.١:{p}", "127.0.0.1:{p}@127.0.0.1:{p}", "ｌｏｃａｌｈｏｓｔ:{p}"),
    *("localhost:{p}", "LOCALHOST:{p}", "localhost.:{p}"),
    *("0:{p}", "0.0.0.0:{p}", "00.0.0.0:{p}", "0x0:{p}", "127.255.255.254:{p}", "127.0.0.2:{p}"),
    *("[::1]:{p}", "[::]:{p}", "[0:0:0:0:0:0:0:1]:{p}", "[::0001]:{p}", "[::1%25lo]:{p}", "[::1%lo]:{p}"),
    *("[::ffff:127.0.0.1]:{p}", "[::ffff:7f00:1]:{p}", "[::ffff:0:127.0.0.1]:{p}", "[::127.0.0.1]:{p}"),
    *("[::7f00:1]:{p}", "[64:ff9b::7f00:1]:{p}", "[64:ff9b::127.0.0.1]:{p}", "[64:ff9b:1::7f00:1]:{p}"),
    *("[2002:7f00:1::]:{p}", "[2002:7f00:0001::1]:{p}", "[2001:0:7f00:1::]:{p}", "[fe80::1%25lo]:{p}"),
    *("[fe80::1]:{p}", "[fc00::1]:{p}", "[fd00:ec2::254]:{p}", "[::1:{p}", "::1:{p}", "[127.0.0.1]:{p}"),
    *("169.254.169.254", "[::ffff:a9fe:a9fe]", "0xa9fea9fe", "2852039166", "169.254.43518"),
    *("100.100.100.200", "192.0.0.192", "168.63.129.16", "10.0.0.1"),
)


async def call(outgoing, url, *, method="GET", public=True, **how):
    async with outgoing.session(2, public=public) as http:
        return await exchange(http, method, url, **{"answer_bytes_max": 100, **how})


def test_no_part_of_the_hub_opens_a_session_beside_the_guard():
    """Whoever adds a call of the hub makes it through ``Outgoing``."""
    opened = re.compile(r"ClientSession\(|urlopen\(|open_connection\(|create_connection\(")
    sources = [path for part in ("hub", "web", "serving", "outgoing") for path in (POC / part).rglob("*.py")]
    found = {path.name for path in sources if opened.search(path.read_text("utf-8"))}
    assert found == {"calls.py"}


def test_there_are_sixty_spellings_at_least():
    assert len(set(SPELLINGS)) >= 60


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_spelling_of_a_private_address_lets_a_packet_out(scheme):
    async with Counter().on() as counter, Counter().on("::1", counter.port) as counter6:
        for spelling in SPELLINGS:
            url = f"{scheme}://{spelling.format(p=counter.port)}/x"
            with pytest.raises(PocError) as refused:
                await call(Outgoing(), url)
            assert refused.value.code in {"bad-url", "address-not-allowed"}, spelling
        assert (counter.connections, counter6.connections) == (0, 0)
        # The counters count: with the network configured, both are reached.
        allowed = Outgoing([ONE, ip_network("::1/128")])
        for host in ("127.0.0.1", "[::1]"):
            assert (await call(allowed, f"http://{host}:{counter.port}/x"))[0] == 200
        assert (counter.connections, counter6.connections) == (1, 1)


async def test_a_name_that_rebinds_between_check_and_connection_reaches_only_what_was_checked():
    """The first answer is allowed, every later one is not: whoever asked twice would connect elsewhere."""
    names = Names(("127.0.0.2",), ("127.0.0.1",))
    async with Counter().on("127.0.0.2") as good, Counter().on("127.0.0.1", good.port) as bad:
        status, _ = await call(Outgoing([TWO], names), f"http://rebind.example:{good.port}/x")
        assert (status, good.connections, bad.connections, names.asked) == (200, 1, 0, 1)
        # Its next call meets the second answer, and is refused.
        with pytest.raises(RefusedError, match="address-not-allowed"):
            await call(Outgoing([TWO], names), f"http://rebind.example:{good.port}/x")
        assert (good.connections, bad.connections, names.asked) == (1, 0, 2)
        assert good.requests[0].split(b"\r\n")[1].lower() == f"host: rebind.example:{good.port}".encode()


@pytest.mark.parametrize(
    "answers", [("127.0.0.2", "127.0.0.1"), ("127.0.0.1", "127.0.0.2"), ("127.0.0.2", "::1")]
)
async def test_a_name_with_one_address_that_may_not_be_called_is_not_called_at_all(answers):
    async with Counter().on("127.0.0.2") as good, Counter().on("127.0.0.1", good.port) as bad:
        with pytest.raises(RefusedError, match="address-not-allowed"):
            await call(Outgoing([TWO], Names(answers)), f"http://mixed.example:{good.port}/x")
        assert (good.connections, bad.connections) == (0, 0)


async def test_each_socket_is_judged_by_the_address_it_connects_to():
    """An address in the URL is never resolved; and what is resolved is judged again."""
    async with Counter().on() as counter:
        async with Outgoing([TWO]).session(2) as http:
            with pytest.raises(RefusedError, match="address-not-allowed"):
                await http.get(f"http://127.0.0.1:{counter.port}/x")
        assert counter.connections == 0


@pytest.mark.parametrize(
    "to", ["http://169.254.169.254/latest", "http://127.0.0.1:{p}/", "//127.0.0.1:{p}/", "/elsewhere"]
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_is_not_followed(to, status):
    async with Counter().on() as bad:
        location = to.format(p=bad.port)
        answer = f"HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n".encode()
        async with Counter(answer).on("127.0.0.2") as good:
            found, _ = await call(Outgoing([ONE, TWO]), f"http://127.0.0.2:{good.port}/x", method="POST")
        assert (found, good.connections, bad.connections) == (status, 1, 0)


async def test_the_proxy_of_the_environment_is_not_used(monkeypatch):
    async with Counter().on() as proxy, Counter().on("127.0.0.2") as good:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await call(Outgoing([ONE, TWO]), f"http://127.0.0.2:{good.port}/x")
        assert (proxy.connections, good.connections) == (0, 1)


async def test_plain_http_where_only_configured_networks_may_be_called():
    async with Counter().on() as counter:
        url = f"http://public.example:{counter.port}/x"
        with pytest.raises(RefusedError, match="address-not-allowed"):
            await call(Outgoing([ONE], Names(("1.1.1.1",))), url, public=False)
        assert (await call(Outgoing([ONE], Names(("127.0.0.1",))), url, public=False))[0] == 200


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n" + b"x" * 101,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"10\r\n" + b"x" * 16 + b"\r\n" * 2,
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 20_000 + b"\r\n\r\n",
        b"SMTP here\r\n",
        b"",
    ],
)
async def test_an_answer_that_is_too_long_or_none_is_a_failed_call(answer):
    async with Counter(answer).on() as counter:
        with pytest.raises(UnreachableError) as failed:
            await call(Outgoing([ONE]), f"http://127.0.0.1:{counter.port}/x")
        assert failed.value.code == "call-failed"


async def test_a_silent_side_is_given_up_in_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with Outgoing([ONE]).session(0.2) as http:
            with pytest.raises(UnreachableError, match="call-failed"):
                await exchange(
                    http, "GET", f"http://127.0.0.1:{silent.getsockname()[1]}/", answer_bytes_max=10
                )


async def test_a_compressed_answer_is_not_unpacked():
    answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc"
    async with Counter(answer).on() as counter:
        assert (await call(Outgoing([ONE]), f"http://127.0.0.1:{counter.port}/x")) == (200, b"abc")


async def test_a_resolver_that_fails_is_a_failed_call():
    async def none(_host):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with pytest.raises(UnreachableError) as failed:
        await call(Outgoing((), none), "https://gateway.example/")
    assert failed.value.code == "call-failed"
    with pytest.raises(socket.gaierror):
        await SystemResolver()("no-such-name.invalid")


async def test_what_was_refused_leaves_no_connection_that_a_later_call_may_use():
    """A session keeps connections it opened; each was judged, and none leads elsewhere."""
    names = Names(("127.0.0.2",), ("127.0.0.1",))
    async with Counter().on("127.0.0.2") as good, Counter().on("127.0.0.1", good.port) as bad:
        async with Outgoing([TWO], names).session(2) as http:
            url = f"http://rebind.example:{good.port}/x"
            await exchange(http, "GET", url, answer_bytes_max=10)
            with pytest.raises(PocError):
                await exchange(http, "GET", url, answer_bytes_max=10)
        assert bad.connections == 0
        assert isinstance(http, aiohttp.ClientSession)


async def test_names_that_are_slow_to_resolve_take_no_more_threads_than_their_places(monkeypatch):
    """A caller who gave up leaves its place taken until the resolver answers."""
    gate, asked = threading.Event(), []

    def slow(host, *_arguments, **_named):
        asked.append(host)
        gate.wait(10)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    outgoing = Outgoing()
    for n in range(12):
        with pytest.raises(UnreachableError, match="call-failed"):
            async with outgoing.session(0.02) as http:
                await exchange(http, "GET", f"https://slow{n}.example/", answer_bytes_max=10)
    assert len(asked) == 8
    apart = asyncio.ensure_future(call(outgoing.apart(), "https://other.example/"))
    async with asyncio.timeout(5):
        while "other.example" not in asked:  # noqa: ASYNC110 (a thread tells)
            await asyncio.sleep(0.01)
    gate.set()
    with pytest.raises(UnreachableError, match="call-failed"):
        await apart
