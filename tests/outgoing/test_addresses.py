"""Which addresses are public, and that a URL has one spelling only."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from poc.errors import RefusedError
from poc.outgoing.addresses import is_allowed, is_public, read_url

PUBLIC = (
    *("1.1.1.1", "8.8.8.8", "93.184.215.14", "172.32.0.1", "100.128.0.1", "223.255.255.254"),
    *("2606:4700:4700::1111", "2a00:1450:4009:81f::200e"),
)
NOT_PUBLIC = (
    *(
        "0.0.0.0",  # noqa: S104
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.255",
    ),
    *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.192", "192.0.2.1"),
    *("192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1"),
    *("239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
    *("::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1"),
    *("64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
    *("2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254"),
    *("fe80::1", "fec0::1", "ff02::1", "4000::1"),
)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_called(address):
    assert is_public(ip_address(address))
    assert is_allowed(address, ())
    assert not is_allowed(address, (), public=False)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_no_other_address_may(address):
    assert not is_public(ip_address(address))
    assert not is_allowed(address, ())


def test_a_configured_network_may_be_called_and_nothing_beside_it():
    networks = (ip_network("10.20.0.0/16"), ip_network("fd00::/64"))
    assert all(is_allowed(address, networks) for address in ("10.20.3.4", "fd00::7", "1.1.1.1"))
    assert is_allowed("10.20.3.4", networks, public=False)
    for address in ("10.21.0.1", "::ffff:10.20.3.4", "64:ff9b::a14:304", "fd01::7", "fd00::7%eth0"):
        assert not is_allowed(address, networks)


@pytest.mark.parametrize("text", ["", "example.org", "fe80::1%eth0", "127.1", "0x7f000001", "1.1.1.1 "])
def test_what_is_no_address_may_not_be_called(text):
    assert not is_allowed(text, (ip_network("0.0.0.0/0"), ip_network("::/0")))


@pytest.mark.parametrize(
    ("text", "host", "port", "place"),
    [
        ("https://gateway.example", "gateway.example", 443, "gateway.example"),
        ("https://Gateway.Example/Hook?a=B", "gateway.example", 443, "gateway.example"),
        ("https://gateway.example:8443/x", "gateway.example", 8443, "gateway.example:8443"),
        ("https://gateway.example:443/x", "gateway.example", 443, "gateway.example"),
        ("http://localhost:8480/witness", "localhost", 8480, "localhost:8480"),
        ("https://xn--mgbh0fb.example/%D8%A7", "xn--mgbh0fb.example", 443, "xn--mgbh0fb.example"),
        ("http://127.0.0.1:80", "127.0.0.1", 80, "127.0.0.1"),
        ("https://[2606:4700::1111]/", "[2606:4700::1111]", 443, "[2606:4700::1111]"),
    ],
)
def test_a_url_in_plain_spelling_is_read(text, host, port, place):
    target = read_url(text)
    assert (target.host, target.port, target.place) == (host, port, place)
    assert target.url.lower() == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        *("", "gateway.example", "//gateway.example", "ftp://gateway.example", "HTTPS://gateway.example"),
        *("https:/gateway.example", "https:///x", "https://", "https://gateway.example:0", "https://a:65536"),
        *("https://a:080", "https://a:", "https://a:80:80", "https://a b", "https://a/ b", "https://a/\n"),
        *("https://user@a", "https://user:pass@a", "https://a@b@c", "https://a\\@b", "https://a/\\b"),
        *("https://a#x", "https://a/#x", "https://a/%zz", "https://a/%2", "https://-a.example", "https://a-"),
        *(
            "https://a..example",
            "https://.a",
            "https://a.example.",
            "https://a_b.example",
            "https://ä.example",
        ),
        *("https://a%2eexample", "https://[::1", "https://::1", "https://[::1]x", "https://[::ffff:1.2.3.4]"),
        *("https://[2606:4700:0::1111]", "https://[fe80::1%25eth0]", "https://[v1.x]", "https://1.2.3.04"),
        *(
            "https://" + "a" * 64 + ".example",
            "https://a.example/" + "x" * 500,
            "https://" + "a." * 127 + "a",
        ),
    ],
)
def test_every_other_spelling_is_refused_and_not_quoted(text):
    with pytest.raises(RefusedError) as refused:
        read_url(text)
    assert refused.value.code == "bad-url"
    assert text == "" or text not in str(refused.value)
