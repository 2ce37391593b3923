"""Judging a run by ratios."""

from __future__ import annotations

import pytest

from bench.check import Finding, findings, needed, report
from bench.rows import Row


def row(case: str, system: str, cpu_us: float, **extra: float) -> Row:
    return Row(case, system, cpu_us, 1.0, 1.0, 1.0, 1.0, 1.0, extra=extra)


def broken(rows: list[Row], slack: float = 1.0) -> list[str]:
    return [finding.what for finding in findings(rows, slack) if not finding.holds]


def unary(seekgate: float) -> list[Row]:
    return [row("unary", "nginx", 20), row("unary", "envoy", 60), row("unary", "seekgate", seekgate)]


@pytest.mark.parametrize(
    ("cost", "slack", "expected"),
    [
        (33.0, 1.0, []),
        (33.1, 1.0, ["unary: CPU against envoy"]),
        (34.1, 1.0, ["unary: CPU against envoy", "unary: CPU against nginx"]),
        (34.1, 1.25, []),
        (42.6, 1.25, ["unary: CPU against envoy", "unary: CPU against nginx"]),
    ],
)
def test_ratios_and_slack(cost: float, slack: float, expected: list[str]) -> None:
    assert broken(unary(cost), slack) == expected


def test_each_case_has_its_bounds() -> None:
    rows = [
        row("sse", "nginx", 10),
        row("sse", "envoy", 20),
        row("sse", "seekgate", 14),
        row("unary_tls", "nginx", 10),
        row("unary_tls", "envoy", 50),
        row("unary_tls", "seekgate", 41),
    ]
    assert broken(rows) == ["sse: CPU against nginx", "unary_tls: CPU against envoy"]


def test_what_was_not_run_is_not_judged() -> None:
    assert findings([row("unary", "nginx", 20), row("unary", "envoy", 60)], 1.0) == []
    assert [finding.what for finding in findings(unary(20)[1:], 1.0)] == ["unary: CPU against envoy"]


def test_a_wrong_byte_has_no_slack() -> None:
    def streams(wrong: int, failed: int, growth: float) -> list[Row]:
        extra = {"wrong_streams": wrong, "failed_streams": failed, "kb_per_stream": growth}
        return [row("streams", "seekgate", 20, **extra)]

    assert broken(streams(0, 0, 9.9), 1.25) == []
    assert broken(streams(0, 1, 5.0), 99.0) == ["streams: wrong or failed streams"]
    assert broken(streams(1, 0, 5.0), 99.0) == ["streams: wrong or failed streams"]
    assert broken(streams(0, 0, 8.1)) == ["streams: KB a stream"]


def test_idle_memory_is_seekgates_only() -> None:
    rows = [row("unary", "envoy", 60, idle_rss_mb=70.0), row("unary", "seekgate", 20, idle_rss_mb=51.0)]
    assert broken(rows) == ["unary: idle worker, MB"]


def test_a_worker_with_a_hundred_thousand_keys_may_be_larger() -> None:
    assert broken([row("governed", "seekgate", 20, idle_rss_mb=120.0)]) == []


def test_what_a_case_needs_to_be_judged() -> None:
    assert needed("unary") == {"seekgate", "nginx", "envoy"}
    assert needed("mtls") == {"seekgate", "envoy"}
    assert needed("streams") == {"seekgate"}


def test_the_report_marks_what_is_broken() -> None:
    text = report([Finding("a", 1.0, 2.0), Finding("b", 3.0, 2.0)])
    assert "| a | 1.00 | 2.00 | holds |" in text
    assert "| b | 3.00 | 2.00 | **BROKEN** |" in text
