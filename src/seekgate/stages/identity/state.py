"""The table of API keys: from what a caller presents to who it is.

Only a digest of each secret is kept, and the look-up is by digest, so that neither a memory dump nor the time that a
comparison takes tells anything about a key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import msgspec

Network = IPv4Network | IPv6Network


class Principal(msgspec.Struct, frozen=True):
    """Who calls: the key's name, and the networks that it may be used from (none: all)."""

    name: str
    networks: tuple[Network, ...] = ()

    def allowed_from(self, client: str) -> bool:
        """Whether the address ``client`` is within the key's networks."""
        if not self.networks:
            return True
        address = ip_address(client)
        return any(address in network for network in self.networks)


class KeyTable:
    """Digest of a secret → principal."""

    __slots__ = ("_by_digest",)

    def __init__(self, keys: Iterable[tuple[str, str, tuple[str, ...]]]) -> None:
        """``keys`` are (name, secret, CIDR blocks)."""
        self._by_digest = {
            digest(secret.encode()): Principal(name, tuple(ip_network(block) for block in blocks))
            for name, secret, blocks in keys
        }

    def __len__(self) -> int:
        return len(self._by_digest)

    def find(self, secret: bytes) -> Principal | None:
        """The principal that this secret belongs to."""
        return self._by_digest.get(digest(secret))


def digest(secret: bytes) -> bytes:
    """SHA-256. Keys are long and random, so that no slow hash is needed."""
    return hashlib.sha256(secret).digest()
