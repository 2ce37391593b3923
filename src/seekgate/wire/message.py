"""What has been read from a client: a request, or why there is none."""

from __future__ import annotations

import msgspec


class Request(msgspec.Struct, gc=False):
    """One request as read. Header names are lower case; a repeated list header is joined with ``", "``.

    ``headers`` has no Content-Length (the body says it) and is not to be changed: equal heads share it.
    """

    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    body: bytes
    keep_alive: bool
    http_1_0: bool


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """Why the bytes are not an acceptable request: an HTTP status and a sentence for the client."""

    status: int
    message: str
