"""The sockets of llama.cpp's server, seen through this process's own descriptors.

The server offers no drain, and it cuts its streams once its listening socket fails. But it is in our process, so its
descriptor is ours to replace: it then waits on a socket that nobody knows, new clients are refused at once, and what
runs goes on. It closes a connection when its client does, or 5 seconds after its last answer; so the drain is over
exactly when no connection is left, without a race between "no generation runs" and "its last byte is sent".
"""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

Address = tuple[str, int] | str
_FDS = Path("/dev/fd")
_WAKES = 100


def parse(listening: str) -> Address:
    """The address in what xllamacpp says that it listens on: ``http://127.0.0.1:80`` or ``unix:///path``."""
    scheme, _, rest = listening.partition("://")
    if scheme == "unix":
        return rest
    host, _, port = rest.rstrip("/").rpartition(":")
    return host.strip("[]"), int(port)


def refuse_new(address: Address) -> None:
    """Make new connections to ``address`` fail at once; accepted ones live on."""
    if isinstance(address, str):
        os.unlink(address)
        return
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        for fd in _fds(address, listening=True):
            os.dup2(nobody.fileno(), fd)
    # The kernel keeps the old socket while `accept` sleeps on it: wake it until the address refuses.
    for _ in range(_WAKES):
        try:
            socket.create_connection(address, timeout=1.0).close()
        except OSError:
            return


def open_connections(address: Address) -> int:
    """How many accepted connections at ``address`` are open in this process."""
    return len(_fds(address, listening=False))


def _fds(address: Address, *, listening: bool) -> list[int]:
    """This process's descriptors of sockets bound to ``address``."""
    found = []
    for entry in os.listdir(_FDS):
        fd = int(entry)
        try:
            if not stat.S_ISSOCK(os.fstat(fd).st_mode):
                continue
            with socket.socket(fileno=os.dup(fd)) as held:
                accepts = bool(held.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
                name = held.getsockname()
        except OSError:  # closed by another thread since the listing, or no stream socket
            continue
        if accepts == listening and (name if isinstance(address, str) else name[:2]) == address:
            found.append(fd)
    return found
