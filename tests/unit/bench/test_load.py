"""Reading what wrk measured."""

from __future__ import annotations

import pytest

from bench.load import BenchError, parse

OUTPUT = """Running 2s test @ http://127.0.0.1:18010/v1/chat/completions
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   516.91us  112.33us   4.61ms   91.24%
  124352 requests in 2.00s, 112.70MB read
bench-result: {"requests": 124352, "duration_us": 2000413, "bytes": 118174208, "p50_us": 498, "p99_us": 981, \
"connect": 0, "read": 0, "write": 0, "status": 0, "timeout": 0}
"""


def test_reads_the_result_line() -> None:
    load = parse(OUTPUT)
    assert load.requests == 124352
    assert load.rps == pytest.approx(124352 / 2.000413)
    assert (load.p50_ms, load.p99_ms) == (0.498, 0.981)
    assert load.failed == 0


def test_counts_every_kind_of_failure() -> None:
    output = OUTPUT.replace('"status": 0', '"status": 3').replace('"timeout": 0', '"timeout": 4')
    load = parse(output.replace('"read": 0', '"read": 1'))
    assert load.errors == {"connect": 0, "read": 1, "write": 0, "status": 3, "timeout": 4}
    assert load.failed == 8


def test_refuses_output_without_a_result() -> None:
    with pytest.raises(BenchError, match="unable to connect"):
        parse("unable to connect to 127.0.0.1:18010 Connection refused\n")


def test_refuses_a_result_that_is_not_json() -> None:
    with pytest.raises(BenchError, match="not JSON"):
        parse('bench-result: {"requests": nan(ind), \n')
