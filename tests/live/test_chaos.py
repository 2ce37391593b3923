"""`python -m tests.live.chaos` in small: its demands hold, but for durations, which a busy machine may stretch."""

from __future__ import annotations

import pytest

from tests.live import chaos
from tests.live.chaos_scenes import Row


@pytest.mark.parametrize("scene", ["reload", "worker", "sigterm", "supervisor", "leave"])
def test_what_is_demanded_holds(scene: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--requests", "5000", "--capacity-share", "0.3", "--no-times", "--scenes", scene]
    code = chaos.main(options)
    said = capsys.readouterr().out
    assert code == 0, said
    assert "FAILED" not in said
    assert " ok" in said


def test_a_demand_that_is_not_met_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Row("a", "b", "3", "0", False), Row("a", "c", "1 s")]
    assert chaos.table(rows).splitlines()[1] == "a      b       3      0         FAILED"
    assert chaos.verdict(rows) == 1
    assert "FAILED: a: b: 3, demanded 0" in capsys.readouterr().out
    assert chaos.verdict(rows[1:]) == 0
