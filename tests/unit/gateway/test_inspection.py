"""Answers that stages look at. What clients and upstreams see of it is in tests/scenes/test_inspection.py."""

from __future__ import annotations

from seekgate.gateway.inspection import inspect_last
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.pipeline import Pipeline
from seekgate.pipeline.stage import Stage
from tests.support.scene_exchange import exchange


class Last(Stage):
    """Holds something, or fails."""

    def __init__(self, held: bytes | None) -> None:
        self.held = held

    def on_last(self, x: Exchange) -> bytes:
        if self.held is None:
            raise RuntimeError("nothing")
        return self.held


def test_what_is_held_and_a_stage_that_fails() -> None:
    failures: list[str] = []

    def pipeline(stage: Stage) -> Pipeline:
        return Pipeline([stage], lambda stage, x, error: failures.append(str(error)))

    assert inspect_last(exchange(), pipeline(Last(b"data: 1\n\n"))) == b"data: 1\n\n"
    assert failures == []
    assert inspect_last(exchange(), pipeline(Last(None))) == b"", "an answer that ends anyway goes on ending"
    assert failures == ["nothing"]
