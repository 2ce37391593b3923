"""The tables of API keys: from what a caller presents to who it is.

Of keys only digests are kept, and the look-up is by digest, so that the time which a comparison takes tells nothing
about a key. What callers have presented lately and was right is remembered as it came (the connections hold it anyway):
a busy key is then one look-up instead of a hash.

Whatever ends a key's right sets ``until`` of its `Known` to 0: that one comparison, which expiry needs anyway, makes
every memory of it worthless at once, wherever it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from sys import intern
from typing import Literal
from weakref import ref

import msgspec

from seekgate.config.rows import KeyRow, Row
from seekgate.config.snapshot import Key
from seekgate.pipeline.principal import Principal

REMEMBERED = 32_768
"""Callers that are remembered as they present themselves."""
REMEMBERED_BYTES = 16_777_216
"""What they have presented, at most: tokens are long."""

FOREVER = float("inf")
Network = IPv4Network | IPv6Network


class Known(msgspec.Struct, eq=False, weakref=True):
    """Whom a key stands for, the networks that it may be used from (none: all), and from when until when (Unix
    seconds)."""

    principal: Principal
    networks: tuple[Network, ...] = ()
    since: float = 0.0
    until: float = FOREVER

    def allowed_from(self, client: str) -> bool:
        """Whether the address ``client`` is within the key's networks."""
        if not self.networks:
            return True
        address = ip_address(client)
        return any(address in network for network in self.networks)


class Recent:
    """What was presented lately, and whose it is.

    Two generations: what the older one has and is asked for moves into the younger one, and when that is full (of
    entries or of bytes) the older one is forgotten. ``get`` looks into the younger one only; it is a dictionary's own
    method, because it is asked for every request.
    """

    __slots__ = ("_bytes", "_entries", "_old", "_used", "_young", "get")

    def __init__(self, entries: int = REMEMBERED, size: int = REMEMBERED_BYTES) -> None:
        self._entries = entries // 2
        self._bytes = size // 2
        self._used = 0
        self._young: dict[bytes, Known] = {}
        self._old: dict[bytes, Known] = {}
        self.get: Callable[[bytes], Known | None] = self._young.get

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())

    def older(self, presented: bytes) -> Known | None:
        """What the older generation knows."""
        return self._old.get(presented)

    def put(self, presented: bytes, known: Known) -> None:
        """Remember."""
        self._young[presented] = known
        self._used += len(presented)
        if len(self._young) >= self._entries or self._used >= self._bytes:
            self.rotate()

    def rotate(self) -> None:
        """Forget what was not asked for since the last time."""
        self._old, self._young, self._used = self._young, {}, 0
        self.get = self._young.get


class FileKeys:
    """The keys of the configuration file: digest of a secret → whom it stands for."""

    __slots__ = ("_known",)

    def __init__(self, keys: Iterable[tuple[Key, str]]) -> None:
        """``keys`` are keys and their secrets."""
        self._known = {sha256(secret.encode()).digest(): _of_file(key) for key, secret in keys}

    def __len__(self) -> int:
        return len(self._known)

    def find(self, secret: bytes) -> Known | None:
        """The key with this secret."""
        return self._known.get(sha256(secret).digest())


def _of_file(key: Key) -> Known:
    principal = Principal(
        key.name,
        key.name,
        "file",
        organisation=key.organisation,
        team=key.team,
        application=key.application,
        tier=key.tier,
        roles=key.roles,
    )
    return Known(principal, tuple(ip_network(block) for block in key.cidr))


class _Held(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A key's row as it is kept: without names of fields and without its digest, which finds it."""

    id: str
    name: str
    organisation: str
    team: str
    application: str
    tier: Literal["core", "non-core"]
    user: str
    roles: tuple[str, ...]
    actions: tuple[str, ...] | None
    models: tuple[str, ...] | None
    cidr: tuple[str, ...]
    starts_at: float | None
    expires_at: float | None


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(_Held).decode
_DIGEST = 16
"""Bytes of a digest that are kept. Nobody who lacks the hash secret can look for two keys that share them."""
_BLOCK = 64


class KeyHash:
    """HMAC-SHA-256 (RFC 2104) under one secret: the two hashes are kept as they are after the secret's block, which
    takes a quarter of the time of the library's one call."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes) -> None:
        block = (secret if len(secret) <= _BLOCK else sha256(secret).digest()).ljust(_BLOCK, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(self, content: bytes) -> bytes:
        """The 32 bytes."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(content)
        outer.update(inner.digest())
        return outer.digest()


class KeyTable:
    """The keys of the database, which outlives snapshots: it is told of every row (`apply`), and keeps a hundred
    thousand of them small, as the bytes of their rows, which are decoded when somebody presents the key.

    ``hash`` is what keys are hashed with; None: the secret is not known, and `find` must not be asked.
    """

    __slots__ = ("_digests", "_known", "_rows", "hash")

    def __init__(self) -> None:
        self.hash: KeyHash | None = None
        self._rows: dict[bytes, bytes] = {}
        self._digests: dict[str, bytes] = {}
        # Whom somebody remembers, so that a change reaches every memory of a key.
        self._known: dict[bytes, ref[Known]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def ids(self) -> Iterable[str]:
        """The row log's ids of all keys."""
        return self._digests.keys()

    def apply(self, kind: str, id: str, row: Row | None) -> None:
        """A key is like this from now on, or gone. ``id`` is the row log's."""
        before = self._digests.pop(id, None)
        if before is not None:
            self._rows.pop(before, None)
            self._forget(before)
        if not isinstance(row, KeyRow):
            return
        digest = bytes.fromhex(row.digest)[:_DIGEST]
        self._digests[id] = digest
        self._rows[digest] = _pack(
            _Held(
                row.id,
                row.name,
                row.organisation,
                row.team,
                row.application,
                row.tier,
                row.user,
                row.roles,
                row.actions,
                row.models,
                row.cidr,
                row.starts_at,
                row.expires_at,
            )
        )
        self._forget(digest)

    def find(self, secret: bytes) -> Known | None:
        """The key that this is, expired or not; None: it is no key of ours."""
        assert self.hash is not None
        digest = self.hash.digest(secret)[:_DIGEST]
        row = self._rows.get(digest)
        if row is None:
            return None
        remembered = self._known.get(digest)
        known = None if remembered is None else remembered()
        if known is None:
            known = _of_row(_unpack(row))
            if len(self._known) >= 2 * REMEMBERED:
                self._known = {d: kept for d, kept in self._known.items() if kept() is not None}
            self._known[digest] = ref(known)
        return known

    def _forget(self, digest: bytes) -> None:
        remembered = self._known.pop(digest, None)
        known = None if remembered is None else remembered()
        if known is not None:
            known.until = 0.0


def _of_row(row: _Held) -> Known:
    principal = Principal(
        row.name,
        row.id,
        "key",
        intern(row.organisation),
        intern(row.team),
        intern(row.application),
        row.tier,
        row.user,
        row.roles,
        None if row.actions is None else frozenset(row.actions),
        None if row.models is None else frozenset(row.models),
    )
    return Known(
        principal,
        tuple(ip_network(block) for block in row.cidr) if row.cidr else (),
        row.starts_at or 0.0,
        FOREVER if row.expires_at is None else row.expires_at,
    )
