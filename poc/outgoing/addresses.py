"""Which addresses a call of ours may go to, and how a URL may be spelled. Pure: nothing is resolved here.

A URL has one spelling for one address: whatever a lenient reader would take for an address (decimal, octal,
short forms, escapes, user names, other scripts' digits) is refused rather than understood.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from poc.errors import RefusedError

Network: TypeAlias = IPv4Network | IPv6Network

URL_CHARS_MAX: Final = 500
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<rest>(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?"
    r"(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?)"
)
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# A name's last label begins with a letter, so that no number, in whatever base, is ever a name.
_NAME: Final = re.compile(rf"(?:{_LABEL}\.)*[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
_PORTS: Final = {"http": 80, "https": 443}

# `ipaddress` of older Pythons counts some of these as global, so the list stands here whole.
_NOT_PUBLIC: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # a public number that means the machine's own host at one cloud
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),  # Teredo and others, examples, 6to4
    )
)
# Of IPv6 only global unicast counts: outside it lie loopback, local, multicast, v4-mapped, NAT64.
_GLOBAL_UNICAST_6: Final = IPv6Network("2000::/3")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that has been read: where it points, and its text as it is sent."""

    url: str
    scheme: str
    host: str
    port: int

    @property
    def place(self) -> str:
        """The host, with the port where it is not the scheme's own: what an operator approves."""
        return self.host if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"


def read_url(text: str) -> Target:
    """Read a URL in its one spelling. Raises ``bad-url``, which never quotes it."""
    match = _URL.fullmatch(text) if len(text) <= URL_CHARS_MAX else None
    if match is None:
        raise RefusedError("bad-url")
    scheme, host, port = match["scheme"], match["host"].lower(), match["port"]
    number = _PORTS[scheme] if port is None else int(port)
    if number > 65_535 or not _is_host(host):
        raise RefusedError("bad-url")
    at = match.start("host")
    return Target(text[:at] + host + text[match.end("host") :], scheme, host, number)


def _is_host(host: str) -> bool:
    """Whether it is a name, or an address exactly as it is written by the book."""
    if _NAME.fullmatch(host):
        return len(host) <= 253
    try:
        if host.startswith("["):
            return host == f"[{IPv6Address(host[1:-1])}]"
        return host == str(IPv4Address(host))
    except ValueError:
        return False


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the public internet: none that is private, local, special or reserved."""
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST_6:
        return False
    return address.is_global and not any(address in network for network in _NOT_PUBLIC)


def is_allowed(text: str, allowed: Sequence[Network], *, public: bool = True) -> bool:
    """Whether a call may go to this address: one of the configured networks, or a public one.

    Without ``public`` only a configured network counts. An address with a zone never does.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    return any(address in network for network in allowed) or (public and is_public(address))
