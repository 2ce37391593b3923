"""TLS towards clients: what the listeners of a worker present and demand, and how a reload replaces it.

Every reload makes new contexts, and each handshake begins with the one that is in force: certificates, authorities,
revocation lists and versions change together or not at all, and a session that a client would resume is forgotten with
the context that it was made under. Connections that exist keep theirs; `Trust` says what has become of their clients.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple

from seekgate.config.expiry import BLOCK, expiries
from seekgate.config.snapshot import Listener, Pair, Snapshot, Tls
from seekgate.host.messages import ListenFd
from seekgate.pipeline.peer import Peer, name_text

# For TLS 1.2, where it is asked for: forward secrecy and authenticated encryption only (RFC 9325, 4.2). Those of 1.3
# are all of this kind, and are OpenSSL's to choose.
SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"

GOOD, RENEW, REFUSED = range(3)
"""How a connection stands after a reload: as before; to be made anew, once it has been told so; to be refused."""


class Trust:
    """Which client certificates a listener accepts. Raise `OSError` or `ValueError` when a file cannot be read."""

    __slots__ = ("_authorities", "_digest", "_lists", "_required", "_serials")

    def __init__(self, tls: Tls) -> None:
        from cryptography import x509  # heavy, and needed only where client certificates are asked for

        bundle = _content(tls.client_ca or "")
        self._required = tls.client_certificates == "required"
        self._digest = hashlib.sha256(bundle).digest()
        blocks = [block[0] for block in BLOCK.finditer(bundle) if block[1] == b"CERTIFICATE"]
        self._authorities = {name_text(x509.load_pem_x509_certificate(block).subject) for block in blocks}
        revocations = _content(tls.crl) if tls.crl else b""
        lists = [x509.load_pem_x509_crl(b[0]) for b in BLOCK.finditer(revocations) if b[1] == b"X509 CRL"]
        self._lists: list[tuple[str, Any]] = [(name_text(each.issuer), each) for each in lists]
        self._serials: set[tuple[str, int]] | None = None

    def standing(self, before: Trust | None, peer: Peer | None) -> int:
        """What has become of a connection that was made under ``before`` (None: no certificates were asked for), by
        the holder of a certificate or by somebody without one."""
        if peer is None:
            return RENEW if self._required else GOOD
        if self._revoked(peer):
            return REFUSED
        if before is None or before._digest == self._digest:
            return GOOD
        # An authority that is gone is no longer believed. Any other change may or may not concern this client, who
        # proves with a new handshake that it does not.
        gone = peer.issuer in before._authorities and peer.issuer not in self._authorities
        return REFUSED if gone else RENEW

    def _revoked(self, peer: Peer) -> bool:
        if self._serials is None:
            # Once for all connections, and only where there are any: lists may be long.
            self._serials = {
                (issuer, each.serial_number) for issuer, listed in self._lists for each in listed
            }
            self._lists.clear()
        return bool(peer.serial) and (peer.issuer, int(peer.serial, 16)) in self._serials


def standing(before: Trust | None, now: Trust | None, peer: Peer | None) -> int:
    """`Trust.standing`, also where no certificates are asked for any more: then none is believed."""
    if now is before:
        return GOOD
    return now.standing(before, peer) if now is not None else RENEW if peer is not None else GOOD


class Parts(NamedTuple):
    """What is in force at a listener, or will be."""

    context: ssl.SSLContext | None
    trust: Trust | None
    xfcc_from: tuple[str, ...]
    expiries: tuple[tuple[str, float], ...] = ()
    signature: bytes = b""


class Door:
    """A listener, as its connections know it for as long as the worker lives; ``parts`` changes with each reload."""

    __slots__ = ("listener", "parts")

    def __init__(self, listener: ListenFd) -> None:
        self.listener = listener
        self.parts = parts(listener.tls, listener.xfcc_from)

    @property
    def name(self) -> str:
        """The address as the configuration has it."""
        return f"{self.listener.host}:{self.listener.port}"


class Doors:
    """Those of a worker. A reload reads everything (`read`) before any of it is used (`use`)."""

    def __init__(self) -> None:
        self._doors: list[Door] = []

    def __iter__(self) -> Any:
        return iter(self._doors)

    def open(self, listener: ListenFd) -> Door:
        """Raise `OSError` or `ValueError` when a file cannot be used."""
        door = Door(listener)
        self._doors.append(door)
        return door

    def read(self, snapshot: Snapshot) -> list[tuple[Door, Parts]]:
        """What is to be in force under ``snapshot``, for `use`; nothing is changed.

        A listener that the snapshot no longer has, or has without TLS, goes on with what it has until a restart. Raise
        `OSError` or `ValueError` when a file cannot be used.
        """
        now: dict[tuple[str, int], list[Listener]] = {}
        for listener in snapshot.listeners:
            now.setdefault((listener.host, listener.port), []).append(listener)
        found = []
        for door in self._doors:
            # Several may have the same address when the system chooses the port: their order tells them apart.
            same = now.get((door.listener.host, door.listener.port))
            as_now = same.pop(0) if same else None
            if as_now is not None and (as_now.tls is None) == (door.parts.context is None):
                found.append((door, parts(as_now.tls, as_now.xfcc_from, door.parts)))
        return found

    @staticmethod
    def use(found: Sequence[tuple[Door, Parts]]) -> None:
        """What was read is in force for new connections."""
        for door, new in found:
            door.parts = new


def parts(tls: Tls | None, xfcc_from: tuple[str, ...], before: Parts | None = None) -> Parts:
    """Read what a listener needs; where settings and files are as they were, keep what there is. Raise `OSError` or
    `ValueError` when a file cannot be used."""
    if tls is None:
        return Parts(None, None, xfcc_from)
    # Taken before the files are used: one that changes meanwhile is seen to have changed at the next reload.
    signature = _signature(tls)
    if before is not None and before.signature == signature:
        return before._replace(xfcc_from=xfcc_from)
    trust = Trust(tls) if tls.client_certificates != "off" else None
    return Parts(server_context(tls), trust, xfcc_from, tuple(_expiries(tls)), signature)


def _signature(tls: Tls) -> bytes:
    digest = hashlib.sha256(repr(tls).encode())
    for path in tls.files():
        with contextlib.suppress(OSError):  # said in words when it is used
            digest.update(hashlib.sha256(_content(path)).digest())
    return digest.digest()


def server_context(tls: Tls) -> ssl.SSLContext:
    """TLS for clients. Raise `OSError` or `ValueError` when the files cannot be read or do not fit."""
    context = _context(tls, Pair(tls.certificate, tls.key))
    if tls.certificates:
        context.sni_callback = _chooser(tls)
    return context


CONNECTION: ContextVar[socket.socket] = ContextVar("connection")
"""The connection whose handshake goes on in this context."""


class _Handshake(ssl.SSLObject):
    """Tells a client why its handshake has failed (an alert: RFC 8446, 6.2). The event loops close the connection at
    once and leave the alert where OpenSSL has put it, so that the client could not tell a refused certificate from a
    network that is down."""

    outgoing: ssl.MemoryBIO

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError:
            connection = CONNECTION.get(None)
            if connection is not None:
                with contextlib.suppress(OSError):  # then it cannot be told, and is closed as well
                    connection.send(self.outgoing.read())
            raise


class _ServerContext(ssl.SSLContext):
    """Makes a `_Handshake` of each connection."""

    sslobject_class = _Handshake

    def wrap_bio(
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *more: Any, **named: Any
    ) -> _Handshake:
        made = super().wrap_bio(incoming, outgoing, *more, **named)
        assert isinstance(made, _Handshake)
        made.outgoing = outgoing
        return made


def _context(tls: Tls, pair: Pair) -> ssl.SSLContext:
    context = _ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2 if tls.min_version == "1.2" else ssl.TLSVersion.TLSv1_3
    context.set_ciphers(SUITES)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    with _explained(f"the certificate {pair.certificate} with the key {pair.key}"):
        context.load_cert_chain(pair.certificate, pair.key, password=_no_password)
    if tls.client_certificates != "off":
        _ask_for_certificates(context, tls)
    return context


def _ask_for_certificates(context: ssl.SSLContext, tls: Tls) -> None:
    required = tls.client_certificates == "required"
    context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    # A resumed session is not verified again: every connection shows its certificate.
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    if tls.client_ca is None:
        raise ValueError("client certificates are asked for without client_ca")
    _load(context, tls.client_ca, "x509", "certificate")
    if tls.crl is not None:
        _load(context, tls.crl, "crl", "revocation list")
        chain = tls.crl_check == "chain"
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN if chain else ssl.VERIFY_CRL_CHECK_LEAF


def _load(context: ssl.SSLContext, path: str, kind: str, what: str) -> None:
    before = context.cert_store_stats()[kind]
    with _explained(f"the file {path}"):
        context.load_verify_locations(path)
    if context.cert_store_stats()[kind] == before:
        raise ValueError(f"the file {path}: no {what} in it")


def _chooser(tls: Tls) -> Callable[[ssl.SSLObject, str | None, ssl.SSLContext], None]:
    """Shows a further certificate to those who ask for one of its names (RFC 6066, 3); wildcards stand for one label
    (RFC 9525, 6.3)."""
    from seekgate.pipeline.peer import of_certificate

    by_name: dict[str, ssl.SSLContext] = {}
    for pair in tls.certificates:
        context = _context(tls, pair)
        block = BLOCK.search(_content(pair.certificate))
        names = of_certificate(ssl.PEM_cert_to_DER_cert(block[0].decode())).dns if block else ()
        for name in names:
            by_name.setdefault(name.lower(), context)

    def choose(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        asked = (name or "").lower()
        found = by_name.get(asked) or by_name.get("*." + asked.partition(".")[2])
        if found is not None:
            connection.context = found

    return choose


def _expiries(tls: Tls) -> Iterable[tuple[str, float]]:
    """When the first part of each file ends, Unix seconds."""
    certificates = [tls.certificate, *(pair.certificate for pair in tls.certificates)]
    named = [("certificate", path) for path in certificates]
    named += [(name, path) for name, path in (("client_ca", tls.client_ca), ("crl", tls.crl)) if path]
    first: dict[str, float] = {}
    for name, path in named:
        for _, end in expiries(_content(path)):
            first[name] = min(first.get(name, end.timestamp()), end.timestamp())
    return first.items()


class _explained:
    """Says which file an error of OpenSSL is about, in words (its own come as KEY_VALUES_MISMATCH)."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            words = (getattr(error, "reason", None) or "").replace("_", " ").lower()
            raise OSError(f"{self._what}: {words or error.strerror or error}") from error


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _no_password() -> str:
    """Without this OpenSSL would ask on the terminal, and the worker would wait for somebody to type."""
    raise ValueError("a listener's private key must not be encrypted")
