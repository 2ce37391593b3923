"""Limits of the file, as workers have them."""

from __future__ import annotations

from seekgate.compiler import compile_settings
from seekgate.config.compiled.quota import Queue, Quota, Valkey
from seekgate.config.rows import Budget, LimitRow, Window
from tests.support.configuration import MINIMAL, loaded

TEXT = """
quota:
  output_cap: 2000
  headers: false
  on_outage: deny
  queue: {waiting: 50, max_wait: 1m, core_weight: 2}
  limits:
    - scope: key
      name: "*"
      requests: {second: 100, hour: 5000}
      tokens: {minute: 90000}
      concurrency: 20
    - scope: team
      name: research
      budgets: [{period: month, currency: CNY, hard: 250.5, soft: 200, timezone: Asia/Shanghai}]
valkey: {url: "valkeys://cache.example/2", username: gate, password: "file:pw", ca: ca.pem, budget: 20ms, prefix: prod}
"""


def test_limits_become_rows_and_the_servers_url_its_parts() -> None:
    made = compile_settings(loaded(MINIMAL + TEXT), 1)
    windows = (Window("requests", 1, 100), Window("requests", 3600, 5000), Window("tokens", 60, 90_000))
    budget = Budget("month", "CNY", 250_500_000, 200_000_000, "Asia/Shanghai")
    assert made.quota == Quota(
        limits=(
            LimitRow("key:*", "key", "*", windows, 20),
            LimitRow("team:research", "team", "research", budgets=(budget,)),
        ),
        output_cap=2000,
        headers=False,
        on_outage="deny",
        queue=Queue(50, 60.0, 2),
    )
    assert made.valkey == Valkey(
        host="cache.example",
        tls=True,
        ca="/conf/ca.pem",
        database=2,
        username="gate",
        password="file:/conf/pw",
        budget=0.020,
        prefix="prod",
    )


def test_without_settings_there_is_nothing() -> None:
    made = compile_settings(loaded(MINIMAL), 1)
    assert made.quota == Quota()
    assert made.valkey is None
