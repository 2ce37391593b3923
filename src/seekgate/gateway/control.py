"""The worker's end of the control connection to its supervisor: one JSON message a line."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from seekgate.host.messages import ToSupervisor, decode_to_child, encode


class Control(asyncio.Protocol):
    """Hands messages to ``told`` and says ``orphaned`` when the supervisor is gone.

    ``report`` is told of an exception that a message led to, and of a line that is no message: neither may close the
    channel, because a worker without one takes itself for orphaned.
    """

    def __init__(
        self,
        told: Callable[[object], None],
        orphaned: Callable[[], None],
        report: Callable[[Exception], None],
    ) -> None:
        self._told = told
        self._orphaned = orphaned
        self._report = report
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(
        cls,
        descriptor: int,
        told: Callable[[object], None],
        orphaned: Callable[[], None],
        report: Callable[[Exception], None],
    ) -> Control:
        """Take over an inherited descriptor."""
        channel = socket.socket(fileno=descriptor)
        channel.setblocking(False)
        loop = asyncio.get_running_loop()
        _, control = await loop.create_connection(lambda: cls(told, orphaned, report), sock=channel)
        return control

    def send(self, message: ToSupervisor) -> None:
        """Say something to the supervisor."""
        if self._transport is not None:
            self._transport.write(encode(message))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The channel is open."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Some lines."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            try:
                self._told(decode_to_child(line))
            except Exception as error:  # noqa: BLE001 - reported; the channel outlives it
                self._report(error)

    def connection_lost(self, error: Exception | None) -> None:
        """The supervisor is gone."""
        self._transport = None
        self._orphaned()
