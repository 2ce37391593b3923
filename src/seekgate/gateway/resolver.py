"""Names to addresses, followed while they change.

A headless Kubernetes service or a region's DNS record changes under a gateway that runs for weeks. The name of each
pool in use is looked up again every two seconds (in a thread: getaddrinfo blocks, and honours the host's whole
configuration); when a look-up fails, the addresses known so far stay.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol

REFRESH = 2.0


class Resolver(Protocol):
    """How a name becomes addresses."""

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """Every address of ``host``, in a stable order. Raise `OSError` when there is none."""
        ...


class SystemResolver:
    """getaddrinfo, with everything that the host puts behind it (hosts file, DNS, search lists)."""

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """Every address of ``host``, sorted, each once."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        return tuple(sorted({str(entry[4][0]) for entry in found}))


def literal(host: str) -> bool:
    """Whether ``host`` is an address already."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return True
    return False
