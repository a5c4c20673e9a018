"""Whose request it is: the peer, or behind a proxy the operator trusts, the client that proxy names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from multidict import MultiMapping

Network: TypeAlias = IPv4Network | IPv6Network
FORWARDED: Final = "X-Forwarded-For"
_CLIENT_PREFIX: Final = 64


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies whose word about a client's address counts; none, unless the operator names them."""

    trusted: tuple[Network, ...] = ()

    @classmethod
    def of(cls, texts: Sequence[str]) -> Proxies:
        """The proxies of a setting: addresses or networks. Raises ``ValueError``."""
        return cls(tuple(ip_network(text) for text in texts))

    def are(self, peer: str) -> bool:
        """Whether this address is a trusted proxy's."""
        at = _address(peer)
        return at is not None and any(at in network for network in self.trusted)

    def client(self, peer: str, headers: MultiMapping[str]) -> str:
        """Who asks, as a name for buckets: the peer; behind a trusted proxy, the last hop it names.

        Whatever else stands in the header a client could have written itself.
        """
        if self.are(peer):
            hops = ",".join(headers.getall(FORWARDED, [])).split(",")
            return address_name(hops[-1].strip(), peer)
        return address_name(peer, peer)


def address_name(text: str, otherwise: str) -> str:
    """An address as buckets know it: of IPv6 the /64, which one client may have whole; else what is given."""
    at = _address(text)
    if at is None:
        return otherwise
    if isinstance(at, IPv6Address):
        return str(ip_network((at, _CLIENT_PREFIX), strict=False))
    return str(at)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        at = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return at.ipv4_mapped or at if isinstance(at, IPv6Address) else at
