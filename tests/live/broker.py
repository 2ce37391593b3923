"""Three teams ask for far more of a provider's account than it has: ``python -m tests.live.broker``.

Their demands are as 10:1:1. A node with one worker, then one with two workers that share the slots by Valkey, stands
before an upstream that refuses more requests at a time than the limit says. It is counted who was served, how long each
waited, and what waiting streams saw; the command ends with a table and exits 1 when a demand was not met.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.live.chaos import verdict
from tests.live.chaos_scenes import Row
from tests.support.limits import valkey
from tests.support.live import Gateway, settings
from tests.support.live_emulators import emulator_process
from tests.support.live_wire import post
from tests.support.until import until

SLOTS = 8
SERVICE = "100ms"
TEAMS = {"large": 160, "small": 16, "third": 16}
"""How many clients each team has; each asks again as soon as it is answered."""

COMMENT = b": keep-alive"


@dataclass
class Team:
    """What became of a team's requests: when each was served, how long it took, which were refused."""

    served: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    other: list[bytes] = field(default_factory=list)
    comments: int = 0

    def between(self, begin: float, end: float) -> int:
        """How many were served in this time."""
        return sum(begin <= at < end for at in self.served)


@dataclass
class Plan:
    """How long it is asked, and what was found. ``judge_times`` False only reports how long requests waited."""

    seconds: float = 30.0
    judge_times: bool = True
    folder: Path = Path()
    rows: list[Row] = field(default_factory=list)

    def demand(self, scene: str, what: str, value: object, demanded: str, ok: bool | None) -> None:
        """Report a figure that has to be right (None: it is not judged)."""
        self.rows.append(Row(scene, what, str(value), demanded, ok))


class Crowd:
    """All clients of all teams, for a while."""

    def __init__(self, url: str, seconds: float) -> None:
        self._url = urlsplit(url)
        self._end = time.monotonic() + seconds
        self.teams = {name: Team() for name in TEAMS}

    async def ask(self) -> None:
        """Until the time is over, and everybody that had asked by then is answered."""
        clients = [self._client(name) for name, count in TEAMS.items() for _ in range(count)]
        await asyncio.gather(*clients)

    async def _client(self, name: str) -> None:
        team = self.teams[name]
        body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": name}], "stream": True}
        request = post("/v1/chat/completions", {**body, "max_tokens": 8}, secret(name))
        reader, writer = await asyncio.open_connection(self._url.hostname, self._url.port)
        try:
            while (asked := time.monotonic()) < self._end:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                data = await _whole(reader, head)
                team.comments += data.count(COMMENT)
                if b"[DONE]" in data:
                    team.served.append(time.monotonic())
                    team.waits.append(team.served[-1] - asked)
                else:
                    team.other.append(head.split(b"\r\n", 1)[0] + data[-300:])
        except (OSError, asyncio.IncompleteReadError) as error:
            team.other.append(type(error).__name__.encode())
        finally:
            writer.transport.abort()


async def _whole(reader: asyncio.StreamReader, head: bytes) -> bytes:
    lower = head.lower()
    if b"chunked" in lower:
        data = b""
        while not data.endswith(b"0\r\n\r\n"):
            data += await reader.readuntil(b"\r\n")
        return data
    length = lower.partition(b"content-length:")[2].split(b"\r\n", 1)[0]
    return await reader.readexactly(int(length))


def secret(team: str) -> str:
    """A team's key."""
    return f"sk-broker-{team}-0123456789"


def broker(plan: Plan, workers: int) -> None:
    """One node, its clients, and what is demanded."""
    scene = f"{workers} worker{'s' if workers > 1 else ''}"
    folder = plan.folder / f"workers-{workers}"
    folder.mkdir(parents=True)
    log = folder / "upstream.log"
    with ExitStack() as stack:
        cap = ["--concurrency", f"deepseek-flash={SLOTS}", "--always", f"latency={SERVICE}"]
        upstream = stack.enter_context(emulator_process(*cap, "--log", str(log)))
        shared: dict[str, Any] = {}
        server = None
        if workers > 1:
            server = stack.enter_context(valkey())
            shared["valkey"] = {"url": f"unix://{server.path}", "budget": "1s"}
        limits = [{"scope": "provider", "name": "deepseek", "concurrency": SLOTS}]
        config = settings(
            upstream, workers=workers, quota={"limits": limits, "queue": {"max_wait": "60s"}}, **shared
        )
        config["keys"] = [{"name": name, "secret": f"env:KEY_{name.upper()}", "team": name} for name in TEAMS]
        environment = {f"KEY_{name.upper()}": secret(name) for name in TEAMS}
        gateway = Gateway(folder / "node", config, environment=environment)
        stack.callback(gateway.end)
        gateway.start()
        if server is not None:
            known = server
            until(lambda: known.fleet() == workers, "every worker to share the limits")
        began = time.monotonic()
        crowd = Crowd(gateway.url, plan.seconds)
        asyncio.run(crowd.ask())
        _judge(plan, scene, crowd, began + plan.seconds / 6, began + plan.seconds, workers)
        most = _overlaps(log)
        plan.demand(scene, "at the upstream at a time", most, f"<= {SLOTS}", most <= SLOTS)
        # A worker's figures are a second old at most where another one is asked for them.
        until(lambda: gateway.gauge("seekgate_quota_queue_waiting") == 0, "nobody to wait any more")


def _judge(plan: Plan, scene: str, crowd: Crowd, begin: float, end: float, workers: int) -> None:
    counts = {name: team.between(begin, end) for name, team in crowd.teams.items()}
    fair = sum(counts.values()) / len(counts)
    # With two workers, chance decides how many of a small team's clients are at each of them.
    within = 0.06 if workers == 1 else 0.15
    for name, count in counts.items():
        share = count / sum(counts.values())
        near = abs(count - fair) <= max(within * fair, 4)
        plan.demand(scene, f"share of team '{name}' ({TEAMS[name]} clients)", f"{share:.3f}", "0.333", near)
    plan.demand(scene, "served a second", f"{sum(counts.values()) / (end - begin):.1f}", "", None)
    refused = [other for team in crowd.teams.values() for other in team.other]
    plan.demand(scene, "not served", refused[:2] or 0, "0", not refused)
    for name, team in crowd.teams.items():
        longest = max(team.waits)
        bound = 2.5 * TEAMS[name] * 3 / SLOTS * 0.1 + 2.0
        judged = longest <= bound if plan.judge_times else None
        plan.demand(scene, f"longest wait of team '{name}'", f"{longest:.2f} s", f"<= {bound:.1f} s", judged)
    comments = sum(team.comments for team in crowd.teams.values())
    plan.demand(scene, "keep-alive comments seen", comments, "> 0", comments > 0)


def _overlaps(log: Path) -> int:
    """The most requests that the upstream had at a time."""
    most = now = 0
    for line in log.read_text().splitlines():
        event = json.loads(line)["event"]
        now += (event == "start") - (event != "start")
        most = max(most, now)
    return most


def main(arguments: list[str] | None = None) -> int:
    """Run it; 0 when every demand was met."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.live.broker", description=__doc__.partition(":")[0]
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="how long is asked (30)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="of each node in turn (1 2)")
    parser.add_argument("--no-times", action="store_true", help="report waits without judging them")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="seekgate-broker-") as folder:
        plan = Plan(chosen.seconds, not chosen.no_times, Path(folder))
        for workers in chosen.workers:
            broker(plan, workers)
    return verdict(plan.rows)


if __name__ == "__main__":
    sys.exit(main())
