"""What a stage does that overrides nothing."""

from __future__ import annotations

from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Reply, Stage, Wait, overrides
from tests.support.scene_exchange import exchange


class One(Stage):
    """Overrides one hook."""

    def on_head(self, x: Exchange) -> None:
        """Nothing."""


def test_which_hooks_are_overridden() -> None:
    hooks = ("on_request", "on_head", "on_chunk", "on_last", "on_end")
    assert [overrides(One(), hook) for hook in hooks] == [False, True, False, False, False]


def test_the_hooks_do_nothing() -> None:
    stage, x = Stage(), exchange()
    assert stage.on_request(x) is None
    assert stage.on_chunk(x, b"data") == b"data"
    assert stage.on_last(x) == b""
    stage.on_head(x)
    stage.on_end(x)


def test_verdicts_cannot_be_changed() -> None:
    assert Reply().status == 200
    assert Reply.__struct_config__.frozen
    assert Wait.__struct_config__.frozen
