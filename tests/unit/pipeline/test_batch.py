"""Observers that are told of many exchanges at once."""

from __future__ import annotations

from seekgate.pipeline.batch import SIZE, Batch
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Stage
from tests.support.scene_exchange import exchange


class Watching(Stage):
    """Notes whose end it sees; fails for one."""

    def __init__(self, name: str, notes: list[str], fails: str = "") -> None:
        self.name, self.notes, self.fails = name, notes, fails

    def on_end(self, x: Exchange) -> None:
        self.notes.append(f"{self.name}:{x.id}")
        if x.id == self.fails:
            raise RuntimeError(x.id)


def test_flushed_observer_by_observer() -> None:
    notes: list[str] = []
    waiting: list[Batch] = []
    batch = Batch([Watching("a", notes), Watching("b", notes)], lambda *_: None, waiting.append)
    assert waiting == []
    for name in ("1", "2"):
        batch.on_end(exchange(id=name))
    assert (notes, waiting) == ([], [batch])
    batch.flush()
    assert notes == ["a:1", "a:2", "b:1", "b:2"]
    batch.flush()
    assert len(notes) == 4


def test_flushed_when_full() -> None:
    notes: list[str] = []
    batch = Batch([Watching("a", notes)], lambda *_: None, lambda batch: None)
    for number in range(SIZE):
        batch.on_end(exchange(id=str(number)))
    assert len(notes) == SIZE


def test_a_failure_costs_one_exchange_only() -> None:
    notes: list[str] = []
    failures: list[str] = []
    batch = Batch(
        [Watching("a", notes, fails="1"), Watching("b", notes)],
        lambda stage, x, error: failures.append(f"{stage} {x.id} {error!r}"),
        lambda batch: None,
    )
    batch.on_end(exchange(id="1"))
    batch.on_end(exchange(id="2"))
    batch.flush()
    assert notes == ["a:1", "a:2", "b:1", "b:2"]
    assert failures == ["Watching 1 RuntimeError('1')"]
