"""`floor`: what the same loop and the same parser cost when the proxy does nothing but pass messages on.

    python -m bench.floor --listen 18040 --upstream 18090

It checks nothing, limits nothing, counts nothing and handles no failure; it is a reference for what Python itself
costs, and no gateway. The difference between it and SeekGate is the price of SeekGate's work.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from typing import cast

import httptools
import uvloop


class Origin(asyncio.Protocol):
    """A connection to the upstream; busy while it has a client."""

    def __init__(self, idle: list[Origin]) -> None:
        self._idle = idle
        self._client: Client | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[bytes] = []
        self._chunked = False
        self._pending: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class is no subclass

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self._idle:
            self._idle.remove(self)
        if self._client is not None:
            self._client.transport.close()

    def ask(self, client: Client, request: bytes) -> None:
        self._client = client
        self._transport.write(request)

    def close(self) -> None:
        self._client = None
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)
        if self._pending:
            self._flush()

    def on_message_begin(self) -> None:
        self._headers.clear()
        self._chunked = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self._chunked = self._chunked or name.lower() == b"transfer-encoding"
        self._headers.append(b"%s: %s\r\n" % (name, value))

    def on_headers_complete(self) -> None:
        self._send(b"HTTP/1.1 %d OK\r\n%s\r\n" % (self._parser.get_status_code(), b"".join(self._headers)))

    def on_body(self, body: bytes) -> None:
        self._send(b"%x\r\n%s\r\n" % (len(body), body) if self._chunked else body)

    def on_message_complete(self) -> None:
        if self._chunked:
            self._send(b"0\r\n\r\n")
        self._flush()
        client, self._client = self._client, None
        if client is not None:
            client.origin = None
            self._idle.append(self)

    def _send(self, data: bytes) -> None:
        self._pending.append(data)

    def _flush(self) -> None:
        if self._client is not None:
            self._client.transport.write(b"".join(self._pending))
        self._pending.clear()


class Client(asyncio.Protocol):
    """A connection from a client, one request at a time."""

    def __init__(self, idle: list[Origin], upstream: int) -> None:
        self._idle = idle
        self._upstream = upstream
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._body = bytearray()
        self._dialling: asyncio.Task[None] | None = None
        self.origin: Origin | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own class is no subclass

    def connection_lost(self, exc: Exception | None) -> None:
        if self._dialling is not None:
            self._dialling.cancel()
        if self.origin is not None:
            self.origin.close()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._body.clear()

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        request = (
            b"POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (self._url, self._upstream, len(self._body), self._body)
        )
        if self._idle:
            self._start(self._idle.pop(), request)
        else:
            self._dialling = asyncio.get_running_loop().create_task(self._dial(request))

    async def _dial(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        _, origin = await loop.create_connection(lambda: Origin(self._idle), "127.0.0.1", self._upstream)
        self._dialling = None
        self._start(origin, request)

    def _start(self, origin: Origin, request: bytes) -> None:
        self.origin = origin
        origin.ask(self, request)


async def _serve(ports: list[tuple[int, int]]) -> None:
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        for listen, upstream in ports:
            idle: list[Origin] = []

            def connect(idle: list[Origin] = idle, upstream: int = upstream) -> Client:
                return Client(idle, upstream)

            server = await loop.create_server(connect, "127.0.0.1", listen, backlog=4096)
            await stack.enter_async_context(server)
        await loop.create_future()


def main() -> None:
    """Serve until a signal ends the process."""
    options = argparse.ArgumentParser(description="A featureless proxy: the floor under every figure.")
    options.add_argument("--listen", type=int, action="append", required=True)
    options.add_argument("--upstream", type=int, action="append", required=True, help="one for each --listen")
    chosen = options.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(list(zip(chosen.listen, chosen.upstream, strict=True))))


if __name__ == "__main__":
    main()
