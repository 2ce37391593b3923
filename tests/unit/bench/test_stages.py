"""The table of what each stage costs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bench import population, rows, stages
from bench.load import CONFIG, BenchError
from bench.tls import make_certificates

KEYS = 30


def test_the_real_stages_are_measured_one_by_one(tmp_path: Path) -> None:
    home = tmp_path / "home"
    population.prepare(home, KEYS)
    (home / "run").mkdir()
    make_certificates(tmp_path)
    config = tmp_path / "governed.yaml"
    config.write_text((CONFIG / "governed.yaml").read_text().replace("../.work/", f"{tmp_path}/"))
    found = asyncio.run(stages.measure(home, rounds=2, count=64, config=config, keys=KEYS))
    costs = stages.medians(found, 64)
    assert list(costs) == [
        "Identity", "Decode", "Privacy", "Guard", "Route", "Access", "Quota", "AuditOpen",
        stages.JOURNAL, "Metering", "AuditClose", "AccessLog", stages.LOG,
    ]  # fmt: skip
    assert costs["Privacy"][1] > 0, "no answer was looked at"
    assert costs["Identity"][0] > 0
    assert costs["Metering"][2] > 0
    logged = (home / "access.log").read_bytes().splitlines()
    assert len(logged) == 64 * 7
    assert json.loads(logged[0])["outcome"] == "answered"


def test_medians_are_taken_of_each_figure() -> None:
    found = []
    for nanoseconds in (1000, 9000, 2000):
        one = stages.Round()
        one.of("Route").request = nanoseconds
        found.append(one)
    assert stages.medians(found, 2) == {"Route": (1.0, 0.0, 0.0)}


def test_the_table_adds_up() -> None:
    text = stages.table({"Route": (1.0, 0.0, 0.25), "Own": (2.0, 0.5, 0.0)}, 10.0)
    lines = text.splitlines()
    assert lines[2:] == [
        "| route | 1.00 |  | 0.25 | 1.25 |",
        "| Own | 2.00 | 0.50 |  | 2.50 |",
        "| **all of these** | | | | **3.75** |",
        f"| {stages.REST} | | | | 6.25 |",
        "| **the case `governed`** | | | | **10.00** |",
    ]


def test_the_whole_comes_from_the_results(tmp_path: Path) -> None:
    assert stages.whole_cost(tmp_path) is None
    rows.write([rows.Row("governed", "seekgate", 41.5, 1, 1, 1, 1, 1)], {}, tmp_path)
    assert stages.whole_cost(tmp_path) == 41.5


def test_the_page_keeps_what_is_around_the_table() -> None:
    page = f"a\n{stages.BEGIN}\nold\n{stages.END}\nb\n"
    assert stages.put("new\n", page) == f"a\n{stages.BEGIN}\n\nnew\n\n{stages.END}\nb\n"
    with pytest.raises(BenchError, match="has no"):
        stages.put("new", "a page without marks")


def test_the_page_has_the_marks() -> None:
    page = stages.PAGE.read_text()
    assert stages.put("made anew\n", page).count("made anew") == 1


def test_a_request_that_is_refused_is_no_measurement() -> None:
    stages.refused(None)
    with pytest.raises(BenchError, match="not let through"):
        stages.refused("Reply")


def test_the_answer_is_the_upstreams() -> None:
    assert json.loads(stages.instant_answer())["object"] == "chat.completion"
