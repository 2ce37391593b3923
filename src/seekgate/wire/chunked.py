"""The chunked transfer coding (RFC 9112, 7.1), decoded strictly."""

from __future__ import annotations

import re

from seekgate.wire.message import Refusal

_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}\r\n").match
_MAX_CHUNK_LINE = 10
_BAD_CHUNK = Refusal(400, "The chunked body is malformed: a size in hex digits, CR LF, no extensions.")
_TRAILERS = Refusal(400, "Trailer fields after a chunked body are not accepted.")


class ChunkedDecoder:
    """The chunked coding of RFC 9112, 7.1, without extensions and trailers, which are refused."""

    __slots__ = ("_left", "_line", "_max", "_state")

    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self._line = b""
        self._left = 0
        self._state = "size"

    def feed(self, data: bytes, body: bytearray) -> Refusal | bytes | None:
        """Append decoded bytes to ``body``. Return what follows the body once it is whole, a refusal, or None."""
        at, size = 0, len(data)
        while at < size:
            if self._state == "data":
                taken = min(self._left, size - at)
                body += data[at : at + taken]
                at += taken
                self._left -= taken
                if self._left == 0:
                    self._state = "end"
                continue
            # A line: a chunk's size, the CRLF after its data, or the empty line that ends the body.
            stop = data.find(b"\n", at)
            piece = data[at:] if stop < 0 else data[at : stop + 1]
            line = self._line + piece
            if stop < 0:
                self._line = line
                return self._impossible(line)
            at = stop + 1
            self._line = b""
            refusal = self._take_line(line, len(body))
            if refusal is not None:
                return refusal
            if self._state == "done":
                return data[at:]
        return None

    def _take_line(self, line: bytes, have: int) -> Refusal | None:
        if self._state == "size":
            if _CHUNK_SIZE(line) is None:
                return _BAD_CHUNK
            self._left = int(line, 16)
            if have + self._left > self._max:
                return Refusal(413, f"The request body is larger than {self._max} bytes.")
            self._state = "data" if self._left else "last"
            return None
        if line != b"\r\n":
            return _TRAILERS if self._state == "last" else _BAD_CHUNK
        self._state = "size" if self._state == "end" else "done"
        return None

    def _impossible(self, line: bytes) -> Refusal | None:
        """Refuse the beginning of a line that cannot become a good one."""
        if self._state == "size":
            good = len(line) <= _MAX_CHUNK_LINE and _CHUNK_SIZE(
                (line if line.endswith(b"\r") else line + b"\r") + b"\n"
            )
            return None if good else _BAD_CHUNK
        return None if line == b"\r" else (_TRAILERS if self._state == "last" else _BAD_CHUNK)
