"""The plot: small, without a background, in both colour schemes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from bench.plot import draw
from bench.rows import Row


def test_the_plot_is_small_and_repeatable(tmp_path: Path) -> None:
    rows = [
        Row(case, system, cost, 1.0, 1.0, 1.0, 1.0, 1.0)
        for case in ("unary", "sse", "streams")
        for system, cost in (("nginx", 16.0), ("envoy", 50.0), ("litellm", 14_000.0))
    ]
    draw(rows, tmp_path / "plot.svg")
    draw(rows, tmp_path / "again.svg")
    text = (tmp_path / "plot.svg").read_text()
    assert text == (tmp_path / "again.svg").read_text()
    assert len(text) < 40_000
    assert "prefers-color-scheme:dark" in text
    assert "nginx" in "".join(ElementTree.fromstring(text).itertext())


def test_nothing_to_show_draws_nothing(tmp_path: Path) -> None:
    draw([Row("streams", "nginx", 1, 1, 1, 1, 1, 1)], tmp_path / "plot.svg")
    assert not (tmp_path / "plot.svg").exists()
