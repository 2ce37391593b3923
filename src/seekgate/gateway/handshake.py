"""The TLS handshake of a client's connection, before there is a connection that the front knows of.

Only so many go on at once (``limits.handshakes``), each for as long as a request's head may take: whoever opens
connections and says nothing gets no more of the worker than that. How each one ends is counted, and what an operator
may want to look into is logged: a client's certificate that was refused, a client that speaks no TLS or too old one.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

import msgspec

from seekgate.gateway.downstream import Downstream
from seekgate.gateway.front import PublicFront
from seekgate.gateway.tls import CONNECTION, Door
from seekgate.host.clock import Clock
from seekgate.host.complaints import complain
from seekgate.telemetry.metrics import Metrics
from seekgate.wire import errors
from seekgate.wire.errors import ErrorKind

# How long a closing connection with TLS may take to send what is left and to be told goodbye: not less, because a slow
# reader of a long answer would see it cut.
SHUTDOWN = 10.0
# The operator is told of each result once in so many seconds; the metrics count all of them.
TELL_EVERY = 60.0
# Connections that are accepted at once, before those that exist have their turn.
ACCEPTS = 128
# Seconds without accepting once the system has refused to give another connection (as asyncio has it).
ACCEPT_PAUSE = 1.0

# OpenSSL's results of a verification (X509_V_ERR_…).
_VERIFIED = {
    2: "untrusted",  # the issuer is not there
    3: "no_revocation_list",
    7: "untrusted",  # the signature is wrong
    9: "not_yet_valid",
    10: "expired",
    11: "no_revocation_list",  # its list is not valid yet
    12: "no_revocation_list",  # its list has expired
    18: "untrusted",  # signed by itself
    19: "untrusted",  # its authority is signed by itself
    20: "untrusted",  # no issuer here
    21: "untrusted",
    23: "revoked",
}
_WORDS = {
    "no_certificate": "a client without a certificate was refused",
    "untrusted": "a client certificate of an unknown authority was refused",
    "not_yet_valid": "a client certificate that is not valid yet was refused",
    "expired": "an expired client certificate was refused",
    "revoked": "a revoked client certificate was refused",
    "no_revocation_list": "a client certificate was refused for want of a current revocation list",
    "unverified": "a client certificate was refused",
    "client_refused": "a client does not accept this listener's certificate",
    "crowded": "a connection was closed: too many TLS handshakes at once",
}
LOGGED: dict[str, ErrorKind] = {
    result: msgspec.structs.replace(errors.TLS_HANDSHAKE, name=f"tls_{result}")
    for result in (*_WORDS, "protocol", "timeout")
}
"""What the access log is told of; a client that merely left is counted."""


def result_of(error: BaseException) -> str:
    """The metric's word for how a handshake has failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFIED.get(error.verify_code, "unverified")
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None) or ""
        if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
            return "no_certificate"
        ours = "_ALERT_" in reason and ("CERTIFICATE" in reason or reason.endswith("UNKNOWN_CA"))
        return "client_refused" if ours else "protocol"
    return "timeout" if isinstance(error, ConnectionAbortedError) else "left"


class Handshakes:
    """Those of one worker that are under way."""

    def __init__(
        self,
        front: PublicFront,
        metrics: Metrics,
        clock: Clock,
        log_refusal: Callable[[str, ErrorKind], None],
    ) -> None:
        self._front = front
        self._metrics = metrics
        self._clock = clock
        self._log_refusal = log_refusal
        self._tasks: set[asyncio.Task[None]] = set()
        self._told: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, connection: socket.socket, address: str, door: Door) -> None:
        """Shake hands with a client that has connected, or close when there are as many as there may be."""
        front, under_way = self._front, len(self._tasks)
        limits = front.limits
        if under_way >= limits.handshakes or under_way + len(front.connections) >= limits.connections:
            self._ended(address, "crowded")
            connection.close()
            return
        task = asyncio.get_running_loop().create_task(self._shake_hands(connection, address, door))
        self._tasks.add(task)
        self._metrics.tls_handshaking.value = len(self._tasks)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._metrics.tls_handshaking.value = len(self._tasks)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error  # the loop's handler reports it

    async def _shake_hands(self, connection: socket.socket, address: str, door: Door) -> None:
        front, parts = self._front, door.parts
        CONNECTION.set(connection)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Downstream(front, door, parts.trust),
                connection,
                ssl=parts.context,
                ssl_handshake_timeout=front.limits.header_timeout,
                ssl_shutdown_timeout=SHUTDOWN,
            )
        except OSError as error:
            self._ended(address, result_of(error), str(getattr(error, "verify_message", "") or error))
        else:
            self._ended(address, "ok")

    def _ended(self, address: str, result: str, words: str = "") -> None:
        """Count a handshake; log and tell what somebody may have to look into."""
        self._metrics.tls_handshakes.labels(result).value += 1
        kind = LOGGED.get(result)
        if kind is None:
            return
        self._metrics.rejected.labels(kind.name).value += 1
        self._log_refusal(address, kind)
        now = self._clock.monotonic()
        if result in _WORDS and now - self._told.get(result, -TELL_EVERY) >= TELL_EVERY:
            self._told[result] = now
            complain(_WORDS[result], level="warning", client=address, result=result, reason=words)


class SecureServer:
    """Accepts the connections of a listener with TLS. (asyncio's own server knows one context for all of its life,
    and says of a handshake that has failed neither whose nor why.)"""

    def __init__(self, handshakes: Handshakes, door: Door, listening: socket.socket) -> None:
        self._handshakes = handshakes
        self._door = door
        self._listening = listening
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        listening.setblocking(False)
        self._resume()

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listening.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(ACCEPTS):
            try:
                connection, address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                # Out of descriptors or memory: what waits goes on waiting until some are free again.
                complain("connections cannot be accepted", error=str(error), listener=self._door.name)
                self._loop.remove_reader(self._listening.fileno())
                self._pause = self._loop.call_later(ACCEPT_PAUSE, self._resume)
                return
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._handshakes.begin(connection, str(address[0]), self._door)

    def close(self) -> None:
        """Accept no more. May be called again."""
        if self._listening.fileno() < 0:
            return
        if self._pause is not None:
            self._pause.cancel()
        else:
            self._loop.remove_reader(self._listening.fileno())
        self._listening.close()
