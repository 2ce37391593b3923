"""The table of API keys: from what a caller presents to who it is.

Of the keys only digests are kept, and the look-up is by digest, so that the time which a comparison takes tells
nothing about a key. What callers have presented lately and was right is remembered as it came (the connections hold
it anyway): a busy key is then one look-up instead of a hash.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import msgspec

from seekgate.pipeline.principal import Principal

MAX_REMEMBERED = 4096

Network = IPv4Network | IPv6Network


class Known(msgspec.Struct, frozen=True):
    """Whom a key stands for, and the networks that it may be used from (none: all)."""

    principal: Principal
    networks: tuple[Network, ...] = ()

    def allowed_from(self, client: str) -> bool:
        """Whether the address ``client`` is within the key's networks."""
        if not self.networks:
            return True
        address = ip_address(client)
        return any(address in network for network in self.networks)


class KeyTable:
    """Digest of a secret → principal."""

    __slots__ = ("_by_digest", "_presented")

    def __init__(self, keys: Iterable[tuple[str, str, tuple[str, ...]]]) -> None:
        """``keys`` are (name, secret, CIDR blocks)."""
        self._presented: dict[bytes, Known] = {}
        self._by_digest = {
            digest(secret.encode()): Known(
                Principal(name, name, "file"), tuple(ip_network(block) for block in blocks)
            )
            for name, secret, blocks in keys
        }

    def __len__(self) -> int:
        return len(self._by_digest)

    def presented(self, authorization: bytes) -> Known | None:
        """The principal that an Authorization header was right for, lately; None: look it up with `find`."""
        return self._presented.get(authorization)

    def find(self, secret: bytes, authorization: bytes = b"") -> Known | None:
        """The principal that this secret belongs to; remembered for ``authorization``, if given."""
        known = self._by_digest.get(digest(secret))
        if known is not None and authorization:
            if len(self._presented) >= MAX_REMEMBERED:
                self._presented.clear()
            self._presented[authorization] = known
        return known


def digest(secret: bytes) -> bytes:
    """SHA-256. Keys are long and random, so that no slow hash is needed."""
    return sha256(secret).digest()
