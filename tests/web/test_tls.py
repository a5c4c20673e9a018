"""TLS in the hub itself: what it takes, what it refuses, a renewed certificate, a desk with its own CA."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl

import pytest

from poc.client.sdk import Desk
from poc.errors import RefusedError, UnreachableError
from poc.serving.tls import Tls
from tests.hub_process import ended, make_home, real_time, running
from tests.mail_server import certificate
from tests.registry import usual
from tests.web.test_start import last_line

CONFIG = 'tls_certificate = "mail.pem"\ntls_key = "mail.key"\n'


def pair(folder):
    """A certificate of 127.0.0.1 and its key."""
    folder.mkdir(exist_ok=True)
    file = certificate(folder)
    (folder / "mail.key").chmod(0o600)
    return file, folder / "mail.key"


@pytest.fixture
def home(tmp_path):
    with real_time():
        registry = usual()
        make_home(tmp_path / "hub", registry)
    pair(tmp_path / "hub")
    (tmp_path / "hub" / "config.toml").write_text(CONFIG, "utf-8")
    return tmp_path / "hub"


def shown(address, trusted, version=None):
    """The certificate that a hub shows to a client that trusts that file."""
    host, port = address.removeprefix("https://").split(":")
    context = ssl.create_default_context(cafile=trusted)
    if version is not None:
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
    with (
        socket.create_connection((host, int(port)), 5) as plain,
        context.wrap_socket(plain, server_hostname=host) as wrapped,
    ):
        return wrapped.getpeercert(binary_form=True)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_a_hub_speaks_tls_itself_and_a_renewed_certificate_needs_no_new_start(home, tmp_path):
    fingerprint = usual().directory.fingerprint
    with running(home) as hub:
        assert hub.address.startswith("https://127.0.0.1:")
        first = shown(hub.address, home / "mail.pem")
        assert shown(hub.address, home / "mail.pem", ssl.TLSVersion.TLSv1_2) == first
        with pytest.raises(ssl.SSLError):
            shown(hub.address, home / "mail.pem", ssl.TLSVersion.TLSv1_1)
        with pytest.raises(UnreachableError):
            await Desk.join(tmp_path / "stranger", hub.address, fingerprint)
        with pytest.raises(
            RefusedError
        ) as caught:  # the way is trusted; the test's registry is a minute younger
            await Desk.join(tmp_path / "desk", hub.address, fingerprint, ca_file=home / "mail.pem")
        assert caught.value.code == "wrong-fingerprint"
        found = caught.value.data["found"]
        desk = await Desk.join(tmp_path / "desk", hub.address, str(found), ca_file=home / "mail.pem")
        await desk.close()
        async with await Desk.open(tmp_path / "desk") as again:
            assert (await again.sync()).size == 1
        (home / "mail.key").write_bytes(b"half written")
        hub.process.send_signal(signal.SIGHUP)
        await asyncio.sleep(0.3)
        assert shown(hub.address, home / "mail.pem") == first
        pair(home)
        hub.process.send_signal(signal.SIGHUP)
        await asyncio.sleep(0.3)
        assert shown(hub.address, home / "mail.pem") != first
    codes = [line for line in hub.errors.splitlines() if '"tls"' in line]
    assert ["bad-tls" in line for line in codes] == [True, False]


REFUSED = {
    "its key can be read by others": ("tls-key-open", lambda h: (h / "mail.key").chmod(0o640)),
    "the key is of another certificate": (
        "bad-tls",
        lambda h: pair(h / "other")[1].replace(h / "mail.key"),
    ),
    "there is no certificate": ("bad-tls", lambda h: (h / "mail.pem").unlink()),
    "the certificate is none": ("bad-tls", lambda h: (h / "mail.pem").write_text("none")),
}


@pytest.mark.parametrize(("code", "change"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused(tmp_path, code, change):
    file, key = pair(tmp_path)
    Tls.load(file, key)
    change(tmp_path)
    with pytest.raises(RefusedError) as caught:
        Tls.load(file, key)
    assert caught.value.code == code


def test_a_certificate_without_a_key_starts_no_hub(home):
    (home / "config.toml").write_text('tls_certificate = "mail.pem"\n', "utf-8")
    code, errors = ended(home)
    assert (code, last_line(errors)["code"]) == (1, "bad-setting")
