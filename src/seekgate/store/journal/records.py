"""What every record begins with, whoever wrote it: JSON arrays, so that a segment can be read without this program.

=============  =================================================================
``OWN``        ``[0, what, …]``: the journal's own, such as a segment's first
``OPEN``       ``[1, number, time, request, caller, …]``: before an upstream is called
``CLOSE``      ``[2, number, time, request, caller, …]``: settled; ``number`` is the open's
``SINGLE``     ``[3, number, time, request, caller, …]``: both at once, of what reached no upstream
``NOTE``       ``[4, time, event]``: a change that somebody made
``ABANDONED``  ``[5, number, time, request, caller, writer, reserved]``: an open of ``writer`` that nobody closed
=============  =================================================================

``number`` counts the requests of one writer, ``time`` is Unix seconds, ``request`` the request's id and ``caller`` the
principal's. An open that is still open when its segment ends is repeated at the beginning of the next one. The eighth
element behind an open's caller is what was reserved for it.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Envelope(msgspec.Struct, array_like=True, gc=False):
    """The beginning of a record; of a note, ``number`` is its time and ``time`` its event."""

    kind: int
    number: Any = 0
    time: Any = 0.0
    request: Any = ""
    caller: Any = ""


OWN, OPEN, CLOSE, SINGLE, NOTE, ABANDONED = range(6)
REQUESTS = (OPEN, CLOSE, SINGLE, ABANDONED)
NUMBER, TIME, REQUEST, CALLER, RESERVED = 1, 2, 3, 4, 12
BEHIND_CALLER, PROMPT_DIGEST = 5, 19
"""Between them stands who asked for what, in names and numbers."""

_envelope = msgspec.json.Decoder(Envelope).decode


def envelope(raw: bytes) -> Envelope:
    """The beginning of a record; of what is no record at all, one of the journal's own kind, which means nothing."""
    try:
        return _envelope(raw)
    except msgspec.DecodeError:
        return Envelope(OWN)


decode = msgspec.json.Decoder(list[Any]).decode
encode = msgspec.json.Encoder().encode
