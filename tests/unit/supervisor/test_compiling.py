from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from seekgate.config.snapshot import Snapshot
from seekgate.supervisor.compiling import Compilation, command
from tests.support.children import Stage, stage
from tests.support.node import CONFIG


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as made:
        yield made


def compile_text(world: Stage, path: Path, text: str) -> tuple[Snapshot | None, list[str]]:
    path.write_text(text)
    results: list[tuple[Snapshot | None, list[str]]] = []
    Compilation(
        1,
        world.children,
        world.loop,
        world.home,
        str(path),
        lambda found, said: results.append((found, said)),
    )
    world.run_until(lambda: results)
    return results[0]


def test_a_good_file_becomes_a_snapshot(world: Stage, tmp_path: Path) -> None:
    snapshot, _ = compile_text(world, tmp_path / "c.yaml", CONFIG.format(workers=3))
    assert snapshot is not None
    assert (snapshot.number, snapshot.workers) == (1, 3)
    assert world.home.snapshot(1).exists()


def test_a_bad_file_becomes_its_errors(world: Stage, tmp_path: Path) -> None:
    snapshot, said = compile_text(world, tmp_path / "c.yaml", "listen: nowhere\nwrokers: 1\n")
    assert snapshot is None
    assert any("c.yaml:1" in line for line in said)
    assert any("c.yaml:2" in line for line in said)
    assert not world.home.snapshot(1).exists()


def test_the_command_line() -> None:
    words = command(None, 3, Path("/o.json"), Path("/h"))
    assert words[-6:] == ["--number", "3", "--output", "/o.json", "--home", "/h"]
    assert "--config" not in words
    assert command("/c.yaml", 3, Path("/o.json"), Path("/h"))[4:6] == ["--config", "/c.yaml"]
