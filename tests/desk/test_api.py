"""The loopback API reads and changes nothing, for whoever has the token and no page of a browser."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest

from poc.desk.api import HOST, TOKEN_NAME, read_token, serve
from poc.errors import RefusedError
from tests.cli_world import run_here
from tests.hub_world import World
from tests.responder_world import CANARY, RESPONDER, SENDER, draft, open_desks, publish_keys, registry


@asynccontextmanager
async def served(tmp_path):
    """The API of a home that got a message, and a way to ask it."""
    world = World(tmp_path / "hub", registry())
    (tmp_path / "hub").mkdir()
    async with world.running():
        await world.fill()
        await publish_keys(world)
        async with open_desks(world, tmp_path, RESPONDER, SENDER) as (desk, sender):
            await sender.send_message(draft(sender), ("jo.technical",))
            await desk.sync()
            told, stopped = asyncio.Queue[str](), asyncio.Event()
            task = asyncio.create_task(serve(desk, 0, stopped, told.put_nowait))
            address = await told.get()
            yield desk, address, world.session
            stopped.set()
            await task


def bearer(desk, **more):
    return {"Authorization": f"Bearer {read_token(desk.home)}", **more}


async def test_it_reads_what_the_home_has_verified_and_no_content(tmp_path):
    async with served(tmp_path) as (desk, address, session):
        assert address.startswith(f"http://{HOST}:")
        texts = ""
        for path, has in {
            "/registry": "entries", "/lookup?state=sd": "contacts", "/lookup": "contacts",
            "/contacts/sd.technical": "contacts", "/inbox": "messages", "/lookup?reachable_now=1": "contacts",
        }.items():  # fmt: skip
            async with session.get(address + path, headers=bearer(desk)) as answer:
                assert answer.status == 200, (path, await answer.text())
                value = await answer.json()
                assert has in value
                assert "warnings" in value
                texts += await answer.text()
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Cache-Control"] == "no-store"
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
                assert not [name for name in answer.headers if name.startswith("Access-Control")]
        assert "jo.technical" in texts
        for secret in (CANARY, read_token(desk.home), "encrypted_key", "ciphertext"):
            assert secret not in texts
        port = address.rpartition(":")[2]
        refused = [
            ("GET", "/registry", {}, "no-token"),
            ("GET", "/nothing", {}, "no-token"),  # what there is, is said to nobody without the token
            ("GET", "/registry", {"Authorization": "Bearer x"}, "no-token"),
            ("GET", "/registry", {"Authorization": f"bearer {read_token(desk.home)}"}, "no-token"),
            ("GET", "/registry", bearer(desk, Host=f"evil.example:{port}"), "wrong-host"),
            ("GET", "/registry", bearer(desk, Host=HOST), "wrong-host"),
            ("GET", "/registry", bearer(desk, Host="127.0.0.1.evil.example"), "wrong-host"),
            ("GET", "/registry", bearer(desk, Origin="null"), "wrong-host"),
            ("GET", "/registry", bearer(desk, Origin=address), "wrong-host"),
            ("GET", "/registry", {**bearer(desk), "Sec-Fetch-Site": "cross-site"}, "wrong-host"),
            ("OPTIONS", "/registry", bearer(desk, Origin="https://evil.example"), "wrong-host"),
            ("POST", "/registry", bearer(desk), "method-not-allowed"),
            ("DELETE", "/inbox", bearer(desk), "method-not-allowed"),
            ("GET", "/nothing", bearer(desk), "not-found"),
            ("GET", "/contacts/xx.technical", bearer(desk), "unknown-contact"),
            ("GET", "/lookup?state=zz", bearer(desk), "unknown-state"),
            ("GET", "/lookup?home=x", bearer(desk), "bad-form"),
            ("GET", "/lookup?state=sd&state=jo", bearer(desk), "bad-form"),
            ("GET", "/lookup?reachable_now=yes", bearer(desk), "bad-form"),
            ("GET", "/inbox?after=1", bearer(desk), "bad-form"),
        ]
        for method, path, headers, code in refused:
            async with session.request(method, address + path, headers=headers) as answer:
                problem = await answer.json(content_type=None)
                assert problem["code"] == code, (method, path, problem)
                assert read_token(desk.home) not in str(problem)
        async with session.get(address + "/registry", headers=bearer(desk), data=b"x") as answer:
            assert answer.status == 413
        async with session.get(f"http://localhost:{port}/registry", headers=bearer(desk)) as answer:
            assert answer.status == 200
        assert not listens_elsewhere(int(port))
        size = desk.directory.size
        assert (await (await session.get(address + "/registry", headers=bearer(desk))).json())[
            "entries"
        ] == size


def listens_elsewhere(port):
    """Whether the port answers on an address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            own = probe.getsockname()[0]
        except OSError:
            return False
    if own.startswith("127."):
        return False
    with socket.socket() as tried:
        tried.settimeout(1)
        return tried.connect_ex((own, port)) == 0


def test_the_token_is_made_once_for_its_owner_alone(tmp_path):
    token = read_token(tmp_path)
    path = tmp_path / TOKEN_NAME
    assert (len(token) >= 40, read_token(tmp_path), path.stat().st_mode & 0o777) == (True, token, 0o600)
    path.chmod(0o640)
    with pytest.raises(RefusedError) as refused:
        read_token(tmp_path)
    assert refused.value.code == "bad-setting"
    assert token not in refused.value.message
    path.chmod(0o600)
    for bad in ("", "short", "é" * 40):
        path.write_text(bad)
        with pytest.raises(RefusedError):
            read_token(tmp_path)


@pytest.mark.parametrize("port", ["70000", "-1", "x"])
def test_a_port_that_is_none_is_a_usage_error(tmp_path, port):
    outcome = run_here("api", "serve", "--port", port, "--json", home=tmp_path)
    assert (outcome.code, outcome.value["code"]) == (2, "usage"), outcome
