"""The client that has left. What becomes of its answers is in tests/scenes/test_draining_for_nobody.py."""

from __future__ import annotations

from seekgate.gateway.nobody import Nowhere
from seekgate.gateway.turn import Turn


def test_nothing_is_written_there() -> None:
    failures: list[Exception] = []
    turn = Turn(lambda run: run(), failures.append)
    turn.write(Nowhere(), b"event")
    turn.write_recorded(Nowhere(), b"end")
    turn.close(Nowhere())
    assert Nowhere().is_closing()
    assert not failures
