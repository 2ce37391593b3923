"""Stages of installed packages: how they are found, and what becomes of those that misbehave."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from seekgate import own_stages
from seekgate.config.compiled.own_stages import OwnStage
from seekgate.own_stages import OwnStageError, build
from seekgate.pipeline.pipeline import Pipeline
from seekgate.pipeline.stage import Reply, Stage, Wait, overrides
from tests.support.own_stage import install, install_example
from tests.support.scene_exchange import exchange

HEAD = """
import sys
from seekgate.pipeline.stage import Reply, Stage, Wait
from seekgate.wire import errors
"""


class World:
    """A clock that a test moves, and what was said."""

    def __init__(self) -> None:
        self.now = 0.0
        self.said: list[tuple[str, str]] = []

    def monotonic(self) -> float:
        return self.now

    def say(self, text: str, stage: str) -> None:
        self.said.append((text, stage))

    def build(self, name: str, settings: dict[str, Any] | None = None) -> Stage:
        (made,) = build([OwnStage(name, settings or {})], self.monotonic, self.say)
        return made


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def stage(site: Path, world: World, name: str, *hooks: str) -> Stage:
    """A stage with these hooks, built from an installed package."""
    body = "".join(f"    def {hook}\n" for hook in hooks)
    install(site, name, f"{HEAD}\nclass Own(Stage):\n{body}\ndef build(settings):\n    return Own()\n")
    return world.build(name)


def test_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    monkeypatch.syspath_prepend(install_example(tmp_path))
    made = world.build("ticket", {"closed": ["OPS-1"], "max_answer_bytes": 10})
    refused = made.on_request(exchange())
    assert isinstance(refused, Reply)
    assert "X-Ticket" in refused.message
    for ticket, error in ((b"OPS-1", "access_denied"), (b"OPS-2", "")):
        x = exchange(headers={b"x-ticket": ticket})
        wait = made.on_request(x)
        assert isinstance(wait, Wait)
        reply: Reply | None = asyncio.run(wait.awaitable)  # type: ignore[arg-type]
        assert (reply.error.name if reply and reply.error else "") == error
        assert x.decisions == (f"ticket:{ticket.decode()}",)
    assert made.on_chunk(x, b"12345") == b"12345"
    assert made.on_chunk(x, b"678901") == b""
    assert x.stop is not None
    with pytest.raises(ValueError, match="unknown settings: patern; known are"):
        world.build("ticket", {"patern": "x"})


def test_hooks_that_a_stage_does_not_have_cost_nothing(site: Path, world: World) -> None:
    made = stage(site, world, "quiet", "on_end(self, x): x.status = 7")
    pipeline = Pipeline([made], lambda *_: None)
    assert [hook for hook in own_stages._HOOKS if overrides(made, hook)] == ["on_end"]
    x = exchange()
    assert pipeline.request(x) is None
    pipeline.end(x)
    assert x.status == 7


@pytest.mark.parametrize(
    "hook",
    [
        "on_request(self, x): return 1 / 0",
        "on_request(self, x): sys.exit(3)",
        "on_request(self, x): return 'no'",
        "on_request(self, x): return True",
    ],
)
def test_a_request_that_fails_costs_itself_only(site: Path, world: World, hook: str) -> None:
    name = f"fails-{abs(hash(hook))}"
    reported: list[tuple[str, str]] = []
    pipeline = Pipeline(
        [stage(site, world, name, hook)],
        lambda stage, x, error: reported.append((stage, type(error).__name__)),
    )
    verdict = pipeline.request(exchange())
    assert isinstance(verdict, Reply)
    assert verdict.error is not None
    assert verdict.error.name == "internal_error"
    assert reported[0][0] == f"own stage {name}"


@pytest.mark.parametrize(
    "hook", ["on_chunk(self, x, data): return None", "on_chunk(self, x, data): raise KeyError('k')"]
)
def test_an_answer_that_fails(site: Path, world: World, hook: str) -> None:
    pipeline = Pipeline([stage(site, world, f"chunk-{abs(hash(hook))}", hook)], lambda *_: None)
    assert isinstance(pipeline.chunk(exchange(inspected=True), b"data: x\n\n"), Reply)


@pytest.mark.parametrize(
    ("inside", "error"),
    [("return 5", OwnStageError), ("sys.exit(1)", OwnStageError), ("raise KeyError('k')", KeyError)],
)
def test_a_wait_that_fails(site: Path, world: World, inside: str, error: type[Exception]) -> None:
    name = f"waits-{abs(hash(inside))}"
    hook = f"on_request(self, x):\n        async def wait(): {inside}\n        return Wait(wait(), keep_alive=True)"
    wait = stage(site, world, name, hook).on_request(exchange())
    assert isinstance(wait, Wait)
    assert wait.keep_alive
    with pytest.raises(error):
        asyncio.run(wait.awaitable)  # type: ignore[arg-type]


def test_a_wait_that_answers(site: Path, world: World) -> None:
    hook = "on_request(self, x):\n        async def wait(): return Reply(status=201)\n        return Wait(wait())"
    wait = stage(site, world, "answers", hook).on_request(exchange())
    assert isinstance(wait, Wait)
    assert asyncio.run(wait.awaitable) == Reply(status=201)  # type: ignore[arg-type]


def test_a_slow_hook_is_said_once_a_minute(site: Path, world: World) -> None:
    hook = "on_request(self, x): x.privacy.now += 0.2"
    made = stage(site, world, "slow", hook)
    for _ in range(3):
        made.on_request(exchange(privacy=world))
    assert world.said == [("on_request took 200 ms, and every request of this worker waited", "slow")]
    world.now += own_stages.QUIET
    made.on_request(exchange(privacy=world))
    assert len(world.said) == 2


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def build(settings): return object()", "is a object and no seekgate"),
        ("def build(settings): raise RuntimeError('no disk')", "cannot be built: RuntimeError: no disk"),
        ("import sys\ndef build(settings): sys.exit(1)", "cannot be built: SystemExit"),
        ("import nothing_of_that_name", "cannot be built: ModuleNotFoundError"),
        ("other = 1", "cannot be built: AttributeError"),
    ],
)
def test_one_that_cannot_be_built(site: Path, world: World, source: str, reason: str) -> None:
    name = f"bad-{abs(hash(source))}"
    install(site, name, source)
    with pytest.raises(ValueError, match=reason):
        world.build(name)


def test_one_that_is_not_installed(world: World) -> None:
    with pytest.raises(ValueError, match="own stage 'nowhere': 0 installed packages have it"):
        world.build("nowhere")
