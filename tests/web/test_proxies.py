"""The proxies an operator is told to use: signed requests go through unchanged."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from poc.limits import BODY_BYTES_MAX
from tests.hub_process import HubProcess, ask, make_home, real_time
from tests.registry import REGISTRARS, usual
from tests.web.test_tls import pair

FILES = Path(__file__).resolve().parents[2] / "docs" / "operate"


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def nginx(folder, port, behind):
    """The command that runs nginx with the file as it stands, but for addresses and the certificate."""
    site = (FILES / "nginx.conf").read_text("utf-8").replace("listen 443", f"listen 127.0.0.1:{port}")
    lines = [line for line in site.replace("127.0.0.1:8470", behind).splitlines() if "[::]" not in line]
    live = "/etc/letsencrypt/live/hub.example.org"
    site = "\n".join(lines).replace(f"{live}/fullchain.pem", f"{folder}/mail.pem")
    site = site.replace(f"{live}/privkey.pem", f"{folder}/mail.key")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    user = "user root;\n" if os.geteuid() == 0 else ""  # its folder is the test's alone
    whole = (
        f"{user}pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\nhttp {{\n{paths}{site}\n}}\n"
    )
    (folder / "nginx.conf").write_text(whole, "utf-8")
    return ["nginx", "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]


def caddy(folder, port, behind):
    """The same for Caddy."""
    text = (FILES / "Caddyfile").read_text("utf-8").replace("127.0.0.1:8470", behind)
    text = text.replace("hub.example.org {", f"https://127.0.0.1:{port} {{")
    text = text.replace("tls {", f"tls {folder}/mail.pem {folder}/mail.key {{")
    text = text.replace("{\n\tservers", "{\n\tadmin off\n\tauto_https disable_redirects\n\tservers", 1)
    (folder / "Caddyfile").write_text(text, "utf-8")
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@contextmanager
def proxied(tmp_path, command):
    """A hub behind a proxy; its address is the proxy's."""
    port, behind = free_port(), free_port()
    with real_time():
        make_home(tmp_path / "hub", usual())
    (tmp_path / "hub" / "config.toml").write_text(f'public_origin = "https://127.0.0.1:{port}"\n', "utf-8")
    pair(tmp_path)
    hub = HubProcess(tmp_path / "hub", port=behind)
    proxy = subprocess.Popen(
        command(tmp_path, port, f"127.0.0.1:{behind}"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(port)
        hub.address = hub.origin = f"https://127.0.0.1:{port}"
        yield hub
    finally:
        proxy.terminate()
        proxy.wait(10)
        hub.stop()


def _wait(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the proxy does not listen")


async def through(hub, trusted):
    """The statuses of signed, oddly spelt and too large requests, and the headers of one answer."""
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=trusted))
    async with aiohttp.ClientSession(connector=connector) as session:
        paths = ("/v1/proposals", "/v1/proposals?x=%C3%A9")
        signed = [(await ask(session, hub, "GET", path, who=REGISTRARS[0]))[0] for path in paths]
        large = await ask(session, hub, "POST", "/v1/statements", b"x" * (BODY_BYTES_MAX // 2))
        async with session.get(hub.origin + "/readyz") as answer:
            return signed, large, answer.status, dict(answer.headers)


@pytest.mark.long
@pytest.mark.parametrize("command", [nginx, caddy])
def test_signed_requests_go_through_a_proxy_byte_for_byte(tmp_path, command):
    if shutil.which(command.__name__) is None:
        pytest.skip(f"{command.__name__} is not installed")
    with proxied(tmp_path, command) as hub:
        signed, large, status, headers = asyncio.run(through(hub, tmp_path / "mail.pem"))
    assert signed == [200, 200]
    assert isinstance(large[1], dict), large
    assert (large[0], large[1]["code"]) == (413, "too-large")  # the hub's own answer, not the proxy's
    assert status == 200
    assert "max-age" in headers["Strict-Transport-Security"]
    assert "X-Forwarded-For" not in headers
