"""What is asked of an external moderation service, and what its answer says. Pure: somebody else sends it.

``openai``: ``POST …/moderations`` with ``{"model", "input": [TEXT, …]}``, answered as OpenAI's moderation API does
(``results[].flagged``, ``results[].categories``). ``webhook``: ``{"texts": [TEXT, …]}``, answered with
``{"flagged": true, "categories": ["…"]}``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from seekgate.config.compiled.guard import Moderation
from seekgate.wire import shown

MAX_CHARACTERS = 65_536
"""Of one request that are sent, the newest."""


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """``flagged`` with its categories; or ``failure`` says why nobody knows."""

    flagged: bool = False
    categories: tuple[str, ...] = ()
    failure: str = ""


class Moderator(Protocol):
    """Asks the service. Nothing is raised: what goes wrong is an outcome."""

    async def ask(self, texts: Sequence[str]) -> Outcome:
        """The outcome, within the service's timeout."""
        ...

    def later(self, texts: Sequence[str], tell: Callable[[Outcome], None]) -> None:
        """Ask without waiting; ``tell`` is told."""
        ...


class _Result(msgspec.Struct):
    flagged: bool
    categories: dict[str, bool | None] = {}


class _Results(msgspec.Struct):
    results: list[_Result]


class _Verdict(msgspec.Struct):
    flagged: bool
    categories: list[str] = []


def question(settings: Moderation, texts: Sequence[str]) -> bytes:
    """The body of the call."""
    left, taken = MAX_CHARACTERS, list[str]()
    for text in reversed(texts):
        if left <= 0:
            break
        taken.append(text[-left:].encode("utf-8", "replace").decode())
        left -= len(text)
    taken.reverse()
    if settings.type == "webhook":
        return msgspec.json.encode({"texts": taken})
    model = {} if settings.model is None else {"model": settings.model}
    return msgspec.json.encode({**model, "input": taken})


def outcome(settings: Moderation, body: bytes) -> Outcome:
    """What the service says. An answer that is not understood is a failure."""
    try:
        if settings.type == "webhook":
            verdict = msgspec.json.decode(body, type=_Verdict)
            flagged, named = verdict.flagged, tuple(verdict.categories)
        else:
            results = msgspec.json.decode(body, type=_Results).results
            flagged = any(result.flagged for result in results)
            named = tuple(
                dict.fromkeys(name for result in results for name, yes in result.categories.items() if yes)
            )
    except msgspec.MsgspecError:
        return Outcome(failure="its answer is not that of a moderation service")
    if settings.categories is not None:
        named = tuple(name for name in named if name in settings.categories)
        flagged = bool(named)
    return Outcome(flagged, tuple(map(shown.name, named[:8])))
