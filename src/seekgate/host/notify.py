"""Tell the service manager how we are: the sd_notify protocol (``man 3 sd_notify``, ``man 5 systemd.service``).

Without ``NOTIFY_SOCKET`` in the environment every call does nothing, so callers need not ask.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Mapping


class Notifier:
    """Datagrams to the service manager. ``watchdog`` is the interval in seconds at which it expects us, or None."""

    def __init__(self, address: str | None, watchdog: float | None = None) -> None:
        self._address = "\0" + address[1:] if address and address.startswith("@") else address
        self._socket: socket.socket | None = None
        self.watchdog = watchdog

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], pid: int) -> Notifier:
        """Read ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID``, which may name another process than us."""
        address = environ.get("NOTIFY_SOCKET") or None
        usec = environ.get("WATCHDOG_USEC", "")
        meant = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        watchdog = int(usec) / 1_000_000 if address and meant and usec.isdigit() and int(usec) else None
        return cls(address, watchdog)

    def send(self, **variables: str | int) -> bool:
        """Send variables in one datagram. False when nobody listens or the service manager does not take it."""
        if self._address is None:
            return False
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
        text = "\n".join(f"{name}={_one_line(value)}" for name, value in variables.items())
        try:
            self._socket.sendto(text.encode(), self._address)
        except OSError:
            # A service manager that is gone or slow must not take the service down with it.
            return False
        return True

    def ready(self, status: str, pid: int) -> bool:
        """Start-up or a reload is complete."""
        return self.send(READY=1, MAINPID=pid, STATUS=status)

    def reloading(self, status: str) -> bool:
        """A reload has begun; systemd wants the monotonic instant of it (``Type=notify-reload``)."""
        return self.send(RELOADING=1, MONOTONIC_USEC=time.monotonic_ns() // 1000, STATUS=status)

    def stopping(self, status: str) -> bool:
        """Shutdown has begun."""
        return self.send(STOPPING=1, STATUS=status)

    def status(self, status: str) -> bool:
        """One line for ``systemctl status``."""
        return self.send(STATUS=status)

    def alive(self) -> bool:
        """Feed the watchdog."""
        return self.send(WATCHDOG=1)

    def extend(self, seconds: float) -> bool:
        """Ask for this much more time from now to start, for instance while a model is fetched."""
        return self.send(EXTEND_TIMEOUT_USEC=int(seconds * 1_000_000))

    def close(self) -> None:
        """Close the socket; a later `send` opens a new one."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None


def _one_line(value: str | int) -> str:
    return str(value).replace("\n", " ")
