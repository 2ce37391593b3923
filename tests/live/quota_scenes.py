"""The scenes of `tests.live.quota`: two nodes of two workers, one Valkey, and limits that must hold over all."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.live.chaos_scenes import Row
from tests.support.limits import ValkeyServer, valkey
from tests.support.live import Gateway, settings
from tests.support.live_asking import Asked, Asker
from tests.support.live_emulators import emulator_process
from tests.support.slow_proxy import SlowProxy, slow_proxy
from tests.support.until import until

LEASE_LIFE = 6.0
"""Seconds after which a killed worker's leases have come back: five, and a sweep."""

PRICE = {
    "version": "test",
    "prices": {"test/flat": {"currency": "USD", "hit": 1_000_000, "miss": 1_000_000, "output": 1_000_000}},
}


@dataclass
class Plan:
    """What is asked of the limits, and what has been found. ``judge_times`` False only reports durations."""

    limit: int = 10_000
    window: str = "minute"
    judge_times: bool = True
    folder: Path = Path()
    rows: list[Row] = field(default_factory=list)

    def demand(self, scene: str, what: str, value: object, demanded: str, ok: bool | None) -> None:
        """Report a figure that has to be right (None: it is not judged)."""
        self.rows.append(Row(scene, what, str(value), demanded, ok))


@dataclass
class Nodes:
    """The nodes of a scene, their Valkey, and the log of the upstream that they share."""

    gateways: list[Gateway]
    server: ValkeyServer
    log: Path
    proxy: SlowProxy

    @property
    def urls(self) -> list[str]:
        """Where the nodes are."""
        return [gateway.url for gateway in self.gateways]

    def shared(self) -> bool:
        """Valkey has heard of every worker, and none says that it is without it."""
        return self.server.fleet() >= 2 * len(self.gateways) and not any(
            gateway.gauge("seekgate_quota_outage") for gateway in self.gateways
        )

    def in_flight(self) -> int:
        """Requests that the upstream has and has not ended."""
        return _overlaps(self.log)[1]


def _overlaps(log: Path) -> tuple[int, int]:
    """The most requests that the upstream had at a time, and how many it has now."""
    most = now = 0
    for line in log.read_text().splitlines() if log.exists() else []:
        event = json.loads(line)["event"]
        now += (event == "start") - (event != "start")
        most = max(most, now)
    return most, now


@contextmanager
def nodes(plan: Plan, name: str, faults: str, limits: list[dict[str, Any]], **quota: Any) -> Iterator[Nodes]:
    """Two nodes with these limits, before an upstream with these faults (none: it answers at once)."""
    folder = plan.folder / name
    folder.mkdir(parents=True)
    (folder / "prices.json").write_text(json.dumps(PRICE))
    with ExitStack() as stack:
        server = stack.enter_context(valkey())
        proxy = stack.enter_context(slow_proxy(Path(server.path + ".proxy"), server.path))
        chosen = ["--always", faults] if faults else ["--instant"]
        upstream = stack.enter_context(emulator_process(*chosen, "--log", str(folder / "upstream.log")))
        budget = quota.pop("budget", "10ms")
        config = settings(
            upstream,
            workers=2,
            quota={"limits": limits, **quota},
            valkey={"url": f"unix://{proxy.path}", "budget": budget},
            prices=str(folder / "prices.json"),
        )
        config["models"]["deepseek-flash"]["deployments"][0]["price"] = "test/flat"
        gateways = []
        for number in (1, 2):
            gateway = Gateway(folder / f"node{number}", config)
            stack.callback(gateway.end)
            gateways.append(gateway)
            gateway.start()
        made = Nodes(gateways, server, folder / "upstream.log", proxy)
        until(made.shared, "every worker to share the limits")
        yield made


def key(**limits: Any) -> list[dict[str, Any]]:
    """Limits of the only key."""
    return [{"scope": "key", "name": "live", **limits}]


def accuracy(plan: Plan) -> None:
    """Five times the limit is asked for, evenly, in one window: the limit is granted, within one in a hundred."""
    with nodes(plan, "accuracy", "", key(requests={plan.window: plan.limit})) as made:
        if plan.window == "minute":
            time.sleep(60.2 - time.time() % 60)  # one whole window, begun a moment ago
        seconds = 55.0 if plan.window == "minute" else max(2.0, plan.limit / 200)

        async def ask() -> Asked:
            async with Asker(made.urls, 32) as asker:
                return await asker.paced(5 * plan.limit / seconds, seconds)

        asked = asyncio.run(ask())
    granted, total = asked.statuses[200], sum(asked.statuses.values())
    plan.demand("accuracy", "asked", total, f">= {4 * plan.limit}", total >= 4 * plan.limit)
    near = abs(granted - plan.limit) <= plan.limit / 100
    plan.demand("accuracy", f"granted in a {plan.window}", granted, f"{plan.limit} within 1 %", near)
    other = total - granted - asked.statuses[429]
    plan.demand("accuracy", "neither granted nor refused", other, "0", other == 0)


def concurrency(plan: Plan) -> None:
    """A hundred clients, twenty slots: the upstream never has more than twenty."""
    with nodes(plan, "concurrency", "latency=40ms", key(concurrency=20), budget="1s") as made:

        async def ask() -> Asked:
            async with Asker(made.urls, 100) as asker:
                return await asker.paced(1500.0, 4.0)

        asked = asyncio.run(ask())
        most, _ = _overlaps(made.log)
    plan.demand("concurrency", "at the upstream at a time", most, "<= 20", most <= 20)
    plan.demand("concurrency", "answered", asked.statuses[200], ">= 500", asked.statuses[200] >= 500)


RESERVED = {"max_tokens": 10}
"""What makes the worst case of a request of `Crowd` known."""


def budget(plan: Plan) -> None:
    """Five hundred at once against money for a hundred: as many as fit. Workers are killed, and as many fit again."""
    scene = "budget"
    worst = _worst_case()
    limits = [
        {
            "scope": "key",
            "name": "live",
            "budgets": [{"period": "month", "currency": "USD", "hard": _amount(100 * worst + worst // 2)}],
        }
    ]
    with nodes(plan, scene, "latency=120s", limits, budget="2s") as made:
        first = Crowd(made, 500)
        plan.demand(scene, "granted of 500 at once", first.granted, "100", first.granted == 100)
        plan.demand(scene, "refused", first.refused, "400", first.refused == 400)
        # All of them may be on one node: it had a lease of everything before the other one asked.
        busy = "seekgate_requests_in_flight"
        until(
            lambda: sum(each.gauge(busy) for each in made.gateways) == first.granted, "the workers' figures"
        )
        for worker in max(made.gateways, key=lambda each: each.gauge(busy)).workers:
            worker.send_signal(signal.SIGKILL)
        until(
            lambda: first.lost > 0 and made.in_flight() == first.granted - first.lost, "the dead to be missed"
        )
        left = made.in_flight()
        time.sleep(LEASE_LIFE)
        until(made.shared, "the successors")
        second = Crowd(made, 500)
        fitting = 100 - left
        plan.demand(scene, "left in flight when both workers of a node were killed", left, "", None)
        plan.demand(
            scene, "granted again", second.granted, f"{fitting}, as many as died", second.granted == fitting
        )
        for crowd in (first, second):
            crowd.leave()


class Crowd:
    """Clients that ask at once and stay: refused ones have their answer, the others wait for theirs."""

    def __init__(self, made: Nodes, count: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._asker = Asker(made.urls, count, **RESERVED)
        before = made.in_flight()
        self._loop.run_until_complete(self._asker.__aenter__())
        self._task = self._loop.create_task(self._asker.at_once())
        self._settle(lambda: self.refused + made.in_flight() - before >= count)
        self.granted = made.in_flight() - before

    def _settle(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < end, f"waited in vain: {self._asker.results.statuses}"
            self._loop.run_until_complete(asyncio.sleep(0.05))

    @property
    def refused(self) -> int:
        """Those that were told that there is no money."""
        return self._asker.results.statuses[429]

    @property
    def lost(self) -> int:
        """Those whose connection has ended."""
        self._loop.run_until_complete(asyncio.sleep(0.05))
        return self._asker.results.statuses[0]

    def leave(self) -> None:
        """Close every connection."""
        self._asker.leave()
        self._loop.run_until_complete(asyncio.wait([self._task], timeout=20))
        self._loop.close()


def _worst_case() -> int:
    """Micro-USD that a request of `Crowd` reserves, by the estimate that nobody has taught anything yet."""
    from seekgate.stages.quota.estimate import Shape
    from tests.support.live_asking import MESSAGE
    from tests.support.live_wire import post

    body = {"model": "deepseek-flash", "messages": MESSAGE, **RESERVED}
    size = len(post("/v1/chat/completions", body).partition(b"\r\n\r\n")[2])
    return Shape().worst_input(size) + 10


def _amount(micro: int) -> str:
    return f"{micro // 1_000_000}.{micro % 1_000_000:06d}"


def outage(plan: Plan) -> None:
    """Valkey is made two seconds slow, then killed: requests wait 10 ms at most, and get the policy's answer."""
    for policy, expected in (("local", 200), ("deny", 503)):
        scene = f"outage, {policy}"
        limits = key(requests={"day": 1_000_000_000}, concurrency=100_000)
        with nodes(plan, f"outage-{policy}", "", limits, on_outage=policy) as made:

            async def ask() -> Asked:
                async with Asker(made.urls, 8) as asker:
                    return await asker.paced(400.0, 3.0)

            usual = asyncio.run(ask())
            plan.demand(scene, "median with Valkey", f"{usual.quantile(0.5) * 1000:.2f} ms", "", None)
            made.proxy.delay = 2.0
            _report(plan, scene, "2 s slow", usual, asyncio.run(ask()), expected)
            made.proxy.delay = 0.0
            until(made.shared, "the limits to be shared again")
            made.server.kill()
            _report(plan, scene, "killed", usual, asyncio.run(ask()), expected)
            made.server.start()
            until(made.shared, "the limits to be shared again")
            again = asyncio.run(ask())
            well = again.statuses[200] == sum(again.statuses.values())
            plan.demand(scene, "after it is back", dict(again.statuses), "200 only", well)


def _report(plan: Plan, scene: str, what: str, usual: Asked, asked: Asked, expected: int) -> None:
    total = sum(asked.statuses.values())
    fine = sum(asked.statuses[status] for status in {200, expected})
    plan.demand(scene, f"{what}: statuses", dict(asked.statuses), f"200 or {expected}", fine == total)
    plan.demand(
        scene,
        f"{what}: answered by the policy",
        asked.statuses[expected],
        "> 0",
        asked.statuses[expected] > 0,
    )
    for share, name in ((0.99, "99 in 100 take"), (1.0, "the longest takes")):
        # What a request takes without an outage varies too, and that is not the outage's doing.
        longer = asked.quantile(share) - usual.quantile(share)
        judged = longer <= 0.010 if plan.judge_times and share < 1.0 else None
        shown = f"{longer * 1000:+.2f} ms"
        plan.demand(scene, f"{what}: {name} longer by", shown, "<= 10 ms" if share < 1.0 else "", judged)


SCENES: dict[str, Callable[[Plan], None]] = {
    "accuracy": accuracy,
    "concurrency": concurrency,
    "budget": budget,
    "outage": outage,
}
