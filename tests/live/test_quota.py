"""Limits over real nodes: small versions of `tests.live.quota`, and a node that runs its own Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seekgate.emulate import BackgroundEmulator, Settings
from seekgate.host.socket_path import socket_path
from tests.live.conftest import MakeGateway
from tests.live.quota_scenes import Plan, accuracy, budget
from tests.support.limits import fleet
from tests.support.live import Gateway, settings
from tests.support.live_asking import Asked, Asker
from tests.support.live_wire import exchange, post
from tests.support.until import until

CHAT = post(
    "/v1/chat/completions",
    {"model": "deepseek-flash", "messages": [{"role": "user", "content": "x"}], "max_tokens": 5},
)


def _failed(plan: Plan) -> list[str]:
    return [f"{row.what}: {row.value}, demanded {row.demanded}" for row in plan.rows if row.ok is False]


def test_two_nodes_grant_what_the_limit_is(tmp_path: Path) -> None:
    plan = Plan(600, "day", False, tmp_path)
    accuracy(plan)
    assert not _failed(plan)


def test_reservations_fit_exactly_and_the_killed_keep_none(tmp_path: Path) -> None:
    plan = Plan(folder=tmp_path)
    budget(plan)
    assert not _failed(plan)


def _ask(node: Gateway, count: int) -> Asked:
    async def ask() -> Asked:
        async with Asker([node.url], count) as asker:
            return await asker.at_once()

    return asyncio.run(ask())


@pytest.fixture
def limited(make_gateway: MakeGateway) -> Iterator[Any]:
    with BackgroundEmulator(Settings()) as emulator:
        yield lambda **more: make_gateway(settings(emulator.url, **more))


def test_a_node_of_two_workers_shares_by_a_valkey_of_its_own_that_outlives_it(limited: Any) -> None:
    limits = [{"scope": "key", "name": "*", "requests": {"day": 20}}]
    node: Gateway = limited(workers=2, quota={"limits": limits})

    def shared() -> bool:
        return fleet(str(socket_path(node.home, "valkey"))) == 2

    until(shared, "the node's own Valkey")
    asked = _ask(node, 40)
    assert (asked.statuses[200], asked.statuses[429]) == (20, 20)
    node.stop()
    node.start()
    until(shared, "the node's own Valkey again")
    assert _ask(node, 10).statuses[429] == 10


def test_answers_and_refusals_say_what_is_left(limited: Any) -> None:
    limits = [{"scope": "key", "name": "live", "requests": {"day": 2}, "tokens": {"day": 100_000}}]
    node: Gateway = limited(quota={"limits": limits})
    first, second, third = (exchange(node.url, CHAT) for _ in range(3))
    assert (first.status, second.status, third.status) == (200, 200, 429)
    assert first.headers["x-ratelimit-limit-requests"] == "2"
    assert first.headers["x-ratelimit-remaining-requests"] == "1"
    assert second.headers["x-ratelimit-remaining-requests"] == "0"
    assert int(second.headers["x-ratelimit-remaining-tokens"]) < 100_000
    assert int(third.headers["retry-after"]) > 0
    assert third.headers["x-ratelimit-remaining-requests"] == "0"
    assert b'"rate_limit_exceeded"' in third.body


def test_what_was_used_outlives_a_single_worker(limited: Any) -> None:
    limits = [{"scope": "key", "name": "live", "requests": {"day": 2}}]
    node: Gateway = limited(quota={"limits": limits})
    assert [exchange(node.url, CHAT).status for _ in range(3)] == [200, 200, 429]
    node.stop()
    node.start()
    assert exchange(node.url, CHAT).status == 429
