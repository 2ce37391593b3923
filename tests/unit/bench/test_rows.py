"""Rows, their medians, and the files they are written to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.rows import Row, from_json, markdown, median, medians, read, write


def row(case: str = "unary", system: str = "nginx", cpu_us: float = 16.0, **extra: float) -> Row:
    return Row(case, system, cpu_us, 60_000.0, 0.5, 1.1, 28.0, 0.01, extra=extra)


def test_the_median_is_taken_of_each_figure_by_itself() -> None:
    rounds = [
        Row("unary", "nginx", 15.0, 50_000.0, 0.9, 1.0, 28.0, 0.01),
        Row("unary", "nginx", 99.0, 60_000.0, 0.5, 9.0, 30.0, 0.03),
        Row("unary", "nginx", 16.0, 70_000.0, 0.6, 1.2, 29.0, 0.02),
    ]
    middle = median(rounds)
    assert (middle.cpu_us, middle.rps, middle.p50_ms, middle.p99_ms) == (16.0, 60_000.0, 0.6, 1.2)
    assert (middle.rss_mb, middle.start_s) == (29.0, 0.02)
    assert middle.extra == {"rounds": 3, "cpu_us_low": 15.0, "cpu_us_high": 99.0}


def test_one_wrong_stream_is_not_averaged_away() -> None:
    rounds = [
        row("streams", wrong_streams=0, kb_per_stream=5.0),
        row("streams", wrong_streams=1, kb_per_stream=7.0),
        row("streams", wrong_streams=0, kb_per_stream=6.0),
    ]
    extra = median(rounds).extra
    assert extra["wrong_streams"] == 1
    assert extra["kb_per_stream"] == 6.0


def test_rows_of_different_systems_have_no_median() -> None:
    with pytest.raises(ValueError, match="one system"):
        median([row(system="nginx"), row(system="envoy")])


def test_medians_keep_the_order_of_appearance() -> None:
    interleaved = [row(system=name) for name in ("nginx", "envoy", "seekgate") * 2] + [row("sse", "envoy")]
    found = [(one.case, one.system) for one in medians(interleaved)]
    assert found == [("unary", "nginx"), ("unary", "envoy"), ("unary", "seekgate"), ("sse", "envoy")]


def test_a_row_survives_the_file(tmp_path: Path) -> None:
    rows = [row(idle_rss_mb=18.9), row("sse", "envoy", cpu_us=25.123456)]
    write(rows, {"cores": 2}, tmp_path / "results")
    listed = json.loads((tmp_path / "results" / "latest.json").read_text())
    assert listed[1]["cpu_us"] == 25.12
    assert {"case", "system", "cpu_us", "rps", "p50_ms", "p99_ms", "rss_mb", "start_s"} <= set(listed[0])
    assert read(tmp_path / "results") == [from_json(fields) for fields in listed]
    assert read(tmp_path / "results")[0] == rows[0]
    assert json.loads((tmp_path / "results" / "machine.json").read_text()) == {"cores": 2}


def test_the_table_keeps_cases_together() -> None:
    lines = markdown([row("unary", "nginx"), row("sse", "nginx"), row("unary", "envoy")]).splitlines()
    assert [line.split("|")[1:3] for line in lines[2:]] == [
        [" unary ", " nginx "],
        [" unary ", " envoy "],
        [" sse ", " nginx "],
    ]
    assert "| 16.0 | 60,000 | 0.50 | 1.10 | 28 | 0.01 |" in lines[2]
