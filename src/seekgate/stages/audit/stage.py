"""The audit of requests: a record before an upstream is called, and one when all is settled.

The stage stands last, so that what it records is what everybody before it decided. The observer stands behind metering.
A request that never came to the stage (refused, or answered without an upstream) gets one record, from the observer.
Records are JSON arrays made from plain tuples: encoding one takes a third of a microsecond, less than an object of
names, and any tool can read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, Protocol

import msgspec

from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.principal import Principal
from seekgate.pipeline.stage import Reply, Stage, Verdict
from seekgate.wire import shown
from seekgate.wire.errors import AUDIT_UNAVAILABLE
from seekgate.wire.usage import Usage

UNAVAILABLE = Reply(error=AUDIT_UNAVAILABLE)
OPEN, CLOSE, SINGLE = 1, 2, 3
UNKNOWN = Usage(0, 0, 0, 0, 0, 0)
# A record longer than this, without content, has names in it that somebody made up; they are cut to so many characters.
LARGE = 8192
NAME = 256
CALLERS = 4096


class Writer(Protocol):
    """Where records go (`seekgate.store.journal.Journal`). ``refusing``: new requests are to be refused, because their
    records cannot be written."""

    append: Callable[[bytes], None]
    refusing: bool


class Sealer(Protocol):
    """Encrypts content."""

    def __call__(self, content: bytes, context: bytes, /) -> str:
        """The content as a text that can be recorded, bound to ``context``."""
        ...


class Watched(msgspec.Struct, gc=False):
    """An answer that is seen: the number of its request, its digest so far, and its pieces if content is kept."""

    number: int
    state: Any
    pieces: list[bytes] | None


Known = dict[str, tuple[Principal, msgspec.Raw]]


class Ledger:
    """What is open in this worker. It outlives snapshots."""

    __slots__ = ("callers", "number", "open")

    def __init__(self) -> None:
        self.number = 0
        self.open: dict[int, bytes] = {}
        self.callers: Known = {}

    def carry(self) -> Iterable[bytes]:
        """The records of what is open now."""
        return list(self.open.values())


class AuditOpen(Stage):
    """Records a request that is about to be sent to an upstream, or refuses it when that is not possible.

    ``answers``: see every answer for its digest; without it only answers that another stage looks at have one, because
    seeing an answer takes it off the fast way. ``seal`` encrypts the prompt and the answer to be kept.
    """

    __slots__ = ("_answers", "_callers", "_ledger", "_seal", "_writer")

    def __init__(
        self, writer: Writer, ledger: Ledger, *, answers: bool = False, seal: Sealer | None = None
    ) -> None:
        self._writer = writer
        self._ledger = ledger
        self._callers = ledger.callers
        self._answers = answers or seal is not None
        self._seal = seal

    def on_request(self, x: Exchange) -> Verdict:
        """Append the open record."""
        if not x.candidates:
            return None  # no upstream will be called: one record at the end is enough
        writer = self._writer
        if writer.refusing:
            return UNAVAILABLE
        ledger = self._ledger
        number = ledger.number = ledger.number + 1
        if self._answers:
            x.inspected = True
        prompt = None if self._seal is None else self._seal(x.request.body, x.id.encode())
        record = encoded(opening(OPEN, number, x, self._callers, prompt))
        x.received = None
        x.audit = Watched(number, sha256(), None if self._seal is None else []) if x.inspected else number
        ledger.open[number] = record
        writer.append(record)
        return None

    def on_chunk(self, x: Exchange, data: bytes) -> bytes:
        """What the client is about to get; nothing is changed."""
        watched = x.audit
        if type(watched) is Watched:
            watched.state.update(data)
            if watched.pieces is not None:
                watched.pieces.append(data)
        return data


class AuditClose(Stage):
    """An observer: records what became of a request."""

    __slots__ = ("_callers", "_ledger", "_seal", "_writer")

    def __init__(self, writer: Writer, ledger: Ledger, *, seal: Sealer | None = None) -> None:
        self._writer = writer
        self._ledger = ledger
        self._callers = ledger.callers
        self._seal = seal

    def on_end(self, x: Exchange) -> None:
        """Append the close record; of a request that was never opened, the only one."""
        ledger = self._ledger
        note = x.audit
        if note is None:
            number = ledger.number = ledger.number + 1
            closing = ended(CLOSE, number, x, None, None)
            whole = opening(SINGLE, number, x, self._callers, None) + closing[5:]
            self._writer.append(encoded(whole))
            return
        digest = answer = None
        if type(note) is int:
            number = note
        else:
            number = note.number
            digest = note.state.digest()
            if note.pieces and self._seal is not None:
                answer = self._seal(b"".join(note.pieces), x.id.encode())
        ledger.open.pop(number, None)
        self._writer.append(encoded(ended(CLOSE, number, x, digest, answer)))


def opening(kind: int, number: int, x: Exchange, known: Known, prompt: str | None) -> tuple[Any, ...]:
    """Who asks for what, in the order of `seekgate.stages.audit.records.ASKED`. What was reserved is tokens in, tokens
    out, and money by currency."""
    who = x.principal
    caller = known.get(who.id)
    if caller is None or caller[0] is not who:
        caller = _know(known, who)
    endpoint, body, reservation, received = x.endpoint, x.request.body, x.reservation, x.received
    return (
        kind,
        number,
        x.admitted_at,
        x.id,
        caller[1],
        None if reservation is None else (reservation.input, reservation.output, reservation.money),
        x.client,
        endpoint.operation,
        endpoint.route,
        x.model if x.model_entry is not None else shown.name(x.model),
        x.candidates[0].id if x.candidates else "",
        x.stream,
        x.bytes_in,
        sha256(body).digest() if body else None,
        None if received is None else sha256(received).digest(),
        x.decisions,
        x.detected,
        prompt,
    )


def ended(kind: int, number: int, x: Exchange, digest: bytes | None, answer: str | None) -> tuple[Any, ...]:
    """What became of it, in the order of `seekgate.stages.audit.records.ANSWERED`."""
    usage, took, first, deployment = (
        x.usage or UNKNOWN,
        x.ended_at - x.started_at,
        x.first_event_at,
        x.deployment,
    )
    return (
        kind,
        number,
        x.admitted_at + took,
        x.id,
        x.principal.id,
        x.status,
        x.outcome,
        x.error_type,
        x.error_source,
        "" if deployment is None else deployment.id,
        x.served_model,
        x.upstream_id,
        len(x.attempts),
        int(took * 1e6),
        int((first - x.started_at) * 1e6) if first else 0,
        x.events,
        x.bytes_out,
        x.finish_reason,
        usage.prompt,
        usage.hit,
        usage.completion,
        usage.reasoning,
        x.cost_micro,
        x.currency,
        x.price_version,
        digest,
        x.decisions,
        x.detected,
        answer,
    )


def _know(known: Known, who: Principal) -> tuple[Principal, msgspec.Raw]:
    """Encode who calls, once for a caller that comes again: the elements of a record from ``caller`` to ``user``."""
    made = encoded(
        (who.id, who.kind, who.name, who.organisation, who.team, who.application, who.tier, who.user, None)
    )
    if len(known) >= CALLERS:
        known.clear()
    # Without the brackets, and without the last element, which `encoded` looks at.
    caller = known[who.id] = (who, msgspec.Raw(made[1:-6]))
    return caller


def encoded(record: tuple[Any, ...]) -> bytes:
    """A record's bytes. What cannot be written as UTF-8 becomes a question mark, and names of absurd length are cut."""
    try:
        data = _encode(record)
    except UnicodeEncodeError:
        return _encode([_plain(value) for value in record])
    if len(data) > LARGE and record[-1] is None:
        return _encode([_plain(value) for value in record])
    return data


def _plain(value: object) -> object:
    return value[:NAME].encode("utf-8", "replace").decode() if type(value) is str else value


_encode = msgspec.json.Encoder().encode
