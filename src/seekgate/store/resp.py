"""The Valkey protocol, RESP2 (https://valkey.io/topics/protocol/): commands to bytes, bytes to replies. Pure."""

from __future__ import annotations

from typing import TypeAlias

MAX_DEPTH = 8


class ServerError(Exception):
    """The server refused a command: the message begins with a word that says what kind of error it is."""


class ProtocolError(Exception):
    """What came is not RESP2."""


Reply: TypeAlias = "int | bytes | ServerError | list[Reply] | None"


def command(*parts: bytes | str | int) -> bytes:
    """One command as an array of bulk strings."""
    out = [b"*%d\r\n" % len(parts)]
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        out.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(out)


class Replies:
    """Takes what was read, in pieces of any size, and gives whole replies."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that are complete now. Raises `ProtocolError`."""
        buffer = self._buffer + data if self._buffer else data
        at, found = 0, []
        while at < len(buffer):
            parsed = _parse(buffer, at, 0)
            if parsed is None:
                break
            reply, at = parsed
            found.append(reply)
        self._buffer = buffer[at:]
        return found


def _parse(buffer: bytes, at: int, depth: int) -> tuple[Reply, int] | None:
    """One reply and where the next begins; None when it is not complete."""
    end = buffer.find(b"\r\n", at)
    if end < 0:
        return None
    kind, line, after = buffer[at : at + 1], buffer[at + 1 : end], end + 2
    if kind == b"+":
        return line, after
    if kind == b"-":
        return ServerError(line.decode("utf-8", "replace")), after
    try:
        number = int(line)
    except ValueError:
        raise ProtocolError("not a number where there must be one") from None
    if kind == b":":
        return number, after
    if kind == b"$":
        return _bulk(buffer, after, number)
    if kind == b"*" and depth < MAX_DEPTH:
        return _array(buffer, after, number, depth)
    raise ProtocolError("an unknown kind of reply")


def _bulk(buffer: bytes, at: int, size: int) -> tuple[Reply, int] | None:
    if size < 0:
        return None, at
    if len(buffer) < at + size + 2:
        return None
    return buffer[at : at + size], at + size + 2


def _array(buffer: bytes, at: int, count: int, depth: int) -> tuple[Reply, int] | None:
    if count < 0:
        return None, at
    items: list[Reply] = []
    for _ in range(count):
        parsed = _parse(buffer, at, depth + 1)
        if parsed is None:
            return None
        item, at = parsed
        items.append(item)
    return items, at
