"""TLS towards clients: what the listeners of a worker present, and how a reload replaces it.

A certificate is never loaded into the context that its listener was opened with: a pair that does not fit would leave
that context without a key, and a pair of another key type would stand beside the old one. Each pair gets a context of
its own, and every handshake is told which one is in force (OpenSSL asks also when the client names no server).
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from seekgate.config.snapshot import Listener, Snapshot, Tls
from seekgate.host.messages import ListenFd


class Presented:
    """What one listener presents. ``context`` is what its server is opened with, for as long as it lives."""

    def __init__(self, pair: Tls) -> None:
        self.context = server_context(pair)
        self._in_force = self.context
        self.context.sni_callback = self._choose

    def use(self, context: ssl.SSLContext) -> None:
        """New connections see what ``context`` has."""
        self._in_force = context

    def _choose(
        self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, context: ssl.SSLContext
    ) -> None:
        if self._in_force is not context:
            connection.context = self._in_force


class Certificates:
    """Those of all listeners of a worker. A reload reads them all (`read`) before any is used (`use`)."""

    def __init__(self) -> None:
        self._listeners: list[tuple[ListenFd, Presented | None]] = []

    def listen(self, listener: ListenFd) -> ssl.SSLContext | None:
        """The context to open a listener with; None when it does not speak TLS. Raise `OSError` or `ValueError`."""
        presented = None
        if listener.certificate is not None and listener.key is not None:
            presented = Presented(Tls(listener.certificate, listener.key))
        self._listeners.append((listener, presented))
        return None if presented is None else presented.context

    def read(self, snapshot: Snapshot) -> list[tuple[Presented, ssl.SSLContext]]:
        """What the listeners are to present under ``snapshot``, for `use`; nothing is changed.

        A listener that the snapshot no longer has goes on, until a restart, with what it has. Raise `OSError` or
        `ValueError` when a file cannot be read or a pair does not fit.
        """
        now: dict[tuple[str, int], list[Listener]] = {}
        for listener in snapshot.listeners:
            now.setdefault((listener.host, listener.port), []).append(listener)
        found = []
        for bound, presented in self._listeners:
            # Several may have the same address when the system chooses the port: their order tells them apart.
            same = now.get((bound.host, bound.port))
            pair = same.pop(0).tls if same else None
            if presented is not None and pair is not None:
                found.append((presented, server_context(pair)))
        return found

    @staticmethod
    def use(found: Sequence[tuple[Presented, ssl.SSLContext]]) -> None:
        """Present what was read, to new connections."""
        for presented, context in found:
            presented.use(context)


def server_context(pair: Tls) -> ssl.SSLContext:
    """TLS 1.3 for clients. Raise `OSError` or `ValueError` when the files cannot be read or do not fit."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(pair.certificate, pair.key, password=_no_password)
    except OSError as error:
        # OpenSSL's own words come as NO_CERTIFICATE_ASSIGNED or KEY_VALUES_MISMATCH.
        reason = (
            (getattr(error, "reason", None) or "").replace("_", " ").lower() or error.strerror or str(error)
        )
        raise OSError(f"the certificate {pair.certificate} with the key {pair.key}: {reason}") from error
    return context


def _no_password() -> str:
    """Without this OpenSSL would ask on the terminal, and the worker would wait for somebody to type."""
    raise ValueError("a listener's private key must not be encrypted")
