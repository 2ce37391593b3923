"""The order of stages, and what happens when one answers, waits or fails."""

from __future__ import annotations

import pytest

from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.pipeline import Pipeline
from seekgate.pipeline.stage import Reply, Stage, Verdict
from seekgate.wire.errors import INTERNAL
from tests.support.scene_exchange import exchange


class Noting(Stage):
    """Notes what it is asked; says ``verdict``, or raises in the hook ``fails``."""

    def __init__(self, name: str, notes: list[str], verdict: Verdict = None, fails: str = "") -> None:
        self.name, self.notes, self.verdict, self.fails = name, notes, verdict, fails

    def note(self, hook: str) -> None:
        self.notes.append(f"{self.name}.{hook}")
        if self.fails == hook:
            raise RuntimeError(hook)

    def on_request(self, x: Exchange) -> Verdict:
        self.note("request")
        return self.verdict

    def on_end(self, x: Exchange) -> None:
        self.note("end")


class Reading(Noting):
    """Also reads answers, and appends its name to them."""

    def on_head(self, x: Exchange) -> None:
        self.note("head")

    def on_chunk(self, x: Exchange, data: bytes) -> bytes:
        self.note("chunk")
        return data + self.name.encode() if data else data


class Watching(Stage):
    """Only watches."""

    def __init__(self, notes: list[str]) -> None:
        self.notes = notes

    def on_end(self, x: Exchange) -> None:
        self.notes.append("watch.end")


class Silent(Stage):
    """Overrides nothing."""


def build(*stages: Stage) -> tuple[Pipeline, list[str]]:
    failures: list[str] = []
    return Pipeline(stages, lambda stage, x, error: failures.append(f"{stage}: {error!r}")), failures


def admitted(pipeline: Pipeline) -> Exchange:
    return exchange(entered=pipeline.observers - 1)


def test_in_order_and_back() -> None:
    notes: list[str] = []
    pipeline, _ = build(Watching(notes), Noting("a", notes), Silent(), Noting("b", notes))
    x = admitted(pipeline)
    assert pipeline.request(x) is None
    pipeline.end(x)
    assert notes == ["a.request", "b.request", "b.end", "a.end", "watch.end"]


def test_those_behind_an_answer_are_not_entered() -> None:
    notes: list[str] = []
    reply = Reply(status=204)
    pipeline, _ = build(Watching(notes), Noting("a", notes), Noting("b", notes, reply), Noting("c", notes))
    x = admitted(pipeline)
    assert pipeline.request(x) is reply
    pipeline.end(x)
    assert notes == ["a.request", "b.request", "b.end", "a.end", "watch.end"]


def test_a_request_goes_on_behind_the_stage_that_parked_it() -> None:
    notes: list[str] = []
    parked = Noting("b", notes, Reply())
    pipeline, _ = build(Noting("a", notes), parked, Noting("c", notes))
    x = admitted(pipeline)
    pipeline.request(x)
    assert pipeline.request(x) is None
    pipeline.end(x)
    assert notes == ["a.request", "b.request", "c.request", "c.end", "b.end", "a.end"]


def test_observers_see_what_no_stage_was_asked_about() -> None:
    notes: list[str] = []
    pipeline, _ = build(Watching(notes), Noting("a", notes))
    pipeline.end(admitted(pipeline))
    assert notes == ["watch.end"]


def test_a_failing_request_hook_is_entered_and_answered() -> None:
    notes: list[str] = []
    pipeline, failures = build(Noting("a", notes), Noting("b", notes, fails="request"), Noting("c", notes))
    x = admitted(pipeline)
    verdict = pipeline.request(x)
    assert isinstance(verdict, Reply)
    assert verdict.error is INTERNAL
    assert failures == ["Noting: RuntimeError('request')"]
    pipeline.end(x)
    assert notes == ["a.request", "b.request", "b.end", "a.end"]


def test_a_failing_end_hook_does_not_keep_the_others_from_settling() -> None:
    notes: list[str] = []
    pipeline, failures = build(Noting("a", notes), Noting("b", notes, fails="end"))
    x = admitted(pipeline)
    pipeline.request(x)
    pipeline.end(x)
    assert notes[2:] == ["b.end", "a.end"]
    assert failures == ["Noting: RuntimeError('end')"]


def test_answers_pass_the_stages_that_read_them() -> None:
    notes: list[str] = []
    pipeline, _ = build(Reading("a", notes), Noting("b", notes), Reading("c", notes))
    x = admitted(pipeline)
    assert pipeline.head(x) is None
    assert pipeline.chunk(x, b"data-") == b"data-ca", "who changed the request last sees the answer first"
    assert notes == ["a.head", "c.head", "c.chunk", "a.chunk"]


class Holding(Stage):
    """Keeps what it is shown, in brackets, until the end."""

    def __init__(self, name: str) -> None:
        self.name, self.held = name, b""

    def on_chunk(self, x: Exchange, data: bytes) -> bytes:
        self.held += data
        return b""

    def on_last(self, x: Exchange) -> bytes:
        return f"{self.name}(".encode() + self.held + b")"


def test_what_one_stage_held_passes_through_the_next() -> None:
    pipeline, _ = build(Reading("a", []), Holding("b"), Noting("n", []), Holding("c"))
    x = admitted(pipeline)
    assert pipeline.chunk(x, b"data-") == b""
    assert pipeline.last(x) == b"b(c(data-))a", "and the stage in front sees it all"


def test_a_stage_that_fails_at_the_end() -> None:
    class Failing(Stage):
        def on_last(self, x: Exchange) -> bytes:
            raise RuntimeError("last")

    pipeline, failures = build(Failing())
    assert isinstance(pipeline.last(admitted(pipeline)), Reply)
    assert failures == ["Failing: RuntimeError('last')"]


@pytest.mark.parametrize("hook", ["head", "chunk"])
def test_a_stage_that_fails_on_an_answer(hook: str) -> None:
    pipeline, failures = build(Reading("a", [], fails=hook))
    x = admitted(pipeline)
    outcome = pipeline.head(x) if hook == "head" else pipeline.chunk(x, b"data")
    assert isinstance(outcome, Reply)
    assert outcome.error is INTERNAL
    assert failures == [f"Reading: RuntimeError('{hook}')"]


def test_no_stages_at_all() -> None:
    pipeline, _ = build()
    x = admitted(pipeline)
    assert pipeline.request(x) is None
    pipeline.end(x)
