"""Stages in order.

For each hook the pipeline keeps one tuple of the bound methods that are overridden, so that a stage which does not
care for a hook costs nothing there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Reply, Stage, Verdict, overrides
from seekgate.wire.errors import INTERNAL

Report = Callable[[str, Exchange, Exception], None]


class Pipeline:
    """The stages of one snapshot.

    ``report`` is told of an exception in a stage (the stage's name, the exchange, the exception): such a request is
    answered with an internal error, and the worker goes on.
    """

    __slots__ = ("_chunk", "_closing", "_ends", "_head", "_last", "_report", "_request", "observers")

    def __init__(self, stages: Sequence[Stage], report: Report) -> None:
        self._report = report
        self._request = tuple((i, s.on_request) for i, s in enumerate(stages) if overrides(s, "on_request"))
        self._head = tuple((i, s.on_head) for i, s in enumerate(stages) if overrides(s, "on_head"))
        # Answers pass the stages in the opposite order: who changed the request last sees the answer first.
        answering = tuple(reversed(stages))
        self._chunk = tuple(s.on_chunk for s in answering if overrides(s, "on_chunk"))
        self._closing = tuple(
            (s.on_chunk if overrides(s, "on_chunk") else None, s.on_last if overrides(s, "on_last") else None)
            for s in answering
            if overrides(s, "on_chunk") or overrides(s, "on_last")
        )
        # The leading stages that only watch are entered by every exchange, also by one that is refused before the
        # first stage is asked: an unknown path is counted and logged like anything else.
        self.observers = self._request[0][0] if self._request else len(stages)
        self._last = len(stages) - 1
        ends = [(i, s.on_end) for i, s in enumerate(stages) if overrides(s, "on_end")]
        # _ends[n]: what to settle when stage n - 1 was the last one entered, last entered first.
        self._ends = tuple(
            tuple(end for i, end in reversed(ends) if i < entered) for entered in range(len(stages) + 1)
        )

    def request(self, x: Exchange) -> Verdict:
        """Ask the stages after the last one entered, until one answers or parks; None when all let it pass."""
        hooks = self._request
        if x.entered >= self.observers:
            hooks = tuple(entry for entry in hooks if entry[0] > x.entered)
        for i, hook in hooks:
            try:
                verdict = hook(x)
            except Exception as error:  # noqa: BLE001 - reported, and costs this request only
                x.entered = i
                return self.failed(_name(hook), x, error)
            if verdict is not None:
                x.entered = i
                return verdict
        x.entered = self._last
        return None

    def head(self, x: Exchange) -> Reply | None:
        """Tell the stages that the upstream's head is known. A `Reply` says that one of them failed."""
        for _, hook in self._head:
            try:
                hook(x)
            except Exception as error:  # noqa: BLE001 - reported, and costs this request only
                return self.failed(_name(hook), x, error)
        return None

    def chunk(self, x: Exchange, data: bytes) -> bytes | Reply:
        """Pass a piece of the answer through the stages that look at answers. A `Reply` says that one failed."""
        for hook in self._chunk:
            try:
                data = hook(x, data)
            except Exception as error:  # noqa: BLE001 - reported, and costs this request only
                return self.failed(_name(hook), x, error)
            if not data:
                break
        return data

    def last(self, x: Exchange) -> bytes | Reply:
        """A stream has ended: what is still held back, each stage's share passed through those behind it."""
        data = b""
        for on_chunk, on_last in self._closing:
            hook: Callable[..., bytes] = on_chunk or on_last  # type: ignore[assignment]
            try:
                if data and on_chunk is not None:
                    data = on_chunk(x, data)
                if on_last is not None:
                    data += on_last(x)
            except Exception as error:  # noqa: BLE001 - reported, and costs this request only
                return self.failed(_name(hook), x, error)
        return data

    def end(self, x: Exchange) -> None:
        """Settle: once for each stage that was entered, in reverse order."""
        for hook in self._ends[x.entered + 1]:
            try:
                hook(x)
            except Exception as error:  # noqa: BLE001 - reported; the other stages still settle
                self._report(_name(hook), x, error)

    def failed(self, stage: str, x: Exchange, error: Exception) -> Reply:
        """Report an exception in a stage; the answer that its request gets."""
        self._report(stage, x, error)
        return Reply(
            error=INTERNAL, message="The gateway failed to handle this request. It is not your fault."
        )


def _name(hook: Callable[..., object]) -> str:
    return type(getattr(hook, "__self__", hook)).__name__
