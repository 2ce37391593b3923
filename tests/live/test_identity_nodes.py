"""Two nodes that share a PostgreSQL: a key is known and revoked on both, and neither needs the server to go on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from seekgate.emulate import BackgroundEmulator, Settings
from tests.live.conftest import MakeGateway
from tests.live.test_identity import Caller, command
from tests.support.live import Gateway, settings
from tests.support.postgres import Postgres, postgres
from tests.support.until import until


@contextmanager
def stopped(server: Postgres) -> Iterator[None]:
    """Every process of the server stands still: it neither answers nor refuses."""
    pids = [pid for (pid,) in server.run("SELECT pid FROM pg_stat_activity")]
    postmaster = int(server._server.get_pid())
    family = [postmaster, *(pid for pid in pids if pid != postmaster)]
    for pid in family:
        signalled(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in family:
            signalled(pid, signal.SIGCONT)


def signalled(pid: int, signum: signal.Signals) -> None:
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return  # the connection that was asked for the pids


def test_two_nodes_and_one_database(make_gateway: MakeGateway) -> None:
    with postgres() as server, BackgroundEmulator(Settings()) as emulator:
        environment = {"DATABASE_URL": server.url(server.create()), "HASH": "h" * 40}
        config = settings(
            emulator.url, database={"url": "env:DATABASE_URL"}, identity={"hash_secret": "env:HASH"}
        )
        nodes: list[Gateway] = [
            make_gateway(config, folder=name, environment=environment) for name in ("one", "two")
        ]
        callers = [Caller(node) for node in nodes]

        def answers(key: str) -> list[int]:
            return [caller.status(key) for caller in callers]

        first, second = (
            command(node, "keys", "create", f"key-{number}").splitlines()[-1]
            for number, node in enumerate(nodes)
        )
        for key in (first, second):
            until(lambda key=key: answers(key) == [200, 200], "the key on both nodes", 20)  # type: ignore[misc]
        command(nodes[1], "keys", "revoke", "key-0")
        until(lambda: answers(first) == [401, 401], "the key to stop on both nodes", 20)
        with stopped(server):
            assert answers(second) == [200, 200]
            assert answers(first) == [401, 401]
        command(nodes[0], "keys", "revoke", "key-1")
        until(lambda: answers(second) == [401, 401], "the key to stop after the pause", 60)
        for caller in callers:
            caller.close()
