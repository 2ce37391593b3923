from __future__ import annotations

import socket
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from seekgate.config.snapshot import Engine, Limits, Listener, Snapshot
from seekgate.config.snapshot_file import sealed, write_snapshot
from seekgate.supervisor import actions as act
from seekgate.supervisor.engines import Engines
from seekgate.supervisor.perform import Modules, Performer, engine_command
from seekgate.supervisor.workers import Workers
from tests.support.children import Stage, stage
from tests.support.node import ROOT


class Heard:
    """Outcomes, written down."""

    def __init__(self) -> None:
        self.outcomes: list[object] = []
        self.rounds = 0

    def committed(self, number: int) -> None:
        self.outcomes.append(("committed", number))

    def rolled_back(self, number: int, reasons: tuple[str, ...]) -> None:
        self.outcomes.append(("rolled back", number, reasons))

    def fatal(self, reason: str) -> None:
        self.outcomes.append(("fatal", reason))

    def progressed(self) -> None:
        self.rounds += 1


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with stage(tmp_path) as made:
        yield made


def performer(world: Stage, modules: Modules) -> tuple[Performer, Workers, Engines, Heard]:
    ids = count(1)
    workers, engines, heard = Workers(ids), Engines(ids), Heard()
    made = Performer(world.loop, world.home, world.log, workers, engines, modules)
    world.children = made.children
    made.outcomes = heard
    return made, workers, engines, heard


def test_a_worker_is_spawned_begun_and_committed(world: Stage) -> None:
    made, workers, _, heard = performer(world, Modules("tests.fakes.worker", "none"))
    snapshot = sealed(Snapshot(1, "", (Listener("127.0.0.1", 0),), None, 1, Limits(), {}, (), {}))
    write_snapshot(world.home.snapshot(1), snapshot)
    made.snapshots[1] = snapshot
    made.sockets.open([socket.AF_INET], None, 1)
    made.sockets.bind(snapshot, 1)
    made.do(workers.begin(1, 1, world.loop.now()))
    world.run_until(lambda: heard.outcomes)
    assert heard.outcomes == [("committed", 1)]
    made.sockets.close()
    made.do(workers.stop(5.0, world.loop.now()))
    world.run_until(lambda: not workers.workers)
    assert world.children.killed == 0


def test_a_worker_that_cannot_run_is_fatal_in_the_end(world: Stage) -> None:
    made, workers, _, heard = performer(world, Modules("tests.fakes.no_such_module", "none"))
    snapshot = sealed(Snapshot(1, "", (Listener("127.0.0.1", 0),), None, 1, Limits(), {}, (), {}))
    made.snapshots[1] = snapshot
    made.sockets.open([socket.AF_INET], None, 1)
    made.sockets.bind(snapshot, 1)
    made.do(workers.begin(1, 1, world.loop.now()))
    world.run_until(lambda: heard.outcomes)
    made.sockets.close()
    assert heard.outcomes == [("fatal", "worker 0 died 3 times before it was ready")]


def test_an_engines_last_words_are_kept_and_told(world: Stage, tmp_path: Path) -> None:
    made, _, engines, _ = performer(world, Modules("none", "tests.fakes.no_such_module"))
    model = tmp_path / "m.gguf"
    model.touch()
    made.do(engines.want({"e": Engine("e", str(model))}, world.loop.now()))
    world.run_until(lambda: engines.units["e"].trouble)
    assert "exit code 1; last words: " in engines.units["e"].trouble
    assert "no_such_module" in (world.home.log / "engine-e.log").read_text()
    made.do(engines.stop(0.0, world.loop.now()))


def test_rounds_of_actions_are_done_in_order(world: Stage) -> None:
    made, _, _, heard = performer(world, Modules("none", "none"))
    made.do([act.RolledBack(2, ("no",)), act.Fatal("end"), act.Note("info", "said"), act.KillChild(9)])
    assert heard.outcomes == [("rolled back", 2, ("no",)), ("fatal", "end")]
    assert heard.rounds == 1
    assert world.said()[-1]["message"] == "said"


def test_the_command_line_of_an_engine() -> None:
    words = engine_command(
        "m", Engine("e", "model", context=10, slots=2, threads=3, embeddings=True), "/x.gguf"
    )
    assert words[4:] == [
        "--name", "e", "--model", "/x.gguf", "--context", "10", "--slots", "2", "--threads", "3", "--embeddings",
    ]  # fmt: skip
    assert "--embeddings" not in engine_command("m", Engine("e", "model"), "/x.gguf")
