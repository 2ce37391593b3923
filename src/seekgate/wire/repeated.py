"""Heads that come again.

Whoever keeps a connection mostly repeats its head on it, but for the length of the body. A head that equals an earlier
one in every byte but the digits of its Content-Length means the same, so it need not be parsed again. What is
remembered has passed the strict parser; what does not match goes there.
"""

from __future__ import annotations

# How many heads of a connection are remembered in vain before that is given up.
LESSONS = 8

_NAMES = (b"\r\nContent-Length: ", b"\r\ncontent-length: ")


class RepeatedHead:
    """One remembered head: what stands before the digits of its Content-Length, and what after them, to its end."""

    __slots__ = ("_after", "_before")

    def __init__(self) -> None:
        self._before = b"\n"  # no head begins so
        self._after = b"\n"  # and so none can go on behind its digits, which end before a CR

    def learn(self, data: bytes, end: int) -> bool:
        """Remember the head ``data[:end]``; False when it has no plain Content-Length, and nothing changes."""
        for name in _NAMES:
            at = data.find(name, 0, end)
            if at >= 0:
                at += len(name)
                stop = data.find(b"\r", at)
                if not data[at:stop].isdigit():
                    return False
                self._before = data[:at]
                self._after = data[stop:end]
                return True
        return False

    def match(self, data: bytes | bytearray) -> tuple[int, int] | None:
        """Where the body begins and where it ends, if ``data`` begins with the remembered head; else None.

        The end may lie behind the end of ``data``.
        """
        before = self._before
        if not data.startswith(before):
            return None
        start = len(before)
        stop = data.find(b"\r", start, start + 10)
        digits = data[start:stop]
        if stop < 0 or not digits.isdigit() or not data.startswith(self._after, stop):
            return None
        start = stop + len(self._after)
        return start, start + int(digits)
