"""The broker over real nodes: small versions of `tests.live.broker`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.broker import Plan, broker


@pytest.mark.parametrize("workers", [1, 2])
def test_three_teams_get_equal_shares_nobody_is_refused_and_streams_see_comments(
    workers: int, tmp_path: Path
) -> None:
    plan = Plan(8.0, False, tmp_path)
    broker(plan, workers)
    assert not [f"{row.what}: {row.value}, demanded {row.demanded}" for row in plan.rows if row.ok is False]
