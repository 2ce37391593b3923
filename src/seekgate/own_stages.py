"""Own stages: those of installed packages, by the entry-point group ``seekgate.stages``.

An entry point names a callable that takes the settings of the configuration file and returns a
`seekgate.pipeline.stage.Stage`. It is built with each snapshot, in the worker. What it then does wrong costs the
request that it was doing it to: an exception (``sys.exit`` too), a result of a wrong type, or an awaitable that fails
is reported and answered with an internal error. What it cannot be kept from is to be slow: it runs in the worker's one
thread, so hooks that take long are reported.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from importlib.metadata import entry_points
from typing import Any

from seekgate.config.compiled.own_stages import OwnStage
from seekgate.host.complaints import SafeError
from seekgate.pipeline.stage import Reply, Stage, Verdict, Wait, overrides

GROUP = "seekgate.stages"
SLOW = 0.05
"""Seconds of a hook that are worth a line in the log."""
QUIET = 60.0
"""Seconds between two such lines about one stage."""
_HOOKS = ("on_request", "on_head", "on_chunk", "on_last", "on_end")

Monotonic = Callable[[], float]
Say = Callable[[str, str], object]
"""``say(text, stage)``: a line for the operator."""


class OwnStageError(SafeError):
    """A stage misbehaved: it did not return what its hook returns, or tried to end the process."""


def build(stages: Iterable[OwnStage], monotonic: Monotonic, say: Say) -> list[Stage]:
    """The stages, in order. Raise `ValueError`, naming the stage, for one that is not installed or cannot be built."""
    return [_wrapped(one.use, _made(one), monotonic, say) for one in stages]


def _made(one: OwnStage) -> Stage:
    found = tuple(entry_points(group=GROUP, name=one.use))
    if len(found) != 1:
        raise ValueError(f"own stage {one.use!r}: {len(found)} installed packages have it")
    try:
        made = found[0].load()(dict(one.settings))
    except (Exception, SystemExit) as error:
        raise ValueError(f"own stage {one.use!r} cannot be built: {type(error).__name__}: {error}") from error
    if not isinstance(made, Stage):
        raise ValueError(
            f"own stage {one.use!r} is a {type(made).__name__} and no seekgate.pipeline.stage.Stage"
        )
    return made


def _wrapped(name: str, stage: Stage, monotonic: Monotonic, say: Say) -> Stage:
    """The same hooks, watched. Only those that the stage has: the others must go on costing nothing."""
    watch = _Watch(name, monotonic, say)
    hooks = {hook: _hook(watch, hook, getattr(stage, hook)) for hook in _HOOKS if overrides(stage, hook)}
    made: Stage = type(f"own stage {name}", (Stage,), hooks)()
    return made


class _Watch:
    __slots__ = ("_said", "_say", "monotonic", "name")

    def __init__(self, name: str, monotonic: Monotonic, say: Say) -> None:
        self.name = name
        self.monotonic = monotonic
        self._say = say
        self._said = -QUIET

    def slow(self, hook: str, seconds: float, now: float) -> None:
        if now - self._said >= QUIET:
            self._said = now
            self._say(
                f"{hook} took {seconds * 1000:.0f} ms, and every request of this worker waited", self.name
            )


def _hook(watch: _Watch, hook: str, method: Callable[..., Any]) -> Callable[..., Any]:
    check = _CHECKS[hook]
    monotonic = watch.monotonic

    def watched(self: Stage, *arguments: Any) -> Any:
        started = monotonic()
        try:
            result = method(*arguments)
        except SystemExit:
            raise OwnStageError("it tried to end the process") from None
        now = monotonic()
        if now - started > SLOW:
            watch.slow(hook, now - started, now)
        return check(result)

    return watched


def _verdict(result: object) -> Verdict:
    if result is None or type(result) is Reply:
        return result
    if type(result) is Wait:
        return Wait(_checked(result.awaitable), result.keep_alive)
    raise OwnStageError(f"on_request returned a {type(result).__name__}, not a Reply, a Wait or None")


async def _checked(awaitable: Awaitable[Reply | None]) -> Reply | None:
    try:
        result: object = await awaitable
    except SystemExit:
        raise OwnStageError("it tried to end the process") from None
    if result is None or type(result) is Reply:
        return result
    raise OwnStageError(f"what it waited for is a {type(result).__name__}, not a Reply or None")


def _bytes(result: object) -> bytes:
    if type(result) is not bytes:
        raise OwnStageError(f"it returned a {type(result).__name__}, not bytes")
    return result


def _nothing(result: object) -> None:
    return None


_CHECKS: dict[str, Callable[[object], Any]] = {
    "on_request": _verdict,
    "on_head": _nothing,
    "on_chunk": _bytes,
    "on_last": _bytes,
    "on_end": _nothing,
}
