"""Names and connections without a network: what the gateway's resolver and `connect` do, decided by a test."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from tests.fakes.transport import FakeTransport


class FakeResolver:
    """Names of a dict; a name that is not in it does not resolve."""

    def __init__(self, names: dict[str, tuple[str, ...]]) -> None:
        self.names = names
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """The addresses of ``host``; `OSError` when it is unknown."""
        self.asked.append(host)
        await asyncio.sleep(0)
        if host not in self.names:
            raise OSError(-2, "Name or service not known")
        return self.names[host]


class FakeNetwork:
    """Connections that succeed in the next turn, unless their address refuses, or stays silent."""

    def __init__(self) -> None:
        self.opened: list[tuple[str, FakeTransport]] = []
        self.refusing: set[str] = set()
        self.silent: set[str] = set()
        self.tried: list[str] = []

    async def connect(
        self,
        protocol: Callable[[], asyncio.Protocol],
        address: str,
        port: int,
        server_name: str,
        context: ssl.SSLContext | None,
        proxy: str | None,
    ) -> None:
        """Stands for `seekgate.gateway.connect.connect`."""
        where = address if address.startswith("/") else f"{address}:{port}"
        self.tried.append(where)
        loop = asyncio.get_running_loop()
        if where in self.silent:
            await loop.create_future()
        await asyncio.sleep(0)
        if where in self.refusing:
            raise ConnectionRefusedError(111, "Connection refused")
        transport = FakeTransport(loop, address, tls=context is not None)
        transport.attach(protocol())
        self.opened.append((where, transport))
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            transport.close()
            raise
