"""Who calls on a connection, by a certificate: the client's own, or the one that a trusted proxy vouches for.

``X-Forwarded-Client-Cert`` is believed where three things are so: the listener names who may send it (``xfcc_from``),
the connection comes from an address among ``trusted_proxies``, and, where the listener asks for certificates, it shows
one that ``xfcc_from`` names. Such a proxy speaks for others and never for itself: a request that it sends without
the header comes from nobody. Everybody else's header is not looked at, and no upstream is sent one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING

from seekgate.config.snapshot import ANY_PROXY
from seekgate.gateway.tls import GOOD, REFUSED, Door, Trust, standing
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.peer import Peer, Peers
from seekgate.wire import errors
from seekgate.wire.errors import ErrorKind
from seekgate.wire.xfcc import HEADER

if TYPE_CHECKING:
    from seekgate.gateway.downstream import Downstream


class Caller:
    """What is known of a connection's other end. ``standing`` is `seekgate.gateway.tls`'s."""

    __slots__ = ("certified", "standing", "vouches")

    def __init__(self, certified: Peer | None, vouches: bool, standing: int) -> None:
        self.certified = certified
        self.vouches = vouches
        self.standing = standing


class Callers:
    """Those of a worker's public listeners. ``trusted`` are the proxies' networks."""

    def __init__(self) -> None:
        self.peers = Peers()
        self.trusted: tuple[IPv4Network | IPv6Network, ...] = ()

    def arrived(self, down: Downstream, door: Door) -> Caller | None:
        """Look at a new connection; None when there is nothing about it to know."""
        certified = None
        if down.trust is not None:
            der = down.transport.get_extra_info("ssl_object").getpeercert(True)
            certified = self.peers.certificate(der) if der else None
        # A reload may have come between the handshake and now.
        stands = standing(down.trust, door.parts.trust, certified)
        vouches = self._vouches(door, down.peer, certified)
        if certified is None and not vouches and stands == GOOD:
            return None
        return Caller(certified, vouches, stands)

    def identify(self, caller: Caller, x: Exchange) -> ErrorKind | None:
        """Set ``x.peer``; say why the request is refused, or None."""
        peer = caller.certified
        now = x.admitted_at
        if caller.standing != GOOD or (peer is not None and 0.0 < peer.expires_at <= now):
            # Whoever holds the connection must make another, and show a certificate that is good today.
            x.request.keep_alive = False
            if caller.standing == REFUSED or (peer is not None and 0.0 < peer.expires_at <= now):
                return errors.CLIENT_CERTIFICATE
        if caller.vouches:
            header = x.request.headers.get(HEADER)
            peer = None if header is None else self.peers.forwarded(header)
            if peer is not None and 0.0 < peer.expires_at <= now:
                peer = None
        x.peer = peer
        return None

    def reconsider(self, connections: Iterable[Downstream], before: Mapping[Door, Trust | None]) -> None:
        """A reload has changed these doors, which trusted as given: judge the connections that came by them."""
        for down in connections:
            door, caller = down.door, down.caller
            if door is None or door not in before:
                continue
            certified = None if caller is None else caller.certified
            stands = standing(before[door], door.parts.trust, certified)
            if caller is not None:
                caller.standing = max(caller.standing, stands)
                caller.vouches = self._vouches(door, down.peer, certified)
            elif stands != GOOD:
                down.caller = Caller(None, False, stands)

    def _vouches(self, door: Door, address: str, certified: Peer | None) -> bool:
        wanted = door.parts.xfcc_from
        if not wanted or not address or not any(ip_address(address) in network for network in self.trusted):
            return False
        if door.parts.trust is None:
            return wanted == (ANY_PROXY,)
        return certified is not None and any(_names(entry, certified) for entry in wanted)


def _names(entry: str, peer: Peer) -> bool:
    """Whether an entry of ``xfcc_from`` means this certificate."""
    if entry.startswith("spiffe://"):
        return peer.spiffe.startswith(entry[:-1]) if entry.endswith("/*") else peer.spiffe == entry
    return entry in peer.dns or entry == peer.subject
