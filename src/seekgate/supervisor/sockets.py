"""The listening sockets, which outlive the workers.

Each worker slot has one ``SO_REUSEPORT`` socket for each listener; the kernel spreads connections over the slots, and
a connection that waits in a slot's backlog is served by that slot's next worker. The admin socket is one for all.

Sockets can be made before the addresses are known: a worker that is started early inherits them, and binding them
here later binds them there too.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence

from seekgate.config.snapshot import Listener, Snapshot
from seekgate.host.messages import ListenFd

BACKLOG = 4096
"""Connections that may wait for a worker; the system's own limit (``net.core.somaxconn``) may be lower."""


class BindError(Exception):
    """An address cannot be listened on. ``busy`` says that somebody else listens there."""

    def __init__(self, text: str, *, busy: bool = False) -> None:
        super().__init__(text)
        self.busy = busy


def family(listener: Listener) -> int:
    """IPv4 or IPv6. Raise `BindError` when the host is no address of this machine's resolver."""
    return _resolve(listener)[0]


class Sockets:
    """Every listening socket of the node: one row for each slot, in the order of the listeners."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._families: tuple[int, ...] = ()
        self._slots: list[list[socket.socket]] = []
        self._admin: socket.socket | None = None
        self.addresses: list[tuple[str, int]] = []
        self.admin_address: tuple[str, int] | None = None

    def open(self, families: Sequence[int], admin: int | None, slots: int) -> None:
        """Make unbound sockets for this many slots."""
        self._families = tuple(families)
        self._admin = _make(admin, share=False) if admin is not None else None
        for _ in range(slots):
            self._open_slot()

    def fits(self, snapshot: Snapshot) -> bool:
        """Whether the sockets that are open can be bound to the addresses of this snapshot."""
        wanted = tuple(family(listener) for listener in snapshot.listeners)
        admin = family(snapshot.admin) if snapshot.admin is not None else None
        return (wanted, admin) == (self._families, self._admin.family if self._admin is not None else None)

    def bind(self, snapshot: Snapshot, slots: int) -> None:
        """Bind and listen for this many slots; port 0 is chosen once for all of them.

        Raise `BindError`. When it says ``busy``, nothing has been bound and it may be called again.
        """
        for listener in (*snapshot.listeners, *([snapshot.admin] if snapshot.admin is not None else [])):
            _probe(listener)
        for surplus in self._slots[slots:]:
            for sock in surplus:
                sock.close()
        del self._slots[slots:]
        while len(self._slots) < slots:
            self._open_slot()
        self._listeners = snapshot.listeners
        self.addresses = [
            _bind(listener, [row[i] for row in self._slots]) for i, listener in enumerate(snapshot.listeners)
        ]
        if snapshot.admin is not None and self._admin is not None:
            self.admin_address = _bind(snapshot.admin, [self._admin])

    def inherited(self, slot: int) -> list[int]:
        """The descriptors that a worker of this slot is to inherit."""
        admin = [self._admin.fileno()] if self._admin is not None else []
        return [sock.fileno() for sock in self._slots[slot]] + admin

    def admin_fd(self) -> int | None:
        """The admin socket's descriptor."""
        return self._admin.fileno() if self._admin is not None else None

    def listen_fds(self, slot: int, snapshot: Snapshot) -> tuple[ListenFd, ...]:
        """What to tell a worker of this slot; certificates are those of ``snapshot``, which may be a later one."""
        now: dict[tuple[str, int], list[Listener]] = {}
        for listener in snapshot.listeners:
            now.setdefault((listener.host, listener.port), []).append(listener)
        rows = []
        for bound, sock in zip(self._listeners, self._slots[slot], strict=True):
            # Several may have the same address when the system chooses the port: their order tells them apart.
            same = now.get((bound.host, bound.port))
            as_now = same.pop(0) if same else bound
            rows.append(ListenFd(sock.fileno(), as_now.tls, bound.host, bound.port, as_now.xfcc_from))
        return tuple(rows)

    def close(self) -> None:
        """Close our copies. Connections that wait are still the workers' to accept, until they close theirs."""
        for row in self._slots:
            for sock in row:
                sock.close()
        if self._admin is not None:
            self._admin.close()
        self._slots, self._admin = [], None

    def _open_slot(self) -> None:
        self._slots.append([_make(each, share=True) for each in self._families])


def moved(before: Snapshot, after: Snapshot) -> list[str]:
    """What a reload cannot change about the addresses, in words; empty when nothing of it has changed."""

    def places(snapshot: Snapshot) -> list[tuple[str, int, bool]]:
        return [(each.host, each.port, each.tls is not None) for each in snapshot.listeners]

    changes = []
    if places(before) != places(after):
        changes.append("listen addresses")
    if (before.admin and (before.admin.host, before.admin.port)) != (
        after.admin and (after.admin.host, after.admin.port)
    ):
        changes.append("admin address")
    return changes


def _resolve(listener: Listener) -> tuple[int, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(
            listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise BindError(f"cannot listen on {show(listener.host, listener.port)}: {error.strerror}") from None
    where = found[0][4]
    return found[0][0], (str(where[0]), int(where[1]))


def _make(family: int, *, share: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if share:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        # ``::`` then never takes the IPv4 port too: a file that lists both addresses works, as does one alone.
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.setblocking(False)
    return sock


def _probe(listener: Listener) -> None:
    """See that nobody listens there: ``SO_REUSEPORT`` would let us share the port with another supervisor.

    Two supervisors that start in the same millisecond can still both pass.
    """
    if listener.port:
        family, _ = _resolve(listener)
        with _make(family, share=False) as sock:
            _bind(listener, [sock], listen=False)


def _bind(listener: Listener, socks: list[socket.socket], *, listen: bool = True) -> tuple[str, int]:
    _, (host, port) = _resolve(listener)
    for sock in socks:
        try:
            sock.bind((host, port))
            if listen:
                sock.listen(BACKLOG)
        except OSError as error:
            busy = error.errno == errno.EADDRINUSE
            reason = "another program listens there" if busy else os.strerror(error.errno or 0)
            raise BindError(f"cannot listen on {show(listener.host, port)}: {reason}", busy=busy) from None
        port = int(sock.getsockname()[1])
    return host, port


def show(host: str, port: int) -> str:
    """``host:port``, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
